"""What is seen of a run or a preview: the layer that shows the image so far, its history, the bar and the curves."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets.history import History, Moment
from napari_zeroshot.widgets.layers import Preview
from napari_zeroshot.widgets.progress import ProgressPanel
from napari_zeroshot.widgets.room import Room
from napari_zeroshot.widgets.task import At, Task
from napari_zeroshot.widgets.worker import Report

if TYPE_CHECKING:
    import napari


class Watch:
    """Shows one task after another; `task` is the one shown last, `layer` where it is shown, both None before the first."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self.progress, self.curves, self.history = ProgressPanel(), Room(_loss_plot), History()
        self.task: Task | None = None
        self.layer: Preview | None = None
        self._training, self._begun, self._learnt = -1, 0, 0

    def begin(self, task: Task) -> None:
        """Show what comes of a task from now on."""
        self.task = task  # first: a layer that does not fit any more is taken away, of which others hear
        self.layer = Preview(self._viewer, task.source, task.region, self.layer)
        self._training, self._begun, self._learnt = -1, 0, 0
        self.history.empty()
        self.progress.start()
        self.curves.content().empty()
        self.curves.show()

    def report(self, report: Report) -> None:
        """Show what a run has reported."""
        self._count(report)
        if report.preview is None or self.task is None or self.task.cluster:
            self.history.note(report.losses, report.scores)
        else:
            progress, step = report.progress, self._learnt or report.progress.step  # a filter learns nothing
            self.history.add(Moment(step, progress.seconds, report.preview, report.at or {}, report.losses, report.scores, progress.setup))
        self._show(report)
        self.progress.show_progress(report.progress)
        self.curves.content().add(report.losses, report.trainings, report.scores)

    def _show(self, report: Report) -> None:
        """Show the plane of a report; one of a cluster is finished, and has no history."""
        if report.preview is None or self.layer is None:
            return
        if self.task is not None and self.task.cluster:
            self.layer.show(report.preview, report.at or {})
        elif self.history.at_latest:
            self.show_moment()

    def _count(self, report: Report) -> None:
        """Note how many steps the latest training has taken: those of others, and what denoising is worth, are no steps of its."""
        for (step, _), training in zip(report.losses, report.trainings, strict=True):
            if training != self._training:  # a training reports its first step
                self._training, self._begun = training, step - 1
            self._learnt = step - self._begun

    def previewed(self, result: Result) -> None:
        """Show what a preview came to."""
        if self.task is None:
            return
        steps = result.losses[-1][0] if result.losses else 0
        self.history.add(Moment(steps, result.seconds, self.task.plane_of(result.image), {}, setup=result.setup))
        self.show_moment()
        self.finish(result)

    def finish(self, result: Result) -> None:
        """Show that a result is there: a full bar, and whole curves."""
        self.progress.finish()
        self.curves.content().empty()
        self.curves.content().add(result.losses, [bisect_left(result.begun, step) for step, _ in result.losses], result.scores)

    def show_moment(self) -> None:
        """Show the moment that the history stands at."""
        moment = self.history.moment
        if moment is not None and self.layer is not None:
            self.layer.show(moment.image, moment.at)

    @property
    def wanted(self) -> bool:
        """Whether something was shown whose layer the user has not deleted."""
        return self.layer is not None and self.layer.wanted

    def plane(self, viewer: napari.viewer.Viewer) -> At | None:
        """The plane in view, counted as the task shown counts; None if previews of it are not wanted, or it lies outside."""
        return self.task.within(self.task.source.plane_in_view(viewer)) if self.task is not None and self.wanted else None

    def take_away(self) -> None:
        """Show no layer any more."""
        if self.layer is not None:
            self.layer.remove()

    def forget(self) -> None:
        """Let go of the task shown, and of everything seen of it."""
        self.take_away()
        self.history.empty()
        self.task = self.layer = None


def _loss_plot() -> Any:
    from napari_zeroshot.widgets.curves import LossPlot

    return LossPlot()
