# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a TrackedBox may be acted on, and where it points: what all that follow a target share."""

from __future__ import annotations

import math

from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.tracking.messages import seconds
from stdtrack_ros.settings import SettingGroup, setting


class TrustSettings(SettingGroup):
    """Which target is followed, and how good its box has to be."""

    actuation: bool = setting(False, "Send commands; off: only say what would be sent.")
    target_id: str = setting("target-1", "The target to follow.")
    follow_uncertain: bool = setting(False, "Go on while the target is UNCERTAIN; off: stop.")
    min_quality: float = setting(0.4, "Quality below which nothing moves.", ge=0.0, le=1.0)
    max_age: float = setting(0.3, "Age of the image behind a box from which nothing moves.", unit="s", ge=0.01, le=10.0)
    horizontal_fov: float = setting(
        0.0,
        "Horizontal field of view if there is no CameraInfo; 0: bearings are needed.",
        unit="rad",
        ge=0.0,
        le=3.0,
    )


def stop_reason(box: TrackedBox | None, silent_s: float, settings: TrustSettings) -> str:
    """Return why nothing may move on this box, which came `silent_s` ago; empty if it may."""
    if box is None:
        return f"no box of target '{settings.target_id}' has come"
    if silent_s + seconds(box.latency) > settings.max_age:
        return f"the image behind the last box is older than max_age ({settings.max_age:g} s)"
    if box.status == TrackedBox.STATUS_LOST:
        return "the target is LOST"
    if box.status == TrackedBox.STATUS_UNCERTAIN and not settings.follow_uncertain:
        return "the target is UNCERTAIN"
    if box.status not in (TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_UNCERTAIN):
        return "there is no target"
    if not box.quality >= settings.min_quality:  # also if it is NaN
        return f"the quality is below min_quality ({settings.min_quality:g})"
    if not (box.width > 0 and box.height > 0 and math.isfinite(box.x + box.y + box.width + box.height)):
        return "the box has no size"
    if direction(box, settings) is None:
        return "the direction is not known: publish camera_info, or set horizontal_fov"
    return ""


def direction(box: TrackedBox, settings: TrustSettings) -> tuple[float, float, float] | None:
    """Return the ray to the box (right, down, ahead) by its bearing or the field of view; None if neither is known."""
    ray = box.bearing.x, box.bearing.y, box.bearing.z
    if all(math.isfinite(number) for number in ray):
        return ray
    if settings.horizontal_fov <= 0.0 or box.image_width == 0:
        return None
    focal = focal_px(box, settings)
    center_x, center_y = box.x + box.width / 2, box.y + box.height / 2
    return (center_x - box.image_width / 2) / focal, (center_y - box.image_height / 2) / focal, 1.0


def focal_px(box: TrackedBox, settings: TrustSettings) -> float:
    """Return the focal length that the field of view gives, in px."""
    return float(box.image_width / 2 / math.tan(settings.horizontal_fov / 2))


def limited(value: float, low: float, high: float) -> float:
    """Return the value, or the limit that it passes."""
    return min(max(value, low), high)


def approached(value: float, wanted: float, most: float) -> float:
    """Return what a value becomes that moves towards a wanted one by at most `most`."""
    return value + limited(wanted - value, -most, most)
