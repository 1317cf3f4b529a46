# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a camera's image costs to receive, as JPEG and as packet of a video: `python tools/video_cost.py`.

Takes the demo's clip of 1280x720 px (or another video), encodes it as cameras do, and decodes it as the node does, on
one thread. Prints the size of a message and the CPU time of an image.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import av
import cv2
import numpy as np
import typer

from stdtrack_ros.cli.demo import demo_clip
from stdtrack_ros.geometry import Image
from stdtrack_ros.images import decode_compressed
from stdtrack_ros.video_packets import PacketDecoder, to_image

JPEG_QUALITY = 90
BITS_PER_S, KEY_EVERY, RATE = 8_000_000, 15, 25
ENCODERS = {"h264": "libx264", "hevc": "libx265"}


def main(
    clip: Annotated[Path | None, typer.Argument(help="Another video; its first frames are taken.")] = None,
    frames: Annotated[int, typer.Option(min=2)] = 132,
) -> None:
    """Print a row per kind of message."""
    cv2.setNumThreads(1)
    with av.open(str(clip or demo_clip().path)) as container:
        images = [frame.to_ndarray(format="bgr24") for frame in islice(container.decode(video=0), frames)]
    height, width = images[0].shape[:2]
    print(f"{len(images)} images of {width}x{height} px, {RATE} a second")
    print(f"{'message':34} {'kB':>7} {'CPU ms per image':>18}")
    jpegs = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].reshape(-1) for image in images]
    _row(f"JPEG, quality {JPEG_QUALITY}", jpegs, lambda data: decode_compressed(data, "jpeg"))
    for codec, encoder in ENCODERS.items():
        packets = _encode(images, encoder)
        name = f"{codec}, {BITS_PER_S // 1_000_000} Mbit/s"
        _row(f"{name}, image dropped", packets, _decoder(codec, convert=False))
        _row(f"{name}, image tracked", packets, _decoder(codec, convert=True))


def _encode(images: list[Image], encoder: str) -> list[bytes]:
    context: Any = av.CodecContext.create(encoder, "w")
    context.height, context.width = images[0].shape[:2]
    context.pix_fmt, context.time_base, context.bit_rate = "yuv420p", Fraction(1, RATE), BITS_PER_S
    context.framerate, context.gop_size = Fraction(RATE), KEY_EVERY
    context.options = {"preset": "superfast", "tune": "zerolatency", "x265-params": "log-level=error"}
    packets = []
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts = number
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets + [bytes(packet) for packet in context.encode(None)]


def _decoder(codec: str, convert: bool) -> Callable[[Any], object]:
    decoder = PacketDecoder(codec)

    def decode(packet: Any) -> object:
        return [to_image(frame) if convert else frame for _, frame in decoder.decode(packet, 0)]

    return decode


def _row(name: str, messages: list[Any], decode: Callable[[Any], object]) -> None:
    started = time.process_time()
    for message in messages:
        decode(message)
    cpu_ms = 1e3 * (time.process_time() - started) / len(messages)
    print(f"{name:34} {np.mean([len(message) for message in messages]) / 1e3:7.1f} {cpu_ms:18.1f}")


if __name__ == "__main__":
    typer.run(main)
