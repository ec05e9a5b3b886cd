"""The papers' figures on single parameters, made again on synthetic images, so that anyone can: α_ie of ZS-N2M, amplification and epochs of FM2S."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import document, machine, plot, record
from benchmarks.suite import Suite
from napari_zeroshot import denoise, get_method, sweep
from napari_zeroshot.engine.metrics import psnr
from napari_zeroshot.engine.noise import add_noise
from napari_zeroshot.engine.phantoms import cells
from napari_zeroshot.engine.sweep_files import write_sheet
from napari_zeroshot.engine.synthetic import Camera, sample_plane

FIGURES = ("alpha_ie", "amplification", "epochs", "choices")
Pair = tuple[NDArray[Any], NDArray[Any]]
"""A noisy image and its truth."""


@dataclass(frozen=True)
class Plan:
    """What is tried; tests try less."""

    side: int = 160
    alphas: Sequence[float] = (0.1, 1, 3, 10, 30, 100)
    copies: Sequence[int] = (1, 2, 3, 4, 6, 8)
    samples: Sequence[int] = (25, 100, 400)
    epochs: Sequence[int] = (1, 2, 5, 10, 20)
    seeds: Sequence[int] = (0, 1)
    choices: Sequence[tuple[str, str, str]] = (
        ("gaussian", "sigma", "0.4:4:8"),
        ("median", "size", "1,3,5,7,9"),
        ("nlm", "strength", "0.3:5:7"),
        ("zs-n2n", "steps", "50,200,500,1500"),
        ("zs-n2m", "alpha_ie", "0.1,1,3,10,30,100"),
        ("fm2s", "k_g", "10,50,120,200,400"),
    )


def run(figures: Sequence[str], device: str) -> None:
    """Make the figures, keep their numbers, and write the table into docs/benchmarks.md."""
    plan, found = Plan(), record.load("figures") or {}
    found |= {"machine": machine.describe(device), "command": record.command()}
    for name, make in (("alpha_ie", alpha_ie), ("amplification", amplification), ("epochs", epochs), ("choices", choices)):
        if name in figures:
            found[name] = make(plan, device)
            record.save("figures", found)
    if {"amplification", "epochs"} <= set(found):
        _draw(found)
    document.put("figures", _told(found))


def alpha_ie(plan: Plan, device: str) -> list[dict[str, Any]]:
    """ZS-N2M from little to much smoothing, as Figure 7 of its paper: a contact sheet, and a row for each tile."""
    sample = sample_plane()
    region = dict.fromkeys("YX", (40, 40 + plan.side))
    done = sweep(sample.noisy.array, "zs-n2m", vary={"alpha_ie": plan.alphas}, region=region, truth=sample.truth.array, device=device)
    plot.FOLDER.mkdir(parents=True, exist_ok=True)
    write_sheet(plot.FOLDER / "figure_alpha_ie.png", done)
    return [{name: row[name] for name in ("alpha_ie", "psnr", "ssim", "expected_error")} for row in done.rows()]


def images(side: int) -> dict[str, Pair]:
    """What three kinds of microscope might see: few photons, fewer, and many whose noise neighbours share."""
    light = np.rint(cells((side, side), 5) * 4096) / 4096
    rng = np.random.default_rng(0)
    found = {name: (Camera(photons).taken(light, rng), Camera(photons).levels(light)) for name, photons in (("confocal", 30.0), ("two-photon", 20.0))}
    clean = 0.1 + 0.8 * light
    shared = add_noise(clean, "gaussian", rng, sigma=25.0, correlation=0.8, clip=True)
    return {**found, "wide-field": (np.rint(255 * shared).astype(np.uint8), 255 * clean)}


def amplification(plan: Plan, device: str) -> list[dict[str, Any]]:
    """PSNR of FM2S against the number of noisy copies, for the preset of each microscope, as Figure 8 of its paper."""
    rows = []
    for preset, (noisy, truth) in images(plan.side).items():
        for seed in plan.seeds:
            done = sweep(noisy, "fm2s", vary={"amplification": plan.copies}, preset=preset, seed=seed, truth=truth, device=device)
            rows += [{"preset": preset, "seed": seed, "amplification": row["amplification"], "psnr": row["psnr"]} for row in done.rows()]
            print(preset, seed, [f"{row['psnr']:.2f}" for row in done.rows()], flush=True)
    return rows


def epochs(plan: Plan, device: str) -> list[dict[str, Any]]:
    """PSNR of FM2S against the steps on each sample of noise, for few and many samples, as Figures 6 and 9 of its paper.

    Rate and optimiser are the paper's; a step learns from crops, as ours do.
    """
    noisy, truth = images(plan.side)["confocal"]
    rows = []
    for samples in plan.samples:
        for count in plan.epochs:
            how = {"steps": samples * count, "steps_per_sample": count, "crop": 32, "crops": 8}
            scores = [psnr(truth, denoise(noisy, "fm2s", preset="confocal+paper", seed=seed, device=device, **how).image) for seed in plan.seeds]
            rows.append({"samples": samples, "epochs": count, "psnr": float(np.mean(scores))})
            print(rows[-1], flush=True)
    return rows


def choices(plan: Plan, device: str) -> list[dict[str, Any]]:
    """How many dB are lost if a setting is chosen by its expected error instead of by the truth, on images whose pixels share no noise."""
    light = np.rint(cells((plan.side, plan.side), 3) * 4096) / 4096
    rows = []
    for photons in (15.0, 60.0):
        noisy, truth = Camera(photons).taken(light, np.random.default_rng(1)), Camera(photons).levels(light)
        for method, name, values in plan.choices:
            done = sweep(noisy, method, vary={name: values}, truth=truth, device=device)
            chosen = min(done.tiles, key=lambda tile: tile.expected_error or 0.0)
            best = done.best
            lost = (best.psnr or 0.0) - (chosen.psnr or 0.0) if best else None
            at = {"best": best.setting.title if best else "", "chosen": chosen.setting.title}
            rows.append({"photons": photons, "method": method, "parameter": name, "values": values, **at, "lost": lost})
            print(rows[-1], flush=True)
    return rows


def _draw(found: dict[str, Any]) -> None:
    copies = {
        preset: _mean(found["amplification"], "amplification", preset=preset) for preset in dict.fromkeys(row["preset"] for row in found["amplification"])
    }
    steps = {f"{samples} samples": _mean(found["epochs"], "epochs", samples=samples) for samples in dict.fromkeys(row["samples"] for row in found["epochs"])}
    panels = [
        plot.Panel("FM2S: copies of the image", "amplification λ", "PSNR, dB", copies, ratios=False),
        plot.Panel("FM2S: steps on each sample of noise", "epochs", "PSNR, dB", steps, ratios=False),
    ]
    plot.draw("figure_fm2s", panels)


def _mean(rows: Sequence[dict[str, Any]], across: str, **fixed: Any) -> list[tuple[float, float]]:
    """Points of a line: the mean PSNR over seeds."""
    kept = [row for row in rows if all(row[name] == value for name, value in fixed.items())]
    places = dict.fromkeys(row[across] for row in kept)
    return [(place, float(np.mean([row["psnr"] for row in kept if row[across] == place]))) for place in places]


def _told(found: dict[str, Any]) -> str:
    tables = (table(found[name]) for name, table in TABLES.items() if name in found)
    return "\n\n".join([record.origin(found), "The pictures are in [Tuning](tuning.md).", *tables])


def _alpha_ie_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [(f"{row['alpha_ie']:g}", f"{row['psnr']:.2f}", f"{row['ssim']:.3f}", f"{row['expected_error']:.3g}") for row in rows]
    return "ZS-N2M on the sample plane:\n\n" + document.table(("α_ie", "PSNR, dB", "SSIM", "expected error, grey levels"), lines)


def _fm2s_table(rows: Sequence[dict[str, Any]], across: str, by: str, title: str) -> str:
    """A line for each value of what is varied, and a column for each value of `by`."""
    columns = list(dict.fromkeys(row[by] for row in rows))
    means = {column: dict(_mean(rows, across, **{by: column})) for column in columns}
    lines = [(f"{place:g}", *(f"{means[column][place]:.2f}" for column in columns)) for place in means[columns[0]]]
    return "FM2S, PSNR in dB, mean over seeds:\n\n" + document.table((across, *(title.format(column) for column in columns)), lines)


def _choices_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        (f"{get_method(row['method']).title}, `{row['parameter']}`", f"{row['photons']:g}", row["best"], row["chosen"], f"{row['lost']:.2f}") for row in rows
    ]
    table = document.table(("setting", "photons", "best", "of the least expected error", "dB lost"), lines)
    return f"Settings chosen by the [expected error](tuning.md#the-expected-error) instead of by the truth, on phantoms:\n\n{table}"


TABLES: dict[str, Callable[[Sequence[dict[str, Any]]], str]] = {
    "alpha_ie": _alpha_ie_table,
    "amplification": partial(_fm2s_table, across="amplification", by="preset", title="{}"),
    "epochs": partial(_fm2s_table, across="epochs", by="samples", title="{} samples"),
    "choices": _choices_table,
}


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=FIGURES, help="some figures only")
    parser.add_argument("--device", default="auto", help="as for denoise")


SUITE = Suite("the papers' figures on single parameters, on synthetic images", _options, lambda chosen: run(chosen.only, chosen.device))
