"""Dim spots on an even ground, and what a spot detector finds of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]

WIDTH = 1.5
"""Sigma of a spot, in pixels."""
PITCH = 20
"""Pixels between spots, about."""
STRENGTHS = (2.0, 3.0, 5.0)
"""How far the middle of a spot is above the ground, in standard deviations of the noise there."""
RESPONSE = 0.5
"""Of the Laplacian of a Gaussian to a spot as wide as itself and of height 1."""
FEW = 3
"""So many false spots are let through where the detector's threshold is set by hand."""
NEAR = 2.0
"""A spot is found if the detector puts one at most so many pixels away."""
APERTURE, RING = 4, (6, 9)
"""Radii in pixels: what counts to a spot's light, and where the ground is read."""


@dataclass(frozen=True, eq=False)
class Field:
    """Spots in photons.

    Parameters
    ----------
    truth
        Mean photons, shape (Y, X).
    places
        Rows and columns of the spots, shape (spots, 2).
    strengths
        Of each spot, one of `STRENGTHS`.
    ground
        Photons between the spots.
    """

    truth: Floats
    places: NDArray[np.int64]
    strengths: Floats
    ground: float

    def taken(self, rng: np.random.Generator) -> NDArray[np.uint16]:
        """Counted photons."""
        return rng.poisson(self.truth).astype(np.uint16)


def field(ground: float, side: int, seed: int) -> Field:
    """Spots of all strengths, each about `PITCH` pixels from the next, on `ground` photons."""
    rng = np.random.default_rng((seed, int(ground)))
    grid = np.stack(np.meshgrid(*[np.arange(PITCH // 2, side - PITCH // 2 + 1, PITCH)] * 2, indexing="ij"), -1).reshape(-1, 2)
    places = grid + rng.integers(-2, 3, grid.shape)
    strengths = rng.permutation(np.resize(STRENGTHS, len(places)))
    light = np.zeros((side, side))
    light[tuple(places.T)] = strengths * np.sqrt(ground) * 2 * np.pi * WIDTH**2
    return Field(ground + ndimage.gaussian_filter(light, WIDTH), places, strengths, ground)


@dataclass(frozen=True)
class Seen:
    """What is left of the spots of one strength.

    Parameters
    ----------
    contrast
        Mean height of the middle 3 x 3 pixels above the ground beside, as a share of the true one.
    light
        Mean light within a radius of 4 pixels less that of the ground beside, as a share of the true one.
    found
        The share of spots that the detector finds with a threshold of half the weakest true spot.
    ranked
        The share that it finds with the threshold at which three false spots come along, as by hand.
    """

    contrast: float
    light: float
    found: float
    ranked: float


def seen(image: Any, spots: Field) -> tuple[dict[float, Seen], int]:
    """What is left of the spots in an image, by strength, and how many the detector finds where there are none."""
    found, responses = detected(image)
    apart = np.linalg.norm(spots.places[:, None] - found[None], axis=-1)
    false = np.sort(responses[apart.min(axis=0) > NEAR])[::-1]
    fixed = 0.5 * RESPONSE * min(STRENGTHS) * np.sqrt(spots.ground)
    by_hand = false[FEW] if len(false) > FEW else 0.0
    best = np.where(apart <= NEAR, responses, 0.0).max(axis=1, initial=0.0)
    ours, true = (_measured(np.asarray(values, np.float64), spots.places) for values in (image, spots.truth))
    kept = {}
    for strength in STRENGTHS:
        these = spots.strengths == strength
        shares = [mine[these].mean() / theirs[these].mean() for mine, theirs in zip(ours, true, strict=True)]
        shares += [(best[these] > threshold).mean() for threshold in (fixed, by_hand)]
        kept[strength] = Seen(*(round(float(share), 4) for share in shares))
    return kept, int((false > fixed).sum())


def detected(image: Any) -> tuple[NDArray[np.float64], Floats]:
    """Rows and columns of whatever scikit-image's Laplacian of Gaussians could take for a spot, and how strongly it answers there."""
    from skimage.feature import blob_log

    grey = np.asarray(image, np.float64)
    answer = -(WIDTH**2) * ndimage.gaussian_laplace(grey, WIDTH)
    lowest = 1e-9 * float(np.abs(answer).max())  # an even image has maxima by rounding alone
    places = blob_log(grey, min_sigma=WIDTH, max_sigma=WIDTH, num_sigma=1, threshold=lowest, exclude_border=False)[:, :2]
    return places, answer[tuple(places.astype(int).T)]


def _measured(image: Floats, places: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Height above the ground, and light, of each spot."""
    reach = RING[1]
    offsets = np.arange(-reach, reach + 1)
    away = np.hypot(*np.meshgrid(offsets, offsets))
    windows = np.stack([np.pad(image, reach, mode="reflect")[y : y + 2 * reach + 1, x : x + 2 * reach + 1] for y, x in places])
    ground = windows[:, (away >= RING[0]) & (away <= RING[1])].mean(axis=1)
    height = windows[:, reach - 1 : reach + 2, reach - 1 : reach + 2].mean(axis=(1, 2)) - ground
    inner = away <= APERTURE
    return height, windows[:, inner].sum(axis=1) - ground * inner.sum()
