"""`napari-zeroshot demo`: Auto and the papers' three methods on a sample, in napari or in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_zeroshot.cli.progress import first_interrupt, follow
from napari_zeroshot.cli.report import fail, give_json
from napari_zeroshot.cli.shared_options import DeviceOption, JsonOption, OverwriteOption, SeedOption
from napari_zeroshot.engine.appearing import check_folder

if TYPE_CHECKING:
    from napari_zeroshot.demo import Picture
    from napari_zeroshot.engine.result import Result


def demo(
    *,
    folder: Annotated[Path, typer.Option(help="Where files are written if no window is opened; made if missing.")] = Path("demo_output"),
    window: Annotated[bool, typer.Option("--window/--no-window", help="Open napari if there is a display.")] = True,
    preset: Annotated[str, typer.Option(help="The preset of all methods: default, preview or paper.")] = "default",
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Denoise a sample with Auto and the papers' three methods, and compare them side by side, in napari or as files."""
    from napari_zeroshot import demo as work

    reason = "--no-window was given" if as_json or not window else work.why_no_window()
    if reason:
        check_folder(folder, work.file_names(), replaceable=overwrite)
    with first_interrupt() as asked:
        shown = work.pictures(_runner(asked.is_set, as_json), preset=preset, device=device, seed=seed)
        if asked.is_set():
            fail("ended by Ctrl-C; nothing was written", code=130, as_json=as_json)
    if reason:
        work.write_folder(shown, folder)
        _report(shown, folder, reason, as_json)
    else:
        work.show(shown)


def _runner(cancelled: Callable[[], bool], quiet: bool) -> Callable[..., Result]:
    from napari_zeroshot.engine.run import denoise_steps

    def run(image: Any, method: str, **options: Any) -> Result:
        return follow(denoise_steps(image, method, cancelled=cancelled, **options), method, quiet=quiet)

    return run


def _report(shown: Sequence[Picture], folder: Path, reason: str, as_json: bool) -> None:
    from napari_zeroshot.demo import SHEET

    if as_json:
        files = [*(picture.file_name for picture in shown), SHEET]
        give_json({"folder": str(folder), "files": files, "psnr": {picture.name: picture.psnr for picture in shown}})
        return
    for picture in shown:
        typer.echo(f"{folder / picture.file_name}: {picture.title}")
    typer.echo(f"{folder / SHEET}: all side by side\nNo napari window was opened: {reason}.")
