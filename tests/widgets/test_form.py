"""The form gives back what it is given, for every method and preset."""

import pytest
from qtpy.QtWidgets import QDoubleSpinBox, QWidget

from napari_zeroshot.engine.params import describe
from napari_zeroshot.engine.registry import all_methods
from napari_zeroshot.widgets.form import ParamsForm, title
from napari_zeroshot.widgets.recipe import RecipePicker
from napari_zeroshot.widgets.task import Recipe

pytestmark = pytest.mark.gui

METHODS = list(all_methods().values())
PRESETS = [pytest.param(method, preset, id=f"{method.name}-{preset}") for method in METHODS for preset in method.presets]
KNOBS = [pytest.param(method, knob, id=f"{method.name}-{knob.name}") for method in METHODS for knob in describe(method.params)]


@pytest.mark.parametrize(("method", "preset"), PRESETS)
def test_form_gives_back_what_it_is_given(qtbot, method, preset):
    form = ParamsForm(method.params)
    qtbot.addWidget(form)
    form.set_value(method.settings(preset))
    assert form.value() == method.settings(preset)


@pytest.mark.parametrize(("method", "knob"), KNOBS)
def test_every_knob_has_a_named_control_that_reaches_its_bounds(qtbot, method, knob):
    form = ParamsForm(method.params)
    qtbot.addWidget(form)
    assert knob.help in form.findChild(QWidget, f"param_{knob.name}").toolTip()
    for value in (knob.low, knob.high, *knob.choices):
        if value is not None:
            wanted = method.settings(None, {knob.name: value})
            form.set_value(wanted)
            assert form.value() == wanted


def test_setting_a_value_is_no_edit_but_turning_a_knob_is(qtbot):
    form = ParamsForm(all_methods()["zs-n2m"].params)
    qtbot.addWidget(form)
    with qtbot.assertNotEmitted(form.changed):
        form.set_value(all_methods()["zs-n2m"].preview)
    with qtbot.waitSignal(form.changed):
        form.findChild(QWidget, "param_alpha_ie").setValue(30)
    assert form.value().alpha_ie == 30


def test_knobs_are_magicgui_widgets_by_name(qtbot):
    form = ParamsForm(all_methods()["zs-n2m"].params)
    qtbot.addWidget(form)
    with qtbot.waitSignal(form.changed):
        form.container.alpha_ie.value = 30
    assert form.value() == all_methods()["zs-n2m"].settings(None, {"alpha_ie": 30})
    assert form.findChild(QDoubleSpinBox, "param_alpha_ie").text() == "30"
    with pytest.raises(ValueError, match="outside of the allowed range"):
        form.container.alpha_ie.value = -1


@pytest.mark.parametrize(("method", "knob"), KNOBS)
def test_label_has_one_pair_of_brackets_at_most(method, knob):
    assert title(knob).count("(") <= 1


@pytest.fixture
def texture_constant(qtbot) -> QDoubleSpinBox:
    form = ParamsForm(all_methods()["zs-n2m"].params)
    qtbot.addWidget(form)
    box = form.findChild(QDoubleSpinBox, "param_texture_constant")
    box.form = form  # keeps the form alive
    return box


@pytest.mark.parametrize(("typed", "value"), [("1e-9", 1e-9), ("0.25", 0.25), ("0,25", 0.25), ("7", 1.0), ("3.3e-07", 3.3e-7), ("e", 1e-5)])
def test_number_box_takes_numbers_as_they_are_written(qtbot, texture_constant, typed, value):
    texture_constant.selectAll()
    qtbot.keyClicks(texture_constant, typed)
    texture_constant.interpretText()
    assert texture_constant.value() == value


def test_number_box_steps_by_a_tenth_of_its_size(texture_constant):
    texture_constant.setValue(1e-5)
    texture_constant.stepUp()
    assert texture_constant.value() == 1.1e-5
    assert texture_constant.text() == "1.1e-05"


def test_number_box_leaves_zero_by_the_declared_step(qtbot):
    form = ParamsForm(all_methods()["zs-n2m"].params)
    qtbot.addWidget(form)
    box = form.findChild(QDoubleSpinBox, "param_alpha_ie")
    box.setValue(0)
    box.stepUp()
    assert box.value() == 1


def test_preset_fills_the_form_and_an_edit_keeps_its_name(qtbot):
    picker = RecipePicker()
    qtbot.addWidget(picker)
    picker.findChild(QWidget, "method").setCurrentText("FM2S")
    picker.findChild(QWidget, "preset").setCurrentText("wide-field")
    assert picker.value().params == all_methods()["fm2s"].settings("wide-field")
    picker.findChild(QWidget, "param_stride").setValue(20)
    assert picker.value().preset == "wide-field"
    assert picker.value().changes() == {"stride": 20}
    picker.findChild(QWidget, "reset").click()
    assert picker.value().changes() == {}


def test_another_method_begins_with_its_first_preset(qtbot):
    picker = RecipePicker()
    qtbot.addWidget(picker)
    picker.findChild(QWidget, "preset").setCurrentText("preview")
    picker.findChild(QWidget, "method").setCurrentText("FM2S")
    preset = picker.findChild(QWidget, "preset")
    assert [preset.itemText(i) for i in range(preset.count())] == list(all_methods()["fm2s"].presets)
    assert preset.currentText() == "default"


def test_recipe_goes_in_and_out(qtbot):
    method = all_methods()["zs-n2m"]
    wanted = Recipe(method, "real", method.settings("real", {"steps": 7}))
    picker = RecipePicker()
    qtbot.addWidget(picker)
    picker.set_value(wanted)
    assert picker.value() == wanted


def test_presets_begin_with_default_and_the_method_of_the_python_door_is_proposed(qtbot):
    picker = RecipePicker()
    qtbot.addWidget(picker)
    assert picker.method.name == "auto"
    assert picker.findChild(QWidget, "preset").itemText(0) == "default"
