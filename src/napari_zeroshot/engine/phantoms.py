"""Clean pictures of what microscopes look at, drawn from a seed: values 0 to 1, float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

Picture = NDArray[np.float32]
Floats = NDArray[np.float64]

HAEMATOXYLIN, EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])
"""How the two stains absorb red, green and blue (Ruifrok and Johnston, 2001)."""

FLATTENED = 2.5
"""A slice is so many pixels thick."""


def filaments(shape: tuple[int, int] = (256, 256), seed: int = 0) -> Picture:
    """Thin curved fibres that cross, such as actin or microtubules."""
    rng = np.random.default_rng(seed)
    fibres = _fibres(rng, shape, count=max(4, sum(shape) // 10))
    return _scaled(_seen(_dots(shape, *fibres), 1.1) + 0.25 * _seen(_dots(shape, *fibres), 5.0))


def nuclei(shape: tuple[int, int] = (256, 256), seed: int = 0) -> Picture:
    """Textured round nuclei of different brightness on a dark ground."""
    rng = np.random.default_rng(seed)
    placed = _placed(rng, shape, radius=min(18.0, min(shape) / 5), count=max(2, shape[0] * shape[1] // 3500))
    return _scaled(_seen(_drawn(placed, shape), 1.2))


def puncta(shape: tuple[int, int] = (256, 256), seed: int = 0) -> Picture:
    """Small spots of very different brightness, such as vesicles or single molecules, on a faint cloudy ground."""
    rng = np.random.default_rng(seed)
    count = max(5, shape[0] * shape[1] // 400)
    spots = _dots(shape, rng.uniform(0, 1, (count, 2)) * shape, rng.lognormal(0.0, 0.6, count))
    return _scaled(_seen(spots, 1.4) + 0.004 * _cloud(rng, shape, 24.0))


def cells(shape: tuple[int, int] = (256, 256), seed: int = 0) -> Picture:
    """Filaments over the faint glow of cell bodies, with some puncta: a bit of everything."""
    rng = np.random.default_rng(seed)
    glow = _cloud(rng, shape, min(shape) / 9)
    fibres = filaments(shape, seed + 1) * (0.35 + 0.65 * glow)
    return _scaled(fibres + 0.14 * glow + 0.5 * puncta(shape, seed + 2) * (glow > 0.5), most=99.95)


def membranes(shape: tuple[int, int] = (256, 256), seed: int = 0) -> Picture:
    """Thin outlines of cells that touch, such as an epithelium, over their faint and differing bodies."""
    rng = np.random.default_rng(seed)
    count = max(4, shape[0] * shape[1] // 700)
    centres = rng.uniform(-0.1, 1.1, (count, 2)) * shape
    wander = np.stack([5.0 * (_cloud(rng, shape, 6.0) - 0.5) for _ in shape])
    distances, nearest = KDTree(centres).query(np.moveaxis(np.indices(shape) + wander, 0, -1), k=2)
    apart = np.linalg.norm(centres[nearest[..., 0]] - centres[nearest[..., 1]], axis=-1)
    from_edge = (np.square(distances[..., 1]) - np.square(distances[..., 0])) / (2 * apart)
    edges = np.exp(-np.square(from_edge)) * (0.4 + 0.6 * _cloud(rng, shape, 12.0))
    return _scaled(_seen(edges, 0.9) + 0.2 * _seen(rng.uniform(0, 1, count)[nearest[..., 0]], 1.2), most=99.95)


def tissue(shape: tuple[int, int] = (256, 256), seed: int = 0) -> Picture:
    """Wavy strands of every width that fill the picture, such as collagen: no empty place anywhere."""
    rng = np.random.default_rng(seed)
    turn = ndimage.gaussian_filter(rng.normal(size=shape), min(shape) / 8, mode="reflect")
    rows, columns = np.indices(shape) + 12.0 * turn / turn.std()
    waves = sum(width * _unit(_seen(rng.normal(size=shape), (width, 4 * width))) for width in (1.2, 2.5, 5.0))
    strands = ndimage.map_coordinates(waves, [rows, columns], order=1, mode="reflect")
    return _scaled(np.clip(0.5 + 0.2 * _unit(strands), 0.05, 1) * (0.5 + 0.5 * _cloud(rng, shape, min(shape) / 8)), most=99.9)


def sparse(shape: tuple[int, int] = (256, 256), seed: int = 0) -> Picture:
    """A few small cells and spots on an even ground: almost all of the picture is empty."""
    rng = np.random.default_rng(seed)
    placed = _placed(rng, shape, radius=min(7.0, min(shape) / 6), count=max(2, shape[0] * shape[1] // 11000))
    count = max(3, shape[0] * shape[1] // 8000)
    spots = _dots(shape, rng.uniform(0, 1, (count, 2)) * shape, rng.uniform(4, 10, count))
    return _scaled(_seen(_drawn(placed, shape), 1.2) + _seen(spots, 1.4))


def histology(shape: tuple[int, int] = (256, 256), seed: int = 0) -> Picture:
    """A stained tissue section in bright light, shape (Y, X, 3): blue nuclei in pink fibres."""
    rng = np.random.default_rng(seed)
    placed = _placed(rng, shape, radius=min(9.0, min(shape) / 8), count=max(3, shape[0] * shape[1] // 900))
    blue = _seen(_drawn(placed, shape), 0.8)
    waves = _seen(rng.normal(size=shape), (1.0, 4.0)) + 1.5 * _seen(rng.normal(size=shape), (2.5, 9.0))
    strands = np.clip(0.5 + 0.35 * waves / waves.std(), 0, 1)
    pink = (0.4 + 0.6 * _cloud(rng, shape, min(shape) / 12)) * (0.25 + 0.75 * strands)
    absorbed = 1.3 * blue[..., np.newaxis] * HAEMATOXYLIN + 0.75 * (pink * (1 - 0.7 * np.clip(blue, 0, 1)))[..., np.newaxis] * EOSIN
    return np.asarray(0.96 * np.exp(-absorbed), np.float32)


def stack(shape: tuple[int, int, int, int, int] = (3, 2, 5, 96, 96), seed: int = 0) -> Picture:
    """Nuclei that drift among filaments, shape (T, C, Z, Y, X) with two channels: filaments, nuclei."""
    rng = np.random.default_rng(seed)
    volume = shape[2:]
    points, light = _fibres(rng, volume, count=sum(volume[1:]) // 8)
    placed = _placed(rng, volume, radius=13.0, count=max(2, volume[1] * volume[2] // 1200))
    flow = rng.uniform(-2.5, 2.5, 3) * (0.1, 1.0, 1.0)
    times = [(_dots(volume, points + 0.6 * t * flow, light), _drawn([one.after(t) for one in placed], volume)) for t in range(shape[0])]
    channels = [_scaled(np.stack([_seen(time[channel], (0.7, 1.2, 1.2)) for time in times]), most=99.9) for channel in range(2)]
    return np.stack(channels, axis=1)[:, : shape[1]]


@dataclass(frozen=True, eq=False)
class Nucleus:
    """An ellipse (ellipsoid) with its own texture, which moves along; axes in the image's order."""

    centre: Floats
    turn: Floats
    radii: Floats
    light: float
    waves: Floats
    phases: Floats
    drift: Floats

    def after(self, time: float) -> Nucleus:
        """The same nucleus, moved on."""
        return Nucleus(self.centre + time * self.drift, self.turn, self.radii, self.light, self.waves, self.phases, self.drift)

    def drawn(self, grid: Floats) -> Floats:
        """Its light at the points of `grid`, whose first dimension is the axis."""
        local = np.tensordot(self.turn, grid - self.centre.reshape(-1, *[1] * (grid.ndim - 1)), 1) / self.radii.reshape(-1, *[1] * (grid.ndim - 1))
        distance = np.sqrt((local**2).sum(0))
        texture = np.cos(np.tensordot(self.waves, local, 1) + self.phases.reshape(-1, *[1] * (grid.ndim - 1))).mean(0)
        body = np.clip((1 - distance) * float(self.radii[-1]), 0, 1)
        return np.asarray(self.light * body * (0.75 + 0.75 * texture - 0.15 * distance))

    def box(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """The part of an image that it can lie in."""
        reach = self.radii.max()
        return tuple(slice(int(max(0, c - reach)), int(max(0, min(size, c + reach + 2)))) for c, size in zip(self.centre, shape, strict=True))


def _placed(rng: np.random.Generator, shape: tuple[int, ...], radius: float, count: int) -> list[Nucleus]:
    """Up to `count` nuclei that do not overlap in the plane."""
    placed: list[Nucleus] = []
    for _ in range(8 * count):
        new = _nucleus(rng, shape, radius)
        apart = [np.hypot(*(new.centre - other.centre)[-2:]) > 0.9 * (new.radii[-2:].max() + other.radii[-2:].max()) for other in placed]
        if all(apart) and len(placed) < count:
            placed.append(new)
    return placed


def _nucleus(rng: np.random.Generator, shape: tuple[int, ...], radius: float) -> Nucleus:
    depth, angle = len(shape), rng.uniform(0, np.pi)
    turn = np.eye(depth)
    turn[-2:, -2:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    radii = radius * rng.uniform(0.65, 1.1, depth)
    if depth == 3:
        radii[0] = max(1.2, 0.6 * radii[0] / FLATTENED)
    drift = rng.normal(0, 2.5, depth) * ([0.05, 1, 1][-depth:])
    centre = rng.uniform(0.0, 1.0, depth) * shape
    return Nucleus(centre, turn, radii, rng.uniform(0.45, 1.0), rng.normal(0, 4.5, (9, depth)), rng.uniform(0, 2 * np.pi, 9), drift)


def _drawn(placed: list[Nucleus], shape: tuple[int, ...]) -> Floats:
    image, grid = np.zeros(shape), np.indices(shape).astype(np.float64)
    for one in placed:
        box = one.box(shape)
        image[box] += one.drawn(grid[:, *box])
    return np.maximum(image, 0.0)


def _fibres(rng: np.random.Generator, shape: tuple[int, ...], count: int) -> tuple[Floats, Floats]:
    """Points along wandering paths, shape (points, axes), and their light."""
    steps = 2 * max(shape)
    turns = ndimage.gaussian_filter1d(rng.normal(0, 0.08, (count, steps)), 12, axis=1).cumsum(1)
    main = rng.uniform(0, np.pi)
    angles = main + rng.normal(0, 0.45, (count, 1)) + turns
    path = 0.5 * np.stack([np.sin(angles), np.cos(angles)], -1).cumsum(1)
    start = rng.uniform(-0.15, 1.15, (count, 1, 2)) * shape[-2:] - path[:, steps // 2 : steps // 2 + 1]
    points = path + start
    if len(shape) == 3:
        depth = rng.uniform(0, shape[0] - 1, (count, 1)) + ndimage.gaussian_filter1d(rng.normal(0, 0.3, (count, steps)), 20, axis=1).cumsum(1)
        points = np.concatenate([depth[..., np.newaxis], points], -1)
    light = rng.lognormal(0.0, 0.5, (count, 1)) * (1 + 0.25 * _stretched(ndimage.gaussian_filter1d(rng.normal(size=(count, steps)), 15, axis=1)))
    return points.reshape(-1, len(shape)), light.ravel()


def _dots(shape: tuple[int, ...], points: Floats, light: Floats) -> Floats:
    """Each point's light shared among the pixels around it; what lies outside is lost."""
    image = np.zeros(shape)
    low = np.floor(points).astype(int)
    for corner in np.ndindex(*[2] * len(shape)):
        place = low + corner
        share = np.prod(1 - np.abs(points - place), axis=1)
        inside = ((place >= 0) & (place < shape)).all(1)
        np.add.at(image, tuple(place[inside].T), (light * share)[inside])
    return image


def _seen(light: Floats, width: float | tuple[float, ...]) -> Floats:
    """Through a lens."""
    return np.asarray(ndimage.gaussian_filter(light, width, mode="reflect"))


def _cloud(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Floats:
    return _stretched(ndimage.gaussian_filter(rng.normal(size=shape), size, mode="reflect"))


def _unit(values: Floats) -> Floats:
    """The same with mean 0 and standard deviation 1."""
    return np.asarray((values - values.mean()) / values.std())


def _stretched(values: Any) -> Floats:
    return np.asarray((values - values.min()) / (values.max() - values.min()))


def _scaled(light: Floats, most: float = 100.0) -> Picture:
    """The brightest becomes 1; with `most` below 100, that percentile does, and what is brighter is cut."""
    return np.clip(light / np.percentile(light, most), 0, 1).astype(np.float32)
