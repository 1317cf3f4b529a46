# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cutting a network down: what adds nothing goes first, and then nothing changes."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from painted_data import PaintedSequence, moving

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import prune_network  # noqa: E402

from stdtrack_ros.network.checkpoint import load_checkpoint, save_weights  # noqa: E402
from stdtrack_ros.network.families import describe, load_network  # noqa: E402
from stdtrack_ros.network.stdtrack.config import NetworkConfig  # noqa: E402
from stdtrack_ros.network.stdtrack.model import STDTrack  # noqa: E402

LARGE = NetworkConfig(dim=32, heads=2, depth=1, mlp_ratio=2, head_stem=16, head_channels=(8,), search_size=96)
IDLE_UNITS = [3, 5, *range(20, 50)]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos") / "one"
    folder.mkdir()
    sequence = PaintedSequence("one", moving(6))
    for index in range(len(sequence)):
        cv2.imwrite(str(folder / f"{index + 1:08d}.jpg"), sequence.frame(index))
    np.savetxt(folder / "groundtruth.txt", sequence.boxes, fmt="%g", delimiter=",")
    return folder.parent


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Write a network in which half of the hidden units add nothing, and the first head's output neither."""
    torch.manual_seed(2)
    network = STDTrack(LARGE)
    with torch.no_grad():
        network.layers.layers[0].mlp[2].weight[:, IDLE_UNITS] = 0.0
        network.layers.layers[0].attention.output.weight[:, :16] = 0.0
    save_weights({**describe(network), "ema": network.state_dict()}, tmp_path / "large.pt")
    return tmp_path / "large.pt"


def outputs(path: Path) -> list[torch.Tensor]:
    network = load_network(path)[0].eval()
    generator = torch.Generator().manual_seed(1)
    template, search = (torch.rand(1, 3, side, side, generator=generator) * 255 for side in (128, 96))
    with torch.no_grad():
        state, token = network.start(template), network.initial_token(1)
        memory = network.encode_memory(state, network.initial_memory(1))
        found = network.step(state, search, token, memory)
    return [*found.maps, found.token, found.enhanced, found.confidence]


def test_idle_units_go_first_and_nothing_changes(checkpoint: Path, videos: Path, tmp_path: Path) -> None:
    prune_network.main(checkpoint, tmp_path / "small.pt", ["mlp_ratio=1"], [videos], clips=2)
    content = load_checkpoint(tmp_path / "small.pt")
    assert content["network"]["mlp_ratio"] == 1
    assert content["ema"]["layers.layers.0.mlp.0.weight"].shape == (32, 32)
    kept = load_checkpoint(checkpoint)["ema"]["layers.layers.0.mlp.0.bias"]
    busy = [unit for unit in range(64) if unit not in IDLE_UNITS]
    torch.testing.assert_close(content["ema"]["layers.layers.0.mlp.0.bias"], kept[busy], rtol=0, atol=0)
    for found, expected in zip(outputs(tmp_path / "small.pt"), outputs(checkpoint), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_what_another_unit_says_too_is_taken_over(checkpoint: Path, videos: Path, tmp_path: Path) -> None:
    """Half of the units are the other half again, with other weights behind them: one of each two takes both."""
    network = load_network(checkpoint)[0]
    first, last = network.layers.layers[0].mlp[0], network.layers.layers[0].mlp[2]
    with torch.no_grad():
        torch.nn.init.normal_(last.weight)
        first.weight[32:], first.bias[32:] = first.weight[:32], first.bias[:32]
    save_weights({**describe(network), "ema": network.state_dict()}, tmp_path / "twice.pt")
    prune_network.main(tmp_path / "twice.pt", tmp_path / "once.pt", ["mlp_ratio=1"], [videos], clips=2)
    for found, expected in zip(outputs(tmp_path / "once.pt"), outputs(tmp_path / "twice.pt"), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-3)  # weights are kept in half precision


def test_inputs_are_taken_away_by_hand() -> None:
    """The third input is the mean of the first two, and noise of variance 0.04: they take half of it each."""
    moment = torch.tensor([[1, 0, 0.5, 0], [0, 1, 0.5, 0], [0.5, 0.5, 0.54, 0], [0, 0, 0, 1]], dtype=torch.float64)
    kept, weight, bias = prune_network.without_inputs(torch.tensor([[4.0, 6, 1]]), torch.tensor([3.0]), moment, 2)
    assert kept.tolist() == [0, 1]
    torch.testing.assert_close(weight, torch.tensor([[4.5, 6.5]]), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(bias, torch.tensor([3.0]), rtol=1e-4, atol=1e-4)


def test_an_idle_head_goes_with_its_channels(checkpoint: Path, videos: Path, tmp_path: Path) -> None:
    prune_network.main(checkpoint, tmp_path / "small.pt", ["dim=16", "heads=1"], [videos], clips=2)
    old, new = load_checkpoint(checkpoint)["ema"], load_checkpoint(tmp_path / "small.pt")["ema"]
    rows = old["layers.layers.0.attention.query.bias"][16:]
    torch.testing.assert_close(new["layers.layers.0.attention.query.bias"], rows, rtol=0, atol=0)
    assert new["embedding.search_position"].shape == (1, 36, 16)
    positions = {tuple(channel.tolist()) for channel in old["embedding.search_position"][0].T}
    assert all(tuple(channel.tolist()) in positions for channel in new["embedding.search_position"][0].T)


def test_a_larger_network_is_refused(checkpoint: Path, videos: Path, tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="dim would be larger: 64, not 32"):
        prune_network.main(checkpoint, tmp_path / "small.pt", ["dim=64"], [videos], clips=2)
    assert not (tmp_path / "small.pt").exists()
