"""Parts of an image: cut lazily, denoised in the grey scale of the planes they lie in; and runs that go on."""

import numpy as np
import pytest

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import FileError, ImageError
from napari_zeroshot.engine.files import write
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.region import cut
from napari_zeroshot.engine.run import denoise, denoise_steps


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).poisson(100, (3, 24, 20)).astype(np.uint16)


def test_part_reads_only_itself(stack):
    axes = parse("TYX", stack.shape)
    part = cut(stack, axes, {"T": (1, 3), "X": (4, 9)})
    assert part.shape == (2, 24, 5)
    np.testing.assert_array_equal(part[0, :, :], stack[1, :, 4:9])


@pytest.mark.parametrize(("region", "said"), [({"Z": (0, 1)}, "names an axis 'Z'"), ({"T": (0, 4)}, "from 0 to 3"), ({"Y": (3, 3)}, "from 3 to 3")])
def test_region_beyond_the_image_is_refused(stack, region, said):
    with pytest.raises(ImageError, match=said):
        denoise_steps(stack, "median", axes="TYX", region=region)


def test_region_is_denoised_alone_and_noted(stack):
    result = denoise(stack, "median", axes="TYX", region={"T": (1, 2), "Y": (0, 10)})
    np.testing.assert_array_equal(result.image, denoise(stack[1:2, :10], "median", axes="TYX").image)
    assert result.provenance()["source"]["region"] == {"T": [1, 2], "Y": [0, 10]}
    assert result.provenance()["source"]["shape"] == [3, 24, 20]


def test_grey_levels_of_a_region_are_those_of_its_planes(stack):
    stack[0, 12:20, 12:18] = 3000
    dark = denoise(stack, "zs-n2n", axes="TYX", region={"T": (0, 1), "Y": (0, 10), "X": (0, 10)}, steps=1)
    whole = denoise(stack[:1], "zs-n2n", axes="TYX", steps=1)
    assert dark.levels == whole.levels


def test_levels_of_an_earlier_run_are_taken_over(stack):
    first = denoise(stack, "zs-n2n", axes="TYX", steps=1)
    assert denoise(stack[:1] // 2, "zs-n2n", axes="TYX", steps=1, levels=first.levels).levels == first.levels


def test_quick_setting_keeps_what_the_user_chose_but_for_the_pace(trained):
    asked = trained.settings("default", {"steps": 5000})
    quick = trained.quick(asked)
    assert quick.steps == trained.preview.steps
    assert trained.quick(asked.replace(steps=3)).steps == 3
    assert set(quick.changed_from(asked)) <= set(trained.preview.changed_from(trained.settings())) | {"steps"}


def test_positions_are_planes_of_their_own_that_ome_tiff_cannot_hold(stack, tmp_path):
    assert denoise(stack, "median", axes="PYX").image.shape == stack.shape
    with pytest.raises(FileError, match="positions"):
        write(tmp_path / "a.ome.tif", Image(stack, axes="PYX"))
