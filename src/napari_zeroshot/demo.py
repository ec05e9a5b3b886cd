"""The demo: a sample with known truth, denoised by Auto and the papers' three methods, in napari or in a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_zeroshot.engine import contact_sheet
from napari_zeroshot.engine.appearing import appearing
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result

if TYPE_CHECKING:
    import PIL.Image

    from napari_zeroshot.engine.image import Image

METHODS = ("auto", "zs-n2n", "zs-n2m", "fm2s")
SHEET = "comparison.png"


@dataclass(frozen=True, eq=False)
class Picture:
    """One tile of the comparison.

    Parameters
    ----------
    name
        Of the layer, and of the file in lower case.
    image
        Pixels with axes and pixel size.
    psnr
        Against the truth, in dB; None for the truth itself.
    """

    name: str
    image: Image
    psnr: float | None

    @property
    def title(self) -> str:
        """Name and score in one line."""
        return self.name if self.psnr is None else f"{self.name}, {self.psnr:.1f} dB"

    @property
    def file_name(self) -> str:
        """What the picture is called in a folder."""
        return f"{self.name.lower()}.ome.tif"


def file_names() -> list[str]:
    """What the demo writes into its folder."""
    return [f"{name.lower()}.ome.tif" for name in ("Noisy", *(get_method(method).title for method in METHODS), "Truth")] + [SHEET]


def pictures(run: Callable[..., Result], *, seed: int = 0, **options: Any) -> list[Picture]:
    """The noisy sample, what each method makes of it, and the truth.

    Parameters
    ----------
    run
        Called as ``run(image, method, axes=..., seed=..., source=..., **options)``; gives the `Result`.
    """
    from napari_zeroshot.engine.image import image_of
    from napari_zeroshot.engine.metrics import psnr
    from napari_zeroshot.engine.synthetic import sample_plane

    sample = sample_plane(seed)
    noisy, truth = sample.noisy, sample.truth
    denoised = {
        get_method(method).title: image_of(run(noisy.array, method, axes=noisy.axes, seed=seed, source={"name": "demo sample"}, **options), like=noisy)
        for method in METHODS
    }
    scored = [Picture(name, image, psnr(truth.array, image.array)) for name, image in {"Noisy": noisy, **denoised}.items()]
    return [*scored, Picture("Truth", truth, None)]


def why_no_window() -> str | None:
    """What keeps napari from opening, in words; None if nothing does."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no display"
    try:
        import napari  # noqa: F401
        from qtpy import QtWidgets  # noqa: F401
    except ImportError:
        return "napari is not installed (pip install 'napari-zeroshot[all]')"
    return None


def open_napari(shown: Sequence[Picture]) -> Any:
    """A viewer with the pictures side by side, under one contrast and one camera."""
    import napari

    viewer = napari.Viewer(title="napari-zeroshot demo")
    limits = contact_sheet.contrast(shown[-1].image.array)
    for picture in shown:
        layer = viewer.add_image(picture.image.array, name=picture.title, contrast_limits=limits, **_placed(picture.image))
        if hasattr(layer, "name_overlay"):  # napari before 0.9 has none
            layer.name_overlay.visible = True
    viewer.layers.link_layers(list(viewer.layers), ("contrast_limits", "gamma", "colormap"))
    grid = getattr(viewer, "canvas", viewer).grid  # napari before 0.9 has viewer.grid
    grid.stride, grid.shape, grid.enabled = 1, (-1, 3), True
    viewer.reset_view()
    return viewer


def _placed(image: Image) -> dict[str, Any]:
    sizes = [image.scale[letter] for letter in image.axes or ""]
    return {"scale": [size for size, _ in sizes], "units": [unit for _, unit in sizes], "axis_labels": list(image.axes or "")}


def show(shown: Sequence[Picture]) -> None:
    """Open napari with the pictures and wait until it is closed."""
    import napari

    open_napari(shown)
    napari.run()


def write_folder(shown: Sequence[Picture], folder: Path) -> None:
    """Write each picture as OME-TIFF, and all of them as one sheet. Raises `FileError` if that cannot be done."""
    from napari_zeroshot.engine.files import write

    for picture in shown:
        write(folder / picture.file_name, picture.image, overwrite=True)
    with appearing(folder / SHEET) as file:
        sheet(shown).save(file, format="PNG")


def sheet(shown: Sequence[Picture]) -> PIL.Image.Image:
    """The pictures side by side under one contrast, each with its title and score."""
    tiles = [contact_sheet.Captioned(picture.image.array, (picture.title,)) for picture in shown]
    return contact_sheet.sheet([tiles], contact_sheet.contrast(shown[-1].image.array))
