"""The program as a whole: what it costs to start, how it helps, what it lists."""

import subprocess
import sys

import pytest

from napari_zeroshot import __version__, all_methods
from napari_zeroshot.engine.params import describe

HEAVY = {"torch", "scipy", "skimage", "tifffile", "dask", "napari", "qtpy", "PIL"}


def python(*words):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)  # noqa: S603


def test_help_loads_nothing_heavy_and_is_quick():
    code = "import sys, time; from napari_zeroshot.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(time.process_time(), *sys.modules)"
    took, *loaded = python("-c", code).stdout.splitlines()[-1].split()
    assert float(took) < 1.5, "seconds of the processor; `python -m benchmarks opening` measures the half second that is the goal"
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


def test_module_runs_as_the_program():
    done = python("-m", "napari_zeroshot", "--version")
    assert (done.returncode, done.stdout) == (0, f"napari-zeroshot {__version__}\n")


def test_help_names_every_command_and_the_exit_codes(command):
    shown = command("--help")
    assert shown.code == 0
    assert all(name in shown.out for name in ("methods", "denoise", "rerun", "sweep", "measure", "simulate", "demo", "130"))


def test_methods_lists_all_of_them(command):
    shown = command("methods")
    assert shown.code == 0
    assert all(name in shown.out for name in all_methods())


@pytest.mark.parametrize("method", all_methods().values(), ids=lambda method: method.name)
def test_methods_shows_the_parameters_and_presets_of_one(command, method):
    shown = command("methods", method.name)
    assert all(f"--{knob.name.replace('_', '-')}" in shown.out for knob in describe(method.params))
    assert all(preset in shown.out for preset in method.presets)


def test_methods_gives_the_whole_declaration_as_json(command):
    told = command("methods", "--json").json
    smoothness = next(knob for knob in told["zs-n2m"]["params"] if knob["name"] == "alpha_ie")
    assert list(told) == list(all_methods())
    assert (smoothness["option"], smoothness["symbol"], smoothness["default"], smoothness["low"]) == ("--alpha-ie", "α_ie", 10.0, 0)
    assert told["zs-n2m"]["presets"]["synthetic"] == {"alpha_ie": 1.0}


def test_unknown_method_is_a_readable_error(command):
    shown = command("methods", "zs-n2q")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == "Error: there is no method 'zs-n2q'; did you mean 'zs-n2n'?\n"


def test_methods_tells_whom_to_cite(command):
    assert command("methods", "fm2s", "--bibtex").out.startswith("@misc{liu2024fm2s,\n  author = {Liu, Jizhihui and ")
    entries = command("methods", "--bibtex").out.strip().split("\n\n")
    assert len(entries) == len(set(entries))  # LaTeX refuses one that is there twice
    assert set(entries) == {method.bibtex for method in all_methods().values()}
    assert command("methods", "--bibtex", "--json").json["fm2s"]["bibtex"].startswith("@misc{")
