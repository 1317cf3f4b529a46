# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files: frames in any order, their stamps, their ground truth, and what is wrong with bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sample_sequences import index_of, write_lines, write_video

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.recordings.videos import VideoSequence, live_frames


def test_frames_stamps_and_ground_truth(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", 6, rate=20.0)
    ground_truth = write_lines(tmp_path / "film.csv", ["stamp,x,y,width,height", "0.05,1,2,3,4"])
    video = VideoSequence("film", tmp_path / "film.mp4", ground_truth)
    assert [index_of(video.frame(index)) for index in (0, 1, 4, 5, 2, 2)] == [0, 1, 4, 5, 2, 2]
    np.testing.assert_allclose(video.stamps_s, np.arange(6) * 0.05, atol=1e-6)
    assert video.boxes[1].tolist() == [1, 2, 3, 4]
    assert np.isnan(video.boxes[[0, 2, 3, 4, 5]]).all()


def test_frames_outside(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", 2)
    video = VideoSequence("film", tmp_path / "film.mp4")
    for index in (-1, 2):
        with pytest.raises(IndexError):
            video.frame(index)


def test_live_frames_of_a_file(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", 4, rate=10.0)
    frames = list(live_frames(str(tmp_path / "film.mp4")))
    assert [index_of(image) for _, image in frames] == [0, 1, 2, 3]
    np.testing.assert_allclose([stamp for stamp, _ in frames], [0, 0.1, 0.2, 0.3], atol=1e-6)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"gone.mp4 does not exist"):
        VideoSequence("gone", tmp_path / "gone.mp4")
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(SequenceError, match=r"noise.mp4 cannot be opened"):
        VideoSequence("noise", tmp_path / "noise.mp4")
    with pytest.raises(SequenceError, match="camera 97 cannot be opened"):
        next(live_frames("97"))


def test_cut_off_video_is_noted_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.avi"  # an AVI keeps its frames before its index
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 20.0, (64, 48))
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), dtype=np.uint8)
    for image in noise:
        writer.write(image)
    writer.release()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    video = VideoSequence("film", path)
    assert 5 < len(video) < 40
    assert any("it may be cut off" in note for note in video.notes)
