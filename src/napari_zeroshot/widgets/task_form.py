"""The Denoise dock's form: which image, how much of it, how; and what that comes to before it is run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.widgets import habits
from napari_zeroshot.widgets.dock import sentence
from napari_zeroshot.widgets.guide import guide
from napari_zeroshot.widgets.layout import Fold, align_labels
from napari_zeroshot.widgets.recipe import RecipePicker
from napari_zeroshot.widgets.reproducibility import Reproducibility
from napari_zeroshot.widgets.scope import VIEWED, WHOLE, ScopePicker
from napari_zeroshot.widgets.source import SourcePicker
from napari_zeroshot.widgets.task import Task

if TYPE_CHECKING:
    import napari

NO_IMAGE = "Open an image to denoise it, or try the plugin on a sample."


class TaskForm(QWidget):
    """The rows from which a `Task` is made; each signal tells of the part that has changed."""

    image_changed = Signal()
    scope_changed = Signal()
    settings_changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._picker, self._scope, self._recipe, self._options = SourcePicker(viewer), ScopePicker(), RecipePicker(), Reproducibility()
        align_labels(self._picker.rows, self._scope.rows, self._recipe.rows)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self._picker, self._scope, self._recipe, Fold("Reproducibility", self._options), guide()):
            column.addWidget(widget)
        self._recall()
        self._scope.set_axes(self._picker.known_axes())

        self._picker.changed.connect(self._on_image)
        self._scope.changed.connect(self.scope_changed)
        for part in (self._recipe, self._options):
            part.changed.connect(self.settings_changed)
        self._options.moved.connect(self.scope_changed)

    @property
    def layer(self) -> Image | None:
        """The chosen layer; None if there is none to choose."""
        return self._picker.layer

    @property
    def follows_view(self) -> bool:
        """Whether what is denoised depends on what the window shows."""
        return self._scope.follows_view

    def shows(self, task: Task) -> bool:
        """Whether this is the image of a task, with the axes that it has there."""
        return task.source.layer is self._picker.layer and task.source.axes == self._picker.known_axes()

    @property
    def guessed(self) -> bool:
        """Whether nobody has said what the image's axes are."""
        return self._picker.guessed

    def value(self) -> Task:
        """What is to be done.

        Raises
        ------
        ImageError
            If there is no image, or its axes do not fit it.
        """
        source, recipe, viewed = self._picker.value(), self._recipe.value(), self._scope.scope == VIEWED
        region, options = self._scope.region(source, self._viewer), self._options.value()
        how, cluster = (options | {"stack": "shared"}, "") if viewed else (options, self._options.cluster)
        return Task(source, region, recipe.method, recipe.preset, recipe.params, how, viewed, cluster)

    def preview(self) -> Task:
        """The same, quickly, on what can be seen."""
        whole = self.value()
        region = whole.source.visible(self._viewer, int(habits.preference("preview_size")))
        return replace(whole, region=region, preset="preview", params=whole.method.quick(whole.params), viewed=False, cluster="")

    def problem(self) -> str:
        """What keeps it from being done."""
        if self._picker.layer is None:
            return NO_IMAGE
        try:
            self.value().check()
        except DenoiseError as error:
            return sentence(str(error))
        return ""

    def runnable(self) -> Task | None:
        """What is to be done; None if something keeps it from that."""
        return None if self.problem() else self.value()

    def does(self, task: Task) -> str:
        """What running it does, in few words."""
        return self._scope.told(task.source.axes, task.region)

    def settle(self) -> None:
        """Keep the chosen image from now on; until then the newest is chosen."""
        self._picker.settle()

    def view(self, layer: Image) -> None:
        """Choose to look at a layer's planes denoised; one that is a single plane is denoised as a whole."""
        self._picker.set_layer(layer)
        self._scope.set_scope(VIEWED, WHOLE)

    def set_device(self, device: str) -> None:
        """Choose where to compute."""
        self._options.set_device_and_type(device, str(self._options.value()["dtype"]))

    def remember(self) -> None:
        """Note the settings, to begin with them the next time."""
        recipe, options = self._recipe.value(), self._options.value()
        chosen = {
            "method": recipe.method.name,
            "device": options["device"],
            "cluster": self._options.cluster,
            "output_type": options["dtype"],
            "memory": options["memory"] or 0.0,
        }
        for name, value in chosen.items():
            habits.prefer(name, value)
        habits.Notebook("recipes").put(recipe.method.name, {"preset": recipe.preset, "changes": recipe.changes()})

    def leave(self) -> None:
        """Hear no more of the viewer, which may outlive this."""
        self._picker.leave()

    def _recall(self) -> None:
        """Begin as the user left off."""
        self._recipe.recall(habits.preference("method"))
        self._options.set_device_and_type(habits.preference("device"), habits.preference("output_type"))
        self._options.set_cluster(habits.preference("cluster"))
        self._options.set_memory(habits.preference("memory"))

    def _on_image(self) -> None:
        self._scope.set_axes(self._picker.known_axes())
        self.image_changed.emit()
