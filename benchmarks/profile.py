"""Where the time of one method goes, and how far it is from what the machine can do."""

from __future__ import annotations

import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks import document, machine
from benchmarks.images import picture
from benchmarks.matmul import peak_gflops
from benchmarks.record import command, kept, origin, save
from benchmarks.rows import trained
from benchmarks.suite import Suite
from benchmarks.timing import Work, follow, seconds_a_step, warm_up
from napari_zeroshot import denoise, get_method

Found = dict[str, Any]
WARM, TIMED, PROFILED, COUNTED = 20, 60, 30, 5
"""Steps to warm up with, to time without the profiler, to profile, and to count operations in."""
ON_CUDA = 10
"""So many times more steps on a CUDA card, where a step takes less than a millisecond."""
SHOWN = 12
"""Rows of a table; what is left is summed up in one."""
PRODUCTS = re.compile(r"conv|xmma|fprop|dgrad|wgrad|implicit|gemm|cutlass|::(addmm|baddbmm|bmm|mm)$", re.IGNORECASE)
"""Operations and kernels that are convolutions or matrix products."""


def measure(work: Work) -> Found:
    """Training, stage by stage, and inference: milliseconds, share of each operation, GFLOP/s."""
    warm_up(work)
    limits = {dtype: round(peak_gflops(work.device, dtype), 1) for dtype in ("float32", "bfloat16")}
    parts = {stage: _training(work, stage) for stage in work.counts()}
    return {"limits": limits, "parts": {**parts, "inference": _inference(work)}}


def _training(work: Work, stage: str) -> Found:
    times = ON_CUDA if machine.kind(work.device) == "cuda" else 1
    seconds = seconds_a_step(follow(work.with_steps(times * (WARM + TIMED))).marks, stage, times * WARM)
    return _summary(seconds, _profiled_step(work.with_steps(times * (WARM + PROFILED)), stage, times * WARM), _operations_of_step(work, stage))


def _profiled_step(work: Work, stage: str, warm: int) -> dict[str, float]:
    """Seconds by operation of one step of a stage, its first steps left out."""
    profiler = _profiler(work.device)
    begun = first = last = 0
    for report in work.run(picture(work.kind, work.side)):
        if report.stage == stage and report.loss is not None:
            begun, last = begun or report.step, report.step
            if not first and last - begun >= warm - 1:
                profiler.start()
                first = last
        elif first:
            break
    profiler.stop()
    return {name: seconds / max(1, last - first) for name, seconds in _by_operation(profiler, work.device).items()}


def _operations_of_step(work: Work, stage: str) -> float:
    """Floating-point operations of one step, counted on the CPU, since a captured CUDA graph shows none."""
    from torch.utils.flop_counter import FlopCounterMode

    short = replace(work, device="cpu").with_steps(COUNTED)
    with FlopCounterMode(display=False) as counter:
        marks = [
            (report.step, counter.get_total_flops()) for report in short.run(picture(work.kind, work.side)) if report.stage == stage and report.loss is not None
        ]
    (first, before), (last, after) = marks[0], marks[-1]
    return (after - before) / (last - first)


def _inference(work: Work) -> Found:
    from torch.utils.flop_counter import FlopCounterMode

    apply = _denoising(work)
    apply()
    started = time.perf_counter()
    apply()
    seconds = time.perf_counter() - started
    profiler = _profiler(work.device)
    profiler.start()
    apply()
    profiler.stop()
    on_cpu = _denoising(replace(work, device="cpu"))
    with FlopCounterMode(display=False) as counter:
        on_cpu()
    return _summary(seconds, _by_operation(profiler, work.device), counter.get_total_flops())


def _denoising(work: Work) -> Callable[[], Any]:
    """What denoises the picture anew by a network trained for a few steps."""
    short, image = work.with_steps(COUNTED), picture(work.kind, work.side)
    learned = denoise(image, short.method, preset=short.preset, axes="YXS" if work.kind == "rgb" else "YX", device=short.device, **short.params).denoiser
    plane = (image if image.ndim == 3 else image[..., None]).transpose(2, 0, 1)[None].astype("float32") / image.max()
    return lambda: learned(plane)


def _profiler(device: str) -> Any:
    from torch.profiler import ProfilerActivity, profile

    return profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if machine.kind(device) == "cuda" else [])])


def _by_operation(profiler: Any, device: str) -> dict[str, float]:
    """Seconds spent in each operation itself; on CUDA, in each kernel."""
    from torch.autograd import DeviceType

    if machine.kind(device) == "cuda":
        return {event.key: event.self_device_time_total / 1e6 for event in profiler.key_averages() if event.device_type == DeviceType.CUDA}
    return {event.key: event.self_cpu_time_total / 1e6 for event in profiler.key_averages() if event.device_type == DeviceType.CPU}


def _summary(seconds: float, spent: dict[str, float], operations: float) -> Found:
    everything = sum(spent.values())
    products = sum(part for name, part in spent.items() if PRODUCTS.search(name))
    shares = {name: round(part / everything, 5) for name, part in sorted(spent.items(), key=lambda item: -item[1]) if part}
    return {
        "ms": round(1000 * seconds, 4),
        "gflop": round(operations / 1e9, 5),
        "gflops": round(operations / seconds / 1e9, 1),
        "gflops_of_products": round(operations / products / 1e9, 1) if products else None,
        "share_of_products": round(products / everything, 4),
        "shares": shares,
    }


def section(found: Found) -> str:
    """The tables of one method, in Markdown."""
    limits, work = found["limits"], found["work"]
    inside = "kernels" if work["device"] == "cuda" else "operations, without those that they call"
    told = (
        f"{work['title']}, preset `{work['preset']}`, {work['side']}² {work['kind']}. The machine's fastest square matrix product does "
        f"{limits['float32']:.0f} GFLOP/s in float32 and {limits['bfloat16']:.0f} in bfloat16. "
        f"Shares are of the time inside {inside}, as the profiler sees them; milliseconds are taken without it."
    )
    parts = [f"{_speeds(found['parts'], limits)}", *(f"{_headed(name)}:\n\n{_shares(part['shares'])}" for name, part in found["parts"].items())]
    return "\n\n".join((origin(found), told, *parts))


def _headed(name: str) -> str:
    return "Inference" if name == "inference" else f"A step of {name}"


def _speeds(parts: dict[str, Found], limits: dict[str, float]) -> str:
    header = (
        "part",
        "ms",
        "GFLOP",
        "GFLOP/s over all",
        "share of convolutions and products",
        "GFLOP/s within them",
        "of the float32 peak",
        "of the bfloat16 peak",
    )
    rows = [
        (
            _headed(name),
            document.figure(part["ms"]),
            document.figure(part["gflop"]),
            f"{part['gflops']:.0f}",
            f"{part['share_of_products']:.0%}",
            *(f"{part['gflops_of_products'] or 0:.0f}", *(f"{(part['gflops_of_products'] or 0) / limits[dtype]:.0%}" for dtype in ("float32", "bfloat16"))),
        )
        for name, part in parts.items()
    ]
    return document.table(header, rows)


def _shares(shares: dict[str, float]) -> str:
    named = list(shares.items())
    rest = sum(share for _, share in named[SHOWN:])
    shown: Sequence[tuple[str, float]] = [*named[:SHOWN], *([(f"{len(named) - SHOWN} others", rest)] if rest else [])]
    return document.table(("operation", "share"), [(f"`{name[:80]}`" if name in shares else name, f"{share:.1%}") for name, share in shown])


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", nargs="?", choices=_methods(), help=f"one of {', '.join(_methods())}")
    parser.add_argument("--preset", default="default", help="such as full, or confocal+paper")
    parser.add_argument("--side", type=int, default=512, help="side of the picture, in pixels")
    parser.add_argument("--rgb", action="store_true", help="a colour picture instead of a grey one")
    parser.add_argument("--device", default="auto", help="where to compute")
    parser.add_argument("--quick", action="store_true", help="print the tables and keep nothing")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables from the figures that are kept")


def _methods() -> list[str]:
    return sorted({row.method for row in trained().values()})


def run(options: Namespace) -> None:
    """Profile one method, and write a section for each profile that is kept."""
    if not options.tables:
        _profile(options)
    if not options.quick:
        for name, found in kept("profile").items():
            document.put(name.replace("_", " "), section(found))


def _profile(options: Namespace) -> None:
    if options.method is None:
        raise SystemExit(f"name the method to profile: {', '.join(_methods())}")
    device, kind = machine.best(options.device), "rgb" if options.rgb else "grey"
    work = Work(options.method, options.preset, kind, options.side, device=device)
    about = {"title": get_method(work.method).title, "preset": work.preset, "side": work.side, "kind": kind, "device": machine.kind(device)}
    found = {"machine": machine.describe(device), "command": command(), "work": about, **measure(work)}
    print(section(found))
    if not options.quick:
        save(f"profile_{work.method}_{work.preset}_{work.side}_{kind}_{machine.kind(device)}", found)


SUITE = Suite("where the time of one method goes, and its distance to the machine's fastest matrix product", _options, run)
