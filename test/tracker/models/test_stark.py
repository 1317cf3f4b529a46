# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""STARK's tracking loop on real backends, with a network small enough for a test and weights that are not trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_stark import tiny_stark

from stdtrack_ros.errors import ModelError
from stdtrack_ros.geometry import Crop, mean_color
from stdtrack_ros.network.families import export_onnx, save_network
from stdtrack_ros.network.stark.config import StarkConfig
from stdtrack_ros.network.stark.model import Stark
from stdtrack_ros.settings import ModelSettings, StarkSettings, TrackerSettings, make_settings
from stdtrack_ros.tracker import create_tracker, load_model
from stdtrack_ros.tracker.backends.torch import TorchBackend
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.stark import StarkModel, StarkState, blacken_outside

ST = tiny_stark()
S = tiny_stark(name="stark_s50", score_head=False, templates=1)


def network(config: StarkConfig, score: float = 0.0) -> Stark:
    """Build a network whose score head says about sigmoid(score) of everything."""
    torch.manual_seed(5)
    made = Stark(config).eval()
    if made.score_head is not None:
        made.score_head.layers[2].bias.data.fill_(score)
    return made


class Counting(TorchBackend):
    """A PyTorch backend that counts the templates it encodes."""

    starts = 0

    def run(self, graph: str, inputs: Any) -> Mapping[str, Any]:
        self.starts += len(inputs.get("template", ()))
        return super().run(graph, inputs)


def model(config: StarkConfig, score: float = 0.0, **settings: Any) -> StarkModel:
    return StarkModel(
        Counting(network(config, score), ModelSettings(threads=1)), TrackerSettings(stark=StarkSettings(**settings))
    )


def frames(count: int) -> list[np.ndarray]:
    """Noise that changes from frame to frame, (120, 160, 3)."""
    generator = np.random.default_rng(4)
    return [generator.integers(0, 255, (120, 160, 3), dtype=np.uint8) for _ in range(count)]


BOX = np.array([60.0, 40.0, 30.0, 40.0])


def follow(tracked: StarkModel, count: int) -> list[StarkState]:
    """Return the states after each of `count` frames in which the target stands still."""
    images = frames(count + 1)
    state = tracked.start(FrameView(images[0]), BOX)
    states = []
    for image in images[1:]:
        search = Crop.around(BOX, tracked.info.search_factor, tracked.info.search_size).extract(image)
        prediction = tracked.step([state], search[None], [0.5])[0]
        state = tracked.remember(state, prediction, FrameView(image), BOX)
        states.append(state)
    return states


def renewals(states: list[StarkState]) -> list[int]:
    """Numbers of the frames after which the dynamic template is another one."""
    changed = [2 + i for i in range(len(states) - 1) if (states[i + 1].features[1:] != states[i].features[1:]).any()]
    return ([1] if (states[0].features[1:] != states[0].features[:1]).any() else []) + changed


def test_the_dynamic_template_is_replaced_every_interval() -> None:
    tracked = model(ST, score=9.0, update_interval=3, update_score=0.5)
    states = follow(tracked, 8)
    assert renewals(states) == [3, 6]
    assert all((state.features[0] == states[0].features[0]).all() for state in states), "the initial template stays"


def test_it_is_replaced_by_a_crop_of_the_box_in_that_frame() -> None:
    tracked = model(ST, score=9.0, update_interval=3)
    third = follow(tracked, 3)[-1]
    again = tracked.start(FrameView(frames(4)[3]), BOX)
    np.testing.assert_array_equal(third.features[1], again.features[0])


@pytest.mark.parametrize(("score", "threshold", "renewed"), [(-9.0, 0.5, []), (9.0, 1.0, []), (0.5, 0.2, [3, 6])])
def test_a_frame_whose_score_is_not_above_the_threshold_is_not_taken(
    score: float, threshold: float, renewed: list[int]
) -> None:
    assert renewals(follow(model(ST, score=score, update_interval=3, update_score=threshold), 8)) == renewed


def test_the_published_interval_and_threshold_are_the_defaults() -> None:
    assert (StarkSettings().update_interval, StarkSettings().update_score) == (200, 0.5)


def test_without_score_head_every_due_frame_is_taken() -> None:
    """Table 7, row 5."""
    unscored = ST.model_copy(update={"score_head": False})
    assert renewals(follow(model(unscored, update_interval=3, update_score=1.0), 8)) == [3, 6]


def test_templates_are_encoded_once() -> None:
    tracked = model(ST, score=9.0, update_interval=4)
    follow(tracked, 9)
    assert isinstance(tracked.backend, Counting)
    assert tracked.backend.starts == 3  # at the start, after frame 4 and after frame 8
    single = model(S, update_interval=1)
    follow(single, 9)
    assert isinstance(single.backend, Counting)
    assert single.backend.starts == 1  # S50 has no dynamic template


def test_there_is_no_window_and_no_memory_in_a_step() -> None:
    tracked = model(ST)
    crops = np.stack([Crop.around(BOX, 5.0, 160).extract(image) for image in frames(2)])
    state = tracked.start(FrameView(frames(1)[0]), BOX)
    together = tracked.step([state, state], crops, [0.0, 1.0])
    alone = [tracked.step([state], crop[None], [0.5])[0] for crop in crops]
    for first, second in zip(together, alone, strict=True):
        np.testing.assert_allclose(first.box, second.box, atol=1e-3)
        assert first.quality == pytest.approx(second.quality, abs=1e-5)


def test_crossed_corners_still_give_a_box() -> None:
    crossed = network(S)
    for branch, cell in ((crossed.box_head.top_left, 50.0), (crossed.box_head.bottom_right, 20.0)):
        branch[12].weight.data.zero_()  # both maps flat: both corners in the middle
        branch[12].bias.data.fill_(cell)
    tracked = StarkModel(TorchBackend(crossed, ModelSettings(threads=1)), TrackerSettings())
    state = tracked.start(FrameView(frames(1)[0][:64, :64]), np.array([16.0, 16.0, 32.0, 32.0]))
    box = tracked.step([state], np.zeros((1, 160, 160, 3), np.uint8), [0.0])[0].box
    np.testing.assert_allclose(box, [67.0, 67.0, 10.0, 10.0], atol=1e-3)  # mean of 0, 16 .. 144 is 72


@pytest.fixture(scope="module", params=[ST, S], ids=["st", "s"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[StarkConfig, Path]:
    """Write a network as stark.pt and stark.onnx; return its configuration and the folder."""
    folder = tmp_path_factory.mktemp("stark")
    made = network(request.param, score=0.3)
    save_network(made, folder / "stark.pt")
    export_onnx(made, folder / "stark.onnx")
    return request.param, folder


def test_onnx_runtime_and_pytorch_track_alike(exported: tuple[StarkConfig, Path]) -> None:
    config, folder = exported
    results = {}
    for name in ("stark.pt", "stark.onnx"):
        values = {"tracker": config.name, "model.path": str(folder / name), "model.threads": 1}
        tracker = create_tracker(make_settings(values | {"status.enabled": False, "stark.update_interval": 2}))
        images = frames(6)
        tracker.initialize(images[0], BOX)
        results[name] = [tracker.track(image) for image in images[1:]]
    for first, second in zip(results["stark.pt"], results["stark.onnx"], strict=True):
        np.testing.assert_allclose(first.box, second.box, atol=1e-2)
        assert first.quality == pytest.approx(second.quality, abs=1e-4)
    assert len({tuple(result.box.round(2)) for result in results["stark.onnx"]}) > 1


def test_the_backend_says_what_it_runs(exported: tuple[StarkConfig, Path]) -> None:
    config, folder = exported
    info = load_model(make_settings({"tracker": config.name, "model.path": str(folder / "stark.onnx")})).info
    assert (info.name, info.backend, info.template_size, info.search_size) == (config.name, "onnx", 64, 160)
    assert (info.template_factor, info.search_factor) == (2.0, 5.0) and len(info.sha256) == 64


def test_another_variant_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    save_network(network(ST), tmp_path / "stark.pt")
    with pytest.raises(ModelError, match="is a stark_st50, but the tracker is set to stark_s50"):
        load_model(make_settings({"tracker": "stark_s50", "model.path": str(tmp_path / "stark.pt")}))
    with pytest.raises(ModelError, match="is a stark_st50, but the tracker is set to stdtrack; set it to stark_st50"):
        load_model(make_settings({"tracker": "stdtrack", "model.path": str(tmp_path / "stark.pt")}))
    with pytest.raises(ModelError, match="import-stark"):
        load_model(make_settings({"tracker": "stark_s50"}))


def test_what_lies_outside_the_image_is_black_and_marked() -> None:
    image = frames(1)[0]
    crop = Crop(center_x=0.0, center_y=60.0, side_px=160.0, size=160)  # 80 px beyond the left edge, 20 above, 20 below
    blackened, outside = blacken_outside(crop.extract(image)[None])
    expected = np.zeros((10, 10), dtype=bool)
    expected[:, :5] = True
    expected[:2] = True  # rows 0 and 16 of the crop lie above the image
    expected[9] = True  # row 144 lies below
    np.testing.assert_array_equal(outside[0], expected)
    assert not blackened[0, :20].any() and not blackened[0, :, :79].any()
    np.testing.assert_array_equal(blackened[0, 21:139, 81:], crop.extract(image)[21:139, 81:])


def test_a_window_inside_the_image_is_left_as_it_is() -> None:
    crops = np.stack([Crop.around(BOX, 2.0, 64).extract(image) for image in frames(2)])
    blackened, outside = blacken_outside(crops)
    np.testing.assert_array_equal(blackened, crops)
    assert not outside.any()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_window_of_one_colour_counts_as_inside(value: int) -> None:
    crops = np.full((1, 64, 64, 3), value, dtype=np.uint8)
    blackened, outside = blacken_outside(crops)
    np.testing.assert_array_equal(blackened, crops)
    assert not outside.any()


def test_the_border_that_is_looked_for_is_the_one_that_is_made() -> None:
    image = frames(1)[0]
    assert (Crop(0.0, 0.0, 100.0, 64).extract(image)[0, 0] == mean_color(image)).all()
