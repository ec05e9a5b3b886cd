"""What goes into an OME-Zarr comes out again, and other programs find what the specification promises."""

import builtins
import itertools
import json
from shutil import rmtree

import dask.array
import numpy as np
import pytest
import zarr

from napari_zeroshot import denoise, read, rerun, write
from napari_zeroshot.engine import growing_zarr, ome_zarr
from napari_zeroshot.engine.errors import FileError, MissingPackageError, ParamError
from napari_zeroshot.engine.files import check_target, read_provenance
from napari_zeroshot.engine.image import Image

SIZES = {"T": 2, "Z": 3, "C": 2, "Y": 6, "X": 5, "S": 3}
SCALE = {"X": (0.1, "µm"), "Y": (0.2, "µm"), "Z": (500.0, "nm"), "T": (2.0, "min")}
ORDERS = ["YX", "XY", "YXC", "ZCYX", "XTYC", "TCZYX", "XYZCT", "YXS", "SYX", "TYXS", "TZYXS"]


def pixels(axes, dtype=np.uint16, **sizes):
    shape = [{**SIZES, **sizes}[letter] for letter in axes]
    return np.random.default_rng(0).integers(0, 120, shape).astype(dtype)


@pytest.mark.parametrize(("axes", "single"), [*itertools.product(ORDERS, [""]), ("TCZYX", "T"), ("YXC", "C"), ("ZYX", "Y")])
def test_axes_of_any_order_come_back(tmp_path, axes, single):
    array = pixels(axes, **({single: 1} if single else {}))
    image = read(write(tmp_path / "any.ome.zarr", array, axes=axes))
    assert (image.axes, image.name) == (axes, "any")
    np.testing.assert_array_equal(image.array, array)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float16", "float32", "float64", "int64", "uint64", ">u2", ">f4"])
def test_type_and_values_come_back(tmp_path, dtype):
    array = pixels("CYX", dtype)
    image = read(write(tmp_path / "typed.ome.zarr", array, axes="CYX"))
    assert image.array.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(image.array, array)


def test_pixel_size_time_interval_and_channel_names_come_back(tmp_path):
    image = read(write(tmp_path / "cell.ome.zarr", Image(pixels("TCZYX"), "TCZYX", SCALE, channels=("actin", "ΔF/F"))))
    assert (image.scale, image.channels) == (SCALE, ("actin", "ΔF/F"))


def test_sizes_that_are_not_known_are_not_made_up(tmp_path):
    assert read(write(tmp_path / "cell.ome.zarr", Image(pixels("ZYX"), "ZYX", {"X": (0.1, "µm")}))).scale == {"X": (0.1, "µm")}


def test_sizes_in_other_units_are_kept_without_them(tmp_path):
    image = read(write(tmp_path / "cell.ome.zarr", Image(pixels("ZYX"), "ZYX", {"Y": (0.5, "pixel"), "X": (0.1, "furlong")})))
    assert image.scale == {"Y": (0.5, "pixel"), "X": (0.1, "pixel")}


def test_a_result_takes_its_provenance_along_and_can_be_run_again(tmp_path, noisy):
    raw = read(write(tmp_path / "raw.ome.zarr", Image(noisy, "YX", {"X": (0.1, "µm")})))
    path = write(tmp_path / "clean.ome.zarr", denoise(raw.array, "median", size=5), like=raw)
    assert read(path).provenance == read_provenance(path)
    assert read(path).scale == raw.scale
    np.testing.assert_array_equal(rerun(path, raw).image, read(path).array)


def test_other_programs_find_version_0_4(tmp_path):
    path = write(tmp_path / "cell.ome.zarr", Image(pixels("XYZCT"), "XYZCT", SCALE, channels=("a", "b")))
    said = json.loads((path / ".zattrs").read_text())
    told = said["multiscales"][0]
    assert json.loads((path / ".zgroup").read_text()) == {"zarr_format": 2}
    assert told["version"] == "0.4"
    assert [axis["name"] for axis in told["axes"]] == ["t", "c", "z", "y", "x"]
    assert [axis["type"] for axis in told["axes"]] == ["time", "channel", "space", "space", "space"]
    assert [axis.get("unit") for axis in told["axes"]] == ["minute", None, "nanometer", "micrometer", "micrometer"]
    assert told["datasets"] == [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [2.0, 1.0, 500.0, 0.2, 0.1]}]}]
    assert [channel["label"] for channel in said["omero"]["channels"]] == ["a", "b"]
    assert all(set(channel["window"]) == {"min", "max", "start", "end"} for channel in said["omero"]["channels"])
    assert json.loads((path / "0" / ".zarray").read_text())["dimension_separator"] == "/"
    assert (path / "0" / "0" / "0" / "0" / "0" / "0").is_file()


def test_version_0_5_is_written_on_request_and_says_what_the_specification_wants(tmp_path):
    path = write(tmp_path / "cell.ome.zarr", Image(pixels("XYZCT"), "XYZCT", SCALE, channels=("a", "b")), ome_zarr_version="0.5")
    said = json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    level = json.loads((path / "0" / "zarr.json").read_text())
    assert (said["version"], ome_zarr.version_of(path)) == ("0.5", "0.5")
    assert "version" not in said["multiscales"][0]
    assert [axis.get("unit") for axis in said["multiscales"][0]["axes"]] == ["minute", None, "nanometer", "micrometer", "micrometer"]
    assert [channel["label"] for channel in said["omero"]["channels"]] == ["a", "b"]
    assert level["dimension_names"] == ["t", "c", "z", "y", "x"]
    assert (path / "0" / "c" / "0" / "0" / "0" / "0" / "0").is_file()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_both_versions_come_back_whole_and_hold_to_the_specification(tmp_path, monkeypatch, version):
    monkeypatch.setattr(growing_zarr, "CHUNK", 16)
    model = pytest.importorskip(f"ome_zarr_models.v{version.replace('.', '')}.image").ImageAttrs
    image = Image(pixels("TCZYX", Y=40, X=45), "TCZYX", SCALE, channels=("a", "b"))
    path = write(tmp_path / "cell.ome.zarr", image, ome_zarr_version=version)
    attributes = zarr.open_group(path, mode="r").attrs.asdict()
    assert len(model.model_validate(attributes.get("ome", attributes)).multiscales[0].datasets) == 3
    found = read(path)
    assert (found.axes, found.scale, found.channels) == ("TCZYX", SCALE, ("a", "b"))
    np.testing.assert_array_equal(found.array, image.array)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_result_in_either_version_can_be_run_again(tmp_path, noisy, version):
    path = write(tmp_path / "clean.ome.zarr", denoise(noisy, "median", size=5), ome_zarr_version=version)
    assert read(path).provenance == read_provenance(path)
    np.testing.assert_array_equal(rerun(path, noisy).image, read(path).array)


def test_another_version_is_refused(tmp_path):
    with pytest.raises(ParamError, match=r"0\.4 or 0\.5"):
        write(tmp_path / "cell.ome.zarr", Image(pixels("YX"), "YX"), ome_zarr_version="0.3")


def test_a_plane_whose_smaller_copies_were_lost_counts_as_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(growing_zarr, "CHUNK", 16)
    growing = growing_zarr.Growing(tmp_path / "cell.zarr", Image(plane := pixels("YX", Y=40, X=45), "YX"))
    growing.put((None, None), plane[np.newaxis])
    np.testing.assert_array_equal(growing.get((None, None))[0], plane)
    rmtree(tmp_path / "cell.zarr" / "1" / "0")
    with pytest.raises(ValueError, match="copy 1"):
        growing.get((None, None))


def test_contrast_of_each_channel_is_written_from_its_values(tmp_path):
    array = np.stack([np.full((4, 4), 3.0), np.full((4, 4), np.nan)]).astype(np.float32)
    array[0, 0, 0] = 7
    path = write(tmp_path / "cell.ome.zarr", Image(array, "CYX", channels=("a", "b")))
    windows = [channel["window"] for channel in json.loads((path / ".zattrs").read_text())["omero"]["channels"]]
    assert [(window["start"], window["end"]) for window in windows] == [(3, 7), (0, 1)]


def test_large_planes_have_smaller_copies_that_lie_in_the_same_place(tmp_path, monkeypatch):
    monkeypatch.setattr(growing_zarr, "CHUNK", 16)
    array = np.tile(np.arange(45.0), (2, 40, 1))
    path = write(tmp_path / "large.ome.zarr", Image(array, "ZYX", {"X": (0.5, "µm")}))
    group = zarr.open_group(path, mode="r")
    assert [group[name].shape for name in "012"] == [(2, 40, 45), (2, 20, 22), (2, 10, 11)]
    last = group.attrs["multiscales"][0]["datasets"][2]["coordinateTransformations"]
    step, start = last[0]["scale"][2], last[1]["translation"][2]
    assert (step, start) == (2.0, 0.75)
    np.testing.assert_allclose(group["2"][0, 0] * 0.5, start + step * np.arange(11))


def test_smaller_copies_of_whole_numbers_are_rounded():
    plane = np.array([[[0, 1], [1, 1]]], np.uint8)
    np.testing.assert_array_equal(growing_zarr._halved(plane), [[[1]]])


def test_lazy_arrays_are_written_plane_by_plane(tmp_path):
    array = pixels("XTYC")
    np.testing.assert_array_equal(read(write(tmp_path / "lazy.ome.zarr", dask.array.from_array(array, chunks=2), axes="XTYC")).array, array)


def test_large_images_are_read_when_sliced(tmp_path, monkeypatch):
    monkeypatch.setattr(ome_zarr, "IN_MEMORY", 100)
    array = pixels("XTYC")
    image = read(write(tmp_path / "large.ome.zarr", array, axes="XTYC"))
    assert isinstance(image.array, dask.array.Array)
    np.testing.assert_array_equal(image.array.compute(), array)


def test_version_0_5_of_other_programs_is_read(tmp_path):
    group = zarr.open_group(tmp_path / "new.ome.zarr", mode="w", zarr_format=3)
    array = pixels("CYX")
    group.create_array("full", data=array)
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space", "unit": "micrometer"}, {"name": "x", "type": "space", "unit": "micrometer"}]
    steps = [{"type": "scale", "scale": [1, 0.5, 0.25]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [{"path": "full", "coordinateTransformations": steps}]}]}
    image = read(tmp_path / "new.ome.zarr")
    assert (image.axes, image.scale, image.provenance) == ("CYX", {"Y": (0.5, "µm"), "X": (0.25, "µm")}, None)
    np.testing.assert_array_equal(image.array, array)


def test_early_versions_without_axes_are_read(tmp_path):
    group = zarr.open_group(tmp_path / "old.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=pixels("TCZYX", T=1))
    group.attrs["multiscales"] = [{"version": "0.1", "datasets": [{"path": "0"}]}]
    assert read(tmp_path / "old.zarr").axes == "TCZYX"
    assert read(tmp_path / "old.zarr", axes="CZYX").array.shape == (2, 3, 6, 5)


def test_a_plain_array_does_not_say_its_axes_and_the_user_may(tmp_path):
    zarr.save_array(tmp_path / "plain.zarr", pixels("ZYX"))
    assert read(tmp_path / "plain.zarr").axes is None
    assert read(tmp_path / "plain.zarr", axes="tyx").axes == "TYX"


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({}, id="no-image"),
        pytest.param({"multiscales": []}, id="no-multiscale"),
        pytest.param({"multiscales": [{"datasets": [{"path": "../../etc"}]}]}, id="outside"),
        pytest.param({"multiscales": [{"datasets": [{"path": "9"}]}]}, id="missing"),
        pytest.param({"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale"}]}]}]}, id="nonsense"),
        pytest.param({"multiscales": "yes"}, id="text"),
    ],
)
def test_damage_is_said_in_one_line(tmp_path, attributes):
    group = zarr.open_group(tmp_path / "broken.ome.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=pixels("YX"))
    group.attrs.update(attributes)
    with pytest.raises(FileError, match="damaged or not an image"):
        read(tmp_path / "broken.ome.zarr")


def test_records_of_others_are_not_taken_for_ours(tmp_path):
    path = write(tmp_path / "a.ome.zarr", pixels("YX"))
    zarr.open_group(path, mode="a").attrs[ome_zarr.OURS] = {"axes": 7, "provenance": "text"}
    assert read(path).provenance is None
    assert read(path).axes == "YX"


def test_a_zarr_is_replaced_only_on_request_and_other_folders_never(tmp_path):
    path = write(tmp_path / "a.ome.zarr", pixels("ZYX"), axes="ZYX")
    with pytest.raises(FileError, match="exists already"):
        write(path, pixels("YX"))
    assert read(write(path, pixels("YX"), overwrite=True)).axes == "YX"
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.txt").write_text("words")
    with pytest.raises(FileError, match="exists already"):
        write(tmp_path / "mine.zarr", pixels("YX"), overwrite=True)
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.ome.zarr", "mine.zarr"}


def test_nothing_is_left_of_a_write_that_failed(tmp_path):
    class Failing:
        shape, dtype, ndim = (4, 4), np.dtype(np.uint8), 2

        def __getitem__(self, where):
            raise OSError("the disk is gone")

    path = write(tmp_path / "a.ome.zarr", pixels("YX"))
    with pytest.raises(FileError, match="the disk is gone"):
        write(path, Failing(), axes="YX", overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.ome.zarr"]
    np.testing.assert_array_equal(read(path).array, pixels("YX"))


def test_channels_of_colour_images_have_no_place_and_that_is_found_out_early(tmp_path):
    image = Image(pixels("CYXS"), "CYXS")
    with pytest.raises(FileError, match="no place for both channels"):
        check_target(tmp_path / "a.ome.zarr", like=image)
    with pytest.raises(FileError, match="no place for both channels"):
        write(tmp_path / "a.ome.zarr", image)


def test_files_and_folders_are_told_apart(tmp_path):
    (tmp_path / "file.zarr").write_text("")
    with pytest.raises(FileError, match="a zarr is a folder"):
        read(tmp_path / "file.zarr")
    with pytest.raises(FileError, match="there is no file"):
        read_provenance(tmp_path / "missing.zarr")


def test_without_zarr_the_install_line_is_given(tmp_path, monkeypatch):
    own = builtins.__import__

    def without(name, *rest):
        if name == "zarr":
            raise ImportError(name)
        return own(name, *rest)

    (tmp_path / "a.ome.zarr").mkdir()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match=r"pip install 'napari-zeroshot\[zarr\]'"):
        read(tmp_path / "a.ome.zarr")
