"""Zero-shot denoising of microscope images, in napari, Python and on the command line.

Importing this loads neither torch nor Qt; the public names load what they need when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_zeroshot.engine.batch import batch, batch_steps
    from napari_zeroshot.engine.comparison import Comparison, compare
    from napari_zeroshot.engine.errors import DenoiseError
    from napari_zeroshot.engine.files import read, write
    from napari_zeroshot.engine.fm2s_noise import fm2s_factors
    from napari_zeroshot.engine.image import Image
    from napari_zeroshot.engine.lazy import denoise_lazy
    from napari_zeroshot.engine.method import Method, Progress
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport, diagnose
    from napari_zeroshot.engine.registry import all_methods, get_method
    from napari_zeroshot.engine.rerun import rerun
    from napari_zeroshot.engine.result import Result
    from napari_zeroshot.engine.run import denoise, denoise_steps
    from napari_zeroshot.engine.sweep import sweep, sweep_steps
    from napari_zeroshot.engine.sweep_tiles import Sweep
    from napari_zeroshot.engine.weights import load_network, save_network

__version__ = "0.1.0"

_HOMES = {
    "Comparison": "comparison",
    "DenoiseError": "errors",
    "Image": "image",
    "Method": "method",
    "NoiseReport": "noise_diagnosis",
    "Progress": "method",
    "Result": "result",
    "Sweep": "sweep_tiles",
    "all_methods": "registry",
    "compare": "comparison",
    "batch": "batch",
    "batch_steps": "batch",
    "denoise": "run",
    "denoise_lazy": "lazy",
    "denoise_steps": "run",
    "diagnose": "noise_diagnosis",
    "fm2s_factors": "fm2s_noise",
    "get_method": "registry",
    "load_network": "weights",
    "read": "files",
    "rerun": "rerun",
    "save_network": "weights",
    "sweep": "sweep",
    "sweep_steps": "sweep",
    "write": "files",
}

__all__ = [
    "Comparison",
    "DenoiseError",
    "Image",
    "Method",
    "NoiseReport",
    "Progress",
    "Result",
    "Sweep",
    "__version__",
    "all_methods",
    "batch",
    "batch_steps",
    "compare",
    "denoise",
    "denoise_lazy",
    "denoise_steps",
    "diagnose",
    "fm2s_factors",
    "get_method",
    "load_network",
    "read",
    "rerun",
    "save_network",
    "sweep",
    "sweep_steps",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.engine.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
