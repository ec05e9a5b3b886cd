"""When a training goes astray: the same again, with a smaller learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from napari_zeroshot.engine.errors import DivergedError
from napari_zeroshot.engine.method import Job, Steps

RESTARTS = 3
"""So often a training is begun anew, each time with a quarter of the learning rate."""


def calmer(fit: Callable[[Job], Steps], job: Job, restarts: int = RESTARTS, lost: int = 0) -> Steps:
    """A training that begins anew when its loss is no number, from the same seed with a quarter of the learning rate, and says so in a note.

    Parameters
    ----------
    fit
        Begins it.
    restarts
        How often that may be.
    lost
        Steps of those that went astray, which count as done.

    Raises
    ------
    DivergedError
        If the smallest rate is too large as well, or the run is cancelled.
    """
    steps, reached = fit(job), lost
    while True:
        try:
            report = next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        except DivergedError:
            if not restarts or job.cancelled():
                raise
            break
        reached = lost + report.step
        yield replace(report, step=reached, total=lost + report.total)
    slower = replace(job, rate_share=job.rate_share / 4)
    job.note(f"The training went astray; it was begun anew with 1/{1 / slower.rate_share:.0f} of its learning rate.")
    return (yield from calmer(fit, slower, restarts - 1, reached))
