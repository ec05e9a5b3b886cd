"""One piece of an image, denoised with many settings, to choose by eye or by number: `sweep_steps` and `sweep`."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine import intensity, metrics
from napari_zeroshot.engine.axes import IN_PLANE, Axes
from napari_zeroshot.engine.device import failures_explained
from napari_zeroshot.engine.errors import DeviceMemoryError, DivergedError, ImageError, MissingPackageError, ParamError
from napari_zeroshot.engine.expected_error import ErrorMeter, error_meter
from napari_zeroshot.engine.method import Progress, finished, never
from napari_zeroshot.engine.neighbours import Among, amid, count_of
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.params import Value
from napari_zeroshot.engine.plan import big_enough, checked_axes
from napari_zeroshot.engine.region import Region, cut, planes_around
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.engine.sweep_tiles import Sweep, SweepProgress, Tile
from napari_zeroshot.engine.variation import Axis, Setting, axes_of, settings_of

Start = Literal["fresh", "warm"]
SIDE = 256
"""Rows and columns of the piece that is tried on, at most, where none is named."""
WHOLE = 2**22
"""A plane of more pixels is not read as a whole to know its noise; the piece must do."""
FINE = 100
"""Steps of progress for each tile."""
SHARED = "Neighbouring pixels share noise, so the expected error cannot be told: it would not see the noise that is left. Judge by eye, or with a truth."
UNJUDGED = "The piece holds NaN, so that neither PSNR nor SSIM can be told."
WARM = "Each network went on from the tile before, where that was possible: a quick look. A full run with the same settings gives another picture."


def sweep(image: Any, method: str | Sequence[str] = "zs-n2m", **options: Any) -> Sweep:
    """The tiles of a sweep; takes what `sweep_steps` takes.

    Examples
    --------
    >>> tiles = sweep(plane, "zs-n2m", vary={"alpha_ie": [1, 10, 100]})  # doctest: +SKIP
    >>> tiles.best.setting.params.alpha_ie  # doctest: +SKIP
    10.0
    """
    steps = sweep_steps(image, method, **options)
    return finished(steps)


def sweep_steps(
    image: Any,
    method: str | Sequence[str] = "zs-n2m",
    *,
    vary: Mapping[str, str | Sequence[Value] | None] | None = None,
    axes: str | None = None,
    preset: str | None = None,
    region: Region | None = None,
    truth: Any = None,
    start: Start = "fresh",
    device: str = "auto",
    seed: int = 0,
    threads: int | None = None,
    nan: Literal["refuse", "fill"] = "refuse",
    cancelled: Callable[[], bool] = never,
    source: Mapping[str, Any] | None = None,
    **params: Any,
) -> Generator[SweepProgress, None, Sweep]:
    """Denoise one piece of an image with many settings, tile by tile: a generator of `SweepProgress` that returns a `Sweep`.

    What is wrong with the arguments is raised by this call; nothing is computed before the first ``next()``.

    Parameters
    ----------
    image, axes, preset, device, seed, threads, nan, source
        As for `denoise_steps`. All tiles have the same seed, so that they differ by their settings only.
    method
        A method, or several that are compared.
    vary
        Parameters to vary, one or two (one if methods are compared too), each with its values: numbers or words, or a text such as
        ``0.1:100:7`` (see `variation.values_of`), or None for the usual ones.
    region
        The piece, as for `denoise_steps`. Along T, Z and P, what is not named is the middle plane; along C the first; of Y and X
        the middle 256 pixels.
    truth
        The image without noise, of the image's shape or the piece's: gives PSNR and SSIM, against the range of its plane; neither where the piece holds NaN.
    start
        ``fresh``: every tile is trained from the start with all its steps, and is what `denoise_steps` makes of this region. ``warm``: a network goes
        on from the tile before for the method's `warm_steps`, where both differ in tunable parameters only, and not in steps: quicker, but
        not what a run gives.
    cancelled
        Asked at every step. Once true, the tile under way is given up, and the finished ones are returned with ``complete=False``.
    **params
        Single parameters, the same for all tiles.

    Notes
    -----
    A network learns from the piece alone, while a run on the whole plane learns from all of it; grey levels are scaled as for the whole plane.
    A setting that comes to nothing (a training that goes astray, too little memory on the graphics card, a package that is not installed) gives a tile
    with a `problem`.

    Raises
    ------
    ParamError, ImageError, DeviceError
        As `denoise_steps`; ParamError too if there is nothing to vary, or too much. ImageError, once begun, if the piece is even.
    """
    if start not in get_args(Start):
        raise ParamError(f"start = {start!r} is not allowed; it takes {', '.join(get_args(Start))}")
    names = [method] if isinstance(method, str) else list(dict.fromkeys(method))
    methods = [get_method(name) for name in names]
    directions = axes_of(methods, vary or {})
    settings = settings_of(names, directions, preset, params)
    whole = checked_axes(image, axes)
    piece = default_region(whole) | dict(region or {})
    part = Axes(whole.letters, cut(image, whole, piece).shape)
    if len(part.planes()) > 1:
        raise ImageError(f"a sweep is of one plane; the region has {len(part.planes())}, name one of each axis, such as T from 3 to 4")
    for known in methods:
        big_enough(part, known)
    about: dict[str, Any] = {
        "axes": whole.letters,
        "device": device,
        "seed": seed,
        "threads": threads,
        "nan": nan,
        "region": piece,
        "cancelled": cancelled,
        "source": source,
        "lessen": False,  # else a tile were of other settings than it says
        "cautions": False,
    }
    denoise_steps(image, names[0], **about)  # begins nothing, but says what is wrong with these
    work = _Work(image, whole, piece, directions, tuple(settings), _cut_truth(truth, whole, piece, part), start == "warm", about)
    return work.steps()


def default_region(axes: Axes) -> dict[str, tuple[int, int]]:
    """The piece that is tried on where none is named: the middle of the middle plane of the first channel."""
    middles = {letter: size // 2 if letter != "C" else 0 for letter, size in zip(axes.letters, axes.shape, strict=True) if letter not in IN_PLANE}
    sides = {letter: min(axes.size(letter), SIDE) for letter in "YX"}
    starts = {letter: (axes.size(letter) - side) // 2 for letter, side in sides.items()}
    return {letter: (at, at + 1) for letter, at in middles.items()} | {letter: (starts[letter], starts[letter] + side) for letter, side in sides.items()}


def check_uneven(piece: NDArray[Any]) -> None:
    """Raise `ImageError` if all pixels are the same: nothing could be seen, whatever the settings."""
    if piece.size and (piece == piece.flat[0]).all():
        raise ImageError(f"every pixel of the piece holds {piece.flat[0]:g}, so that all settings look alike; choose a place with something to see")


def piece_steps(image: Any, method: str, *, axes: str, region: Region, **options: Any) -> Generator[Progress, None, Result]:
    """As `denoise_steps`, for a piece to be judged by eye: one whose pixels are all the same is refused.

    Raises
    ------
    ImageError
        If the piece is even; and as `denoise_steps`.
    """
    check_uneven(_read(cut(image, checked_axes(image, axes), region)))
    return denoise_steps(image, method, axes=axes, region=region, **options)


def _cut_truth(truth: Any, whole: Axes, region: Region, part: Axes) -> _Truth | None:
    if truth is None:
        return None
    shape = tuple(truth.shape)
    if shape == whole.shape:
        inside, around = cut(truth, whole, region), planes_around(truth, whole, region)
        (index,) = Axes(whole.letters, around.shape).planes()
        return _Truth(_plane(part, inside), _range(Axes(whole.letters, around.shape).read(around, index)))
    if shape in (part.shape, tuple(part.size(letter) for letter in part.letters if letter in IN_PLANE)):
        piece = np.asarray(truth).reshape(tuple(part.size(letter) for letter in part.letters if letter in IN_PLANE))
        return _Truth(piece, _range(piece))
    raise ImageError(f"the truth has shape {shape}, the image {whole.shape} and the piece {part.shape}; give a truth of one of these shapes")


@dataclass(frozen=True, eq=False)
class _Truth:
    """The piece without noise, and the distance from black to white in its plane."""

    piece: NDArray[Any]
    data_range: float


def _range(plane: NDArray[Any]) -> float:
    return 255.0 if plane.dtype == np.uint8 else float(plane.max()) - float(plane.min()) or 1.0


def _plane(axes: Axes, image: Any) -> NDArray[Any]:
    """The only plane of an image, Y, X and S in the image's order."""
    (index,) = axes.planes()
    return axes.as_laid(axes.read(image, index))


@dataclass(eq=False)
class _Work:
    """A sweep under way."""

    image: Any
    whole: Axes
    region: dict[str, tuple[int, int]]
    directions: tuple[Axis, ...]
    settings: tuple[Setting, ...]
    truth: _Truth | None
    warm: bool
    about: Mapping[str, Any]
    tiles: list[Tile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    levels: Any = None
    meter: ErrorMeter | None = None
    started: float = field(default_factory=time.perf_counter)

    def steps(self) -> Generator[SweepProgress, None, Sweep]:
        """Do the work."""
        noisy = _plane(self._axes, cut(self.image, self.whole, self.region))
        check_uneven(noisy)
        if self.truth is not None and not np.isfinite(noisy).all():
            self.notes.append(UNJUDGED)
        for before, setting in pairwise((None, *self.settings)):
            if not self.about["cancelled"]() and setting is not None:
                yield from self._tile(setting, self._start(before, setting))
        if self.warm:
            self.notes.append(WARM)
        complete = len(self.tiles) == len(self.settings)
        letters = "".join(letter for letter in self.whole.letters if letter in IN_PLANE)
        truth = self.truth.piece if self.truth else None
        return Sweep(self.directions, tuple(self.tiles), noisy, truth, letters, self.region, self.about["seed"], complete, tuple(self.notes))

    @property
    def _axes(self) -> Axes:
        return Axes(self.whole.letters, cut(self.image, self.whole, self.region).shape)

    def _start(self, before: Setting | None, setting: Setting) -> Any:
        """The network to go on from."""
        if not self.warm or before is None or not setting.can_go_on_from(before):
            return None
        last = self.tiles[-1].result
        return last.denoiser if last else None

    def _tile(self, setting: Setting, start: Any) -> Generator[SweepProgress, None, None]:
        changes: dict[str, Any] = setting.params.changed_from(setting.method.settings(setting.preset))
        try:
            run = denoise_steps(self.image, setting.method.name, preset=setting.preset, start=start, levels=self.levels, **self.about, **changes)
            result = yield from self._followed(run, setting)
            if not result.complete:
                return
            self.tiles.append(self._judged(setting, result))
        except (DeviceMemoryError, DivergedError, MissingPackageError) as error:
            self.tiles.append(Tile(setting, problem=str(error)))
        yield self._progress(setting, None, 1.0)

    def _followed(self, run: Generator[Progress, None, Result], setting: Setting) -> Generator[SweepProgress, None, Result]:
        while True:
            try:
                report = next(run)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            yield self._progress(setting, report, report.step / max(1, report.total))

    def _progress(self, setting: Setting, report: Progress | None, part: float) -> SweepProgress:
        done = len(self.tiles) - (report is None)
        loss, score, snapshot = (report.loss, report.score, report.snapshot) if report else (None, None, self._latest)
        stage = f"tile {done + 1}/{len(self.settings)}, {setting.title}"
        step, total = round(FINE * (done + part)), FINE * len(self.settings)
        return SweepProgress(stage, step, total, loss, time.perf_counter() - self.started, snapshot, score, tiles=tuple(self.tiles))

    def _latest(self, at: Mapping[str, int] | None = None) -> NDArray[Any]:
        """What the tiles' snapshots give: the piece, as it was denoised last."""
        result = next((tile.result for tile in reversed(self.tiles) if tile.result), None)
        image = result.image if result else cut(self.image, self.whole, self.region)
        return _plane(self._axes, image) if at is not None else np.asarray(image)

    def _judged(self, setting: Setting, result: Result) -> Tile:
        if self.levels is None:
            self.levels = result.levels
            self.meter = self._make_meter()
        image = _plane(self._axes, result.image)
        with failures_explained(result.processor):
            error = self._expected_error(result)
        return Tile(
            setting=setting,
            image=image,
            seconds=result.seconds,
            expected_error=error,
            held_out=result.scores[-1][1] if result.scores else None,
            **self._compared(image),
            result=result,
        )

    def _expected_error(self, result: Result) -> float | None:
        if self.meter is None or result.denoiser is None:
            return None
        count = count_of(result.params)
        among = Among.of(self.image, self.whole, self.region, count)
        if among is None:
            return self.meter.error(result.denoiser)
        (index,) = self._axes.planes()
        planes = (intensity.fill_gaps(among.read(at), "", allowed=True)[0] for at in among.around(index))  # what may not be filled was refused before
        seen = np.concatenate([self.levels.normalise(plane) for plane in planes])
        return self.meter.error(amid(result.denoiser, seen[np.newaxis], count))

    def _compared(self, image: NDArray[Any]) -> dict[str, Any]:
        if self.truth is None or not np.isfinite(image).all():
            return {}
        letters = [letter for letter in self.whole.letters if letter in IN_PLANE]
        colour = letters.index("S") if "S" in letters else None
        piece, data_range = self.truth.piece, self.truth.data_range
        return {"psnr": metrics.psnr(piece, image, data_range), "ssim": metrics.ssim(piece, image, data_range, channel_axis=colour)}

    def _make_meter(self) -> ErrorMeter | None:
        reasons = []
        for part in self._parts_to_read():
            try:
                report = diagnose(part, axes=self.whole.letters)
            except ImageError as error:
                reasons.append(str(error))
                continue
            if report.neighbours_share:
                self.notes.append(SHARED)
                return None
            (index,) = self._axes.planes()
            return error_meter(self._axes.read(cut(self.image, self.whole, self.region), index), self.levels, report)
        self.notes.append(f"The expected error cannot be told: {reasons[0]}.")
        return None

    def _parts_to_read(self) -> Iterator[NDArray[Any]]:
        """What the noise is read from: the whole plane if it is not too large, else the piece."""
        if self.whole.height * self.whole.width <= WHOLE:
            yield _read(planes_around(self.image, self.whole, self.region))
        yield _read(cut(self.image, self.whole, self.region))


def _read(part: Any) -> NDArray[Any]:
    return np.asarray(part[tuple(slice(None) for _ in part.shape)])
