# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera that sends the packets of a video: `tracker_node` over real DDS, and the stream's own rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from moving_scene import Scene
from node_bench import Bench, header, overlap, running
from stdtrack_ros.msg import TrackedBox
from video_packets_made import encoded

pytest.importorskip("av")
pytest.importorskip("ffmpeg_image_transport_msgs.msg", reason="`make test-environment` builds it")
pytest.importorskip("foxglove_msgs.msg", reason="`make test-environment` builds it")
from video_camera import VideoCamera, packet_message

from stdtrack_ros.nodes.camera.frame_slot import Frame
from stdtrack_ros.nodes.camera.image_messages import decode_image
from stdtrack_ros.nodes.camera.transports import TRANSPORTS, Transport
from stdtrack_ros.nodes.camera.video_stream import DecodedPicture, VideoStream

pytestmark = pytest.mark.ros
SCENE = Scene()


@pytest.mark.parametrize("transport", ["ffmpeg", "foxglove"])
def test_a_target_is_started_in_the_past_and_held(transport: str, bench: Bench, tmp_path: Path) -> None:
    options = {"image_transport": transport, "image_reliability": "reliable"}
    with running(tmp_path / "log", bench, warm=False, **options):
        camera = VideoCamera(bench, SCENE, transport)
        bench.warm_up(lambda _: camera.show(0))  # a key frame, which may be sent again
        seen = [camera.answer(index).header for index in range(1, 6)]
        assert seen[0].frame_id == "camera_optical"
        bench.start(SCENE.box(2), at=seen[1])
        bench.wait_report("target-1 TRACKING", "targets")
        for index in range(6, 30):
            answer = camera.answer(index)
            assert answer.status == TrackedBox.STATUS_TRACKING
            assert overlap(answer, SCENE.box(index)) > 0.7, index
        report = bench.report()
        assert report["image"] == "320x240 h264" and report["refused"] == "0"


def test_no_packet_of_a_burst_is_passed_over(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, warm=False, image_transport="ffmpeg", image_reliability="reliable"):
        camera = VideoCamera(bench, SCENE, "ffmpeg")
        bench.warm_up(lambda _: camera.show(0))
        camera.answer(1)
        before = int(bench.wait_report("320x240", "image")["images in"])
        for index in range(2, 22):
            camera.show(index)
        assert bench.wait_report(str(before + 20), "images in")["refused"] == "0"


def test_a_stream_without_a_key_frame_is_told_and_begins_with_one(bench: Bench, tmp_path: Path) -> None:
    options = {"image_transport": "foxglove", "image_reliability": "reliable", "no_image_after": 0.5}
    with running(tmp_path / "log", bench, warm=False, **options):
        camera = VideoCamera(bench, SCENE, "foxglove")

        def told() -> bool:
            camera.show(3)
            return bool(bench.reports) and "no key frame yet" in bench.report()["message"]

        bench.wait(told, "sentence on the key frame")
        bench.wait_report("publishes packets that give no picture", "message")
        assert not bench.boxes
        assert camera.answer(10).image_width == 320


def test_pictures_have_the_stamps_of_their_packets_and_all_their_pixels() -> None:
    pictures: list[DecodedPicture] = []
    refused: list[str] = []
    stream = VideoStream(pictures.append, refused.append)
    for index, data in enumerate(encoded([SCENE.image(index) for index in range(6)])):
        stream.take(packet_message("foxglove", data, header(100.0 + index / 4)))
    assert refused == []
    assert [p.header.stamp.sec + p.header.stamp.nanosec * 1e-9 for p in pictures] == [100 + i / 4 for i in range(6)]
    for index, picture in enumerate(pictures):
        image = decode_image(picture)
        assert image.shape == (240, 320, 3)
        assert np.abs(image.astype(int) - SCENE.image(index)).mean() < 12
    assert Frame(pictures[0], 1, 0.0, 100.0).size_bytes >= 320 * 240 * 3 // 2


def test_a_stream_that_changes_its_codec_goes_on() -> None:
    pictures: list[DecodedPicture] = []
    refused: list[str] = []
    stream = VideoStream(pictures.append, refused.append)
    shown = [SCENE.image(0)] * 2
    for codec, name in (("libx264", "h264"), ("libx265", "h265"), ("libx264", "theora"), ("libx264", "h264")):
        message = packet_message("foxglove", encoded(shown, codec)[0], header(1.0))
        message.format = name
        stream.take(message)
    assert [picture.encoding for picture in pictures] == ["h264", "hevc", "h264"]
    (sentence,) = refused
    assert "'unknown' cannot be decoded here" in sentence


def test_a_package_that_is_missing_is_named_with_what_brings_it() -> None:
    sentence = Transport("/ffmpeg", "ffmpeg_image_transport_msgs/msg/FFMPEGPacket", None, video=True).missing()
    assert "apt install ros-$ROS_DISTRO-ffmpeg-image-transport-msgs" in sentence
    assert all(not transport.missing() for transport in TRANSPORTS.values())
