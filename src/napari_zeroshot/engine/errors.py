"""What a user can mend: every message says what was got, what is allowed and what to do."""


class DenoiseError(Exception):
    """Something the user can mend.

    Deliberately not a `RuntimeError`: napari's generator workers swallow those
    (superqt's ``GeneratorWorker.work`` returns them), which would leave a dock
    running for ever.
    """


class ImageError(DenoiseError):
    """The image cannot be denoised as it is: its type, size, axes or values."""


class ParamError(DenoiseError):
    """A parameter, preset or method name is unknown or out of bounds."""


class DeviceError(DenoiseError):
    """The chosen device is missing, ran out of memory or failed."""


class DeviceMemoryError(DeviceError):
    """The graphics card has too little free memory: less at once may do."""


class DivergedError(DenoiseError):
    """A training came to no result."""


class FileError(DenoiseError):
    """A file cannot be read or written."""


class MissingPackageError(DenoiseError):
    """An optional package is not installed; the message holds the install line."""
