"""What trained networks leave behind."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.denoisers import NetworkDenoiser


@pytest.mark.parametrize("turns", [2, 4, 8])
def test_turned_copies_take_out_what_depends_on_the_direction(turns):
    """A network that moves the picture by a pixel: the average over turns moves it nowhere."""
    denoiser = NetworkDenoiser(torch.nn.Identity(), lambda y: torch.roll(y, (1, 1), (2, 3)), "cpu", 16, 2, turns=turns)
    image = np.zeros((1, 1, 9, 9), np.float32)
    image[0, 0, 4, 4] = 1
    answer = denoiser(image)[0, 0]
    np.testing.assert_allclose(answer, answer[::-1, ::-1], atol=1e-7)
    assert answer.sum() == pytest.approx(1)
    assert NetworkDenoiser(torch.nn.Identity(), lambda y: y + 1, "cpu", 16, 2, turns=turns)(image) == pytest.approx(image + 1)
