# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Packets of a video codec, as an image transport makes them."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np


def encoded(pictures: list[np.ndarray], codec: str = "libx264", key_every: int = 5) -> list[bytes]:
    """Encode pictures, a packet each."""
    context = av.CodecContext.create(codec, "w")
    context.height, context.width = pictures[0].shape[:2]
    context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 30)
    context.options = {"bf": "0", "g": str(key_every), "preset": "ultrafast", "tune": "zerolatency", "crf": "10"}
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = number
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets + [bytes(packet) for packet in context.encode(None)]
