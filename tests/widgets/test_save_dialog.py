"""Where something is saved: the ending of its kind, and nothing that is there goes without a question."""

from pathlib import Path

import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_zeroshot.widgets.save_dialog import place_to_save

pytestmark = pytest.mark.gui
KINDS = {"OME-TIFF (*.ome.tif)": ".ome.tif", "OME-Zarr (*.ome.zarr)": ".ome.zarr"}


@pytest.fixture
def save(monkeypatch, tmp_path, qtbot):
    """Asks for a place; the user types a name, chooses a kind and answers what is asked about a file that is there."""
    asked = []

    def saving(typed, kind="", answer=None):
        asked.clear()
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (typed and str(tmp_path / typed), kind))
        monkeypatch.setattr(QMessageBox, "question", lambda *told: asked.append(told[2]) or answer)
        place = place_to_save("Save", "a.ome.tif", KINDS, endings=(".tif",))
        return place and place.name, asked

    return saving


@pytest.mark.parametrize(
    ("typed", "kind", "name"),
    [
        ("cells", "", "cells.ome.tif"),
        ("cells", "OME-Zarr (*.ome.zarr)", "cells.ome.zarr"),
        ("cells.TIF", "OME-Zarr (*.ome.zarr)", "cells.TIF"),
        ("cells 2.5", "", "cells 2.5.ome.tif"),
        ("", "", ""),
    ],
)
def test_a_name_gets_the_ending_of_its_kind(save, typed, kind, name):
    assert save(typed, kind) == (name or None, [])


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_a_file_of_that_name_with_the_ending_is_kept_unless_the_user_says_otherwise(save, tmp_path, answer):
    Path(tmp_path / "cells.ome.tif").touch()
    place, asked = save("cells", answer=getattr(QMessageBox.StandardButton, answer))
    assert asked == ["cells.ome.tif exists already. Replace it?"]
    assert place == ("cells.ome.tif" if answer == "Yes" else None)


def test_what_the_dialog_itself_has_asked_is_not_asked_again(save, tmp_path):
    Path(tmp_path / "cells.ome.tif").touch()
    assert save("cells.ome.tif") == ("cells.ome.tif", [])
