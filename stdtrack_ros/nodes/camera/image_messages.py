# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image messages of ROS: decoded by `stdtrack_ros.images`, and made from images."""

from __future__ import annotations

import array
import importlib

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import Header

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Image, Pixels
from stdtrack_ros.images import PlainImage, decode_message, jpeg_size, rosbags_converter
from stdtrack_ros.jpeg_image import JpegImage
from stdtrack_ros.nodes.camera.video_stream import DecodedPicture
from stdtrack_ros.raw_image import RawImage
from stdtrack_ros.tracker.frame_view import CameraImage

try:
    from cv_bridge import CvBridge, CvBridgeError

    importlib.import_module("cv_bridge.boost.cv_bridge_boost")  # compiled for another NumPy, it does not load
except (ImportError, AttributeError):  # it comes with an installed ROS; the wheels do not have it
    CvBridge = None


def cv_bridge_converter(image: PlainImage, target: str) -> NDArray[np.generic]:
    """Take pixels that stay as they are by cv_bridge; rosbags-image converts all others, with the same result.

    cv_bridge is slower in every conversion, does not know some names of YUV, and fails with NumPy 2 on big-endian
    numbers. An image that it refuses goes to rosbags-image, too.
    """
    if image.is_bigendian or target:
        return rosbags_converter(image, target)
    try:
        taken: NDArray[np.generic] = CvBridge().imgmsg_to_cv2(image, "passthrough")
    except CvBridgeError:
        return rosbags_converter(image, target)
    return taken


CONVERTER = rosbags_converter if CvBridge is None else cv_bridge_converter
"""cv_bridge if ROS brings it, rosbags-image otherwise; the same table of encodings holds for both."""


def decode_image(message: ImageMessage | CompressedImage | DecodedPicture) -> Pixels:
    """Decode an image message to grey or BGR pixels of its own depth, raw ones by cv_bridge if it is installed.

    Raises:
        InputError: the message holds no complete picture of a known encoding, with what was found and is allowed.
    """
    return message.image() if isinstance(message, DecodedPicture) else decode_message(message, CONVERTER)


def view_image(message: ImageMessage | CompressedImage | DecodedPicture) -> CameraImage:
    """Return an image as `decode_image` does, but one that can be looked at in part, or coarsely, as it is.

    That is a JPEG, and an image in another encoding than BGR if that can be cut.

    Raises:
        InputError: see `decode_image`; of a JPEG, its decoding raises it.
    """
    if isinstance(message, CompressedImage) and (size := jpeg_size(message.data)) is not None:
        return JpegImage(message.data, message.format, size)
    if not isinstance(message, ImageMessage) or message.is_bigendian:
        return decode_image(message)
    encoding, width, height = message.encoding, message.width, message.height
    if not RawImage.can_be_cut(encoding, width, height):
        return decode_image(message)
    return RawImage(message.data, encoding, width, height, message.step, CONVERTER)


def encoding_of(message: ImageMessage | CompressedImage | DecodedPicture) -> str:
    """Return the name of the message's encoding, for people."""
    name: str = message.format if isinstance(message, CompressedImage) else message.encoding
    return name


def raw_message(image: Image, header: Header) -> ImageMessage:
    """Make a bgr8 message of an image."""
    height, width = image.shape[:2]
    data = array.array("B")
    # An array takes the bytes in one copy; an ndarray or a list would be checked number by number.
    data.frombytes(np.ascontiguousarray(image).data.cast("B"))
    return ImageMessage(header=header, height=height, width=width, encoding="bgr8", step=3 * width, data=data)


def jpeg_message(image: Image, header: Header, quality: int) -> CompressedImage:
    """Make a JPEG message of an image; `quality` 1..100.

    Raises:
        InputError: the image is too large for JPEG.
    """
    good, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise InputError(f"An image of shape {image.shape} cannot be written as JPEG.")
    data = array.array("B")
    data.frombytes(encoded.tobytes())
    return CompressedImage(header=header, format="bgr8; jpeg compressed bgr8", data=data)
