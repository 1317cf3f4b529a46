# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenCV's trackers, model files, and trackers that users plug in, each for real."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from painted_clips import PaintedClip

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.evaluation.metrics.accuracy import overlaps
from stdtrack_ros.evaluation.protocols import run_one_pass
from stdtrack_ros.evaluation.trackers.baselines import baseline_spec
from stdtrack_ros.evaluation.trackers.nanotrack import NanoTrackV3
from stdtrack_ros.evaluation.trackers.tracker_interface import plugged_in, plugged_in_tracker_spec

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


def made_nanotrack(folder: Path) -> NanoTrackV3:
    """Networks of NanoTrack's shapes, whose head always sees a 64 px target 16 px right of the centre."""
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 255, 255])
    features = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 96, 16, 16])
    kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [96, 3, 16, 16], np.full(96 * 768, 1 / 768, np.float32))
    convolution = helper.make_node("Conv", ["input", "kernel"], ["output"], strides=[16, 16], pads=[0, 0, 1, 1])
    save(folder / "backbone.onnx", [convolution], [image], [features], [kernel])
    template = helper.make_tensor_value_info("input1", TensorProto.FLOAT, [1, 96, 8, 8])
    search = helper.make_tensor_value_info("input2", TensorProto.FLOAT, [1, 96, 16, 16])
    score = np.zeros((1, 2, 15, 15), np.float32)
    score[0, 0], score[0, 1, 7, 8] = 5.0, 12.0
    distances = np.full((1, 4, 15, 15), 32.0, np.float32)
    nodes, outputs = [], []
    for name, value in (("output1", score), ("output2", distances)):
        constant = helper.make_tensor(name, TensorProto.FLOAT, value.shape, value.ravel())
        nodes.append(helper.make_node("Constant", [], [name], value=constant))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape))
    save(folder / "head.onnx", nodes, [template, search], outputs, [])
    return NanoTrackV3(str(folder / "backbone.onnx"), str(folder / "head.onnx"), 1)


def save(path: Path, nodes: list, inputs: list, outputs: list, constants: list) -> None:
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_nanotrack_reads_the_peak_of_its_head(tmp_path: Path) -> None:
    tracker = made_nanotrack(tmp_path)
    image = np.full((400, 400, 3), 90, np.uint8)
    tracker.initialize(image, (180, 180, 40, 40), 0.0)
    box, quality, _ = tracker.track(image, 0.1)
    # A square target of 40 px has a template window of 80 px on 127: 16 px on the search input are 16 * 80 / 127.
    x, y, width, height = np.asarray(box)
    assert x + width / 2 == pytest.approx(200 + 16 * 80 / 127)
    assert y + height / 2 == pytest.approx(200)
    # The head says 64 px on the input, 64 * 80 / 127 in the image, blended with the penalised score's rate.
    assert quality == pytest.approx(1 / (1 + np.exp(-7)), abs=1e-4)
    assert width == pytest.approx(height) and 40 < width < 64 * 80 / 127


PLUG_IN = """
class Stubborn:
    def initialize(self, image, box, stamp_s):
        self.box = box

    def track(self, image, stamp_s):
        return self.box, 1.0
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a user's package as pip leaves it: a module, and a dist-info folder with the entry point."""
    (tmp_path / "my_tracker.py").write_text(PLUG_IN)
    info = tmp_path / "my_tracker-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-tracker\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[stdtrack_ros.trackers]\nstubborn = my_tracker:Stubborn\ngone = my_tracker:Gone\nempty = builtins:dict\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_an_installed_package_plugs_its_tracker_in(installed: Path) -> None:
    assert {"stubborn", "gone"} <= plugged_in().keys()
    spec = plugged_in_tracker_spec("stubborn")
    assert spec.note == "plug-in my-tracker 1.2"
    track = run_one_pass(spec.make(1), PaintedClip("a", 5))
    assert (track.boxes == [10, 40, 20, 16]).all() and (track.qualities[1:] == 1.0).all()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "The plugged-in tracker 'gone' cannot be made: AttributeError"),
        ("empty", "The plugged-in tracker 'empty' has no method 'initialize'"),
    ],
)
def test_a_plug_in_that_is_no_tracker_is_named(installed: Path, name: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        plugged_in_tracker_spec(name).make(1)


def test_a_plug_in_that_is_not_installed(installed: Path) -> None:
    with pytest.raises(
        SettingError, match=r"No installed package offers a tracker named 'mine' .*empty, gone, stubborn"
    ):
        plugged_in_tracker_spec("mine")
