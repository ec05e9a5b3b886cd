"""How to run: what decides the result besides the image and the method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QWidget
from superqt import QLargeIntSpinBox

from napari_zeroshot.widgets.layout import CalmWheel, add_row, narrow, rows
from napari_zeroshot.widgets.number import ExactSpinBox

if TYPE_CHECKING:
    import napari

DEVICES = ("auto", "cpu", "cuda", "mps")
ELSEWHERE = (
    "<p>Where runs are done. local takes a process for each core of this computer, local:4 takes four; an address such as tcp://host:8786 "
    "is that of a running dask cluster. Previews, View denoised and networks that are used again stay in this program.</p>"
)
HERE = "this program"
"""What stands for no cluster."""
CLUSTERS = (HERE, "local")
STACKS = {"one per channel": "shared", "one per plane": "plane", "one, plane after plane": "warm"}
TYPES = {"same as the image": "same", "float32": "float32"}


class Reproducibility(QWidget):
    """Seed, device, how stacks share networks, the type of the result and the memory to take: the run's options in the engine's words.

    `moved` tells that it is to be run elsewhere, which changes nothing that a preview shows.
    """

    changed = Signal()
    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._seed = QLargeIntSpinBox()
        self._seed.setRange(0, 2**63 - 1)
        self._device, self._cluster, self._stack, self._dtype = (narrow(QComboBox()) for _ in range(4))
        for editable, known in ((self._device, DEVICES), (self._cluster, CLUSTERS)):
            editable.addItems(known)
            editable.setEditable(True)
        for box, words in ((self._stack, STACKS), (self._dtype, TYPES)):
            for text, word in words.items():
                box.addItem(text, word)
        self._fill = QCheckBox()
        self._memory = ExactSpinBox()
        self._memory.setRange(0, 100_000)
        self._memory.setSuffix(" GB")
        self._memory.setSpecialValueText("automatic")
        self._wheel = CalmWheel(self)
        controls = {
            "seed": self._seed, "device": self._device, "cluster": self._cluster, "stack": self._stack,
            "dtype": self._dtype, "nan": self._fill, "memory": self._memory,
        }  # fmt: skip
        for name, control in controls.items():
            control.setObjectName(name)
            self._wheel.guard(control)

        form = rows()
        self.setLayout(form)
        add_row(form, "Seed", self._seed, "<p>Decides every random number: the same seed on the CPU gives the same pixels.</p>")
        add_row(form, "Device", self._device, "<p>auto takes a CUDA or Apple GPU if there is one, else the CPU. Or name one, such as cuda:1.</p>")
        add_row(form, "Cluster", self._cluster, ELSEWHERE)
        add_row(
            form, "Networks", self._stack, "<p>One learnt from all planes of a channel, a new one for each plane, or one that goes on from plane to plane.</p>"
        )
        add_row(form, "Output type", self._dtype, "<p>Whole numbers are rounded and clipped; float32 keeps fractions. Grey levels stay as they are.</p>")
        add_row(form, "Fill NaN", self._fill, "<p>Denoise images with NaN or infinity: they are filled for the work, and are NaN in the result.</p>")
        add_row(
            form,
            "Memory",
            self._memory,
            "<p>What the run may take beside the image and its result; automatic goes by what is free. It does not change the result.</p>",
        )

        for box in (self._device, self._stack, self._dtype):
            box.currentTextChanged.connect(self.changed)
        self._memory.valueChanged.connect(self.changed)
        self._cluster.currentTextChanged.connect(self.moved)

    @property
    def nan(self) -> Literal["refuse", "fill"]:
        """What is done with NaN."""
        return "fill" if self._fill.isChecked() else "refuse"

    @property
    def device(self) -> str:
        """The device wished for."""
        return self._device.currentText().strip()

    @property
    def cluster(self) -> str:
        """The scheduler of the cluster that runs go to, in the engine's words; empty for none."""
        text = self._cluster.currentText().strip()
        return "" if text == HERE else text

    def set_cluster(self, scheduler: str) -> None:
        """Choose where runs go."""
        self._cluster.setCurrentText(scheduler or HERE)

    def set_device_and_type(self, device: str, output_type: str) -> None:
        """Choose where to compute and what comes out, in the engine's words."""
        self._device.setCurrentText(device)
        self._dtype.setCurrentIndex(max(0, self._dtype.findData(output_type)))

    def set_memory(self, gigabytes: float) -> None:
        """Choose what a run may take; 0 goes by what is free."""
        self._memory.setValue(gigabytes)

    def value(self) -> dict[str, str | int | float | None]:
        """The options, as `denoise_steps` takes them."""
        return {
            "seed": self._seed.value(),
            "device": self.device,
            "stack": self._stack.currentData(),
            "dtype": self._dtype.currentData(),
            "nan": self.nan,
            "memory": self._memory.value() or None,
        }


def nan_in_denoise_dock(viewer: napari.viewer.Viewer) -> Literal["refuse", "fill"]:
    """What the Denoise dock says of NaN, for all that has no say of its own; they are refused while it is closed."""
    forms = (widget.findChild(Reproducibility) for widget in viewer.window.dock_widgets.values())
    return next((form.nan for form in forms if form is not None), "refuse")
