"""Networks go into a file and come out again; files that say nonsense are refused, and none can run code."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.trained import Learned, Trained
from napari_zeroshot.engine.weights import HEADER, load_network, save_network


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 1, 1))


@pytest.fixture
def weights() -> Trained:
    method = get_method("zs-n2m")
    learned = tuple(Learned(channel, Scale(100.0 * channel, 900.0), 0.1, (network().state_dict(),)) for channel in range(2))
    return Trained(method, "real", method.settings("real", {"steps": 20}), 1, learned)


def rewritten(path, **changes):
    """The same file with another header."""
    with safetensors.safe_open(path, "pt") as file:
        header, tensors = json.loads(file.metadata()[HEADER]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    safetensors.torch.save_file(tensors, path, {HEADER: json.dumps(header | changes)})


def test_networks_come_back_as_they_were(tmp_path, weights):
    found = load_network(save_network(tmp_path / "cells.safetensors", weights))
    assert (found.method, found.preset, found.params, found.samples) == (weights.method, "real", weights.params, 1)
    assert [(one.channel, one.levels, one.noise) for one in found.networks] == [(0, Scale(0, 900), 0.1), (1, Scale(100, 900), 0.1)]
    image = torch.from_numpy(np.random.default_rng(0).random((1, 1, 8, 8), np.float32))
    again = network()
    for one in found.networks:
        again.load_state_dict(one.states[0], strict=True)
        torch.testing.assert_close(again(image), network()(image), rtol=0, atol=0)


def test_a_gaussian_in_the_place_of_a_network_comes_back_and_another_one_is_another(tmp_path, weights):
    plain, wider = (replace(weights, networks=(weights.networks[0], Learned(1, Scale(0, 900), 0.1, (), sigma))) for sigma in (1.1, 1.2))
    found = load_network(save_network(tmp_path / "cells.safetensors", plain))
    assert (found.networks[1].states, found.networks[1].sigma) == ((), 1.1)
    assert found.told() == plain.told()
    assert wider.told() != plain.told()


def test_a_file_is_replaced_only_on_request(tmp_path, weights):
    path = save_network(tmp_path / "cells.safetensors", weights)
    with pytest.raises(FileError, match="exists already"):
        save_network(path, weights)
    assert save_network(path, weights, overwrite=True) == path
    with pytest.raises(FileError, match=r"does not end in \.safetensors"):
        save_network(tmp_path / "cells.pt", weights)
    assert [entry.name for entry in tmp_path.iterdir()] == ["cells.safetensors"]


ONE = {"channel": 0, "low": 0, "high": 1, "noise": 1, "stages": 1}
"""The entry of a network, as it is in a file."""
GAUSSIAN = ONE | {"stages": 0, "sigma": 1}
"""That of a Gaussian, which was taken in the place of networks."""


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2}, {"method": "none"}, {"preset": "none"}, {"params": {"steps": 0}}, {"params": [1]}, {"samples": 2}, {"networks": []}, {"networks": 3},
        {"networks": [ONE | {"high": 0}]}, {"networks": [ONE | {"channel": -1}]}, {"networks": [ONE | {"channel": True}]},
        {"networks": [ONE | {"noise": "x"}]}, {"networks": [ONE | {"high": 10**400}]}, {"networks": [ONE] * 3},
        {"networks": [ONE | {"sigma": 1}]}, {"networks": [ONE | {"stages": 0}]}, {"networks": [GAUSSIAN | {"sigma": 0}]},
        {"networks": [GAUSSIAN | {"sigma": "wide"}]}, {"networks": [GAUSSIAN | {"sigma": 1e9}]}, {"networks": [GAUSSIAN | {"sigma": [1]}]},
        {"networks": [ONE | {"stages": 2}]}, {"networks": [ONE | {"stages": 10**6}]},
    ],
    ids=lambda changes: str(changes)[:40],
)  # fmt: skip
def test_headers_from_anywhere_are_believed_in_nothing(tmp_path, weights, changes):
    path = save_network(tmp_path / "cells.safetensors", weights)
    rewritten(path, **changes)
    with pytest.raises(FileError, match="damaged or holds no networks of ours"):
        load_network(path)


def test_weights_that_are_no_numbers_are_refused(tmp_path, weights):
    broken = {**weights.networks[0].states[0], "0.bias": torch.full((4,), float("nan"))}
    odd = Trained(weights.method, "real", weights.params, 1, (Learned(0, Scale(0, 1), 0.1, (broken,)),))
    with pytest.raises(FileError, match="no finite numbers"):
        load_network(save_network(tmp_path / "cells.safetensors", odd))


class Evil:
    """What a pickle would run."""

    def __reduce__(self):
        return (pytest.fail, ("code of a file was run",))


@pytest.mark.parametrize("content", [pickle.dumps(Evil()), b"", b"\xff" * 100, (2**40).to_bytes(8, "little")], ids=["pickle", "empty", "noise", "huge-header"])
def test_other_files_are_refused_and_not_run(tmp_path, content):
    (tmp_path / "cells.safetensors").write_bytes(content)
    with pytest.raises(FileError, match="damaged or holds no networks of ours"):
        load_network(tmp_path / "cells.safetensors")


def test_networks_of_other_programs_are_refused(tmp_path):
    safetensors.torch.save_file(network().state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(FileError, match="header is not of version 1"):
        load_network(tmp_path / "other.safetensors")
    with pytest.raises(FileError, match="there is no file"):
        load_network(tmp_path / "missing.safetensors")


@pytest.mark.parametrize(
    ("levels", "noise", "said"),
    [
        pytest.param(Scale(0, 900), 0.1, [], id="the-same"),
        pytest.param(Scale(50, 1100), 0.11, [], id="much-the-same"),
        pytest.param(Scale(0, 4000), 0.0225, ["grey levels run from 0 to 4000"], id="brighter"),
        pytest.param(Scale(2000, 2900), 0.1, ["grey levels run from 2000 to 2900"], id="another-offset"),
        pytest.param(Scale(0, 900), 0.3, ["noise is 270 grey levels; the network learnt to remove 90"], id="noisier"),
        pytest.param(Scale(0, 900), 0.0, ["noise is 0 grey levels"], id="without-noise"),
        pytest.param(Scale(0, 90), 0.1, ["grey levels run", "noise is 9 grey levels"], id="both"),
    ],
)
def test_images_unlike_those_learnt_from_are_told(weights, levels, noise, said):
    told = weights.networks[0].unlike(levels, noise)
    assert len(told) == len(said)
    assert all(words in sentence for words, sentence in zip(said, told, strict=True))
