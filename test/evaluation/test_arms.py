# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Arms over clips: what runs once is read back later, and what could change a pass runs anew."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from sample_sequences import write_lines

from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.arms import PUBLISHED, FirstFrames, in_parallel, list_clips, parse_arm, run_arms


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write eight frames of a textured square that moves to the right."""
    rng = np.random.default_rng(0)
    scene, square = (rng.integers(0, 255, (side // 4, side // 4, 3), dtype=np.uint8) for side in (160, 40))
    scene, square = (cv2.resize(part, None, fx=4, fy=4) for part in (scene, square))
    frames = tmp_path / "data" / "square"
    frames.mkdir(parents=True)
    for index in range(8):
        image = scene.copy()
        image[60:100, 40 + 3 * index : 80 + 3 * index] = square
        assert cv2.imwrite(str(frames / f"{index + 1:08d}.png"), image)
    write_lines(frames / "groundtruth.txt", [f"{40 + 3 * index},60,40,40" for index in range(8)])
    return tmp_path / "data"


def test_a_pass_is_kept_and_read_back(folder: Path, tmp_path: Path) -> None:
    clips = list_clips([folder], frames=5)
    arms = [parse_arm("plain=", PUBLISHED), parse_arm("fifo=memory.policy=fifo,memory.capacity=2", PUBLISHED)]
    steps: list[int] = []
    first = run_arms(arms, clips, tmp_path / "cache", told=lambda: steps.append(0))
    files = sorted((tmp_path / "cache").rglob("*.npz"))
    assert (len(files), len(steps)) == (2, 2)
    changed = [file.stat().st_mtime_ns for file in files]
    again = run_arms(arms, clips, tmp_path / "cache", told=lambda: steps.append(0))
    assert [file.stat().st_mtime_ns for file in files] == changed
    assert len(steps) == 4
    for name in ("plain", "fifo"):
        assert first[name]["square"].boxes.shape == (5, 4)
        np.testing.assert_array_equal(first[name]["square"].boxes, again[name]["square"].boxes)
    run_arms(arms[:1], list_clips([folder], frames=6), tmp_path / "cache", told=lambda: None)
    assert len(list((tmp_path / "cache").rglob("*.npz"))) == 3


def test_every_third_frame_is_a_slower_camera(folder: Path) -> None:
    (clip,) = list_clips([folder], stride=3)
    sequence = FirstFrames(clip.handle.open(), clip.frames, clip.stride)
    assert len(sequence) == 3
    assert sequence.boxes[:, 0].tolist() == [40, 49, 58]
    np.testing.assert_allclose(np.diff(sequence.stamps_s), 0.1)
    np.testing.assert_array_equal(sequence.frame(2), clip.handle.open().frame(6))


def test_a_camera_that_shakes_is_tracked_and_kept_apart(folder: Path, tmp_path: Path) -> None:
    arms, truths = [parse_arm("plain=", PUBLISHED)], []
    for shake in (0.0, 0.2):
        runs = run_arms(arms, list_clips([folder], shake=shake), tmp_path / "cache", told=lambda: None)
        truths.append(runs["plain"]["square"].ground_truth)
    assert np.abs(truths[1] - truths[0])[1:, :2].max() > 4  # of 40 px
    np.testing.assert_array_equal(truths[1][:, 2:], truths[0][:, 2:])


def test_an_arm_is_read_from_text() -> None:
    arm = parse_arm("slow=memory.capacity=3,status.enabled=true", PUBLISHED)
    assert (arm.name, arm.settings.memory.capacity, arm.settings.status.enabled) == ("slow", 3, True)
    assert not arm.settings.redetection.enabled
    with pytest.raises(SettingError, match="found 'memory'"):
        parse_arm("x=memory", {})
    with pytest.raises(SettingError, match=r"memory\.capacty"):
        parse_arm("x=memory.capacty=3", {})


@pytest.mark.parametrize("workers", [1, 2])
def test_all_items_come_back_with_their_results(workers: int) -> None:
    assert dict(in_parallel(abs, [-1, 2, -3], workers)) == {-1: 1, 2: 2, -3: 3}
