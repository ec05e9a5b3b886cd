"""The Noise dock: what noise an image holds, what that means, and what FM2S would make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout

from napari_zeroshot.engine.axes import IN_PLANE
from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.noise_findings import Finding, findings, verdict
from napari_zeroshot.engine.region import Region
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.widgets.dock import Dock, sentence
from napari_zeroshot.widgets.layers import Source
from napari_zeroshot.widgets.layout import RoomyScroll, Sentence, below, button
from napari_zeroshot.widgets.room import Room
from napari_zeroshot.widgets.source import SourcePicker
from napari_zeroshot.widgets.task import Recipe
from napari_zeroshot.widgets.worker import do_in_thread

if TYPE_CHECKING:
    import napari

    from napari_zeroshot.engine.noise_diagnosis import NoiseReport
    from napari_zeroshot.widgets.noise_found import NoiseFound

NO_IMAGE = "Open an image to read its noise, or try the plugin on a sample."
FIRST = "Reads gain, photons, read noise and faults from the image, and says what they mean. A stack tells more than a plane."
WIDTH = 50
"""Letters that fit beside one another, at least."""
PIECE = 96
"""Side of the piece of the image that is shown beside synthetic noise, in pixels."""


class NoiseWidget(Dock):
    """The dock. Without an image it offers a sample; with one, to read its noise; then it shows what was found."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._reading = 0  # counts what was asked, so that late answers are known
        self._busy = False
        self._problem = ""
        self._report: NoiseReport | None = None

        self._picker = SourcePicker(viewer)
        self._read = button("read", "Read the noise", "Measures gain, photons, read noise, faults and shared noise.")
        self._message = Sentence("message", lines=3)
        self._found = Room(self._made_found)
        self._found.setObjectName("found")
        self.setMinimumWidth(WIDTH * self.fontMetrics().averageCharWidth())
        outer = QVBoxLayout(self)
        inside = below(self._picker, self._read, self._sample, self._message, self._found)
        inside.layout().addWidget(self._copy, alignment=Qt.AlignmentFlag.AlignRight)
        outer.addWidget(RoomyScroll(inside))
        outer.addStretch()
        self._colour(self._found)
        self._refresh()

        self._picker.changed.connect(self._on_picker)
        self._read.clicked.connect(self._on_read)

    def _made_found(self) -> NoiseFound:
        from napari_zeroshot.widgets.noise_found import NoiseFound  # which loads what draws plots

        found = NoiseFound()
        found.wanted.connect(self._on_use)
        return found

    def _abandon(self) -> None:
        self._reading += 1  # an answer under way is not wanted any more

    def _leave(self) -> None:
        self._picker.leave()

    def _on_picker(self) -> None:
        self._reading += 1  # an answer about another image comes too late
        self._busy = False
        self._report, self._problem, self._details = None, "", ""
        self._refresh()

    def _on_read(self) -> None:
        self._picker.settle()
        try:
            source = self._picker.value()
        except DenoiseError as error:
            self._on_error(error)
            return
        self._reading += 1
        self._busy, self._problem, asked = True, "", self._reading
        seen = source.visible(self._viewer)
        self._refresh()  # first: napari's bar lets the answer come in meanwhile
        do_in_thread(
            lambda: _read(source, seen),
            told=f"Reading the noise of {source.name}",
            on_done=lambda answer: self._on_answer(answer) if asked == self._reading else None,
            on_error=lambda error: self._on_error(error) if asked == self._reading else None,
        )

    def _on_answer(self, answer: tuple[NoiseReport, NDArray[Any]]) -> None:
        self._busy = False
        self._report, piece = answer
        self._details = "\n".join([verdict(self._report), *(_plain(finding) for finding in findings(self._report))])
        self._found.content().show_report(self._report, piece)
        self._refresh()

    def _on_error(self, error: Exception) -> None:
        self._busy, self._report = False, None
        self._problem = sentence(str(error))
        self._note_error(error)
        show_error(str(error))
        self._refresh()

    def _on_use(self) -> None:
        """Hand FM2S with the factors to the Denoise dock."""
        from napari_zeroshot.widgets.adopt import adopt  # which loads that dock

        method = get_method("fm2s")
        adopt(self._viewer, Recipe(method, "default", method.settings(changes=self._found.content().value())))

    def _refresh(self) -> None:
        """Show the state that the dock is in: no image, ready, reading, read or failed."""
        there = self._picker.layer is not None
        self._read.setVisible(there)
        self._sample.setVisible(not there)
        self._read.setEnabled(not self._busy)
        self._read.setText("Reading…" if self._busy else "Read the noise")
        self._found.setVisible(self._report is not None)
        self._copy.setVisible(bool(self._details))
        told = verdict(self._report) if self._report is not None else self._problem or FIRST
        self._message.setText(told if there else NO_IMAGE)


def _read(source: Source, seen: Region) -> tuple[NoiseReport, NDArray[Any]]:
    """The report of the channel that is seen, and a piece from the middle of what is seen; imports what that takes, so that the window need not."""
    from napari_zeroshot.engine.fm2s_noise import added_noise
    from napari_zeroshot.engine.methods.fm2s import FM2SParams
    from napari_zeroshot.engine.noise_diagnosis import diagnose

    source.check_opaque()
    axes, at = source.axes, {letter: first for letter, (first, _) in seen.items() if letter not in IN_PLANE}
    report = diagnose(source.data, axes=axes.letters, channel=at.get("C", 0))
    plane = axes.read(source.data, axes.index_of(at))[0]
    piece = plane[tuple(_about(seen[letter], axes.size(letter)) for letter in "YX")].copy()
    added_noise(piece, report, FM2SParams())
    return report, piece


def _about(seen: tuple[int, int], size: int) -> slice:
    """A stretch of `PIECE` about the middle of what is seen, within the image."""
    start = min(max(0, sum(seen) // 2 - PIECE // 2), max(0, size - PIECE))
    return slice(start, start + PIECE)


def _plain(finding: Finding) -> str:
    return f"{finding.topic}: {finding.value}. {finding.sentence} {finding.advice}".strip()
