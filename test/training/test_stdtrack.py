# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training as users start it: it learns, goes on where it stopped, and several processes are one run."""

from __future__ import annotations

import csv
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from painted_data import PaintedSequence, moving, painted_still

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.network.checkpoint import load_checkpoint
from stdtrack_ros.network.families import load_network
from stdtrack_ros.network.stdtrack import losses as losses_module
from stdtrack_ros.network.stdtrack import memory as memory_module
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.losses import LossWeights
from stdtrack_ros.network.stdtrack.memory import TokenMemory
from stdtrack_ros.network.stdtrack.model import MemoryState, STDTrack, StepOutput, TemplateState
from stdtrack_ros.settings import build_settings
from stdtrack_ros.training import rollout as rollout_module
from stdtrack_ros.training.data.clips import collate
from stdtrack_ros.training.data.dataset import ClipDataset
from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.rollout import RolloutSettings, rollout
from stdtrack_ros.training.stdtrack import StdtrackTrainSettings, train
from stdtrack_ros.training.synthetic.object_bank import ObjectBank
from stdtrack_ros.training.synthetic.synthetic_clips import CutoutClips

SMALL = {"dim": 32, "heads": 2, "depth": 1, "head_stem": 16, "head_channels": (8,), "backbone": "vit_tiny"}
RUN = {
    "network": "vit_tiny",
    "switches": SMALL,
    "batch": 4,
    "workers": 0,
    "threads": 1,
    "precision": "float32",
    "log_every": 1,
    "data.cutout_weight": 0.0,
    "data.picture_weight": 0.0,
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a folder with two short painted sequences in the layout of the shards."""
    folder = tmp_path_factory.mktemp("videos")
    for name in ("one", "two"):
        sequence = PaintedSequence(name, moving(12))
        (folder / name).mkdir()
        for index in range(len(sequence)):
            cv2.imwrite(str(folder / name / f"{index + 1:08d}.jpg"), sequence.frame(index))
        np.savetxt(folder / name / "groundtruth.txt", sequence.boxes, fmt="%g", delimiter=",")
    return folder


def settings(videos: Path, **changes: object) -> StdtrackTrainSettings:
    return build_settings(StdtrackTrainSettings, {**RUN, "data.videos": (videos,), **changes})


def test_a_run_that_was_cut_goes_on_exactly_where_it_stopped(videos: Path, tmp_path: Path) -> None:
    """Four steps at once, and two and two: the same weights, averages and log."""
    whole = train(settings(videos, steps=4, length=2), tmp_path / "whole")
    # The schedule follows the fraction of the budget, so the cut run keeps the budget and is stopped by its batches.
    from stdtrack_ros.training import stdtrack as module

    batches = module.make_batches
    try:
        module.make_batches = lambda *given: itertools.islice(batches(*given), 2)
        train(settings(videos, steps=4, length=2), tmp_path / "cut")
        resumed = train(settings(videos, steps=4, length=2), tmp_path / "cut")
    finally:
        module.make_batches = batches
    assert resumed.step == whole.step == 4
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], value, rtol=0, atol=0)
        torch.testing.assert_close(resumed.ema[name], whole.ema[name], rtol=0, atol=0)
    rows = [list(csv.DictReader((tmp_path / name / "log.csv").open())) for name in ("whole", "cut")]
    assert [row["loss"] for row in rows[0]] == [row["loss"] for row in rows[1]]
    assert (tmp_path / "whole" / "curves.png").stat().st_size > 1000


def test_the_best_checkpoint_is_chosen_by_validation(videos: Path, tmp_path: Path) -> None:
    trainer = train(settings(videos, steps=1, validation=(videos,)), tmp_path)
    rows = list(csv.DictReader((tmp_path / "validation.csv").open()))
    assert len(rows) == 1
    assert 0 < float(rows[0]["auc"]) == pytest.approx(trainer.best, abs=1e-5)
    assert load_checkpoint(tmp_path / "best.pt")["step"] == 1


def cutouts(count: int) -> CutoutClips:
    """Clips of painted ellipses that are always there."""
    return CutoutClips(ObjectBank([painted_still(seed) for seed in range(count)]), DataSettings(absence_prob=0.0))


def test_it_learns_a_small_task() -> None:
    """One batch of clips again and again: the loss falls, the boxes come to fit."""
    torch.manual_seed(0)
    source = cutouts(6)
    dataset = ClipDataset([(source, 1.0)], 2, 3, 8, augmented=False)
    clips = {name: torch.from_numpy(value) for name, value in collate([dataset[i] for i in range(8)]).items()}
    config = NetworkConfig(**{**SMALL, "dim": 48, "head_channels": (16,)})
    network = STDTrack(config).train()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    losses, rules = [], RolloutSettings(shift=0.5, template_failure_prob=0.0, large_window_prob=0.0)
    for _ in range(40):
        generator = torch.Generator().manual_seed(7)  # the same windows every time
        loss, parts = rollout(network, clips, rules, LossWeights(), generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    assert parts["iou"] > 0.4


def test_closed_loop_windows_follow_the_networks_own_boxes(videos: Path) -> None:
    """With and without the loop only the windows from the second frame on differ."""
    torch.manual_seed(0)
    network = STDTrack(NetworkConfig(**SMALL)).eval()
    source = cutouts(2)
    dataset = ClipDataset([(source, 1.0)], 3, 3, 4, augmented=False)
    clips = {name: torch.from_numpy(value) for name, value in collate([dataset[i] for i in range(4)]).items()}
    open_loop, closed_loop = (
        watched_windows(network, clips, RolloutSettings(closed_loop_prob=one)) for one in (0.0, 1.0)
    )
    torch.testing.assert_close(open_loop[0], closed_loop[0])
    assert not torch.allclose(open_loop[1], closed_loop[1])


def test_a_template_fails_after_a_while_and_the_memory_fills_with_what_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first frame sees the template and an empty STM; later ones a mixed template, and the frames before them."""
    torch.manual_seed(0)
    network = STDTrack(NetworkConfig(**SMALL)).eval()
    dataset = ClipDataset([(cutouts(2), 1.0)], 4, 3, 4, augmented=False)
    clips = {name: torch.from_numpy(value) for name, value in collate([dataset[i] for i in range(4)]).items()}
    seen: list[tuple[torch.Tensor, ...]] = []
    encode_memory = network.encode_memory

    def watched(template: TemplateState, memory: TokenMemory, initial_counts: torch.Tensor) -> MemoryState:
        seen.append((template.tokens, memory.weights, memory.looks))
        return encode_memory(template, memory, initial_counts)

    monkeypatch.setattr(network, "encode_memory", watched)
    first = network.start(clips["template"].permute(0, 3, 1, 2).float()).tokens
    for good_iou, failing in ((0.0, 1.0), (0.0, 0.0), (1.01, 0.0)):
        monkeypatch.setattr(rollout_module, "STORE_IOU", good_iou)
        seen.clear()
        settings = RolloutSettings(shift=0.0, template_failure_prob=failing, store_prob=1.0, blind_store_prob=0.0)
        rollout(network, clips, settings, LossWeights(), torch.Generator().manual_seed(2))
        torch.testing.assert_close(seen[0][0], first)
        assert not seen[0][1].any()
        changed = (seen[3][0] != first).flatten(1).any(dim=1)
        assert changed.tolist() == [bool(failing)] * 4
        present = clips["present"][:, :3].sum(dim=1)
        stored = (seen[3][1] > 0).sum(dim=1)
        assert torch.equal(seen[3][2].flatten(2).any(dim=2), seen[3][1] > 0), "each stored frame has its look"
        assert (stored > 0).any() if good_iou == 0.0 else not stored.any()
        assert (stored <= present).all()


def test_in_training_looks_are_compared_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the last frame counts, its own look agrees wholly, and better than the template's."""
    torch.manual_seed(0)
    monkeypatch.setattr(memory_module, "RATE", 1.0)
    monkeypatch.setattr(memory_module, "MARGIN", 0.0)
    network = STDTrack(NetworkConfig(**SMALL)).eval()
    dataset = ClipDataset([(cutouts(2), 1.0)], 4, 3, 4, augmented=False)
    clips = {name: torch.from_numpy(value) for name, value in collate([dataset[i] for i in range(4)]).items()}
    weights: list[torch.Tensor] = []
    step = network.step

    def watched(*given: Any) -> StepOutput:
        weights.append(given[-1].weights[:, 1:])
        return step(*given)

    monkeypatch.setattr(network, "step", watched)
    settings = RolloutSettings(shift=0.0, template_failure_prob=0.0, store_prob=1.0, blind_store_prob=0.0)
    for good_iou in (0.0, 1.01):
        monkeypatch.setattr(rollout_module, "STORE_IOU", good_iou)
        weights.clear()
        rollout(network, clips, settings, LossWeights(), torch.Generator().manual_seed(2))
        assert (weights[1] > 1.0).any() == (good_iou == 0.0)
        assert not weights[1].requires_grad


def test_identity_counts_as_its_weight_says_and_what_is_beside_the_target_only_where_it_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollout_module, "STORE_IOU", 0.0)
    torch.manual_seed(0)
    dataset = ClipDataset([(cutouts(2), 1.0)], 3, 3, 4, augmented=False)
    clips = {name: torch.from_numpy(value) for name, value in collate([dataset[i] for i in range(4)]).items()}
    network, rules = STDTrack(NetworkConfig(**SMALL)).eval(), RolloutSettings(ambiguous_prob=0.0)

    shown: list[torch.Tensor] = []

    def identity_loss(*given: torch.Tensor) -> torch.Tensor:
        shown.append(given[-1])
        return losses_module.identity_loss(*given)

    monkeypatch.setattr(rollout_module, "identity_loss", identity_loss)

    def run(weight: float, companions: torch.Tensor) -> tuple[float, dict[str, float]]:
        generator = torch.Generator().manual_seed(2)
        return rollout(network, {**clips, "companions": companions}, rules, LossWeights(identity=weight), generator)

    nowhere = torch.full_like(clips["companions"], torch.nan)
    with torch.no_grad():
        without, parts = run(0.0, nowhere)
        assert "identity" not in parts
        total, alone = run(0.5, nowhere)
        assert float(total - without) == pytest.approx(0.5 * alone["identity"], rel=1e-3)
        _, outside = run(0.5, clips["boxes"] + torch.tensor([1e5, 0, 0, 0]))
        assert outside["identity"] == pytest.approx(alone["identity"])
        _, beside = run(0.5, clips["boxes"])
        assert beside["identity"] > alone["identity"] + 0.01
    assert [bool(known.any()) for known in shown] == [False, False, True]


def watched_windows(
    network: STDTrack, clips: dict[str, torch.Tensor], rules: RolloutSettings, backward: bool = False
) -> list[torch.Tensor]:
    """Return the search windows that a rollout showed the network, with their gradients if asked for."""
    seen: list[torch.Tensor] = []
    step = network.step

    def record(template: object, search: torch.Tensor, *rest: object) -> object:
        seen.append(search.requires_grad_())
        return step(template, search, *rest)

    network.step = record
    loss, _ = rollout(network, clips, rules, LossWeights(), torch.Generator().manual_seed(1))
    network.step = step
    if backward:
        loss.backward()
    return seen


@pytest.mark.parametrize("detach", [False, True])
def test_gradient_flows_between_frames_unless_it_is_cut(detach: bool) -> None:
    """The first frame has no loss of its own, so that all gradient of its window comes from the next."""
    source = cutouts(2)
    clip = collate([ClipDataset([(source, 1.0)], 2, 3, 1, augmented=False)[0]])
    clips = {name: torch.from_numpy(value) for name, value in clip.items()}
    clips["valid"][:, 0] = False
    torch.manual_seed(0)
    network = STDTrack(NetworkConfig(**SMALL)).eval()
    rules = RolloutSettings(
        closed_loop_prob=0.0, detach=detach, store_prob=1.0, blind_store_prob=1.0, corruption_prob=0.0
    )
    first = watched_windows(network, clips, rules, backward=True)[0]
    flows = first.grad is not None and float(first.grad.abs().sum()) > 0
    assert flows is not detach


def test_sigterm_ends_a_run_in_order(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start(videos, folder, ["minutes=10", "save_minutes=5", "workers=1"])
    wait_for(folder / "log.csv")
    os.killpg(process.pid, signal.SIGTERM)  # as a terminal or a job scheduler does: the workers get it, too
    assert process.wait(400) == 0
    assert load_checkpoint(folder / "last.pt")["step"] >= 1


@pytest.mark.slow
def test_two_processes_of_torchrun_are_one_run(videos: Path, tmp_path: Path) -> None:
    """Two processes with half the batch each see the same clips as one with the whole, and share the weights."""
    folder = tmp_path / "two"
    process = start(
        videos, folder, ["steps=3"], launcher=["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    )
    assert process.wait(600) == 0
    content = load_checkpoint(folder / "last.pt")
    assert (content["step"], content["samples"]) == (3, 12)
    rows = list(csv.DictReader((folder / "log.csv").open()))
    assert [int(float(row["samples"])) for row in rows] == [4, 8, 12]
    load_network(folder / "last.pt")


def start(videos: Path, folder: Path, changes: list[str], launcher: list[str] | None = None) -> subprocess.Popen[bytes]:
    """`stdtrack train` in a process of its own."""
    import json

    values = [f"{name}={json.dumps(value)}" for name, value in RUN.items()]
    values += [f"data.videos=[{videos}]", *changes]
    arguments = [argument for value in values for argument in ("--set", value)]
    command = [sys.executable, *(launcher or []), "-m", "stdtrack_ros.cli.main", "train", str(folder), *arguments]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 400
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.2)


def test_bad_starts_are_named(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nothing to train on"):
        train(build_settings(StdtrackTrainSettings, RUN), tmp_path)
    with pytest.raises(ModelError, match="There is no checkpoint"):
        train(settings(videos, steps=1, start=str(tmp_path / "no.pt")), tmp_path)
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(ModelError, match="not a readable checkpoint"):
        load_checkpoint(tmp_path / "text.pt")
    torch.save({"a": 1}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="not a checkpoint of"):
        load_checkpoint(tmp_path / "other.pt")
    with pytest.raises(SettingError, match="length"):
        settings(videos, length=0)
