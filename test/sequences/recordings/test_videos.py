# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files: frames in any order, their stamps, their ground truth, and what is wrong with bad ones."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from sample_sequences import index_of, write_lines, write_video

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.catalog import open_sequences
from stdtrack_ros.sequences.recordings.image_bag import open_camera
from stdtrack_ros.sequences.recordings.videos import CameraFrames, VideoSequence


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


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"gone.mp4 does not exist"):
        VideoSequence("gone", tmp_path / "gone.mp4")
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(SequenceError, match=r"noise.mp4 cannot be opened"):
        VideoSequence("noise", tmp_path / "noise.mp4")
    with pytest.raises(SequenceError, match="camera 97 cannot be opened"):
        next(iter(CameraFrames("97")))


class Camera(BaseHTTPRequestHandler):
    """Twelve JPEGs of growing brightness, one every 20 ms."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with all images."""
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for index in range(12):
            jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 20 * index, np.uint8))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
            time.sleep(0.02)


def test_who_is_slow_gets_the_newest_frame_of_a_camera_on_the_network() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        camera, got = CameraFrames(f"http://127.0.0.1:{server.server_port}/stream.mjpg"), []
        for stamp_s, image in camera:
            got.append((stamp_s, round(float(image.mean()) / 20)))
            end_s = time.monotonic() + 60.0
            while not camera.passed_over and time.monotonic() < end_s:
                time.sleep(0.01)
        server.shutdown()
    stamps_s, numbers = zip(*got, strict=True)
    assert list(stamps_s) == sorted(set(stamps_s)) and list(numbers) == sorted(set(numbers))
    assert numbers[-1] == 11, "the newest one is not lost"
    assert len(got) + camera.passed_over == 12 and camera.passed_over > 0


def test_cut_off_video_is_noted_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.avi"  # an AVI keeps its frames before its index

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


def _write(path: Path, images: list[np.ndarray], codec: str = "libx264", container: str | None = None) -> Path:
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=30)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        file.mux(stream.encode(None))
    return path


def _shades(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    return [np.full((height, width, 3), 40 + 10 * index, np.uint8) for index in range(count)]


@pytest.mark.parametrize("name", ["clip.m2ts", "clip.MTS", "clip.flv", "clip.3gp", "clip.h264", "clip.odd"])
def test_any_container_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    kinds = {".m2ts": "mpegts", ".mts": "mpegts", ".3gp": "mp4", ".odd": "matroska"}
    path = _write(tmp_path / name, _shades(6), container=kinds.get(Path(name).suffix.lower()))
    (handle,) = open_sequences([path])
    video = handle.open()
    assert len(video) == 6 and video.frame(5).mean() == pytest.approx(90, abs=3)
    assert np.diff(video.stamps_s) == pytest.approx(np.full(5, 1 / 30), abs=2e-3)


def test_a_text_file_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no video at all\n" * 40)
    with pytest.raises(SequenceError, match="neither a bag"):
        open_sequences([tmp_path / "notes.txt"])


def test_joined_videos_go_on_and_say_so(tmp_path: Path) -> None:
    one, two = (_write(tmp_path / f"{name}.ts", _shades(10), container="mpegts") for name in "ab")
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() + two.read_bytes())
    video = VideoSequence("joined", joined)
    np.testing.assert_allclose(video.stamps_s, np.arange(20) / 30, atol=2e-3)
    assert any("begin again at frame 10" in note for note in video.notes)
    played = [message.stamp_ns() for message in open_camera(joined).messages]
    np.testing.assert_allclose((np.array(played) - played[0]) * 1e-9, video.stamps_s, atol=1e-9)


def test_a_size_that_changes_is_named_where_it_does(tmp_path: Path) -> None:
    one = _write(tmp_path / "a.ts", _shades(10), container="mpegts")
    two = _write(tmp_path / "b.ts", _shades(10, 96, 128), container="mpegts")
    (tmp_path / "two.ts").write_bytes(one.read_bytes() + two.read_bytes())
    video = VideoSequence("two", tmp_path / "two.ts")
    assert len(video) == 20 and video.frame(9).shape == (48, 64, 3)
    with pytest.raises(SequenceError, match=r"Frame 12 .* has 128x96 px, the frames before it 64x48 px"):
        video.frame(12)


def test_a_video_is_turned_as_its_mark_says(tmp_path: Path) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :16] = 255  # bright on the left
    path = _write(tmp_path / "phone.mp4", [image] * 3)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    quarter = np.array([0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000], dtype=">i4")  # 90 degrees clockwise
    data[matrix : matrix + 36] = quarter.tobytes()
    path.write_bytes(data)
    frame = VideoSequence("phone", path).frame(0)
    assert frame.shape == (64, 48, 3)
    assert frame[:10].mean() > 200 and frame[-10:].mean() < 50  # bright at the top
