# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node sends of each frame: TrackedBox, detections, and the annotated image if somebody subscribes."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage
from sensor_msgs.msg import Image as ImageMessage

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import Box, box_center
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.intensity import IntensityRange
from stdtrack_ros.msg import TrackedBox
from stdtrack_ros.nodes.camera.annotated_image import annotated
from stdtrack_ros.nodes.camera.bearing import bearing, is_rectified, rectification_fault
from stdtrack_ros.nodes.camera.camera_input import image_topic
from stdtrack_ros.nodes.camera.camera_rates import CameraRates
from stdtrack_ros.nodes.camera.frame_slot import Frame
from stdtrack_ros.nodes.camera.image_messages import encoding_of, jpeg_message, raw_message
from stdtrack_ros.nodes.camera.rotation import image_shift
from stdtrack_ros.nodes.parameters import TrackerNodeSettings
from stdtrack_ros.nodes.tracking import messages
from stdtrack_ros.nodes.tracking.diagnostics import Health
from stdtrack_ros.nodes.tracking.overlays import Overlays
from stdtrack_ros.nodes.tracking.prediction import SteadyPredictor
from stdtrack_ros.nodes.tracking.targets import Found, Target
from stdtrack_ros.tracker.frame_view import CameraImage


class ResultPublisher:
    """The publishers of a configured node; `results` and `stale` are called by the worker alone."""

    def __init__(
        self, node: Node, health: Health, settings: Callable[[], TrackerNodeSettings], refuse: Callable[[str], None]
    ) -> None:
        self._node, self._health, self._settings, self.refused = node, health, settings, refuse
        self._image_topic = image_topic(node, settings().image_transport)
        self._camera_info: CameraInfo | None = None
        self._no_bearing = ""
        self.camera_rates: CameraRates | None = None
        """The camera's rotation, if it is to be used; set by whoever subscribes to it."""
        self._steady = SteadyPredictor()
        self._publishers: list[Publisher] = []
        try:
            self._offer()
        except Exception:
            self.destroy()
            raise

    def _offer(self) -> None:
        results = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
        self._boxes = self._publisher(TrackedBox, "tracked_box", results)
        self._predictions = self._publisher(TrackedBox, "tracked_box_predicted", results)
        picture = self._node.resolve_topic_name("image_annotated")
        # Reliable, as RViz and rqt ask for; best effort subscribers match too. Depth 1: a slow one is sent the newest.
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
        self._picture = self._publisher(ImageMessage, picture, newest)
        self._jpeg = self._publisher(CompressedImage, f"{picture}/compressed", newest)
        self._overlays = Overlays(lambda kind, topic: self._publisher(kind, topic, results))
        self._detections = None
        if messages.Detection2DArray is not None:
            self._detections = self._publisher(messages.Detection2DArray, "detections", results)

    def _publisher(self, kind: type, topic: str, qos: QoSProfile) -> Publisher:
        overrides = QoSOverridingOptions.with_default_policies()
        publisher = self._node.create_publisher(kind, topic, qos, qos_overriding_options=overrides)
        self._publishers.append(publisher)
        return publisher

    def destroy(self) -> None:
        """Take the topics away."""
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)

    def take_camera_info(self, info: CameraInfo) -> None:
        """Keep the calibration for bearings."""
        self._camera_info = info

    def bearings(self, missing: Callable[[], str]) -> str:
        """Return whether there are bearings, and by which matrices; `missing` says why no calibration has come."""
        if self._camera_info is None:
            return f"no: {missing()}"
        if self._no_bearing:
            return f"no: {self._no_bearing}"
        return f"yes, of {'rectified images (P, R)' if self._rectified(self._camera_info) else 'raw images (K, D)'}"

    def faults(self) -> list[str]:
        """Return a sentence if image_rectified does not fit the images."""
        if self._camera_info is None:
            return []
        fault = rectification_fault(self._camera_info, self._image_topic, self._settings().image_rectified)
        return [fault] if fault else []

    def _rectified(self, info: CameraInfo) -> bool:
        return is_rectified(info, self._image_topic, self._settings().image_rectified)

    def failed(self, error: Exception) -> None:
        """Report in log and diagnostics that the tracker failed on a frame."""
        sentence = f"The tracker failed on a frame: {error!r}"
        self._health.failed(sentence)
        trace = "".join(traceback.format_exception(error))
        self._node.get_logger().error(f"{sentence}\n{trace}", throttle_duration_sec=5.0)

    def results(self, frame: Frame, image: CameraImage, found: Found) -> None:
        """Send the targets of one frame; an empty list says that there is none."""
        height, width = image.shape[:2]
        self._health.processed(width, height, encoding_of(frame.message))
        sent = []
        for target, result in found:
            info = self._frame_info(frame, width, height, target.dropped)
            direction = self._bearing(result.box, width, height)
            message = messages.tracked_box(info, target.target_id, result, direction)
            target.last_message = message
            sent.append(message)
        if not found:
            sent.append(messages.no_target(self._frame_info(frame, width, height, 0)))
        for message in sent:
            self._boxes.publish(message)
        self._health.published(time.monotonic() - frame.arrived_s)
        if self._predictions.get_subscription_count() > 0:
            self._predict(sent, width, height)
        else:
            self._steady.forget()
        if self._detections is not None:
            self._detections.publish(messages.detections(sent))
        self._overlays.send(sent)
        self._send_picture(image, found[0][1].intensity if found else None, sent)

    def stale(self, target: Target, silent_s: float) -> None:
        """Say that a target counts as LOST because no frame was processed for `silent_s`."""
        last = target.last_message
        if last is None:
            last = messages.no_target(messages.FrameInfo(target.header, target.width, target.height, 0.0, 0))
            last.target_id = target.target_id
        self._boxes.publish(messages.stale(last, silent_s))

    def _frame_info(self, frame: Frame, width: int, height: int, dropped: int) -> messages.FrameInfo:
        return messages.FrameInfo(frame.message.header, width, height, time.monotonic() - frame.arrived_s, dropped)

    def _predict(self, sent: list[TrackedBox], width: int, height: int) -> None:
        """Send the boxes as they are expected at the time of publication, and a horizon after it."""
        for message in sent:
            later = self._predicted(message)
            direction = self._bearing(np.array([later.x, later.y, later.width, later.height]), width, height)
            if direction is not None:
                later.bearing.x, later.bearing.y, later.bearing.z = (float(number) for number in direction)
            self._predictions.publish(later)

    def _predicted(self, box: TrackedBox) -> TrackedBox:
        horizon_s, rates = self._settings().prediction_horizon, self.camera_rates
        if rates is None or box.status == TrackedBox.STATUS_NONE:
            return messages.predicted(box, horizon_s)
        info, known_s = self._camera_info, messages.seconds(box.header.stamp) + messages.seconds(box.latency)

        def shift(x: float, y: float, since_s: float, until_s: float) -> NDArray[np.float64]:
            if info is None:
                raise InputError("no camera_info has come.")
            turned = rates.turned(box.header.frame_id, since_s, until_s, known_s)
            return image_shift(info, x, y, box.image_width, box.image_height, turned, self._rectified(info))

        try:
            later = self._steady.predict(box, horizon_s, self._settings().motion, shift)
            rates.served()
        except InputError as error:
            rates.served(str(error))
            later = messages.predicted(box, horizon_s)
        return later

    def _bearing(self, box: Box, width: int, height: int) -> NDArray[np.float64] | None:
        if self._camera_info is None or not np.isfinite(box).all():
            return None
        x, y = box_center(box)
        info = self._camera_info
        try:
            known = bearing(info, float(x), float(y), width, height, self._rectified(info))
        except InputError as error:
            self._no_bearing = str(error)
            self.refused(str(error))
            return None
        self._no_bearing = ""
        return known

    def _send_picture(self, image: CameraImage, intensity: IntensityRange | None, sent: list[TrackedBox]) -> None:
        raw, jpeg = self._picture.get_subscription_count() > 0, self._jpeg.get_subscription_count() > 0
        if not (raw or jpeg):
            return
        settings = self._settings().annotated
        picture = annotated(to_bgr8(np.asarray(image), intensity), sent, settings.scale)
        header = sent[0].header
        if raw:
            self._picture.publish(raw_message(picture, header))
        if jpeg:
            self._jpeg.publish(jpeg_message(picture, header, settings.jpeg_quality))
