"""A comparison as a table: which columns there are, what they mean, how their figures are written, and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_zeroshot.engine.appearing import check_place
from napari_zeroshot.engine.errors import FileError

if TYPE_CHECKING:
    from napari_zeroshot.engine.comparison import Comparison, Figures


@dataclass(frozen=True)
class Column:
    """A figure of `Figures`: its name there, its title, how it is written, and what it says."""

    name: str
    title: str
    form: str
    told: str

    def write(self, value: float | None) -> str:
        """A figure as people read it; a dash for none, and no sign before nothing."""
        if value is None:
            return "–"
        written = format(value, self.form)
        return (written.lstrip("+-") if set(written) <= set("+-0.%") else written).replace("%", " %")


COLUMNS = (
    Column("psnr", "PSNR (dB)", ".2f", "Closeness to the truth; more is better."),
    Column("ssim", "SSIM", ".4f", "Structural similarity to the truth, at most 1."),
    Column("affine_psnr", "affine PSNR (dB)", ".2f", "PSNR after the gain and offset that fit the truth best."),
    Column("micro_ssim", "MicroSSIM", ".4f", "SSIM that forgives offset and range, at most 1."),
    Column("structure", "detail removed", ".0%", "How much of what was taken from structured places is detail of the sample, at least; 0 is best."),
    Column("noise_left", "noise left", ".0%", "The noise in flat places beside the noisy image's; less is better, if no detail goes with it."),
    Column("whiteness", "whiteness", ".2f", "1 if pixels of what was removed have nothing in common, as independent noise."),
    Column("sharpness", "sharpness", ".2f", "1 keeps the detail that stands out of the noise; less is blurred, more keeps noise too."),
    Column("drift", "mean drift (grey levels)", "+.3g", "By how many grey levels the mean grew; 0 is best."),
    Column("drift_share", "mean drift", "+.2%", "By how much the mean grew, beside the noisy image's; 0 is best."),
)


def columns(comparison: Comparison) -> tuple[Column, ...]:
    """Those that were asked for: with a figure for at least one image, or a reason why there is none."""
    known = {column.name for column in COLUMNS for row in comparison.rows if getattr(row.mean, column.name) is not None}
    return tuple(column for column in COLUMNS if column.name in known | set(comparison.untold))


def write_csv(path: Path, comparison: Comparison, *, per_plane: bool = True, overwrite: bool = False) -> None:
    """Write all figures, in full, a line for each plane of each image, or for each image's mean.

    Raises
    ------
    FileError
        If the file is there already and may not be replaced, or cannot be written.
    """
    check_csv(path, overwrite=overwrite)
    told = columns(comparison)
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["image", *(["plane"] if per_plane else []), *(column.name for column in told)])
            for name, figures in _lines(comparison, per_plane):
                values = (getattr(figures, column.name) for column in told)
                lines.writerow([name, *([figures.where] if per_plane else []), *("" if value is None else repr(value) for value in values)])
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def check_csv(path: Path, *, overwrite: bool = False) -> None:
    """Raise `FileError` if `write_csv` would."""
    check_place(path, replaceable=overwrite and not path.is_dir())


def _lines(comparison: Comparison, per_plane: bool) -> Iterator[tuple[str, Figures]]:
    for row in comparison.rows:
        for figures in row.planes if per_plane else (row.mean,):
            yield row.name, figures
