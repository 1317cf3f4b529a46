# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures into bags and videos, and out again."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.recordings.bags import RAW, BagSequence
from stdtrack_ros.sequences.recordings.image_bag import (
    FIRST_STAMP_NS,
    CameraMessage,
    image_cdr,
    open_camera,
    write_image_bag,
)
from stdtrack_ros.sequences.recordings.video_writer import VideoWriter, write_gif
from stdtrack_ros.sequences.recordings.videos import VideoSequence

STEP_NS = 40_000_000


def _images(count: int = 5, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Smooth pictures, so that a lossy codec keeps them: a bright square that moves right over a grey ground."""
    images = []
    for index in range(count):
        image = np.full((height, width, 3), (60, 80, 100), np.uint8)
        image[16:32, 8 * index : 8 * index + 16] = (40, 200, 240)
        images.append(image)
    return images


def _messages(images: list[np.ndarray]) -> list[CameraMessage]:
    stamps = [FIRST_STAMP_NS + index * STEP_NS for index in range(len(images))]
    return [CameraMessage(RAW, stamp, image_cdr(image, stamp)) for stamp, image in zip(stamps, images, strict=True)]


def test_a_bag_gives_back_pixels_and_stamps(tmp_path: Path) -> None:
    images = _images()
    assert write_image_bag(tmp_path / "bag", _messages(images)) == 5
    sequence = BagSequence("bag", tmp_path / "bag")
    assert sequence.stamps_s == pytest.approx([1.0, 1.04, 1.08, 1.12, 1.16])
    for index, image in enumerate(images):
        assert np.array_equal(sequence.frame(index), image)


def test_messages_of_a_bag_come_back_byte_for_byte(tmp_path: Path) -> None:
    messages = _messages(_images())
    write_image_bag(tmp_path / "bag", messages)
    read = list(open_camera(tmp_path / "bag").messages)
    assert read == messages
    assert read[2].stamp_ns() == FIRST_STAMP_NS + 2 * STEP_NS


def test_a_bag_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    with pytest.raises(SequenceError, match="already"):
        write_image_bag(tmp_path / "bag", [])


def test_a_topic_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    write_image_bag(tmp_path / "bag", _messages(_images(1)), topic="/front/image")
    with pytest.raises(SequenceError, match="/front/image"):
        open_camera(tmp_path / "bag", "/rear/image")


@pytest.mark.parametrize("name", ["nothing", "nothing.mp4", "nothing.mcap"])
def test_nothing_there_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(SequenceError, match="nothing"):
        open_camera(tmp_path / name)


def test_a_written_video_is_h264_that_browsers_play_and_reads_back(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    images = _images(height=49, width=65)  # odd: the last row and column go
    with VideoWriter(tmp_path / "clip.mp4", 25.0) as video:
        for image in images:
            video.write(image)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (64, 48, 25)
        for frame, image in zip(container.decode(video=0), images, strict=True):
            error = np.abs(frame.to_ndarray(format="bgr24").astype(int) - image[:48, :64])
            assert error.mean() < 12
    messages = list(open_camera(tmp_path / "clip.mp4").messages)
    assert [message.stamp_ns() for message in messages] == [FIRST_STAMP_NS + index * STEP_NS for index in range(5)]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "file").write_text("")
    with pytest.raises(SequenceError, match="cannot be written"):
        VideoWriter(tmp_path / "file" / "clip.mp4", 25.0)


def test_a_gif_moves_and_is_as_wide_as_asked(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    write_gif(tmp_path / "clip.gif", _images(), 10.0, width=32)
    with pillow.open(tmp_path / "clip.gif") as gif:
        assert (gif.size, gif.n_frames) == ((32, 24), 5)
        assert gif.info["duration"] == 100
        gif.seek(4)
        last = cv2.cvtColor(np.array(gif.convert("RGB")), cv2.COLOR_RGB2BGR)
    assert last[12, 20, 2] > 180  # the bright square has come here
    assert last[12, 4, 2] < 140  # and left its first place


def test_a_file_that_cannot_hold_h264_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"a file named 'clip\.webm' cannot hold; name one that ends in \.mp4"):
        VideoWriter(tmp_path / "clip.webm")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(1, 64), (48, 1), (1, 1)])
def test_pictures_one_pixel_high_or_wide_are_written(tmp_path: Path, shape: tuple[int, int]) -> None:
    with VideoWriter(tmp_path / "thin.mp4") as video:
        for _ in range(3):
            video.write(np.full((*shape, 3), 100, np.uint8))
    assert len(VideoSequence("thin", tmp_path / "thin.mp4")) == 3


def test_a_video_keeps_stamps_but_not_a_hole_of_decades(tmp_path: Path) -> None:
    stamps = [100.0, 100.1, 100.3, 1.7e9, 1.7e9 + 0.1]
    with VideoWriter(tmp_path / "slow.mp4") as video:
        for stamp_s, image in zip(stamps, _images(), strict=True):
            video.write(image, stamp_s)
    found = VideoSequence("slow", tmp_path / "slow.mp4").stamps_s
    assert np.diff(found) == pytest.approx([0.1, 0.2, 5.0, 0.1], abs=1e-3)
