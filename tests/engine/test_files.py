"""What goes into a file comes out again; what is wrong with a file is said in one line."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import dask.array
import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import napari_zeroshot
from napari_zeroshot.engine import tiff
from napari_zeroshot.engine.errors import FileError, ImageError
from napari_zeroshot.engine.files import check_target, read, read_provenance, write
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.result import Result

SIZES = {"T": 2, "Z": 3, "C": 2, "Y": 6, "X": 5, "S": 3}
SCALE = {"X": (0.1, "µm"), "Y": (0.2, "µm"), "Z": (0.5, "µm"), "T": (2.0, "s")}
ORDERS = ["".join(order) for some in range(5) for extra in itertools.combinations("TZCS", some) for order in itertools.permutations((*extra, "Y", "X"))]


def pixels(axes: str, dtype: Any = np.uint16, seed: int = 0, **sizes: int) -> np.ndarray:
    shape = [{**SIZES, **sizes}[letter] for letter in axes]
    return np.random.default_rng(seed).integers(0, 120, shape).astype(dtype)


def same(image: Image, array: np.ndarray, axes: str | None) -> bool:
    found = np.asarray(image.array)
    return image.axes == axes and found.shape == array.shape and found.dtype == array.dtype.newbyteorder("=") and bool((found == array).all())


@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr", "ij.tif"])
def test_axes_that_a_file_calls_otherwise_are_the_users_word_and_told(tmp_path, name):
    array = pixels("ZYX")
    if name == "ij.tif":
        tifffile.imwrite(tmp_path / name, array, imagej=True, metadata={"axes": "ZYX"})
    else:
        write(tmp_path / name, array, axes="ZYX")
    told = read(tmp_path / name, axes="tyx")
    assert same(told, array, "TYX")
    assert told.notes == ("The file says that its axes are ZYX; they were taken as TYX.",)
    assert read(tmp_path / name, axes="ZYX").notes == read(tmp_path / name).notes == ()
    with pytest.raises(ImageError, match="'TCYX' have 4 letters, the image 3 dimensions"):
        read(tmp_path / name, axes="TCYX")


def test_a_dimension_of_length_one_may_be_called_anything(tmp_path):
    write(tmp_path / "a.ome.tif", pixels("ZYX", Z=1), axes="ZYX")
    assert read(tmp_path / "a.ome.tif", axes="TYX").notes == ()


def test_a_file_that_does_not_know_its_axes_contradicts_nobody(tmp_path):
    tifffile.imwrite(tmp_path / "plain.tif", pixels("TYX"), photometric="minisblack")
    assert read(tmp_path / "plain.tif", axes="TYX").notes == ()


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(axes=st.sampled_from(ORDERS), single=st.sampled_from(["", *"TZCSYX"]))
def test_axes_of_any_order_come_back(tmp_path: Path, axes: str, single: str) -> None:
    array = pixels(axes, **({single: 1} if single else {}))
    path = write(tmp_path / "any.ome.tif", array, axes=axes, overwrite=True)
    assert same(read(path), array, axes)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float16", "float32", "float64", "int64", "uint64", ">u2", ">f4"])
def test_type_and_values_come_back(tmp_path: Path, dtype: str) -> None:
    array = pixels("CYX", dtype) - (np.float16(0.5) if "f" in dtype else 0)
    array = array.astype(dtype)
    assert same(read(write(tmp_path / "typed.tif", array, axes="CYX")), array, "CYX")


def test_pixel_size_time_interval_and_channel_names_come_back(tmp_path: Path) -> None:
    image = read(write(tmp_path / "cell.ome.tif", Image(pixels("TCZYX"), "TCZYX", SCALE, channels=("actin", "ΔF/F"))))
    assert (image.scale, image.channels, image.name) == (SCALE, ("actin", "ΔF/F"), "cell")


def test_a_result_takes_its_sources_pixel_size_and_its_provenance_into_the_file(tmp_path: Path) -> None:
    source = Image(pixels("ZYX"), "ZYX", SCALE)
    result = Result(pixels("ZYX"), "gaussian", Params(), "default", "ZYX", "shared", 3, "CPU", 0.1, source={"name": "a <b> & {c}\x07"})
    path = napari_zeroshot.write(tmp_path / "result.ome.tif", result, like=source)
    image = napari_zeroshot.read(path)
    assert image.scale == SCALE
    assert image.provenance == read_provenance(path)
    assert (image.provenance["seed"], image.provenance["source"]["name"]) == (3, "a <b> & {c}\x07")


def test_other_programs_see_a_valid_ome_tiff_with_rows_and_columns_last(tmp_path: Path) -> None:
    array = pixels("XYCZ")
    path = write(tmp_path / "turned.ome.tif", Image(array, "XYCZ", SCALE))
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert (file.series[0].axes, file.pages[0].get_resolution("MICROMETER")) == ("CZYX", pytest.approx((10, 5)))
        np.testing.assert_array_equal(file.asarray(), array.transpose(2, 3, 1, 0))
        assert tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]["PhysicalSizeZ"] == 0.5


def test_file_changed_by_another_program_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.ome.tif", pixels("YX"))
    with tifffile.TiffFile(path) as file:
        annotation = file.ome_metadata.split("<StructuredAnnotations>")[1]
    tifffile.imwrite(path, pixels("ZYX"), ome=True, photometric="minisblack", metadata={"axes": "ZYX"})
    with tifffile.TiffFile(path) as file:
        changed = file.ome_metadata.replace("</OME>", f"<StructuredAnnotations>{annotation}")
    tifffile.tiffcomment(path, changed.encode())
    assert same(read(path), pixels("ZYX"), "ZYX")


def test_lazy_arrays_are_written_plane_by_plane(tmp_path: Path) -> None:
    array = pixels("XTYC")
    assert same(read(write(tmp_path / "lazy.ome.tif", dask.array.from_array(array, chunks=2), axes="XTYC")), array, "XTYC")


@pytest.mark.parametrize("compressed", [False, True], ids=["mapped", "by zarr"])
def test_large_files_are_read_when_sliced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compressed: bool) -> None:
    monkeypatch.setattr(tiff, "IN_MEMORY", 100)
    array = pixels("XTYC", Y=20)
    image = read(write(tmp_path / "large.ome.tif", array, axes="XTYC", compressed=compressed))
    assert isinstance(image.array, dask.array.Array if compressed else np.memmap)
    assert same(image, array, "XTYC")


def test_imagej_hyperstack_gives_axes_and_calibration(tmp_path: Path) -> None:
    array, told = pixels("TZCYX"), {"axes": "TZCYX", "unit": "\\u00B5m", "spacing": 0.5, "finterval": 3.0}
    tifffile.imwrite(tmp_path / "ij.tif", array, imagej=True, resolution=(10, 5), metadata=told)
    image = read(tmp_path / "ij.tif")
    assert same(image, array, "TZCYX")
    assert image.scale == {"X": (pytest.approx(0.1), "µm"), "Y": (pytest.approx(0.2), "µm"), "Z": (0.5, "µm"), "T": (3.0, "s")}


def test_plain_stack_does_not_say_its_axes_and_the_user_may(tmp_path: Path) -> None:
    array = pixels("ZYX", Z=4)
    tifffile.imwrite(tmp_path / "plain.tif", array, photometric="minisblack", metadata=None, byteorder=">")
    assert read(tmp_path / "plain.tif").axes is None
    assert read(tmp_path / "plain.tif", axes="tyx").axes == "TYX"
    np.testing.assert_array_equal(read(tmp_path / "plain.tif").array, array)
    with pytest.raises(ImageError, match="'YX' have 2 letters"):
        read(tmp_path / "plain.tif", axes="YX")


def test_axes_of_length_one_may_be_named(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "one.tif", pixels("CYX"), imagej=True, metadata={"axes": "CYX"})
    image = read(tmp_path / "one.tif", axes="TZCYXS")
    assert image.array.shape == (1, 1, 2, 6, 5, 1)


@pytest.mark.parametrize(("rate", "unit", "scale"), [(50_000, "CENTIMETER", {"X": (0.2, "µm"), "Y": (0.2, "µm")}), (300, "INCH", {}), (118, "CENTIMETER", {})])
def test_plain_tiffs_pixel_size_is_told_from_printing_resolution(tmp_path: Path, rate: float, unit: str, scale: dict) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", pixels("YX"), metadata=None, resolution=(rate, rate), resolutionunit=unit)
    assert read(tmp_path / "plain.tif").scale == {letter: (pytest.approx(size), name) for letter, (size, name) in scale.items()}


def test_first_of_several_images_is_read_and_said(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "two.tif") as file:
        file.write(pixels("YX"), metadata=None)
        file.write(pixels("YX", np.uint8, Y=9), metadata=None)
    image = read(tmp_path / "two.tif")
    assert same(image, pixels("YX"), "YX")
    assert "holds 2 images" in image.notes[0]


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_opaque_alpha_is_dropped_and_any_other_refused(tmp_path: Path, ending: str) -> None:
    colours = pixels("YXS", np.uint8, S=4)
    colours[..., 3] = 255
    path = tmp_path / f"alpha.{ending}"
    save = {"png": imageio.imwrite, "tif": lambda *given: tifffile.imwrite(*given, photometric="rgb", extrasamples=["unassalpha"])}[ending]
    save(path, colours)
    image = read(path)
    assert same(image, colours[..., :3], "YXS")
    assert "alpha" in image.notes[0]
    colours[2, 1, 3] = 7
    save(path, colours)
    with pytest.raises(FileError, match="see-through"):
        read(path)


@pytest.mark.parametrize(("axes", "dtype"), [("YX", "uint8"), ("YX", "uint16"), ("YXS", "uint8"), ("SXY", "uint8"), ("TYX", "uint8")])
def test_png_keeps_pixels_of_one_plane(tmp_path: Path, axes: str, dtype: str) -> None:
    array = pixels(axes, dtype, T=1)
    image = read(write(tmp_path / "plane.png", array, axes=axes))
    expected = {"SXY": lambda a: a.transpose(2, 1, 0), "TYX": lambda a: a[0]}.get(axes, lambda a: a)(array)
    assert same(image, expected, "YX" if "S" not in axes else "YXS")


@pytest.mark.parametrize(("axes", "dtype"), [("YX", "float32"), ("YXS", "uint16"), ("TYX", "uint8")])
def test_png_refuses_what_it_cannot_hold(tmp_path: Path, axes: str, dtype: str) -> None:
    with pytest.raises(FileError, match=r"write \.ome\.tif"):
        write(tmp_path / "plane.png", pixels(axes, dtype), axes=axes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["ome", "imagej", "plain", "compressed"])
def test_cut_off_tiff_is_never_read_in_part(tmp_path: Path, kind: str) -> None:
    path, array = tmp_path / "cut.tif", pixels("TCYX")
    if kind in ("ome", "compressed"):
        write(path, array, axes="TCYX", compressed=kind == "compressed")
    else:
        tifffile.imwrite(path, array, imagej=kind == "imagej", metadata={"axes": "TCYX"} if kind == "imagej" else None)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 3, 61):
        path.write_bytes(whole[:length])
        said, found = complaint(path)
        assert "\n" not in said
        assert "which is damaged" in said or (found == array.ravel()).all()  # only what comes after the pixels was cut


def complaint(path: Path) -> tuple[str, np.ndarray]:
    """What is said of a file, and its values if nothing is."""
    try:
        return "", read(path).array.ravel()
    except FileError as error:
        return str(error), np.array([])


BAD_FILES = {
    "missing": ("no.tif", None, "there is no file"),
    "a folder": (".", None, "is a folder, not an image; name an image in it, or denoise all that are in it with `batch`"),
    "empty": ("a.tif", b"", "damaged"),
    "text as tiff": ("a.tif", b"not a picture at all", "damaged"),
    "text as png": ("a.png", b"not a picture at all", "damaged"),
    "cut png": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(30), "damaged"),
    "jpeg": ("a.jpg", b"", "unknown ending '.jpg'; known are .tif, .tiff, .zarr, .png"),
}


@pytest.mark.parametrize(("name", "content", "said"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=said):
        read(tmp_path / name)


def test_folder_named_like_an_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        read(tmp_path / "folder.tif")


def test_small_file_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "huge.tif", pixels("YX"), compressed=True)
    with tifffile.TiffFile(tmp_path / "huge.tif", mode="r+") as file:
        file.pages[0].tags["ImageLength"].overwrite(10_000_000)
    with pytest.raises(FileError, match="damaged"):
        read(tmp_path / "huge.tif")


def test_existing_file_is_overwritten_only_when_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "kept.tif", pixels("YX"))
    for attempt in (check_target, lambda path: write(path, pixels("YX", seed=1))):
        with pytest.raises(FileError, match="exists already"):
            attempt(path)
    assert same(read(path), pixels("YX"), "YX")
    assert same(read(write(path, pixels("YX", seed=1), overwrite=True)), pixels("YX", seed=1), "YX")


@pytest.mark.parametrize("name", ["no/such/folder.tif", "a.tif/b.tif", "a.bmp"])
def test_where_nothing_can_be_written_is_said_beforehand(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.tif").write_bytes(b"a file, not a folder")
    with pytest.raises(FileError):
        check_target(tmp_path / name)


class Failing:
    """An image whose second plane cannot be read."""

    shape, dtype = (2, 6, 5), np.dtype(np.uint8)

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getitem__(self, place: Any) -> np.ndarray:
        if place[0] == 1:
            raise self._error
        return np.zeros((6, 5), np.uint8)


@pytest.mark.parametrize(("error", "seen"), [(OSError(28, "No space left on device"), FileError), (KeyboardInterrupt(), KeyboardInterrupt)])
def test_failed_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException, seen: type[BaseException]) -> None:
    path = write(tmp_path / "old.tif", pixels("YX"))
    with pytest.raises(seen):
        write(path, Failing(error), axes="ZYX", overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["old.tif"]
    assert same(read(path), pixels("YX"), "YX")


def test_whole_numbers_that_ome_tiff_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"beyond 2\*\*53"):
        write(tmp_path / "big.tif", np.full((4, 4), 2**60 + 1))


def test_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="bool"):
        write(tmp_path / "mask.tif", np.zeros((4, 4), bool))
