"""The manifest is valid, and what it names is there."""

from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_zeroshot

SHIPPED = Path(napari_zeroshot.__file__).with_name("napari.yaml")
MANIFEST = PluginManifest.from_file(SHIPPED)


def test_manifest_is_named_as_the_distribution():
    assert MANIFEST.name == distribution("napari-zeroshot").metadata["Name"]


def test_manifest_at_the_top_is_the_one_that_ships():
    top = Path(__file__).parents[2] / "napari.yaml"
    assert top.read_text() == SHIPPED.read_text()


@pytest.mark.parametrize("command", MANIFEST.contributions.commands, ids=lambda command: command.id)
def test_every_command_can_be_imported(command):
    module, name = command.python_name.split(":")
    assert callable(getattr(import_module(module), name))


def test_docks_are_in_the_filter_menu_and_samples_are_offered():
    assert [widget.display_name for widget in MANIFEST.contributions.widgets] == ["Denoise", "Tune", "Noise", "Compare"]
    assert [item.command for item in MANIFEST.contributions.menus["napari/layers/filter"]] == [
        "napari-zeroshot.denoise",
        "napari-zeroshot.tune",
        "napari-zeroshot.noise",
        "napari-zeroshot.compare",
        "napari-zeroshot.view_denoised",
        "napari-zeroshot.run_again",
        "napari-zeroshot.apply_network",
    ]
    assert {sample.key for sample in MANIFEST.contributions.sample_data} == {"noisy_plane", "noisy_stack", "noisy_rgb"}


def test_no_reader_is_offered_for_files_that_others_read_too():
    """napari would ask which reader to use for every OME-TIFF; ours are opened by a command instead."""
    assert not MANIFEST.contributions.readers


def test_results_are_written_by_endings_that_napari_itself_does_not_write():
    endings = [ending for writer in MANIFEST.contributions.writers for ending in writer.filename_extensions]
    assert endings == [".ome.tif", ".ome.tiff", ".ome.zarr"]
    assert {str(kind) for writer in MANIFEST.contributions.writers for kind in writer.layer_types} == {"image"}
