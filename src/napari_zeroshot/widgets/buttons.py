"""The buttons that begin and end runs and previews."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QStackedWidget, QWidget

TEXTS = {
    "sample": ("Load a sample", "Opens a noisy picture to try the plugin on."),
    "preview": ("Preview", "Denoises what can be seen of the plane in view, quickly, and again after every change of settings."),
    "run": ("Denoise", "Denoises what is chosen under Where; the result is a new layer."),
    "cancel": ("Cancel", "Ends the training and keeps the best so far."),
    "end": ("End now", "Ends without waiting for the best so far: keeps the finished planes, or what the preview shows."),
}


class Buttons(QStackedWidget):
    """One row in three states: no image, ready, and running."""

    def __init__(self) -> None:
        super().__init__()
        self.sample, self.preview, self.run, self.cancel, self.end = (_button(name) for name in TEXTS)
        self._pages = [_row(self.sample), _row(self.preview, self.run), _row(self.cancel, self.end)]
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
        for button in (self.run, self.preview):
            button.setEnabled(ready)

    def show_running(self, *, cancelling: bool) -> None:
        """Offer to cancel; and, once cancelled, to wait no longer."""
        self.setCurrentWidget(self._pages[2])
        self.cancel.setEnabled(not cancelling)
        self.cancel.setText("Cancelling…" if cancelling else "Cancel")
        self.end.setEnabled(cancelling)


def _button(name: str) -> QPushButton:
    text, tooltip = TEXTS[name]
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(f"<p>{tooltip}</p>")
    return button


def _row(*buttons: QPushButton) -> QWidget:
    row = QWidget()
    beside = QHBoxLayout(row)
    beside.setContentsMargins(0, 0, 0, 0)
    for button in buttons:
        beside.addWidget(button, stretch=1 if button.objectName() in ("preview", "end") else 2)
    return row
