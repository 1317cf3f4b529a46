# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenCV's trackers, model files, and trackers that users plug in, each for real."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from painted_clips import PaintedClip

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.evaluation.metrics.accuracy import overlaps
from stdtrack_ros.evaluation.protocols import run_one_pass
from stdtrack_ros.evaluation.trackers.baselines import baseline_spec

contrib = pytest.mark.skipif(not hasattr(cv2, "TrackerKCF"), reason="needs opencv-contrib-python (the extra eval)")


class TexturedClip(PaintedClip):
    """The painted clip with a pattern in the rectangle: plain red gives a correlation filter nothing to hold on to."""

    def frame(self, index: int) -> np.ndarray:
        image = super().frame(index)
        x, y, w, h = self.boxes[index].astype(int)
        image[y : y + h, x : x + w] = (
            np.random.default_rng(7).integers(0, 256, (h // 4, w // 4, 3)).repeat(4, 0).repeat(4, 1)
        )
        return image


@contrib
@pytest.mark.parametrize("name", ["kcf", "csrt", "mil"])
def test_opencv_trackers_follow_a_target_and_start_afresh_each_time(name: str) -> None:
    clip = TexturedClip("a", 12)
    spec = pickle.loads(pickle.dumps(baseline_spec(name)))
    tracker = spec.make(1)
    first = run_one_pass(tracker, clip)
    # MIL draws its samples at random, by the clock: 0.46 to 0.79 in 35 runs. A box that stays has 0.31.
    assert overlaps(first.boxes, clip.boxes)[1:].mean() > (0.35 if name == "mil" else 0.5)
    assert np.isnan(first.qualities).all()
    second = run_one_pass(spec.make(1), clip)
    if name != "mil":
        np.testing.assert_array_equal(run_one_pass(tracker, clip).boxes, second.boxes)


@contrib
def test_kcf_with_its_default_threshold_gives_up_where_the_fair_setting_goes_on() -> None:
    clip = TexturedClip("a", 30)
    clip.frame, steady = (lambda index: cv2.GaussianBlur(steady(index), (0, 0), 1 + index / 4)), clip.frame
    fair = run_one_pass(baseline_spec("kcf").make(1), clip)
    default = run_one_pass(baseline_spec("kcf-default").make(1), clip)
    assert np.isnan(default.boxes).any()
    assert not np.isnan(fair.boxes).any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sort", "There is no baseline named 'sort'; known are kcf, kcf-default, csrt, mil, nano, vit"),
        ("nano", "The baseline 'nano' needs a folder with its model files: nano=FOLDER"),
        ("kcf=somewhere", "The baseline 'kcf' comes with OpenCV and takes no folder"),
    ],
)
def test_baselines_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        baseline_spec(text)


def test_a_folder_without_the_model_files(tmp_path: Path) -> None:
    (tmp_path / "my_backbone.onnx").touch()
    with pytest.raises(ModelError, match=r"holds 0 files like '\*head\*\.onnx'; it needs one"):
        baseline_spec(f"nanov3={tmp_path}")


@pytest.mark.parametrize("name", ["nano", "nanov3"])
def test_damaged_model_files_are_named(tmp_path: Path, name: str) -> None:
    for part in ("backbone", "head"):
        (tmp_path / f"{part}.onnx").write_bytes(b"not a model")
    spec = baseline_spec(f"{name}={tmp_path}")
    with pytest.raises(ModelError, match=r"backbone\.onnx"):
        spec.make(1)
