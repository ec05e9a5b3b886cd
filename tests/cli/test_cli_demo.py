"""The demo: four methods on a sample, in a folder or in napari."""

import imageio.v3 as imageio
import numpy as np
import PIL.Image
import pytest

from napari_zeroshot import demo, get_method, read
from napari_zeroshot.engine.contact_sheet import GAP
from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.image import Image

NAMES = ("noisy", "auto", "zs-n2n", "zs-n2m", "fm2s", "truth")


@pytest.fixture
def pictures():
    """Six small pictures, the truth last."""
    ramp = np.tile(np.arange(32, dtype=np.uint16), (24, 1))
    scale = {"Y": (0.1, "µm"), "X": (0.1, "µm")}
    titles = ("Noisy", *(get_method(name).title for name in demo.METHODS))
    return [*(demo.Picture(title, Image(ramp, "YX", scale), 20.0) for title in titles), demo.Picture("Truth", Image(ramp, "YX", scale), None)]


def test_without_a_display_files_are_written_and_named(command, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path)
    shown = command("demo", "--preset", "preview", "--device", "cpu")
    assert shown.code == 0
    assert "No napari window was opened: there is no display." in shown.out
    assert sorted(path.name for path in (tmp_path / "demo_output").iterdir()) == sorted([f"{name}.ome.tif" for name in NAMES] + ["comparison.png"])
    assert all(str(path.name) in shown.out for path in (tmp_path / "demo_output").iterdir())
    assert read(tmp_path / "demo_output" / "fm2s.ome.tif").provenance["method"] == "fm2s"


def test_every_method_brings_the_sample_nearer_to_the_truth():
    from napari_zeroshot import denoise

    noisy, *denoised, truth = demo.pictures(denoise, preset="preview", device="cpu")
    assert len(denoised) == 4
    assert all(picture.psnr > noisy.psnr + 1 for picture in denoised)
    assert truth.title == "Truth"


def test_files_of_an_earlier_demo_stay_without_any_work(command, tmp_path, monkeypatch):
    (tmp_path / "truth.ome.tif").write_text("precious")
    monkeypatch.setattr(demo, "pictures", lambda *_, **__: pytest.fail("the folder was not checked first"))
    shown = command("demo", "--no-window", "--folder", tmp_path)
    assert shown.code == 1
    assert "--overwrite" in shown.err
    assert (tmp_path / "truth.ome.tif").read_text() == "precious"


@pytest.mark.parametrize("hindered", ["a file", "read-only"])
def test_a_folder_that_cannot_be_written_into_is_refused_in_a_sentence_before_the_work(command, tmp_path, monkeypatch, hindered):
    (tmp_path / "file").touch()
    monkeypatch.setattr(demo, "pictures", lambda *_, **__: pytest.fail("the folder was not checked first"))
    if hindered == "read-only":
        monkeypatch.setattr("napari_zeroshot.engine.appearing.os.access", lambda *_: False)
    shown = command("demo", "--no-window", "--folder", tmp_path / ("file" if hindered == "a file" else "results"))
    assert shown.code == 1
    assert "cannot write into" in shown.err
    assert "choose another" in shown.err


def test_a_sheet_that_cannot_be_written_is_told(pictures, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PIL.Image.Image, "save", full)
    with pytest.raises(FileError, match=r"cannot write .*comparison.png: No space left"):
        demo.write_folder(pictures, tmp_path)
    assert not (tmp_path / demo.SHEET).exists()


def test_json_names_the_files_and_scores(command, tmp_path, monkeypatch, pictures):
    monkeypatch.setattr(demo, "pictures", lambda *_, **__: pictures)
    told = command("demo", "--json", "--folder", tmp_path / "new" / "folder").json
    assert all((tmp_path / "new" / "folder" / name).is_file() for name in told["files"])
    assert told["psnr"] == {"Noisy": 20.0, "Auto": 20.0, "ZS-N2N": 20.0, "ZS-N2M": 20.0, "FM2S": 20.0, "Truth": None}


def test_names_are_known_before_the_work(pictures, tmp_path):
    demo.write_folder(pictures, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(demo.file_names())


def test_sheet_shows_all_tiles_under_one_contrast(pictures, tmp_path):
    demo.write_folder(pictures, tmp_path)
    sheet = imageio.imread(tmp_path / demo.SHEET)
    height, width = 24 * 5, 32 * 5  # such small pictures are enlarged, so that their captions have room
    tiles = [sheet[GAP : GAP + height, left : left + width] for left in range(GAP, 6 * (width + GAP), width + GAP)]
    captions = sheet[GAP + height :]
    assert all(np.array_equal(tile, tiles[0]) for tile in tiles)
    assert (tiles[0].min(), tiles[0].max()) == (0, 255)
    assert captions.min() < 50, "there is text"


@pytest.mark.gui
def test_napari_shows_all_side_by_side_under_one_contrast(pictures):
    if demo.why_no_window():
        pytest.skip(demo.why_no_window())
    viewer = demo.open_napari(pictures)
    try:
        assert [layer.name for layer in viewer.layers] == [picture.title for picture in pictures]
        assert getattr(viewer, "canvas", viewer).grid.enabled
        assert np.allclose(viewer.layers[0].scale, 0.1)
        viewer.layers[0].contrast_limits = (3, 7)
        assert tuple(viewer.layers["Truth"].contrast_limits) == (3, 7)
    finally:
        viewer.close()
