# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Follow one target through a video file, without ROS: `python track_video.py clip.mp4 x,y,width,height`."""

import sys

import cv2

from stdtrack_ros.geometry import parse_box
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker import create_tracker


def main(path: str, box: str) -> None:
    """Print one line per frame: status, quality and box (x, y, width, height in px)."""
    video = cv2.VideoCapture(path)
    rate = video.get(cv2.CAP_PROP_FPS) or 30.0
    tracker = create_tracker(TrackerSettings())
    _, image = video.read()  # (H, W, 3) uint8 BGR
    tracker.initialize(image, parse_box(box), stamp_s=0.0)
    index = 0
    while True:
        more, image = video.read()
        if not more:
            break
        index += 1
        result = tracker.track(image, stamp_s=index / rate)
        x, y, width, height = result.box
        print(f"{index:5} {result.status.name:9} {result.quality:.2f}  {x:.1f} {y:.1f} {width:.1f} {height:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
