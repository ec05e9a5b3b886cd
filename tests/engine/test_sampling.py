"""One image into several: pairs, masks, crops, local statistics, against small cases worked out by hand."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.sampling import Crops, balanced_mask, cell_mean, diagonal_pair, join, local_deviation, local_mean, split, swap

FOUR_BY_FOUR = torch.tensor([[[[1.0, 2, 9, 4], [6, 3, 0, 7], [5, 5, 1, 0], [8, 2, 10, 3]]]])


def test_pair_takes_the_two_diagonals_of_each_cell():
    anti, main = diagonal_pair(FOUR_BY_FOUR)
    assert anti[0, 0].tolist() == [[4.0, 2.0], [6.5, 5.0]]  # (2 + 6) / 2, (4 + 0) / 2, (5 + 8) / 2, (0 + 10) / 2
    assert main[0, 0].tolist() == [[2.0, 8.0], [3.5, 2.0]]  # (1 + 3) / 2, (9 + 7) / 2, (5 + 2) / 2, (1 + 3) / 2


def test_mean_of_the_pair_is_the_mean_of_the_cells():
    anti, main = diagonal_pair(FOUR_BY_FOUR)
    assert cell_mean(FOUR_BY_FOUR)[0, 0].tolist() == [[3.0, 5.0], [5.0, 3.5]]
    torch.testing.assert_close((anti + main) / 2, cell_mean(FOUR_BY_FOUR))


@pytest.mark.parametrize(("shape", "half"), [((5, 7), (2, 3)), ((4, 5), (2, 2)), ((9, 2), (4, 1))], ids=str)
def test_odd_last_rows_and_columns_are_left_out(shape, half):
    image = torch.rand(2, 3, *shape)
    even = image[..., : half[0] * 2, : half[1] * 2]
    for part, of_even in zip(diagonal_pair(image), diagonal_pair(even), strict=True):
        assert part.shape == (2, 3, *half)
        torch.testing.assert_close(part, of_even)


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (3, 2, 6, 8), (2, 3, 5, 5)], ids=str)
def test_masks_are_balanced_in_every_channel(shape):
    mask = balanced_mask(torch.zeros(shape), random_numbers(0, "cpu"))
    assert mask.shape == shape
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert (mask.sum(dim=(2, 3)) == shape[2] * shape[3] // 2).all()


def test_masks_differ_by_channel_and_by_draw_and_follow_the_seed():
    rng = random_numbers(5, "cpu")
    first, second = (balanced_mask(torch.zeros((1, 2, 8, 8)), rng) for _ in range(2))
    assert not torch.equal(first[0, 0], first[0, 1])
    assert not torch.equal(first, second)
    assert torch.equal(first, balanced_mask(torch.zeros((1, 2, 8, 8)), random_numbers(5, "cpu")))


def test_every_pixel_is_swapped_as_often_as_not():
    rng = random_numbers(1, "cpu")
    mean = sum(balanced_mask(torch.zeros((1, 1, 4, 4)), rng) for _ in range(2000)) / 2000
    assert (mean - 0.5).abs().max() < 0.06


def test_swap_exchanges_where_the_mask_is_0_and_keeps_the_sum():
    first, second = torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[10.0, 20], [30, 40]])
    one, other = swap(first, second, torch.tensor([[1.0, 0], [0, 1]]))
    assert one.tolist() == [[1, 20], [30, 4]]
    assert other.tolist() == [[10, 2], [3, 40]]
    torch.testing.assert_close(one + other, first + second)


def test_pair_goes_through_a_network_as_one_batch():
    pair = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    assert all(torch.equal(part, again) for part, again in zip(pair, split(join(pair)), strict=True))


def windows(image, window):
    """Every window of an image, edges mirrored without repeating them: shape (Y, X, window, window)."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(image, window // 2, mode="reflect"), (window, window))


@pytest.mark.parametrize("window", [3, 5])
def test_local_statistics_are_those_of_the_window(window):
    image = np.random.default_rng(0).random((9, 12))
    tensor = torch.from_numpy(image)[None, None]
    np.testing.assert_allclose(local_mean(tensor, window)[0, 0].numpy(), windows(image, window).mean(axis=(2, 3)), rtol=1e-9)
    np.testing.assert_allclose(local_deviation(tensor, window)[0, 0].numpy(), windows(image, window).std(axis=(2, 3)), rtol=1e-6)


def test_local_statistics_of_an_image_smaller_than_the_window():
    assert local_mean(torch.ones(1, 1, 2, 2), 5).tolist() == torch.ones(1, 1, 2, 2).tolist()


PLACES = torch.arange(3 * 20 * 30, dtype=torch.float32).reshape(3, 1, 20, 30)


@pytest.mark.parametrize(("size", "shape"), [(8, (8, 8)), (25, (20, 25)), (64, (20, 30))], ids=["inside", "taller than the image", "larger than the image"])
def test_crops_are_parts_of_the_planes(size, shape):
    crops = Crops(PLACES, size, 5, random_numbers(0, "cpu"))
    batch = crops()
    assert batch.shape == (5, 1, *shape)
    for crop in batch[:, 0]:
        plane, place = divmod(int(crop[0, 0]), 600)
        y, x = divmod(place, 30)
        assert torch.equal(crop, PLACES[plane, 0, y : y + shape[0], x : x + shape[1]])


def test_crops_reach_every_plane_and_every_edge():
    seen = Crops(PLACES, 16, 3000, random_numbers(0, "cpu"))().unique()
    assert {0, 29, 570, 599, 1200, 1799} <= set(seen.int().tolist())


def test_size_0_takes_whole_planes_in_turn():
    crops = Crops(PLACES, 0, 4, random_numbers(0, "cpu"), batches=20)
    batches = [crops() for _ in range(20)]
    assert {batch.shape for batch in batches} == {torch.Size((1, 1, 20, 30))}
    assert {int(batch[0, 0, 0, 0]) for batch in batches} == {0, 600, 1200}


def test_corners_are_seen_about_half_as_often_as_the_middle():
    place = torch.arange(64 * 64).view(1, 1, 64, 64)
    batches = torch.cat([Crops(place, 48, 50, random_numbers(seed, "cpu"))() for seed in range(10)])
    seen = torch.bincount(batches.flatten(), minlength=64 * 64).view(64, 64)
    assert 0.1 * seen.max() < seen[0, 0] < seen[32, 32]


def test_crops_are_never_too_small_for_halves():
    assert Crops(torch.zeros(1, 1, 20, 20), 1, 3, random_numbers(0, "cpu"))().shape == (3, 1, 8, 8)


def test_each_batch_is_of_other_places_and_the_first_come_again_after_the_last():
    crops = Crops(PLACES, 8, 2, random_numbers(0, "cpu"), batches=3)
    first, second, third, again = (crops() for _ in range(4))
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert torch.equal(first, again)


def test_training_never_sees_what_is_held_out():
    place = torch.arange(2 * 64 * 64).view(2, 1, 64, 64)
    crops = Crops(place, 8, 4, random_numbers(0, "cpu"), batches=200, keep_out=True)
    seen = torch.cat([crops() for _ in range(200)]).unique()
    assert crops.spared
    assert crops.held_out().shape == (4, 1, 8, 8)
    assert not set(crops.held_out().flatten().tolist()) & set(seen.tolist())


def test_nothing_is_held_out_of_a_small_image():
    assert not Crops(PLACES, 16, 4, random_numbers(0, "cpu"), keep_out=True).spared


def test_crops_are_laid_channels_last():
    assert Crops(torch.rand(1, 3, 20, 20), 8, 2, random_numbers(0, "cpu"))().is_contiguous(memory_format=torch.channels_last)
