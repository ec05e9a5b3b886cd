"""A noise report drawn: the photon-transfer curve, and which pixels share noise, as PNG or SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_zeroshot.engine.appearing import check_place
from napari_zeroshot.engine.errors import FileError, MissingPackageError

if TYPE_CHECKING:
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport

ENDINGS = (".png", ".svg")


def check_plot(path: Path, *, overwrite: bool = False) -> None:
    """Raise if `write` would: `FileError` for the file, `MissingPackageError` where matplotlib is not installed."""
    if path.suffix.lower() not in ENDINGS:
        raise FileError(f"{path.name} has an unknown ending {path.suffix!r}; a plot is written as {' or '.join(ENDINGS)}")
    check_place(path, replaceable=overwrite and not path.is_dir())
    _figure()


def _figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError("plots need another package: pip install 'napari-zeroshot[plot]'") from error
    return Figure(figsize=(9, 4), dpi=120, layout="constrained")


def write(path: Path, report: NoiseReport) -> None:
    """Draw a report into a file.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    FileError
        If the file cannot be written.
    """
    figure = _figure()
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_curve(left, report)
    figure.colorbar(_draw_map(right, report), ax=right, label="correlation")
    try:
        figure.savefig(path)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def _draw_curve(plot: Any, report: NoiseReport) -> None:
    transfer = report.transfer
    for used, mark, name in ((True, "o", "measured"), (False, "x", "cut off, not used")):
        points = [one[:3] for one in zip(transfer.means, transfer.variances, transfer.errors, transfer.used, strict=True) if one[3] is used]
        if points:
            means, variances, errors = zip(*points, strict=True)
            plot.errorbar(means, variances, errors, fmt=mark, color="tab:blue" if used else "tab:gray", label=name, markersize=4)
    ends = [transfer.means[0], transfer.means[-1]]
    line, errors = ([function(mean) for mean in ends] for function in (transfer.variance, transfer.variance_error))
    plot.plot(ends, line, color="tab:orange", label="line")
    low, high = ([value + side * error for value, error in zip(line, errors, strict=True)] for side in (-2, 2))
    plot.fill_between(ends, low, high, color="tab:orange", alpha=0.2)
    plot.set(xlabel="mean grey level", ylabel="variance of the noise", ylim=(0, None), title="Photon transfer")
    plot.legend()


def _draw_map(plot: Any, report: NoiseReport) -> Any:
    shown = plot.imshow(report.correlation, vmin=-1, vmax=1, cmap="RdBu_r")
    for row, line in enumerate(report.correlation):
        for column, value in enumerate(line):
            plot.text(column, row, f"{value:.2f}", ha="center", va="center", color="white" if abs(value) > 0.6 else "black")
    lags = range(len(report.correlation))
    plot.set(xticks=lags, yticks=lags, xlabel="columns apart", ylabel="rows apart", title="Shared noise")
    return shown
