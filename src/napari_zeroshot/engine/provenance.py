"""How a result was made, as plain values: for a file's description or a layer's metadata."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_zeroshot.engine.result import Result

PACKAGES = ("napari-zeroshot", "torch", "numpy", "scipy", "scikit-image", "bm3d")
LOSSES = 200
"""At most so many points of the loss curve are kept."""


def record(result: Result) -> dict[str, Any]:
    """Method, every parameter, seed, device, versions, source, time and loss: all but the pixels."""
    thinned = result.losses[:: max(1, -(-len(result.losses) // LOSSES))]
    return {
        "method": result.method,
        "preset": result.preset,
        "params": result.params.to_dict(),
        "axes": result.axes,
        "stack": result.stack,
        "seed": result.seed,
        "dtype": result.dtype,
        "nan": result.nan,
        "tile": result.tile,
        "device": result.device,
        "processor": result.processor,
        "threads": result.threads,
        "continued": result.continued,
        "network": dict(result.network) if result.network else None,
        "instead_of": dict(result.instead_of) if result.instead_of else None,
        "source": dict(result.source),
        "complete": result.complete,
        "planes": result.planes,
        "planes_done": result.planes_done,
        "seconds": round(result.seconds, 3),
        "loss": result.losses[-1][1] if result.losses else None,
        "losses": [list(point) for point in thinned],
        "notes": list(result.notes),
        "versions": versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def versions() -> dict[str, str]:
    """The versions a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
