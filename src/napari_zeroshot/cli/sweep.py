"""`napari-zeroshot sweep INPUT FOLDER`: many settings tried on a piece of an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_zeroshot.cli.progress import first_interrupt, follow
from napari_zeroshot.cli.report import fail, give_json, opened, show_table, tell
from napari_zeroshot.cli.shared_options import AxesOption, DeviceOption, JsonOption, NanOption, OverwriteOption, SeedOption
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.params import Value, check_names, describe
from napari_zeroshot.engine.registry import get_method

if TYPE_CHECKING:
    from napari_zeroshot.engine.image import Image
    from napari_zeroshot.engine.sweep_tiles import Sweep

METHOD = "The method; give several to compare them."
VARY = "A parameter and its values: alpha_ie=1,10,100, or alpha_ie=0.1:100:7 for seven from 0.1 to 100; alone (alpha_ie), the usual ones. At most twice."
SET = "A parameter that is the same in all tiles: steps=200. As often as needed."
REGION = "The piece to try on: Y=100:356,X=0:256,T=3. Left out, the middle 256 pixels of the middle plane."
TRUTH = "The image without noise: PSNR and SSIM are told too."
START = "fresh: every tile is trained from the start, as a run would. warm: it goes on from the tile before, a quick look only."


def sweep(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="The noisy image.", show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write sweep.png, .csv and .ome.tif; made if missing.", show_default=False)],
    *,
    method: Annotated[list[str] | None, typer.Option(help=METHOD, show_default="zs-n2m")] = None,
    vary: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUES", help=VARY, show_default=False)] = None,
    fixed: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=SET, show_default=False)] = None,
    preset: Annotated[str | None, typer.Option(help="A named setting of the method, under what is varied and set.", show_default=False)] = None,
    region: Annotated[str | None, typer.Option(help=REGION, show_default=False)] = None,
    truth: Annotated[Path | None, typer.Option(help=TRUTH, show_default=False)] = None,
    start: Annotated[Literal["fresh", "warm"], typer.Option(help=START)] = "fresh",
    axes: AxesOption = None,
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    nan: NanOption = "refuse",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Denoise a piece of an image with many settings; the result is a contact sheet, a table, and the pictures as a stack."""
    from napari_zeroshot.engine import sweep_files
    from napari_zeroshot.engine.appearing import check_folder
    from napari_zeroshot.engine.sweep import sweep_steps

    methods = method or ["zs-n2m"]
    piece = _region(region) if region else None
    options: dict[str, Any] = {"vary": _varied(vary or ()), "preset": preset, "region": piece, "start": start, "device": device, "seed": seed, "nan": nan}
    options |= _fixed(methods, fixed or ())
    with first_interrupt() as asked:
        image = opened(source, axes)
        true = opened(truth, axes).array if truth else None
        steps = sweep_steps(image.array, methods, axes=image.axes, truth=true, cancelled=asked.is_set, source={"name": source.name}, **options)
        check_folder(folder, sweep_files.FILES, replaceable=overwrite)
        done = follow(steps, "Sweep", quiet=as_json)
        if not done.images:
            fail(_why_nothing(done), code=1 if done.complete else 130, as_json=as_json)
        if not as_json:  # first, for the files may turn out not to be writable
            show_table(*_table(done))
        paths = sweep_files.write_folder(folder, done, like=image, overwrite=True)
    _report(done, image, paths, as_json)
    if not done.complete:
        raise typer.Exit(130)


def _varied(words: Sequence[str]) -> dict[str, str | None]:
    parted = [word.partition("=") for word in words]
    return {name: values if sign else None for name, sign, values in parted}


def _fixed(methods: Sequence[str], words: Sequence[str]) -> dict[str, Value]:
    from napari_zeroshot.engine.variation import value_of

    found: dict[str, Value] = {}
    for word in words:
        typed, sign, value = word.partition("=")
        if not sign:
            raise ParamError(f"--set {word} has no value; give one, such as --set steps=200")
        name, params = typed.replace("-", "_"), get_method(methods[0]).params
        check_names(params, {name: value})
        found[name] = value_of({knob.name: knob for knob in describe(params)}[name], value)
    return found


def _region(text: str) -> dict[str, tuple[int, int]]:
    """``Y=100:356,T=3`` gives first and end indices."""
    found = {}
    for word in text.split(","):
        letter, _, ends = word.strip().partition("=")
        first, colon, end = ends.partition(":")
        if not first.isdigit() or (colon and not end.isdigit()):
            raise ParamError(f"--region {text} cannot be read at {word!r}; give a first and an end index for each axis, such as Y=100:356,X=0:256,T=3")
        found[letter.upper()] = (int(first), int(end) if colon else int(first) + 1)
    return found


def _why_nothing(done: Sweep) -> str:
    return done.tiles[0].problem if done.tiles else "ended by Ctrl-C before a tile was done; nothing was written"


def _report(done: Sweep, image: Image, paths: Sequence[Path], as_json: bool) -> None:
    notes = [*image.notes, *done.notes]
    if as_json:
        best = done.best.row(done.axes) if done.best else None
        where = {letter: list(ends) for letter, ends in done.region.items()}
        give_json({"files": [str(path) for path in paths], "region": where, "complete": done.complete, "tiles": done.rows(), "best": best, "notes": notes})
        return
    typer.echo("Wrote " + ", ".join(str(path) for path in paths) + ("" if done.complete else "; ended by Ctrl-C, the other tiles are missing"))
    tell(notes)


COLUMNS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "psnr": ("PSNR (dB)", "{:.2f}".format),
    "ssim": ("SSIM", "{:.4f}".format),
    "expected_error": ("expected error", "{:.4g}".format),
    "held_out": ("held-out loss", "{:.4g}".format),
    "seconds": ("seconds", "{:.1f}".format),
}


def _table(done: Sweep) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """The columns that hold anything, and a row for each tile; the best one is marked."""
    rows: list[dict[str, Any]] = done.rows()
    told = [name for name in COLUMNS if any(row[name] is not None for row in rows)]
    titles = [tile.setting.title + (" (best)" if tile is done.best else "") for tile in done.tiles]
    numbers = [["-" if row[name] is None else COLUMNS[name][1](row[name]) for name in told] for row in rows]
    return ("setting", *(COLUMNS[name][0] for name in told), ""), [[t, *n, tile.problem] for t, n, tile in zip(titles, numbers, done.tiles, strict=True)]
