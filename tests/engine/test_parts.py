"""Planes in parts: every pixel once, surroundings where there are any, blocks from everywhere."""

import numpy as np
import pytest

from napari_zeroshot.engine.parts import blocks, spread, squares, strips, widened, windows


@pytest.mark.parametrize("shape", [(1, 1), (7, 30), (16, 16), (33, 17)], ids=str)
def test_windows_cover_each_pixel_once(shape):
    seen = np.zeros(shape, int)
    for window in windows(*shape, 16):
        seen[window] += 1
    assert (seen == 1).all()


def test_strips_cover_each_row_once():
    assert np.concatenate([np.arange(50)[rows] for rows in strips((3, 50, 40), 500)]).tolist() == list(range(50))


def test_the_window_lies_where_it_is_said_to_within_its_surroundings():
    plane = np.arange(40 * 50).reshape(40, 50)
    for window in windows(40, 50, 16):
        wide, inner = widened(window, 5, 40, 50)
        np.testing.assert_array_equal(plane[wide][inner], plane[window])


def test_a_small_plane_is_its_own_block():
    plane = np.zeros((1, 20, 30))
    (block,) = blocks(plane, 600)
    assert block is plane


@pytest.mark.parametrize("shape", [(1, 5000, 5000), (3, 4000, 6000), (1, 600, 30_000), (1, 30_000, 100), (1, 1, 2_000_000)], ids=str)
def test_blocks_come_from_everywhere_and_do_not_overlap(shape):
    plane = np.broadcast_to(np.zeros((), np.uint8), shape)
    rows, columns = (np.broadcast_to(line.reshape(side), shape[1:]) for line, side in zip(map(np.arange, shape[1:]), ((-1, 1), (1, -1)), strict=True))
    limit = 1_800_000
    taken = [(int(y[0, 0, 0]), int(x[0, 0, 0])) for y, x in zip(blocks(rows[None], limit), blocks(columns[None], limit), strict=True)]
    found = blocks(plane, limit)
    _, tall, wide = found[0].shape
    assert {block.shape for block in found} == {(shape[0], tall, wide)}
    assert sum(block.size for block in found) <= max(limit, found[0].size)
    seen = np.zeros(shape[1:], np.uint8)
    for y, x in taken:
        seen[y : y + tall, x : x + wide] += 1
    assert seen.max() == 1
    for side, length, starts in ((tall, shape[1], {y for y, _ in taken}), (wide, shape[2], {x for _, x in taken})):
        assert (min(starts), max(starts) + side) == (0, length) or starts == {(length - side) // 2}


@pytest.mark.parametrize("shape", [(2, 1, 512, 512), (1, 3, 300, 700), (3, 1, 20, 300)])
def test_squares_are_of_one_size_and_do_not_overlap(shape):
    planes = np.arange(np.prod(shape)).reshape(shape)
    found = squares(planes, 256)
    assert {one.shape for one in found} == {(shape[1], min(256, shape[2]), min(256, shape[3]))}
    assert len(found) == shape[0] * max(1, shape[2] // 256) * max(1, shape[3] // 256)
    assert len(np.unique(np.concatenate([one.ravel() for one in found]))) == sum(one.size for one in found)


def test_even_planes_are_passed_over_unless_all_are_even():
    planes = np.zeros((9, 1, 30, 30))
    assert spread(planes, 4, 20).shape == (1, 1, 20, 20)
    planes[5:] = np.arange(900.0).reshape(30, 30)
    planes += np.arange(9)[:, None, None, None]
    assert spread(planes, 2, 20)[:, 0, 0, 0].tolist() == [planes[5, 0, 5, 5], planes[8, 0, 5, 5]]
