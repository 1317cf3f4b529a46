# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a camera may send to `tracker_node`: every encoding, another size, broken messages, JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from encoded_images import encode
from moving_scene import Scene
from node_bench import Bench, overlap, running
from sensor_msgs.msg import CompressedImage, Image
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.images import ENCODINGS
from stdtrack_ros.nodes.camera.image_messages import jpeg_message, raw_message

pytestmark = pytest.mark.ros
SCENE = Scene()
TRACKING = TrackedBox.STATUS_TRACKING


def message(bench: Bench, index: int, encoding: str, padding: int = 0) -> Image:
    picture = SCENE.image(index)
    data, step = encode(picture, encoding, padding)
    height, width = picture.shape[:2]
    return Image(header=bench.header(), height=height, width=width, encoding=encoding, step=step, data=data)


def start(bench: Bench, index: int = 0) -> None:
    bench.start_on(SCENE.box(index), at=bench.answer(SCENE.image(index)).header)


def test_the_target_is_held_through_every_encoding(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        start(bench)
        for index, encoding in enumerate(ENCODINGS, start=1):
            answer = bench.answer_message(message(bench, index, encoding, padding=index % 3))
            assert overlap(answer, SCENE.box(index)) > 0.6, encoding
        assert bench.report()["refused"] == "0"


def test_broken_messages_are_refused_and_the_target_is_held(bench: Bench, tmp_path: Path) -> None:
    good = {"height": 240, "width": 320, "encoding": "bgr8", "step": 960, "data": SCENE.image(1).tobytes()}
    broken = [
        ({"step": 100}, "a step of 100"),
        ({"encoding": "wonder9"}, "'wonder9' cannot be read"),
        ({"data": b""}, "0 bytes"),
        ({"data": good["data"][: 960 * 100]}, "96000 bytes"),
        ({"width": 0, "height": 0, "step": 0, "data": b""}, "is empty"),
    ]
    with running(tmp_path / "log", bench) as node:
        start(bench)
        for number, (change, words) in enumerate(broken, start=1):
            report = bench.refusal(Image(header=bench.header(), **(good | change)), words)
            assert report["refused"] == str(number)
            bench.wait(lambda words=words: words in node.output, "line in the log")
            answer = bench.answer(SCENE.image(number))
            assert overlap(answer, SCENE.box(number)) > 0.7
            assert (answer.frame_number, answer.dropped_frames) == (number, number)


def test_another_size_of_the_same_shape_goes_on(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        start(bench)
        for index in range(1, 9):
            scale = 2 if index % 2 else 1
            picture = cv2.resize(SCENE.image(index), None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
            answer = bench.answer(picture)
            assert (answer.image_width, answer.image_height) == (320 * scale, 240 * scale)
            assert overlap(answer, tuple(scale * number for number in SCENE.box(index))) > 0.7
            assert answer.frame_number == index


def test_another_shape_forgets_the_target_and_says_so(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        start(bench)
        bench.refusal(raw_message(SCENE.image(1)[:, :200], bench.header()), "changed from 320x240 to 200x240")
        assert bench.answer(SCENE.image(2)).status == TrackedBox.STATUS_NONE
        start(bench, 3)
        assert bench.answer(SCENE.image(4)).status == TRACKING


def test_the_compressed_topic(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, image_transport="compressed"):
        bench.start_on(SCENE.box(0), at=bench.answer_message(jpeg_message(SCENE.image(0), bench.header(), 95)).header)
        answer = bench.answer_message(jpeg_message(SCENE.image(1), bench.header(), 95))
        assert answer.header.frame_id == "camera_optical"
        assert overlap(answer, SCENE.box(1)) > 0.7
        cut = cv2.imencode(".jpg", SCENE.image(2))[1].tobytes()[:-50]
        bench.refusal(CompressedImage(header=bench.header(), format="jpeg", data=cut), "cut off")
        png = cv2.imencode(".png", SCENE.image(3))[1].tobytes()
        answer = bench.answer_message(CompressedImage(header=bench.header(), format="png", data=png))
        assert overlap(answer, SCENE.box(3)) > 0.7


def test_a_whole_grey_image_is_no_error(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        start(bench)
        answer = bench.answer(np.full((240, 320, 3), 90, dtype=np.uint8))
        assert answer.status != TrackedBox.STATUS_NONE and np.isfinite([answer.x, answer.y]).all()
