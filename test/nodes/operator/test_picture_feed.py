# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures for the page: JPEGs untouched, others encoded once, each with the boxes of its own moment."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from node_bench import header
from sensor_msgs.msg import CompressedImage

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.camera.image_messages import jpeg_message, raw_message
from stdtrack_ros.nodes.operator import picture_feed
from stdtrack_ros.nodes.operator.picture_feed import Picture, PictureFeed

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


def picture(message: object = None, stamp_ns: int = 0, width: int = 1280) -> Picture:
    return Picture(message, stamp_ns, width, 80)


def test_a_jpeg_passes_as_it_is() -> None:
    message = jpeg_message(IMAGE, header(1.0), 90)
    assert picture(message, width=64).encoded() == bytes(message.data)


def test_another_image_is_encoded_once_and_no_wider_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    one = picture(raw_message(IMAGE, header(1.0)), width=40)
    encoded = one.encoded()
    assert cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR).shape == (30, 40, 3)
    monkeypatch.setattr(cv2, "imencode", None)
    assert one.encoded() is encoded


def test_a_format_that_no_browser_shows_is_encoded_anew() -> None:
    data = cv2.imencode(".tiff", IMAGE)[1].tobytes()
    message = CompressedImage(format="tiff", data=data)
    assert picture(message).encoded().startswith(b"\xff\xd8")


def test_an_image_that_cannot_be_read_is_said() -> None:
    with pytest.raises(InputError, match="cut off"):
        picture(CompressedImage(format="jpeg", data=b"\x00\x01")).encoded()


def test_a_picture_waits_for_the_boxes_of_its_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr(picture_feed.time, "monotonic", lambda: now[0])
    feed = PictureFeed()
    assert feed.newest() is None
    assert feed.add(picture(stamp_ns=1)) and feed.add(picture(stamp_ns=2))  # nobody has sent boxes yet
    assert not feed.add_boxes(0) and feed.add(picture(stamp_ns=3))  # those are of a target that catches up
    assert not feed.add_boxes(3)  # it was shown already; from now on pictures wait
    assert not feed.add(picture(stamp_ns=4)) and not feed.add(picture(stamp_ns=5))
    assert feed.newest()[1].stamp_ns == 3
    assert feed.add_boxes(5) and feed.newest()[1].stamp_ns == 5
    assert not feed.add_boxes(4)  # the past is not shown
    assert not feed.add_boxes(9) and feed.add(picture(stamp_ns=9))  # its boxes were here first
    assert not feed.add(picture(stamp_ns=10))
    now[0] += 0.51  # no boxes come any more
    assert feed.add(picture(stamp_ns=11)) and feed.newest()[1].stamp_ns == 11


def test_pictures_wait_for_a_tracker_that_is_slower_than_the_camera() -> None:
    feed = PictureFeed()
    for stamp in range(1, 21):
        assert feed.add(picture(stamp_ns=stamp))
    assert not feed.add_boxes(12) and feed.add(picture(stamp_ns=21))  # a target that catches up
    assert not feed.add_boxes(18)  # three pictures late
    for stamp in range(22, 30):
        feed.add(picture(stamp_ns=stamp))
        late = stamp - 3
        assert feed.add_boxes(late) == (late > 21)  # up to 21 they were shown already
        assert feed.newest()[1].stamp_ns == max(late, 21)


def test_no_more_than_a_few_pictures_wait() -> None:
    feed = PictureFeed()
    feed.add(picture(stamp_ns=1))
    feed.add_boxes(1)
    for stamp in range(2, 100):
        assert not feed.add(picture(stamp_ns=stamp))
    assert not feed.add_boxes(90)  # it had to give way
    assert feed.add_boxes(95)
