"""What the dock remembers from one session to the next: in napari's Preferences where it has them, the rest in a small file."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

PLUGIN = "napari-zeroshot"
MOST = 100
"""So many values are noted in one file."""
DEFAULTS = {"method": "auto", "device": "auto", "cluster": "", "output_type": "same", "preview_size": 256, "memory": 0.0}
"""The settings that napari's Preferences show, as napari.yaml declares them."""


def folder() -> Path:
    """Where the file lies."""
    return user_config_path(PLUGIN)


class Notebook:
    """Plain values by name in one JSON file, written at every change. A file that cannot be read or written is as good as none."""

    def __init__(self, name: str) -> None:
        self._file = folder() / f"{name}.json"
        self._known: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            read = json.loads(self._file.read_text(encoding="utf-8"))
            self._known = read if isinstance(read, dict) else {}

    def get(self, name: str, default: Any = None) -> Any:
        """What was noted under a name."""
        return self._known.get(name, default)

    def put(self, name: str, value: Any) -> None:
        """Note a value, and let go of the oldest where there are too many."""
        self._known.pop(name, None)
        self._known[name] = value
        self._known = dict(list(self._known.items())[-MOST:])
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._known), encoding="utf-8")


def preference(name: str) -> Any:
    """A setting of the plugin, from napari's Preferences or, where this napari has none for plugins, from the file."""
    page = _page()
    value = getattr(page, name, None) if page is not None else Notebook("preferences").get(name)
    return DEFAULTS[name] if value is None else getattr(value, "value", value)


def prefer(name: str, value: Any) -> None:
    """Change a setting of the plugin."""
    page = _page()
    if page is None:
        Notebook("preferences").put(name, value)
    elif preference(name) != value:
        with suppress(ValueError):  # cuda:1 is no choice of the Preferences
            setattr(page, name, value)


def _page() -> Any:
    """The plugin's settings, which napari has had since 0.9."""
    try:
        from napari.settings import get_plugin_settings

        return get_plugin_settings(PLUGIN).denoise
    except (ImportError, KeyError, AttributeError):
        return None


def remembered_axes(shape: tuple[int, ...]) -> str | None:
    """The letters that the user last gave an image of this shape."""
    letters = Notebook("axes").get(_key(shape))
    return letters if isinstance(letters, str) and len(letters) == len(shape) else None


def remember_axes(shape: tuple[int, ...], letters: str) -> None:
    """Note the letters that the user gives an image of this shape."""
    Notebook("axes").put(_key(shape), letters)


def _key(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
