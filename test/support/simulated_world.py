# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A body on a plane with a camera, a board that walks past, and a wall that it passes behind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from sensor_msgs.msg import CameraInfo

WIDTH, HEIGHT, FOCAL = 320, 240, 260.0
"""The camera: pixels and focal length in pixels."""
BOARD_M, WALL_M = 1.0, (1.2, 3.0)
"""Sides of the board, and width and height of the wall."""


@dataclass
class Body:
    """Pose on the plane (x forward, y left) and heading, in metres and radians."""

    x: float = 0.0
    y: float = 0.0
    heading: float = 0.0

    def move(self, forward: float, yaw_rate: float, time_s: float) -> None:
        """Drive for a while."""
        self.heading += yaw_rate * time_s
        self.x += forward * math.cos(self.heading) * time_s
        self.y += forward * math.sin(self.heading) * time_s

    def seen(self, x: float, y: float) -> tuple[float, float]:
        """Depth along the optical axis and offset to the right of a place."""
        ahead, left = x - self.x, y - self.y
        cosine, sine = math.cos(self.heading), math.sin(self.heading)
        return cosine * ahead + sine * left, sine * ahead - cosine * left


class World:
    """What the camera of a body sees at a time."""

    def __init__(self, seed: int = 5) -> None:
        random = np.random.default_rng(seed)

        def texture(height: int, width: int, cell: int) -> np.ndarray:
            cells = random.integers(40, 215, (height // cell, width // cell, 3), dtype=np.uint8)
            return cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)

        self.panorama = texture(HEIGHT, 3072, 12)
        self.board, self.wall = texture(64, 64, 16), np.full((64, 64, 3), (90, 110, 120), dtype=np.uint8)

    def target(self, time_s: float) -> tuple[float, float]:
        """Walk the board from the left to the right, six metres away, then stop it."""
        return 6.0, max(2.0 - 0.4 * time_s, -2.4)

    obstacle = (4.0, -0.33)

    def image(self, body: Body, time_s: float) -> np.ndarray:
        """(HEIGHT, WIDTH, 3) uint8 BGR."""
        columns = np.arctan((np.arange(WIDTH) + 0.5 - WIDTH / 2) / FOCAL) - body.heading
        image = self.panorama[:, np.round(columns * 3072 / math.tau).astype(int) % 3072].copy()
        self._hang(image, body, self.target(time_s), (BOARD_M, BOARD_M), self.board)
        self._hang(image, body, self.obstacle, WALL_M, self.wall)
        return image

    def box(self, body: Body, time_s: float) -> tuple[float, float, float, float]:
        """Where the board is in the image, seen or not."""
        depth, right = body.seen(*self.target(time_s))
        side = FOCAL * BOARD_M / depth
        return WIDTH / 2 + FOCAL * right / depth - side / 2, HEIGHT / 2 - side / 2, side, side

    def hidden(self, body: Body, time_s: float) -> bool:
        """Whether the wall covers the whole board."""
        x, _, side, _ = self.box(body, time_s)
        depth, right = body.seen(*self.obstacle)
        middle, half = WIDTH / 2 + FOCAL * right / depth, FOCAL * WALL_M[0] / depth / 2
        return middle - half <= x and x + side <= middle + half

    def _hang(
        self,
        image: np.ndarray,
        body: Body,
        place: tuple[float, float],
        size_m: tuple[float, float],
        texture: np.ndarray,
    ) -> None:
        """Paint an upright board that faces the camera."""
        depth, right = body.seen(*place)
        if depth < 0.3:
            return
        width, height = FOCAL * size_m[0] / depth, FOCAL * size_m[1] / depth
        left, top = WIDTH / 2 + FOCAL * right / depth - width / 2, HEIGHT / 2 - height / 2
        matrix = np.array([[width / 64, 0.0, left], [0.0, height / 64, top]])
        cv2.warpAffine(
            texture, matrix, (WIDTH, HEIGHT), dst=image, borderMode=cv2.BORDER_TRANSPARENT, flags=cv2.INTER_LINEAR
        )


def camera_info() -> CameraInfo:
    """Of the simulated camera, which has no distortion."""
    matrix = [FOCAL, 0.0, WIDTH / 2 - 0.5, 0.0, FOCAL, HEIGHT / 2 - 0.5, 0.0, 0.0, 1.0]
    return CameraInfo(width=WIDTH, height=HEIGHT, distortion_model="plumb_bob", d=[0.0] * 5, k=matrix)
