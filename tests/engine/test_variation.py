"""What a sweep tries: texts become values, values become settings, nonsense is refused with a remedy."""

import pytest

from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.params import describe
from napari_zeroshot.engine.registry import all_methods, get_method
from napari_zeroshot.engine.variation import axes_of, settings_of, usual_ends, usual_values, value_of, values_of

ZS_N2M = {knob.name: knob for knob in describe(get_method("zs-n2m").params)}


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("alpha_ie", "1,10,30", (1.0, 10.0, 30.0)),
        ("alpha_ie", "0.1:100:4", (0.1, 1.0, 10.0, 100.0)),
        ("alpha_ie", "0.1:100:log4", (0.1, 1.0, 10.0, 100.0)),
        ("alpha_ie", "0:9:lin4", (0.0, 3.0, 6.0, 9.0)),
        ("refine_share", "0.2:1:3", (0.2, 0.6, 1.0)),
        ("steps", "1:8:4", (1, 2, 4, 8)),
        ("steps", "1:3:9", (1, 2, 3)),
        ("refine", "off,on", (False, True)),
        ("optimiser", "adam", ("adam",)),
        ("alpha_ie", "3,3,3", (3.0,)),
    ],
)
def test_text_becomes_the_parameters_own_values(name, text, values):
    found = values_of(ZS_N2M[name], text)
    assert found == pytest.approx(values) if name == "alpha_ie" else found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("alpha_ie", "1,many", "not 'many'"),
        ("alpha_ie", "0:100:5", "begin above 0"),
        ("alpha_ie", "1:10", "the least, the greatest and how many"),
        ("alpha_ie", "10:1:3", "makes no sense"),
        ("alpha_ie", "2000", "at most 1000"),
        ("steps", "1.5", "steps = 1.5 is not allowed"),
        ("refine", "perhaps", "true or false"),
        ("optimiser", "a:b:3", "not 'a'"),
        ("optimiser", "sgd", "one of muon, adam"),
    ],
)
def test_what_cannot_be_read_is_refused_and_the_remedy_told(name, text, said):
    with pytest.raises(ParamError, match=said):
        values_of(ZS_N2M[name], text)


def test_one_value_is_read_as_its_parameter_wants_it():
    assert value_of(ZS_N2M["refine"], "on") is True
    assert value_of(ZS_N2M["steps"], " 30 ") == 30


@pytest.mark.parametrize("knob", [knob for method in all_methods().values() for knob in describe(method.params)], ids=lambda knob: knob.name)
def test_usual_values_of_every_parameter_are_allowed_and_differ(knob):
    values = usual_values(knob)
    assert len(set(values)) == len(values) > 1
    assert all(knob.check(value) == value for value in values)


@pytest.mark.parametrize("knob", [knob for method in all_methods().values() for knob in describe(method.params) if knob.tunable], ids=lambda knob: knob.name)
def test_sliders_ends_are_allowed_and_hold_the_default(knob):
    low, high = usual_ends(knob, 2)
    assert knob.check(knob.kind(low)) <= knob.check(knob.kind(high))
    assert low <= knob.default <= high or knob.default == knob.low == 0
    assert low > 0 or not knob.log


def test_two_parameters_give_every_combination_the_last_fastest():
    method = get_method("zs-n2m")
    axes = axes_of([method], {"alpha-ie": [1, 10], "steps": "5,6,7"})
    settings = settings_of(["zs-n2m"], axes, "real", {"alpha_cm": 3.0})
    assert [one.place for one in settings] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [one.title for one in settings][:2] == ["α_ie 1, 5 steps", "α_ie 1, 6 steps"]
    assert settings[-1].params == method.settings("real", {"alpha_ie": 10.0, "steps": 7, "alpha_cm": 3.0})


def test_methods_are_an_axis_and_may_share_a_parameter():
    methods = [get_method("zs-n2n"), get_method("fm2s")]
    settings = settings_of(["zs-n2n", "fm2s"], axes_of(methods, {"steps": [3]}), None, {})
    assert [one.title for one in settings] == ["ZS-N2N, 3 steps", "FM2S, 3 steps"]
    with pytest.raises(ParamError, match="'steps' is not a parameter"):
        axes_of([get_method("zs-n2n"), get_method("gaussian")], {"steps": [3]})


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        ({}, "one or two things, not 0"),
        ({"steps": [1], "alpha_ie": [1], "alpha_cm": [1]}, "not 3"),
        ({"steps": "1:1000:lin101"}, "at most 100 tiles, this one would have 101"),
        ({"alpha_ei": [1]}, "did you mean alpha_ie"),
    ],
)
def test_too_little_and_too_much_is_refused(vary, said):
    with pytest.raises(ParamError, match=said):
        axes_of([get_method("zs-n2m")], vary)


def test_a_network_goes_on_only_where_it_can():
    method = get_method("zs-n2m")
    first, second = settings_of(["zs-n2m"], axes_of([method], {"alpha_ie": [1, 10]}), None, {})
    few, more = settings_of(["zs-n2m"], axes_of([method], {"steps": [1, 10]}), None, {})
    wide, narrow = settings_of(["zs-n2m"], axes_of([method], {"window": [3, 5]}), None, {})
    assert second.can_go_on_from(first)
    assert not more.can_go_on_from(few)
    assert not narrow.can_go_on_from(wide)


def test_nearest_value_is_told_by_ratio_where_the_parameter_acts_by_ratios():
    (axis,) = axes_of([get_method("zs-n2m")], {"alpha_ie": [1, 100]})
    assert (axis.nearest(9), axis.nearest(11), axis.nearest(0)) == (0, 1, 0)
