"""A lazily denoised image is the denoised image, computed plane by plane where it is looked at."""

import dask.array
import numpy as np
import pytest

from napari_zeroshot import denoise, denoise_lazy, read, rerun, write
from napari_zeroshot.engine import plan
from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.lazy import lazy_steps

QUICK = {"device": "cpu", "steps": 4, "crop": 16, "crops": 1}


class Watched:
    """An array that notes which planes are read."""

    def __init__(self, array):
        self._array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, []

    def __getitem__(self, place):
        self.read.append(place[:2])
        return self._array[place]


def result_of(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("order", ["TCYX", "YXCT", "CYTX"])
def test_pixels_are_those_of_a_run_in_any_order_of_the_axes(stack, order):
    image = np.einsum(stack, [0, 1, 2, 3], ["TCYX".index(letter) for letter in order])
    lazy = denoise_lazy(image, "zs-n2n", axes=order, **QUICK)
    assert isinstance(lazy, dask.array.Array)
    assert (lazy.shape, lazy.dtype) == (image.shape, image.dtype)
    assert lazy.npartitions == 6
    np.testing.assert_array_equal(lazy.compute(), denoise(image, "zs-n2n", axes=order, **QUICK).image)


def test_every_method_can_be_looked_at_lazily(method, noisy, quick):
    series = np.stack((noisy[:24, :31], noisy[24:48, :31]))
    lazy = denoise_lazy(series, method.name, axes="TYX", device="cpu", **quick(method))
    np.testing.assert_array_equal(lazy[1].compute(), denoise(series, method.name, axes="TYX", device="cpu", **quick(method)).image[1])


def test_only_the_plane_in_view_is_read(stack):
    watched = Watched(stack)
    lazy = denoise_lazy(watched, "zs-n2n", axes="TCYX", **QUICK)
    watched.read.clear()
    assert lazy[2, 1, 3:9, ::2].compute().shape == (6, 16)
    assert watched.read == [(2, 1)]


def test_the_network_learns_from_evenly_spaced_planes_only(stack, monkeypatch):
    monkeypatch.setattr(plan, "TRAINING_PIXELS", 2 * 24 * 31)
    series, expected = Watched(stack), denoise(stack, "zs-n2n", axes="TCYX", **QUICK)
    result = result_of(lazy_steps(series, "zs-n2n", axes="TCYX", **QUICK))
    assert set(series.read) == {(0, 0), (2, 0), (0, 1), (2, 1)}
    assert result.notes == expected.notes != ()
    np.testing.assert_array_equal(result.image.compute(), expected.image)


def test_a_written_view_has_its_record_and_can_be_made_again(stack, tmp_path):
    result = result_of(lazy_steps(stack, "zs-n2n", axes="TCYX", source={"name": "cells"}, **QUICK))
    written = read(write(tmp_path / "clean.ome.tif", result))
    assert written.provenance["source"]["name"] == "cells"
    np.testing.assert_array_equal(rerun(written, stack).image, written.array)


def test_training_is_reported_and_can_be_cancelled(stack):
    reports, seen = [], []
    steps = lazy_steps(stack, "zs-n2n", axes="TCYX", cancelled=lambda: bool(seen), **QUICK)
    reports.append(next(steps))
    seen.append(True)
    result = result_of(steps)
    assert "training" in reports[0].stage
    assert not result.complete
    assert result.image[0, 0].compute().shape == (24, 31)


def test_gaps_are_refused_or_filled_as_in_a_run(stack):
    holed = stack.astype(np.float32)
    holed[0, 0, 2, 3] = np.nan
    with pytest.raises(ImageError, match="row 2, column 3"):
        denoise_lazy(holed, "median", axes="TCYX")[0, 0].compute()
    filled = denoise_lazy(holed, "median", axes="TCYX", nan="fill")[0, 0].compute()
    assert np.argwhere(np.isnan(filled)).tolist() == [[2, 3]]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"seed": -1}, {"dtype": "int8"}, {"nan": "keep"}, {"memory": 1e-9}, {"preset": "x"}, {"stack": "plane"}])
def test_what_is_wrong_is_told_at_once(stack, wrong):
    with pytest.raises(ParamError):
        lazy_steps(stack, "zs-n2n", axes="TCYX", **{**QUICK, **wrong})
