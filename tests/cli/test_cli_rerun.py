"""`rerun RESULT --input RAW`: the same pixels from the provenance alone, or a reason why not."""

import numpy as np
import pytest
import zarr

from napari_zeroshot import read, write
from napari_zeroshot.engine import ome_zarr

OPTIONS = ("--steps", 15, "--crop", 16, "--crops", 1, "--seed", 3, "--stack", "plane", "--dtype", "float32", "--device", "cpu", "--alpha-ie", 4)


@pytest.fixture
def clean(command, stack, tmp_path):
    """The stack, denoised by a run with many options."""
    assert command("denoise", "zs-n2m", stack, tmp_path / "clean.ome.tif", *OPTIONS).code == 0
    return tmp_path / "clean.ome.tif"


def test_pixels_and_pixel_size_come_out_the_same(command, stack, clean, tmp_path):
    shown = command("rerun", clean, "--input", stack)
    first, again = read(clean), read(tmp_path / "clean-again.ome.tif")
    assert shown.code == 0
    assert "clean-again.ome.tif" in shown.out
    assert "bit for bit" in shown.out + shown.err
    assert "on CPU, as in the first run" in shown.out
    assert "on CPU, as asked for" in command("rerun", clean, "--input", stack, "--overwrite", "--device", "cpu").out
    np.testing.assert_array_equal(again.array, first.array)
    assert (again.scale, again.channels, again.axes) == (first.scale, first.channels, first.axes)
    assert again.provenance["params"] == first.provenance["params"]


def test_another_image_is_refused_with_the_reason(command, clean, tmp_path, pixels):
    write(tmp_path / "other.ome.tif", pixels[::-1], axes="TCZYX")
    shown = command("rerun", clean, "--input", tmp_path / "other.ome.tif", "--output", tmp_path / "out.tif")
    assert shown.code == 1
    assert "not the image of the record (stack.ome.tif)" in shown.err
    assert not (tmp_path / "out.tif").exists()


def test_an_image_of_other_dimensions_is_called_another_image(command, clean, plane, tmp_path):
    shown = command("rerun", clean, "--input", plane, "--output", tmp_path / "out.tif")
    assert (shown.code, "is not the image that the result was made from" in shown.err) == (1, True)


def test_a_file_that_was_not_denoised_is_refused(command, stack):
    shown = command("rerun", stack, "--input", stack)
    assert (shown.code, "holds no provenance record" in shown.err) == (1, True)


def test_axes_that_the_user_named_are_named_again(command, tmp_path, pixels):
    import tifffile

    tifffile.imwrite(tmp_path / "plain.tif", pixels[0, 0], photometric="minisblack", metadata=None)
    command("denoise", "median", tmp_path / "plain.tif", tmp_path / "clean.tif", "--axes", "TYX")
    assert command("rerun", tmp_path / "clean.tif", "--input", tmp_path / "plain.tif").code == 0
    np.testing.assert_array_equal(read(tmp_path / "clean-again.tif").array, read(tmp_path / "clean.tif").array)


def test_json_holds_the_new_record(command, stack, clean):
    shown = command("rerun", clean, "--input", stack, "--json").json
    assert (shown["method"], shown["seed"], shown["stack"], shown["dtype"]) == ("zs-n2m", 3, "plane", "float32")


@pytest.mark.parametrize(
    ("first", "options", "expected"),
    [
        (("clean.ome.zarr", "--ome-zarr", "0.5"), (), "0.5"),
        (("clean.ome.zarr",), (), "0.4"),
        (("clean.ome.tif",), (), "0.4"),
        (("clean.ome.zarr", "--ome-zarr", "0.5"), ("--ome-zarr", "0.4"), "0.4"),
        (("clean.ome.tif",), ("--ome-zarr", "0.5"), "0.5"),
    ],
    ids=["0.5", "0.4", "no OME-Zarr", "0.4 asked for", "0.5 asked for"],
)
def test_ome_zarr_is_written_in_the_version_of_the_result_unless_another_is_asked_for(command, stack, tmp_path, first, options, expected):
    name, *form = first
    command("denoise", "median", stack, tmp_path / name, *form)
    assert command("rerun", tmp_path / name, "--input", stack, "--output", tmp_path / "again.ome.zarr", *options).code == 0
    assert ome_zarr.version_of(tmp_path / "again.ome.zarr") == expected


@pytest.mark.parametrize("version", ["0.3", None, ["0.5"]], ids=str)
def test_a_version_that_is_not_written_here_is_no_hindrance(command, stack, tmp_path, version):
    command("denoise", "median", stack, tmp_path / "clean.ome.zarr")
    group = zarr.open_group(tmp_path / "clean.ome.zarr", mode="r+")
    group.attrs["multiscales"] = [{**group.attrs["multiscales"][0], "version": version}]
    assert command("rerun", tmp_path / "clean.ome.zarr", "--input", stack).code == 0
    assert ome_zarr.version_of(tmp_path / "clean-again.ome.zarr") == "0.4"


def test_an_existing_output_is_found_out_before_the_work(command, stack, clean):
    shown = command("rerun", clean, "--input", stack, "--output", clean)
    assert (shown.code, "exists already" in shown.err) == (1, True)
