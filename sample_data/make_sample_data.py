"""Make the images in this folder: python sample_data/make_sample_data.py."""

from __future__ import annotations

import sys
from pathlib import Path

from napari_zeroshot.engine.files import write
from napari_zeroshot.engine.synthetic import sample_plane, sample_rgb, sample_stack


def make(folder: Path) -> list[Path]:
    """Write the samples into `folder` and say where."""
    plane = sample_plane()
    images = {"plane": plane.noisy, "plane_truth": plane.truth, "stack": sample_stack().noisy, "rgb": sample_rgb().noisy}
    return [write(folder / f"{name}.ome.tif", image, overwrite=True, compressed=True) for name, image in images.items()]


if __name__ == "__main__":
    for path in make(Path(__file__).parent):
        sys.stdout.write(f"{path} {path.stat().st_size // 1000} kB\n")
