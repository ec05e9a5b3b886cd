"""What is to be done: a method with its parameters, on a region of an image."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from napari_zeroshot.engine.axes import IN_PLANE, Axes
from napari_zeroshot.engine.method import Method, Progress, Setup
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.plan import big_enough, checked_axes
from napari_zeroshot.engine.region import Region
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.variation import can_go_on
from napari_zeroshot.widgets.history import Moment
from napari_zeroshot.widgets.layers import Source

RunSteps = Callable[..., Generator[Progress, None, Result]]
"""`denoise_steps`."""
At = Mapping[str, int]
LEARNT_FROM_MORE = "Its network learnt from other planes too, so that this plane alone cannot be run again."


@dataclass(frozen=True)
class Recipe:
    """A method with a preset and the parameters, which may differ from it."""

    method: Method
    preset: str
    params: Params

    def changes(self) -> dict[str, bool | int | float | str]:
        """The parameters that differ from the preset's."""
        return self.params.changed_from(self.method.settings(self.preset))


@dataclass(frozen=True, eq=False)
class Task:
    """A run or a preview, with everything that was chosen for it.

    Parameters
    ----------
    region
        The part of the image; empty for the whole.
    options
        Seed, device and so on, as `denoise_steps` takes them.
    viewed
        Whether planes are denoised only when they are looked at, by `lazy_steps`.
    cluster
        The scheduler that it is sent to, for `remote_steps`; empty if it is done in this process.
    continued
        Whether it goes on from the network of an earlier preview, so that nothing here could make it again.
    """

    source: Source
    region: Region
    method: Method
    preset: str
    params: Params
    options: Mapping[str, Any]
    viewed: bool = False
    cluster: str = ""
    continued: bool = False

    @property
    def recipe(self) -> Recipe:
        """The method with its parameters."""
        return Recipe(self.method, self.preset, self.params)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result."""
        sizes = zip(self.source.axes.letters, self.source.axes.shape, strict=True)
        return tuple(self.region[letter][1] - self.region[letter][0] if letter in self.region else size for letter, size in sizes)

    @property
    def axes(self) -> Axes:
        """The axes of the result."""
        return Axes(self.source.axes.letters, self.shape)

    @property
    def planes(self) -> int:
        """How many planes are denoised."""
        return len(self.axes.planes())

    @property
    def learns_from_more(self) -> bool:
        """Whether the network that denoises a plane has learnt from others too."""
        return self.method.trains and self.options["stack"] != "plane" and self.planes > self.axes.size("C")

    def check(self) -> None:
        """Raise a `DenoiseError` if the image cannot be denoised, the region is too small for the method, or no cluster can be called so."""
        big_enough(checked_axes(self.source.data, self.source.axes.letters), self.method)
        big_enough(self.axes, self.method)
        if self.cluster:
            from napari_zeroshot.engine.cluster import check_scheduler  # which loads dask

            check_scheduler(self.cluster)

    def steps(self, run: RunSteps, cancelled: Callable[[], bool], **more: Any) -> Generator[Progress, None, Result]:
        """Begin, in the thread that does the work.

        Raises
        ------
        FileError
            If some pixels are see-through.
        """
        self.source.check_opaque(self.region, cancelled)
        changes = self.params.changed_from(self.method.settings(self.preset))
        about = {"axes": self.source.axes.letters, "preset": self.preset, "source": {"name": self.source.name}}
        if self.region:
            about["region"] = self.region
        return run(self.source.data, self.method.name, cancelled=cancelled, **{**about, **self.options, **changes, **more})

    def within(self, at: At) -> At | None:
        """The plane, counted within the region; None if it lies outside."""
        counted = {letter: i - self.region.get(letter, (0, 0))[0] for letter, i in at.items()}
        return counted if all(0 <= i < self.axes.size(letter) for letter, i in counted.items()) else None

    def where(self, at: At) -> Region:
        """The region of one plane, given within this one."""
        counted = [letter for letter in self.source.axes.letters if letter not in IN_PLANE]
        first = {letter: self.region.get(letter, (0, 0))[0] + at.get(letter, 0) for letter in counted}
        return {**self.region, **{letter: (i, i + 1) for letter, i in first.items()}}

    def is_of_the_same_pixels(self, other: Task) -> bool:
        """Whether both are of the same part of one image."""
        same = self.source.layer is other.source.layer and self.source.whole is other.source.whole and self.source.axes == other.source.axes
        return same and dict(self.region) == dict(other.region)

    def differs_only_in_what_can_be_tuned(self, other: Task) -> bool:
        """Whether a network trained for the other task can go on with this one."""
        if not self.is_of_the_same_pixels(other) or self.method != other.method or dict(self.options) != dict(other.options):
            return False
        return self.params != other.params and can_go_on(self.method, other.params, self.params)

    def plane_of(self, image: Any) -> Any:
        """The first plane of a result, as it lies in the image."""
        return image[tuple(slice(None) if letter in IN_PLANE else 0 for letter in self.source.axes.letters)]

    def kept(self, moment: Moment) -> Result:
        """A result from what was shown at one moment."""
        image = moment.image[tuple(slice(None) if letter in IN_PLANE else None for letter in self.source.axes.letters)]
        notes = (f"Kept by hand: one plane, as it was after step {moment.step}.", *([LEARNT_FROM_MORE] if self.learns_from_more else []))
        how = {"planes": 1, "planes_done": 1, "notes": notes, "continued": self.continued or self.learns_from_more}
        return self.unfinished(image, self.where(moment.at), moment, moment.setup, **how)

    def unfinished(self, image: Any, region: Region, moment: Moment | None = None, setup: Setup | None = None, **told: Any) -> Result:
        """A result that was not run to its end, as far as the history knows it; `setup` is what the run says that it computes with."""
        unheard: dict[str, Any] = {"params": self.params, "device": str(self.options["device"]), "processor": "auto"}
        known = {"seconds": moment.seconds, "losses": moment.losses, "scores": moment.scores} if moment else {"seconds": 0.0}
        source = {"shape": list(self.source.axes.shape), "dtype": str(self.source.data.dtype), "name": self.source.name}
        return Result(
            image=image,
            method=self.method.name,
            preset=self.preset,
            axes=self.source.axes.letters,
            stack=self.options["stack"],
            seed=self.options["seed"],
            complete=False,
            dtype=self.options["dtype"],
            nan=self.options["nan"],
            source={**source, "region": {letter: list(ends) for letter, ends in region.items()}, "step": moment.step if moment else 0},
            **(vars(setup) if setup is not None else unheard),
            **known,
            **told,
        )
