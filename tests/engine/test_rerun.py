"""A result made again from what its provenance record says; and records that say nonsense."""

import copy
import json

import dask.array
import numpy as np
import pytest
import torch

import napari_zeroshot
from napari_zeroshot import denoise, read, rerun, write
from napari_zeroshot.engine.agreement import agreement
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.fingerprint import of_image
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.recorded import KEY, recorded
from napari_zeroshot.engine.registry import all_methods
from napari_zeroshot.engine.rerun import rerun_steps

QUICK = {"steps": 15, "crop": 16, "crops": 2, "device": "cpu"}


@pytest.fixture
def result(stack):
    """A result whose every option differs from what it normally is."""
    gaps = stack.astype(np.float32)
    gaps[0, 0, 3, 4] = np.nan
    return gaps, denoise(gaps, "zs-n2m", axes="TCYX", preset="synthetic", seed=7, stack="warm", nan="fill", alpha_ie=3, **QUICK)


@pytest.fixture
def record(noisy):
    return denoise(noisy, "median", source={"name": "cells.tif"}).provenance()


def test_the_record_alone_gives_the_same_pixels(result):
    image, first = result
    again = rerun(json.loads(json.dumps(first.provenance())), image)
    np.testing.assert_array_equal(again.image, first.image)
    assert again.notes == first.notes
    untimed = [{key: value for key, value in made.provenance().items() if key not in ("seconds", "created", "device")} for made in (first, again)]
    assert untimed[0] == {**untimed[1], "source": untimed[0]["source"]}


def test_the_number_of_threads_is_that_of_the_first_run(noisy):
    image = noisy.astype(np.float32)
    one, two = (denoise(image, "zs-n2n", threads=count, **QUICK) for count in (1, 2))
    before = torch.get_num_threads()
    for first in (one, two):
        np.testing.assert_array_equal(rerun(first, image).image, first.image)
    assert (one.threads, two.threads, denoise(image, "median").threads) == (1, 2, None)
    assert torch.get_num_threads() == before


def test_impossible_numbers_of_threads_are_refused(noisy):
    with pytest.raises(ParamError, match="threads = 0 is not allowed; it takes a whole number from 1"):
        denoise(noisy, "zs-n2n", threads=0, **QUICK)


def test_every_method_can_be_run_again(method, quick, noisy):
    first = denoise(noisy[:40, :40], method.name, device="cpu", seed=2, dtype="float32", **quick(method))
    again = rerun(first, noisy[:40, :40])
    assert again.image.dtype == np.float32
    np.testing.assert_array_equal(again.image, first.image)


def test_a_written_file_is_enough(tmp_path, stack):
    write(tmp_path / "raw.ome.tif", stack, axes="TCYX")
    first = denoise(stack, "zs-n2n", axes="TCYX", seed=1, **QUICK)
    write(tmp_path / "clean.ome.tif", first)
    again = rerun(tmp_path / "clean.ome.tif", read(tmp_path / "raw.ome.tif"))
    np.testing.assert_array_equal(again.image, first.image)
    assert again.preset == first.preset


@pytest.mark.parametrize(
    "given", [lambda result: result, lambda result: {KEY: result.provenance(), "mine": 1}, lambda result: Image(None, provenance=result.provenance())]
)
def test_results_layers_and_images_all_hold_the_record(noisy, given):
    first = denoise(noisy, "median", size=5)
    np.testing.assert_array_equal(rerun(given(first), dask.array.from_array(noisy, chunks=16)).image, first.image)


def test_a_result_or_its_file_is_compared_with_the_new_pixels(tmp_path, noisy):
    first = denoise(noisy, "median", region={"Y": (8, 40)})
    write(tmp_path / "clean.ome.tif", first)
    for given in (first, tmp_path / "clean.ome.tif", read(tmp_path / "clean.ome.tif")):
        assert rerun(given, noisy).notes[-1] == "The pixels are those of the first result, bit for bit."
    first.image[3, 4] += 1
    assert "differ from the first result's by" in rerun(first, noisy).notes[-1]


def test_a_first_result_that_can_no_longer_be_read_costs_the_comparison_only(noisy):
    class Gone:
        shape, dtype = noisy.shape, noisy.dtype

        def __getitem__(self, place):
            raise OSError("the disk is gone")

    first = denoise(noisy, "median")
    again = rerun(Image(Gone(), "YX", provenance=first.provenance()), noisy)
    np.testing.assert_array_equal(again.image, first.image)
    assert again.notes[-1] == "The pixels could not be compared with the first result's: the disk is gone"


def test_another_number_of_threads_stays_within_the_tolerance(noisy):
    first = denoise(noisy.astype(np.float32), "zs-n2n", threads=1, **{**QUICK, "steps": 60})
    other = denoise(noisy.astype(np.float32), "zs-n2n", threads=2, **{**QUICK, "steps": 60})
    assert agreement(first.image, other.image, noisy, parse("YX", noisy.shape)).within


def test_another_image_is_refused_before_anything_is_trained(noisy, record):
    other = noisy.copy()
    other[0, 0] ^= 1
    with pytest.raises(ImageError, match=r"not the image of the record \(cells.tif\): shape and type are the same, the pixels are not"):
        next(rerun_steps(record, other))


@pytest.mark.parametrize("change", [lambda image: image[1:], lambda image: image.astype(np.uint16)], ids=["shape", "type"])
def test_another_shape_or_type_is_refused_at_once(noisy, record, change):
    with pytest.raises(ImageError, match=r"which is uint8 \(64, 72\); this one is"):
        rerun_steps(record, change(noisy))


def test_what_is_no_image_is_refused(record):
    with pytest.raises(ImageError, match="list is not an image"):
        rerun(record, [1, 2])


def test_older_records_run_and_say_what_was_not_checked(noisy, record):
    for name in ("dtype", "nan", "tile", "processor", "continued"):
        del record[name]
    del record["source"]["pixels"]
    assert "no sum of the image's pixels" in rerun(record, noisy).notes[0]


def test_other_versions_and_devices_are_noted(record):
    record["versions"]["torch"] = "0.1"
    record |= {"processor": "cuda:0", "complete": False}
    notes = " ".join(recorded(record).notes())
    assert "torch 0.1" in notes
    assert "on cuda:0" in notes
    assert "ended early" in notes
    assert recorded(record).device == "auto"


def test_a_run_that_went_on_from_another_cannot_be_made_again(noisy):
    start = denoise(noisy, "zs-n2n", **QUICK).denoiser
    with pytest.raises(ParamError, match="went on from another run's network"):
        rerun(denoise(noisy, "zs-n2n", start=start, **QUICK), noisy)


@pytest.mark.parametrize("what", [None, Image(None)], ids=["nothing", "image"])
def test_missing_records_are_said_to_be_missing(noisy, what):
    with pytest.raises(ParamError, match="there is no provenance record"):
        rerun(what, noisy)


def test_a_part_of_an_image_is_known_again_by_its_own_pixels(stack, record):
    axes, region = parse("TCYX", stack.shape), {"T": (1, 3), "Y": (0, 9), "X": (4, 20)}
    part = stack[1:3, :, :9, 4:20]
    pixels = of_image(part, parse("TCYX", part.shape))
    record |= {"axes": "TCYX", "source": {"shape": stack.shape, "dtype": "uint16", "pixels": pixels, "region": {k: list(v) for k, v in region.items()}}}
    order = recorded(record)
    assert (order.region, order.options()["region"], order.axes) == (region, region, axes)
    outside, inside = stack.copy(), stack.copy()
    outside[0, 0, 0, 0] += 1
    inside[1, 0, 0, 4] += 1
    order.check(outside)
    with pytest.raises(ImageError, match="the pixels are not"):
        order.check(inside)


NONSENSE = [
    ("method", "rm -rf"), ("method", ["median"]), ("method", "m" * 10_000), ("preset", "best"), ("preset", 3), ("params", {"size": 10**6}),
    ("params", {"size": 10**400}), ("params", {"size": [3]}), ("params", {"sise": 3}), ("params", {"size": "3" * 10_000}), ("params", [3]),
    ("params", {f"p{i}": 1 for i in range(10_000)}), ("axes", "QX"), ("axes", 3), ("axes", "YX" * 10_000), ("stack", "all"), ("seed", -1), ("seed", 2**70),
    ("seed", True), ("seed", "1"), ("dtype", "object"),
    ("nan", "drop"), ("threads", -1), ("threads", 10**6), ("threads", "2"), ("tile", 1.5), ("tile", 3), ("processor", {}), ("continued", "no"), ("complete", 1),
    ("source", {"shape": [64, 72]}), ("source", {"dtype": "uint8"}), ("source", {"shape": [64, "72"], "dtype": "uint8"}),
    *(("source", {"shape": [64, 72], "dtype": "uint8", "region": region}) for region in ({"Y": [0, 65]}, {"Y": [3, 3]}, {"T": [0, 1]}, {"Y": "01"}, [])),
    ("source", {"shape": [64, 72], "dtype": "O8,mine"}), ("source", {"shape": [1] * 10**5, "dtype": "uint8"}), ("source", []), ("versions", "1"),
    ("network", "mine"), ("network", []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), NONSENSE, ids=[f"{name}-{str(value)[:12]}" for name, value in NONSENSE])
def test_records_from_anywhere_are_believed_in_nothing(noisy, record, name, value):
    record = copy.deepcopy(record) | {name: value}
    with pytest.raises(ParamError) as refusal:
        rerun(record, noisy)
    assert len(str(refusal.value)) < 1500


@pytest.mark.parametrize("record", [[], "", 3, {}, {"noise": {"kind": "gaussian"}, "seed": 0, "source": {"name": "a"}}], ids=str)
def test_what_is_no_record_of_a_denoising_is_refused(noisy, record):
    with pytest.raises(napari_zeroshot.DenoiseError):
        rerun(record, noisy)


def test_every_method_and_preset_survives_its_record(noisy):
    for method in all_methods().values():
        for preset in method.presets:
            params = method.settings(preset)
            record = {"method": method.name, "preset": preset, "params": params.to_dict(), "axes": "YX", "source": {"shape": [64, 72], "dtype": "uint8"}}
            found = recorded(record)
            assert (found.params, found.changes()) == (params, {})
