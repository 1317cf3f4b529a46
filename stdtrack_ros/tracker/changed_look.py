# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A target that comes back may be turned, or in another light: what a window shows, with such a change undone.

The network may be sure of a thing whose appearance is no longer like any that the STM holds. Such a thing is looked at
as if it had changed in each of these ways; if it is then like the target, it may be the target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from stdtrack_ros.geometry import Box, Crop, Image, box_from_center

TURN_DEG = 30.0
"""Turns that are undone, either way; those between are left to the network."""
MIN_GAIN, MAX_GAIN = 1.2, 2.5
"""Factors of brightness, up or down: from the first on the light is another one, more than the second is not undone."""
FRAME_WEIGHT = 0.2
"""Of a trusted frame in the mean brightness of the target."""


@dataclass(frozen=True, slots=True)
class Change:
    """What may have happened to a target's look since it was last seen.

    Attributes:
        turn_deg: by which the picture shows it turned, clockwise.
        gain: factor of its brightness.
    """

    turn_deg: float = 0.0
    gain: float = 1.0

    def undo(self, pixels: Image) -> Image:
        """Return what a window, (S, S, 3) uint8, would show if nothing had changed."""
        if self.turn_deg:
            middle = (pixels.shape[1] - 1) / 2, (pixels.shape[0] - 1) / 2
            turn = cv2.getRotationMatrix2D(middle, self.turn_deg, 1.0)  # counter-clockwise
            pixels = cv2.warpAffine(pixels, turn, pixels.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        if self.gain != 1.0:
            pixels = cv2.convertScaleAbs(pixels, alpha=1 / self.gain)
        return pixels

    def to_image(self, window: Crop, box: Box) -> Box:
        """Convert a box (4,) px found in the window without the change to the image; its sides stay as they are."""
        x, y, width, height = found = window.to_image(box)
        if not self.turn_deg:
            return found
        right, down = x + width / 2 - window.center_x, y + height / 2 - window.center_y
        cosine, sine = math.cos(math.radians(self.turn_deg)), math.sin(math.radians(self.turn_deg))
        right, down = cosine * right - sine * down, sine * right + cosine * down
        return box_from_center(window.center_x + right, window.center_y + down, width, height)


UNCHANGED = Change()


def possible_changes(brightness: float, usual: float) -> list[Change]:
    """Return how a target may have changed, by the brightness of what may be it and its own, 0..255."""
    changes = [Change(turn_deg=TURN_DEG), Change(turn_deg=-TURN_DEG)]
    if brightness > 0 and usual > 0:  # not if one is unknown, NaN
        gain = min(max(brightness / usual, 1 / MAX_GAIN), MAX_GAIN)
        changes += [Change(gain=gain)] if max(gain, 1 / gain) >= MIN_GAIN else []
    return changes


def brightness_of(pixels: Image, box: Box) -> float:
    """Return the mean, 0..255, of what a box (4,) px in a window (S, S, 3) shows; NaN if it lies outside."""
    left, top, right, bottom = np.clip(np.concatenate((box[:2], box[:2] + box[2:])).round(), 0, pixels.shape[0])
    shown = pixels[int(top) : int(bottom), int(left) : int(right)]
    return float(shown.mean()) if shown.size else math.nan


def mean_brightness(usual: float, seen: float) -> float:
    """Return the mean of the trusted frames with one more, the last ones most; what is not known, NaN, leaves it."""
    if math.isnan(usual) or math.isnan(seen):
        return seen if math.isnan(usual) else usual
    return usual + FRAME_WEIGHT * (seen - usual)
