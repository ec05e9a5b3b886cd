"""Noise2Void as CAREamics runs it by default, where that package is installed: what a user would pick otherwise."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.pairs import Pair

EPOCHS = 30
PATCH, BATCH = 64, 16

GIVEN = {"Confocal_FISH_1": 31.67, "TwoPhoton_MICE_1": 31.70, "WideField_BPAE_R_1": 26.95, "Confocal_MICE_1": 35.09, "TwoPhoton_BPAE_G_1": 31.94}
"""PSNR in dB on fmd that the task of this project gave for these defaults, about 40 s each on two cores."""


def noise2void(pair: Pair) -> Any:
    """The image of a U-Net that CAREamics trains on this one image."""
    from careamics import CAREamist
    from careamics.config import create_n2v_config

    image = pair.raw.astype(np.float32)
    with TemporaryDirectory() as folder:
        config = create_n2v_config("n2v", data_type="array", axes="YX", patch_size=[PATCH, PATCH], batch_size=BATCH, num_epochs=EPOCHS)
        careamist = CAREamist(config, work_dir=Path(folder), enable_progress_bar=False)
        careamist.train(train_data=image)
        clean, _ = careamist.predict(pred_data=image)
    return np.asarray(clean[0]).reshape(image.shape)
