"""An image knows its axes and units, and a result takes over what its source knew."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.image import Image, image_of, unit
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.result import Result

STACK = Image(np.zeros((2, 4, 5)), "CYX", {"X": (0.1, "um")}, "cell", channels=("actin", "dna"))
RESULT = Result(np.ones((2, 4, 5)), "gaussian", Params(), "default", "CYX", "shared", 0, "CPU", 0.1)


@pytest.mark.parametrize(("name", "written"), [("micrometer", "µm"), ("um", "µm"), ("μm", "µm"), ("Microns", "µm"), ("sec", "s"), ("furlong", "furlong")])
def test_a_unit_is_written_as_ome_writes_it(name: str, written: str) -> None:
    assert unit(name) == written


def test_result_takes_over_its_sources_scale_and_channels() -> None:
    image = image_of(RESULT, like=STACK)
    assert (image.axes, image.scale, image.channels, image.name) == ("CYX", {"X": (0.1, "µm")}, ("actin", "dna"), "cell")
    assert image.array is RESULT.image
    assert image.provenance is not None
    assert image.provenance["method"] == "gaussian"


def test_array_takes_over_the_axes_too_but_not_the_provenance() -> None:
    image = image_of(np.ones((2, 4, 5)), like=image_of(RESULT, like=STACK))
    assert (image.axes, image.provenance) == ("CYX", None)


def test_labelled_array_names_its_own_axes() -> None:
    assert image_of(xarray.DataArray(np.ones((2, 4, 5)), dims=("time", "y", "x"))).axes == "TYX"


def test_stack_without_axes_is_refused() -> None:
    with pytest.raises(ImageError, match="needs its axes named"):
        image_of(np.ones((2, 4, 5)))
