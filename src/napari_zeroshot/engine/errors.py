"""What a user can mend: every message says what was got, what is allowed and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_zeroshot.engine.result import Result


class DenoiseError(Exception):
    """Something the user can mend.

    Deliberately not a `RuntimeError`: napari's generator workers swallow those
    (superqt's ``GeneratorWorker.work`` returns them), which would leave a dock
    running for ever.

    Attributes
    ----------
    so_far
        The result of a run that failed after some planes were finished, the others being empty; None where there is none.
    """

    so_far: Result | None = None


class ImageError(DenoiseError):
    """The image cannot be denoised as it is: its type, size, axes or values."""


class GapsError(ImageError):
    """The image has NaN or infinity, and nobody asked for these to be filled."""


class ParamError(DenoiseError):
    """A parameter, preset or method name is unknown or out of bounds."""


class DeviceError(DenoiseError):
    """The chosen device is missing, ran out of memory or failed."""


class DeviceMemoryError(DeviceError):
    """The graphics card has too little free memory: less at once may do."""


class DeviceLostError(DeviceError):
    """The graphics card stopped working, and will not again before the program is restarted."""


class DivergedError(DenoiseError):
    """A training came to no result."""


class FileError(DenoiseError):
    """A file cannot be read or written."""


class MissingPackageError(DenoiseError):
    """An optional package is not installed; the message holds the install line."""
