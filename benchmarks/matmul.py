"""The machine's limit: the fastest matrix product it can be seen to do."""

from __future__ import annotations

import time

SIDES = {"cpu": 2048, "cuda": 8192, "mps": 4096}


def peak_gflops(device: str, dtype: str, side: int | None = None, seconds: float = 1.0) -> float:
    """GFLOP/s of the best square matrix product within `seconds`.

    Parameters
    ----------
    dtype
        ``float32`` or ``bfloat16``; float32 may use what torch is set to use for it, as the methods do.
    side
        Of the matrices; one that fills the device when left out.
    """
    import torch

    side = side or SIDES[device.partition(":")[0]]
    left, right = (torch.randn(side, side, device=device).to(getattr(torch, dtype)) for _ in range(2))
    out = left @ right
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        started = time.perf_counter()
        torch.matmul(left, right, out=out)
        out[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - started)
    return 2 * side**3 / best / 1e9
