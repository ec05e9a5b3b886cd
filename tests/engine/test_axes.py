"""Axes letters in any order: planes come out as (S, Y, X) and go back where they were."""

from itertools import permutations

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_zeroshot.engine.axes import letters_of, parse
from napari_zeroshot.engine.errors import ImageError


@st.composite
def images(draw):
    """Letters in any order, Y and X among them, with sizes from 1 up, and an image of that shape whose values are all different."""
    others = draw(st.lists(st.sampled_from("TZCS"), unique=True))
    letters = "".join(draw(st.permutations([*others, "Y", "X"])))
    shape = tuple(draw(st.integers(1, 4)) for _ in letters)
    return letters, np.arange(np.prod(shape)).reshape(shape)


@settings(max_examples=80)
@given(images())
def test_planes_cut_out_and_put_back_make_the_image(case):
    letters, image = case
    axes = parse(letters, image.shape)
    again = np.full_like(image, -1)
    for index in axes.planes():
        axes.write(again, index, axes.read(image, index))
    np.testing.assert_array_equal(again, image)


@settings(max_examples=80)
@given(images())
def test_planes_are_samples_rows_columns(case):
    letters, image = case
    axes = parse(letters, image.shape)
    counted = [letter for letter in letters if letter in "TZC"]
    for index in axes.planes():
        plane = axes.read(image, index)
        assert plane.shape == (axes.size("S"), axes.size("Y"), axes.size("X"))
        at = {letter: index[letters.index(letter)] for letter in counted}
        assert axes.index_of(at) == index
        for s, y, x in ((0, 0, 0), (axes.size("S") - 1, axes.height - 1, axes.width - 1)):
            place = {**at, "S": s, "Y": y, "X": x}
            assert plane[s, y, x] == image[tuple(place[letter] for letter in letters)]


@settings(max_examples=60)
@given(images())
def test_channels_group_planes_of_one_channel(case):
    letters, image = case
    axes = parse(letters, image.shape)
    groups = axes.channels()
    assert sorted(str(index) for group in groups for index in group) == sorted(map(str, axes.planes()))
    assert len(groups) == axes.size("C")
    assert all(len({axes.channel_of(index) for index in group}) == 1 for group in groups)


@pytest.mark.parametrize("letters", ["".join(order) for order in permutations("SYX")])
def test_a_plane_laid_out_has_the_images_own_order(letters):
    image = np.arange(24).reshape([{"S": 2, "Y": 3, "X": 4}[letter] for letter in letters])
    axes = parse(letters, image.shape)
    np.testing.assert_array_equal(axes.as_laid(axes.read(image, (None, None, None))), image)


@pytest.mark.parametrize(
    ("letters", "shape", "words"),
    [
        ("TYX", (8, 2, 16, 16), "have 3 letters, the image 4 dimensions"),
        ("QYX", (8, 16, 16), "unknown letter 'Q'; known are T"),
        ("YYX", (8, 16, 16), "name one letter twice"),
        ("TZC", (8, 16, 16), "lack Y or X"),
        ("TYX", (0, 16, 16), "the image is empty"),
        (None, (8, 16, 16), "needs its axes named.*'ZYX', 'TYX', 'CYX' or, for RGB, 'YXS'"),
        (None, (2, 2, 2, 2, 8, 8), "needs its axes named"),
        (None, (16,), "has rows and columns at least"),
        ("", (16, 16), "have 0 letters"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_way_out(letters, shape, words):
    with pytest.raises(ImageError, match=words):
        parse(letters, shape)


def test_lower_case_and_plain_planes_need_no_more():
    assert parse("tyx", (2, 3, 4)).letters == "TYX"
    assert parse(None, (3, 4)).letters == "YX"


@pytest.mark.parametrize(
    ("dims", "letters"),
    [(("time", "z", "Y", "x"), "TZYX"), (("channel", "row", "column"), "CYX"), (("y", "x", "rgb"), "YXS"), (("mouse", "y", "x"), None), (None, None)],
)
def test_labelled_arrays_name_their_own_axes(dims, letters):
    image = np.zeros((2, 2, 2)) if dims is None else xarray.DataArray(np.zeros((2,) * len(dims)), dims=dims)
    assert letters_of(image) == letters
