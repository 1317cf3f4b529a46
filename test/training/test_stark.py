# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training of STARK: losses by hand, what each stage trains, where crops are cut, the published schedules."""

import csv
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tiny_stark import SWITCHES, tiny_stark

from stdtrack_ros.cli.train import _dotted_file
from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.network.families import load_network, save_network
from stdtrack_ros.network.stark.config import StarkConfig
from stdtrack_ros.network.stark.model import MEAN, STD, Stark
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.model import STDTrack
from stdtrack_ros.settings import build_settings
from stdtrack_ros.training.data.windows import Windows, jitter
from stdtrack_ros.training.settings import WindowSettings
from stdtrack_ros.training.setup import make_fresh_batches
from stdtrack_ros.training.stark import (
    CLIPS_PER_DIMENSION,
    LEAST_VARIANCE,
    StarkTrainSettings,
    choose_trained,
    cut_triplet,
    train,
    whiten_score,
)

TINY = tiny_stark()
STILL = WindowSettings(shift=0.0, stretch=0.0)
CONFIG = Path(__file__).parents[2] / "config" / "training"


def trained_names(settings: StarkTrainSettings) -> tuple[Stark, set[str]]:
    network = Stark(TINY)
    choose_trained(network, settings)
    return network, {name for name, weight in network.named_parameters() if weight.requires_grad}


def test_stage_1_trains_all_but_the_score_head_and_the_first_layers() -> None:
    network, trained = trained_names(StarkTrainSettings(stage=1))
    frozen = {name for name, _ in network.named_parameters()} - trained
    assert {name.split(".")[0] for name in frozen} == {"score_head", "backbone"}
    assert {".".join(name.split(".")[:2]) for name in frozen if name.startswith("backbone")} == {
        "backbone.conv1",
        "backbone.layer1",
    }
    assert network.transformer.training
    everything = trained_names(StarkTrainSettings(stage=1, frozen_stages=0))[1]
    assert "backbone.conv1.weight" in everything and not any(name.startswith("score_head") for name in everything)


def test_stage_2_trains_the_score_head_alone() -> None:
    network, trained = trained_names(StarkTrainSettings(stage=2))
    assert trained and all(name.startswith("score_head.") for name in trained)
    assert not network.box_head.training and not network.transformer.training


def test_stage_2_needs_a_score_head() -> None:
    with pytest.raises(SettingError, match="this network has none"):
        choose_trained(Stark(StarkConfig(**SWITCHES)), StarkTrainSettings(stage=2))


def painted_clips(count: int = 3) -> dict[str, torch.Tensor]:
    """Clips of two frames, 1 image pixel a canvas pixel; the target, 64x64 at (192, 192), has a grey of its own."""
    shade = np.linspace(100, 250, count).astype(np.uint8)
    canvases = np.zeros((count, 2, 448, 448, 3), np.uint8)
    canvases[:, :, 192:256, 192:256] = shade[:, None, None, None, None]
    boxes = np.tile(np.array([192, 192, 64, 64], np.float32), (count, 2, 1))
    arrays = {
        "template": np.tile(shade[:, None, None, None], (1, 128, 128, 3)),
        "canvases": canvases,
        "windows": np.tile(np.array([224, 224, 448], np.float32), (count, 2, 1)),
        "boxes": boxes,
        "previous_boxes": boxes,
        "present": np.ones((count, 2), bool),
        "valid": np.ones((count, 2), bool),
    }
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}


def grey(crop: torch.Tensor) -> np.ndarray:
    """(3, S, S) normalised to (S, S) uint8."""
    pixels = crop[0] * STD[0] + MEAN[0]
    return (pixels * 255).round().numpy().astype(np.uint8)


def test_search_windows_hold_the_target_where_the_truth_says() -> None:
    triplet = cut_triplet(TINY, painted_clips(), WindowSettings(shift=0.6, stretch=0.1), torch.Generator())
    assert triplet.search.shape == (3, 3, 160, 160) and triplet.templates.shape == (3, 2, 3, 64, 64)
    assert triplet.present.all()
    for search, box in zip(triplet.search, triplet.box, strict=True):
        x, y, width, height = cv2.boundingRect((grey(search) > 60).astype(np.uint8))
        expected = [x + width / 2, y + height / 2, width, height]
        np.testing.assert_allclose(box.numpy() * 160, expected, atol=1.5)


def test_the_dynamic_template_is_the_target_in_the_first_frame() -> None:
    clips = painted_clips()
    clips["canvases"][:, 1] = 0
    dynamic = cut_triplet(TINY, clips, STILL, torch.Generator()).templates[:, 1]
    middle = [int(grey(template)[32, 32]) for template in dynamic]
    np.testing.assert_allclose(middle, [100, 175, 250], atol=1)
    assert grey(dynamic[0])[2, 2] == 0  # factor 2: the outer half of the crop is background


def test_negatives_are_the_next_clips_search_windows() -> None:
    triplet = cut_triplet(TINY, painted_clips(), STILL, torch.Generator(), negative_prob=1.0)
    assert not triplet.present.any()
    middle = [int(grey(search)[80, 80]) for search in triplet.search]
    np.testing.assert_allclose(middle, [175, 250, 100], atol=1)
    half = cut_triplet(TINY, painted_clips(40), STILL, torch.Generator().manual_seed(0), negative_prob=0.5).present
    assert 8 <= int(half.sum()) <= 32


def test_a_target_that_is_absent_or_outside_the_window_is_no_positive() -> None:
    clips = painted_clips()
    clips["present"][0, 1] = False
    clips["valid"][1, 1] = False
    assert cut_triplet(TINY, clips, STILL, torch.Generator()).present.tolist() == [False, False, True]
    far = cut_triplet(TINY, painted_clips(40), WindowSettings(shift=4.0, stretch=0.0), torch.Generator())
    inside = ((far.box[:, :2] > 0) & (far.box[:, :2] < 1)).all(dim=1)
    assert (far.present == inside).all() and 0 < int(inside.sum()) < 40


def test_what_lies_beyond_a_canvas_is_black_and_marked() -> None:
    clips = painted_clips(1)
    clips["canvases"][:] = 200
    clips["windows"][0, 1] = torch.tensor([224.0, 224.0, 192.0])  # 128..320 of the image; the window is 64..384
    triplet = cut_triplet(TINY, clips, STILL, torch.Generator())
    pixels = grey(triplet.search[0])
    assert pixels[80, 30] == 0 and pixels[80, 34] == 200 and pixels[80, 126] == 200 and pixels[80, 130] == 0
    expected = np.ones((10, 10), dtype=bool)
    expected[2:8, 2:8] = False
    np.testing.assert_array_equal(triplet.search_outside[0].numpy(), expected)


def published(stage: int) -> StarkTrainSettings:
    return build_settings(StarkTrainSettings, _dotted_file(CONFIG / f"stark_stage{stage}.yaml"))


@pytest.mark.parametrize(("stage", "epochs", "drop"), [(1, 500, 400), (2, 50, 40)])
def test_the_files_hold_the_schedules_of_section_4_1(stage: int, epochs: int, drop: int) -> None:
    settings = published(stage)
    assert settings.stage == stage and settings.batch == 128
    assert settings.steps == math.ceil(epochs * 60_000 / 128)
    optimizer = settings.optimizer
    assert (optimizer.learning_rate, optimizer.weight_decay, optimizer.drop_at) == (1e-4, 1e-4, drop / epochs)
    if stage == 1:
        assert (settings.l1_weight, settings.giou_weight) == (5.0, 2.0)
        assert optimizer.learning_rate * optimizer.backbone_factor == pytest.approx(1e-5)
    else:
        assert settings.negative_prob == 0.5


@pytest.mark.parametrize(
    ("name", "fraction"), [("stark_stage1", 0.15), ("stark_stage2", 0.15), ("stark_small_stage1", 0.12)]
)
def test_windows_mostly_stay_within_the_canvases(name: str, fraction: float) -> None:
    """The border of a canvas lies at a fixed distance from the target: a window that shows it gives the place away."""
    settings = build_settings(StarkTrainSettings, _dotted_file(CONFIG / f"{name}.yaml"))
    factor = StarkConfig(**settings.switches).search_factor
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).repeat(20_000, 1)
    moved = jitter(boxes, settings.windows.shift, settings.windows.stretch, torch.Generator().manual_seed(0))
    windows = Windows.around(moved, factor)
    reach = ((windows.center - 0.5).abs() + windows.side[:, None] / 2).amax(dim=1)
    assert float((reach > settings.data.canvas_factor / 2).float().mean()) < fraction


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three benchmark folders of a bright disc on noise."""
    root = tmp_path_factory.mktemp("sequences")
    generator = np.random.default_rng(0)
    for index in range(3):
        folder = root / f"disc_{index}"
        folder.mkdir()
        boxes = []
        background = generator.integers(0, 120, (120, 160, 3), dtype=np.uint8)
        for frame in range(8):
            x, y = 60 + 3 * frame, 50 + 2 * index
            image = background.copy()
            cv2.circle(image, (x, y), 12, (200, 80 * index, 255 - 80 * index), -1)
            cv2.imwrite(str(folder / f"{frame + 1:08d}.jpg"), image)
            boxes.append(f"{x - 12},{y - 12},25,25")
        (folder / "groundtruth.txt").write_text("\n".join(boxes) + "\n")
    return root


def small_run(sequences: Path, **values: Any) -> StarkTrainSettings:
    common = {"switches": SWITCHES, "batch": 4, "workers": 0, "threads": 1, "log_every": 1, "data.videos": [sequences]}
    quiet = {"data.absence_prob": 0.0, "data.pair_absence_prob": 0.0, "optimizer.warmup": 0.0}
    rates = {
        "optimizer.learning_rate": 1e-3,
        "optimizer.drop_at": 0.75,
        "optimizer.backbone_factor": 0.1,
        "optimizer.ema_decay": 0.0,
    }
    return build_settings(StarkTrainSettings, common | quiet | rates | values)


def test_both_stages_run_and_the_second_leaves_the_boxes_alone(sequences: Path, tmp_path: Path) -> None:
    trainer = train(small_run(sequences, steps=4), tmp_path / "one")
    assert [group["factor"] for group in trainer.optimizer.param_groups] == [1.0, 0.1]
    with (tmp_path / "one" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([1e-3, 1e-3, 1e-3, 1e-4])
    first = load_network(tmp_path / "one" / "last.pt").network.state_dict()
    assert all(torch.isfinite(value).all() for value in first.values())
    train(small_run(sequences, steps=3, stage=2, start=str(tmp_path / "one" / "last.pt")), tmp_path / "two")
    second = load_network(tmp_path / "two" / "last.pt").network.state_dict()
    changed = {name for name in first if not torch.equal(first[name], second[name])}
    assert changed and all(name.startswith("score_head.") for name in changed)


def test_a_run_that_was_interrupted_goes_on(sequences: Path, tmp_path: Path) -> None:
    train(small_run(sequences, steps=2), tmp_path / "run")
    assert train(small_run(sequences, steps=3), tmp_path / "run").step == 3


def test_a_run_that_draws_from_a_pool_goes_on(sequences: Path, tmp_path: Path) -> None:
    pooled = {"pool_size": 8, "draws_per_clip": 2}
    train(small_run(sequences, steps=3, **pooled), tmp_path / "run")
    assert train(small_run(sequences, steps=6, **pooled), tmp_path / "run").step == 6


def test_a_whitened_score_head_sees_uncorrelated_inputs_and_the_boxes_stay(sequences: Path) -> None:
    torch.manual_seed(0)
    network = Stark(TINY)
    settings = small_run(sequences, stage=2, batch=CLIPS_PER_DIMENSION * TINY.dimension)
    choose_trained(network, settings)
    whitened = whiten_score(network, settings)
    read: list[torch.Tensor] = []
    assert network.score_head is not None and whitened.score_head is not None
    for either in (network, whitened):
        assert either.score_head is not None
        either.score_head.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    triplet = cut_triplet(
        TINY,
        next(make_fresh_batches(settings, 0)),
        settings.windows,
        torch.Generator().manual_seed(settings.seed),
        settings.negative_prob,
    )
    inputs = (triplet.templates, triplet.search, triplet.templates_outside, triplet.search_outside)
    with torch.no_grad():
        corners, whitened_corners = network(*inputs)[0], whitened(*inputs)[0]
    assert torch.equal(corners, whitened_corners)
    before, after = (torch.linalg.eigvalsh(torch.cov(values.double().T)) for values in read)
    assert before[-8] < 0.2 * before[-1]  # they were correlated
    torch.testing.assert_close(after, before / (before + LEAST_VARIANCE * before[-1]), atol=5e-2, rtol=0)
    assert after[-8] > 0.98
    torch.testing.assert_close(read[1].mean(dim=0), torch.zeros(TINY.dimension), atol=2e-2, rtol=0)


def test_whitening_is_kept_in_the_checkpoint_and_never_made_twice(sequences: Path, tmp_path: Path) -> None:
    save_network(Stark(TINY), tmp_path / "one.pt")
    run = {"stage": 2, "whiten_score": True}
    train(small_run(sequences, steps=1, start=str(tmp_path / "one.pt"), **run), tmp_path / "two")
    first = load_network(tmp_path / "two" / "last.pt").network
    assert first.config.whitened_score and not torch.equal(first.score_input.weight, torch.eye(TINY.dimension))
    train(small_run(sequences, steps=2, **run), tmp_path / "two")
    train(small_run(sequences, steps=1, start=str(tmp_path / "two" / "last.pt"), **run), tmp_path / "three")
    for folder in ("two", "three"):
        later = load_network(tmp_path / folder / "last.pt").network
        assert torch.equal(later.score_input.weight, first.score_input.weight)
        assert not torch.equal(later.score_head.layers[0].weight, first.score_head.layers[0].weight)


def test_a_start_of_another_kind_is_refused(sequences: Path, tmp_path: Path) -> None:
    save_network(STDTrack(NetworkConfig(dim=32, heads=2, depth=1)), tmp_path / "other.pt")
    with pytest.raises(ModelError, match="not one of a STARK network"):
        train(small_run(sequences, steps=1, start=str(tmp_path / "other.pt")), tmp_path / "run")
    with pytest.raises(SettingError, match="no STARK variant 'stark_x'"):
        train(small_run(sequences, steps=1, network="stark_x"), tmp_path / "run")
    save_network(Stark(StarkConfig(**SWITCHES)), tmp_path / "s50.pt")
    with pytest.raises(SettingError, match="stage 1 is all that it needs"):
        train(small_run(sequences, steps=1, stage=2, start=str(tmp_path / "s50.pt")), tmp_path / "run")
