"""Which images are to be denoised, and under which name each result goes into a folder."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.files import FOLDERS, READERS, stem

ENDINGS = (".ome.tif", ".ome.zarr")
"""What results can be."""


@dataclass(frozen=True)
class Item:
    """An image, and the place of its result."""

    source: Path
    target: Path


def worklist(inputs: Sequence[str | Path], folder: Path, ending: str) -> list[Item]:
    """Every image that the inputs name, once, in the order of the inputs and by name within a folder.

    Parameters
    ----------
    inputs
        Files, OME-Zarr folders, folders (with those below; links to folders are not followed), and patterns such as ``raw/**/*.tif``.
    folder
        Where results go: those of a folder or a pattern into the same folders below it. What lies in it is no input.
    ending
        One of `ENDINGS`.

    Raises
    ------
    FileError
        If an input is not there or holds no image, if a result would replace an input or leave the folder, or if two had one name.
    """
    inside = _real(folder)
    found: dict[Path, Item] = {}
    for given in inputs:
        for source, below in _found(given, inside):
            found.setdefault(source.absolute(), Item(source, folder / below / f"{stem(source)}{ending}"))
    items = list(found.values())
    _check_names(items)
    _check_within(items, inside)
    return items


def _found(given: str | Path, results: Path) -> Iterator[tuple[Path, Path]]:
    """Images with the folder below the results' that theirs goes into."""
    path = Path(given)
    if path.is_dir() and path.suffix.lower() not in FOLDERS:
        if _real(path) == results:
            raise FileError(f"{path} is both an input and the folder of the results; give the results a folder of their own")
        images = [(image, image.parent.relative_to(path)) for image in _images(path, results)]
    elif glob.has_magic(str(given)) and not path.exists():
        base = _base(path)
        matches = (Path(match) for match in sorted(glob.glob(str(given), recursive=True)))
        images = [(image, image.parent.relative_to(base)) for image in matches if _is_image(image) and not _lies_in(image, results)]
    else:
        images = [(path, Path())]
    if not images:
        raise FileError(f"{given} names no image; known are files and folders ending in {', '.join(READERS)}")
    yield from images


def left_out(inputs: Sequence[str | Path], folder: Path) -> Counter[str]:
    """How many files of each other ending lie in the folders that the inputs name: `worklist` passes them over."""
    results = _real(folder)
    folders = [Path(given) for given in inputs if Path(given).is_dir() and Path(given).suffix.lower() not in FOLDERS]
    others = {path.absolute() for found in folders for path in _walked(found, results) if not path.name.startswith(".") and not _is_image(path)}
    return Counter(path.suffix.lower() or path.name for path in sorted(others))


def _images(folder: Path, results: Path) -> Iterator[Path]:
    return filter(_is_image, _walked(folder, results))


def _walked(folder: Path, results: Path) -> Iterator[Path]:
    """All files and images in a folder and those below it."""
    for here, below, names in os.walk(folder, onerror=_refuse):
        images = {name for name in below if _is_image(Path(here, name))}
        yield from (Path(here, name) for name in sorted([*names, *images]))
        below[:] = sorted(name for name in below if not name.startswith(".") and not _lies_in(Path(here, name), results) and name not in images)


def _refuse(error: OSError) -> None:
    """Of a folder that cannot be looked into: its images would be left out without a word."""
    raise FileError(f"cannot read the folder {error.filename}: {error.strerror}; mend that, or name the other folders one by one") from error


def _is_image(path: Path) -> bool:
    ending = path.suffix.lower()
    return ending in READERS and not path.name.startswith(".") and path.is_dir() == (ending in FOLDERS)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike Path.resolve, content with links that lead in a circle


def _lies_in(path: Path, folder: Path) -> bool:
    return _real(path).is_relative_to(folder)


def _base(pattern: Path) -> Path:
    """The folders before the first that is a pattern."""
    plain = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        plain.append(part)
    return Path(*plain)


def _check_names(items: Sequence[Item]) -> None:
    sources = {_plain(item.source) for item in items}
    taken: dict[str, Path] = {}
    for item in items:
        name = _plain(item.target)
        if name in sources:
            raise FileError(f"the result of {item.source} would replace the input {item.target}; give the results another folder")
        if name in taken:
            raise FileError(f"the results of {taken[name]} and {item.source} would both be {item.target}; rename one, or give each a folder of its own")
        taken[name] = item.source


def _plain(path: Path) -> str:
    """The same for every spelling of a path, also on disks that take capitals for small letters."""
    return str(_real(path)).casefold()


def _check_within(items: Sequence[Item], folder: Path) -> None:
    for item in items:
        if not _lies_in(item.target.parent, folder):
            raise FileError(f"the result of {item.source} would be outside {folder}, as {item.target.parent} is a link; remove the link")
