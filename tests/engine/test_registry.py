"""Every file in methods/ is found, under its own name."""

import pytest

from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.registry import all_methods, get_method


def test_every_method_is_there_trained_ones_first():
    assert list(all_methods()) == ["auto", "fm2s", "zs-n2m", "zs-n2n", "zs-unet", "bm3d", "gaussian", "median", "nlm", "wiener"]


def test_names_are_those_of_the_methods():
    assert all(get_method(name).name == name for name in all_methods())


def test_methods_cannot_be_changed():
    with pytest.raises(TypeError):
        all_methods()["mine"] = get_method("median")
    with pytest.raises(TypeError):
        get_method("fm2s").presets["confocal"] = {}


@pytest.mark.parametrize(
    ("name", "hint"), [("zsn2n", "did you mean 'zs-n2"), ("gausian", "did you mean 'gaussian'"), ("care", "there are auto, fm2s, zs-n2m"), (3, "there are")]
)
def test_unknown_methods_are_named_with_a_way_out(name, hint):
    with pytest.raises(ParamError, match=hint):
        get_method(name)
