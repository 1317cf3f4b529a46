# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures for the page: JPEGs as the camera sent them, others encoded once and only if somebody takes them."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

import cv2
from sensor_msgs.msg import CompressedImage

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.camera.image_messages import decode_image

BROWSER_FORMATS = (b"\xff\xd8\xff", b"\x89PNG")
"""How the files begin that a browser shows by itself."""
WAITING = 8
"""Pictures that wait for the boxes of their frame."""
BOXES_S = 0.5
"""A picture waits for its boxes no longer; without a tracker it is shown at once."""


class Picture:
    """One camera image on its way to the viewers."""

    def __init__(self, message: Any, stamp_ns: int, width: int, jpeg_quality: int) -> None:
        self.stamp_ns = stamp_ns
        self.arrived_s = time.monotonic()
        self._message, self._width, self._quality = message, width, jpeg_quality
        self._lock = threading.Lock()
        self._encoded: bytes | None = None

    def encoded(self) -> bytes:
        """Return the picture as a file that a browser shows; all viewers share one.

        Raises:
            InputError: the image cannot be read.
        """
        with self._lock:
            if self._encoded is None:
                self._encoded = self._encode()
            return self._encoded

    def _encode(self) -> bytes:
        if isinstance(self._message, CompressedImage):
            data = bytes(self._message.data)
            if data.startswith(BROWSER_FORMATS):
                return data
        image = decode_image(self._message)
        height, width = image.shape[:2]
        if width > self._width:
            size = self._width, max(round(height * self._width / width), 1)
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        good, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        if not good:
            raise InputError(f"An image of {width}x{height} px cannot be shown as JPEG.")
        return encoded.tobytes()


class PictureFeed:
    """The newest picture whose boxes are known, so that both are of the same moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Picture] = deque(maxlen=WAITING)
        self._stamps_ns: deque[int] = deque(maxlen=WAITING)
        self._ready: Picture | None = None
        self._followed_s = -float("inf")
        self._boxes_stamp_ns = -1
        self._count = 0

    def add(self, picture: Picture) -> bool:
        """Take a picture; True if it can be shown at once, because no boxes are to be expected for it."""
        with self._lock:
            self._waiting.append(picture)
            self._stamps_ns.append(picture.stamp_ns)
            boxes_follow = time.monotonic() - self._followed_s < BOXES_S and picture.stamp_ns > self._boxes_stamp_ns
            return not boxes_follow and self._release(picture.stamp_ns)

    def add_boxes(self, stamp_ns: int) -> bool:
        """Take note of the boxes of a frame; True if its picture is ready now."""
        with self._lock:
            self._boxes_stamp_ns = stamp_ns
            if self._stamps_ns and stamp_ns >= self._stamps_ns[0]:  # not those of a target that catches up
                self._followed_s = time.monotonic()
            return self._release(stamp_ns)

    def newest(self) -> tuple[int, Picture] | None:
        """Return the newest picture that is ready, with its number; None before the first."""
        with self._lock:
            return None if self._ready is None else (self._count, self._ready)

    def clear(self) -> None:
        """Forget all pictures."""
        with self._lock:
            self._waiting.clear()
            self._stamps_ns.clear()
            self._ready = None

    def _release(self, stamp_ns: int) -> bool:
        found = next((picture for picture in self._waiting if picture.stamp_ns == stamp_ns), None)
        if found is None:
            return False
        while self._waiting.popleft() is not found:
            pass
        self._ready = found
        self._count += 1
        return True
