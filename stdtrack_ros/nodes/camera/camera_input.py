# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera's side of the node: the subscription, the stamps, and why no image comes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy, qos_policy_name_from_kind
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo

from stdtrack_ros.nodes.camera.publishers import publisher_name, why_missing
from stdtrack_ros.nodes.camera.transports import TRANSPORTS, camera_qos
from stdtrack_ros.nodes.parameters import TrackerNodeSettings

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

LOOK_S = 1.0
"""How often the publishers of the image topic are counted."""
CHANGED_S = 10.0
"""How long a change of the frame_id is reported."""


def image_topic(node: Node, image_transport: str) -> str:
    """Return the topic of the images, as remapped."""
    suffix = TRANSPORTS[image_transport].suffix
    topic: str = node.resolve_topic_name(f"{node.resolve_topic_name('image')}{suffix}")
    return topic


def camera_info_topic(node: Node) -> str:
    """Return the topic of the calibration: where camera_info is remapped to, else beside the image's topic."""
    chosen: str = node.resolve_topic_name("camera_info")
    default = f"{node.get_namespace().rstrip('/')}/camera_info"
    if chosen != default:
        return chosen
    return f"{node.resolve_topic_name('image').rpartition('/')[0]}/camera_info"


class CameraInput:
    """The subscriptions of an active node to one camera.

    Args:
        on_image: takes an Image, a CompressedImage or a `DecodedPicture`.
        refuse: takes a sentence on a packet of a video that gives no picture.

    Raises:
        SettingError: the image_transport needs something that is not installed.
    """

    def __init__(
        self,
        node: Node,
        settings: TrackerNodeSettings,
        on_image: Callable[[Any], None],
        on_camera_info: Callable[[CameraInfo], None],
        refuse: Callable[[str], None],
    ) -> None:
        self._node, self._refuse = node, refuse
        self._clash = ""
        self._frame_id: str | None = None
        self._frame_ids, self._changed_s = ("", ""), -math.inf
        self._named: list[str] = []
        self._looked_s = -math.inf
        self._since_s = time.monotonic()
        self._reliability = settings.image_reliability
        self._no_picture = ""  # why the packets of a video give none
        self._transport = TRANSPORTS[settings.image_transport]
        self.topic = image_topic(node, settings.image_transport)
        self.info_topic = camera_info_topic(node)
        overrides = QoSOverridingOptions.with_default_policies()
        self._image = self._transport.subscribe(
            node,
            self.topic,
            settings.image_reliability,
            on_image,
            self._on_no_picture,
            qos_overriding_options=overrides,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._on_clash),
        )
        try:
            self._info = node.create_subscription(
                CameraInfo,
                self.info_topic,
                on_camera_info,
                camera_qos("best_effort"),
                qos_overriding_options=overrides,
            )
        except Exception:
            node.destroy_subscription(self._image)
            raise

    def destroy(self) -> None:
        """Leave the topics."""
        self._node.destroy_subscription(self._image)
        self._node.destroy_subscription(self._info)

    def silence(self, last_arrival_s: float | None, settings: TrackerNodeSettings) -> tuple[str, str]:
        """Return a sentence if no image has come for too long, later with a likely cause, else ''.

        `last_arrival_s`: monotonic time of the last image, None before the first.
        """
        silent_s = time.monotonic() - (self._since_s if last_arrival_s is None else last_arrival_s)
        if silent_s <= (settings.no_image_after if last_arrival_s is None else settings.stale_after):
            return "", ""
        if silent_s <= settings.no_image_after:
            return f"No image on {self.topic} for {silent_s:.1f} s.", ""
        cause = self._cause()
        return f"No image on {self.topic} for {silent_s:.0f} s: {cause}", cause

    def missing_info(self) -> str:
        """Return why no calibration has come, as part of a sentence."""
        return why_missing(self._node, self.info_topic, "sensor_msgs/msg/CameraInfo", "camera_info")

    def watch_frame_id(self, frame_id: str) -> None:
        """Take note of an image's frame_id."""
        if self._frame_id not in (None, frame_id):
            self._frame_ids, self._changed_s = (self._frame_id or "", frame_id), time.monotonic()
        self._frame_id = frame_id

    def faults(self) -> list[str]:
        """Return a sentence for each sign that the images are not of one camera, or not as the parameters say."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self._named = [publisher_name(one) for one in self._node.get_publishers_info_by_topic(self.topic)]
        found = []
        if len(self._named) > 1:
            found.append(
                f"{len(self._named)} publishers send images on {self.topic} ({', '.join(self._named)}): a target is "
                "looked for in the images of each; give each camera its own topic."
            )
        if now_s - self._changed_s < CHANGED_S:
            before, after = (f"'{name}'" for name in self._frame_ids)
            found.append(
                f"The frame_id of the images on {self.topic} changes between {before} and {after}: they seem to be "
                "of several cameras; give each its own topic."
            )
        return found

    def _on_no_picture(self, sentence: str) -> None:
        self._no_picture = sentence
        self._refuse(sentence)

    def _on_clash(self, event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        self._clash = f"a publisher offers another {policy.lower()} than this node asks for"
        self._node.get_logger().warning(f"{self.topic}: {self._clash}; set image_reliability to best_effort.")

    def _cause(self) -> str:
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return f"nobody publishes there. {self._others()}"
        kind = self._transport.type_name
        who = ", ".join(publisher_name(publisher) for publisher in publishers)
        wrong = sorted({publisher.topic_type for publisher in publishers if publisher.topic_type != kind})
        if wrong:
            return f"{who} publishes {', '.join(wrong)} there and this node reads {kind}; set image_transport."
        weak = [p for p in publishers if p.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT]
        if self._clash or (weak and self._reliability == "reliable"):
            return (
                f"{who} publishes there as best effort and this node asks for {self._reliability} (QoS clash); "
                "set image_reliability to best_effort."
            )
        if self._no_picture:
            return f"{who} publishes packets that give no picture. {self._no_picture}"
        return (
            f"{who} is there with a QoS that fits, but sends nothing that arrives; if the images are large, "
            "give the publisher the Fast DDS profile config/fastdds.xml."
        )

    def _others(self) -> str:
        kind, suffix = self._transport.type_name, self._transport.suffix  # which the node appends by itself
        found = [topic for topic, types in self._node.get_topic_names_and_types() if kind in types]
        others = sorted(
            topic
            for topic in found
            if topic != self.topic and self._node.count_publishers(topic) and "annotated" not in topic
        )
        if not others:
            return "Start the camera, or remap image to its topic."
        bases = " or ".join(topic.removesuffix(suffix) for topic in others)
        return f"Images are published on {', '.join(others)}: remap image to {bases}."
