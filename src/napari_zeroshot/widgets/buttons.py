"""The buttons that begin and end runs and previews."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton, QSizePolicy, QStackedWidget

from napari_zeroshot.widgets.layout import beside, button

TEXTS = {
    "preview": ("Preview", "Denoises what can be seen of the plane in view, quickly, and again after every change of settings."),
    "run": ("Denoise", "Denoises what is chosen under Where; the result is a new layer."),
    "cancel": ("Cancel", "Ends the training and keeps the best so far."),
    "end": ("End now", "Ends without waiting for the best so far: keeps the finished planes, or what the preview shows."),
}


class Buttons(QStackedWidget):
    """One row in three states: no image, where only `sample` is offered, ready, and running."""

    def __init__(self, sample: QPushButton) -> None:
        super().__init__()
        self.preview, self.run, self.cancel, self.end = (button(name, *told) for name, told in TEXTS.items())
        self._pages = [beside((sample, 1)), beside((self.preview, 1), (self.run, 2)), beside((self.cancel, 2), (self.end, 1))]
        for page in self._pages:
            self.addWidget(page)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_without_image(self) -> None:
        """Offer a sample."""
        self.setCurrentWidget(self._pages[0])

    def show_ready(self, does: str, *, ready: bool, previewing: bool) -> None:
        """Offer a preview and a run, which does what its text says."""
        self.setCurrentWidget(self._pages[1])
        self.run.setText(does)
        self.preview.setText("Stop preview" if previewing else "Preview")
        for pressed in (self.run, self.preview):
            pressed.setEnabled(ready)

    def show_running(self, *, cancelling: bool) -> None:
        """Offer to cancel; and, once cancelled, to wait no longer."""
        self.setCurrentWidget(self._pages[2])
        self.cancel.setEnabled(not cancelling)
        self.cancel.setText("Cancelling…" if cancelling else "Cancel")
        self.end.setEnabled(cancelling)
