# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera's angular velocity over DDS: three kinds of messages, frames, and what cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped, Twist, TwistStamped, Vector3, Vector3Stamped
from node_bench import Bench, header
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.camera.camera_rates import CameraRates
from stdtrack_ros.nodes.parameters import RatesSettings
from stdtrack_ros.nodes.positioning.transforms import AVAILABLE

pytestmark = pytest.mark.ros
RATE = Vector3(x=0.1, y=-0.2, z=0.3)
KINDS: dict[str, tuple[type, Callable[[Header], Any]]] = {
    "imu": (Imu, lambda at: Imu(header=at, angular_velocity=RATE)),
    "vector3": (Vector3Stamped, lambda at: Vector3Stamped(header=at, vector=RATE)),
    "twist": (TwistStamped, lambda at: TwistStamped(header=at, twist=Twist(angular=RATE))),
}


class Host(Node):
    """A node that does nothing but read the rates."""

    def __init__(self, settings: RatesSettings, **options: Any) -> None:
        super().__init__("host", **options)
        self.refused: list[str] = []
        self.rates = CameraRates(self, lambda: settings, self.refused.append)


def reading(bench: Bench, message: str = "imu") -> Any:
    return bench.hosting(lambda **options: Host(RatesSettings(message=message, max_age=0.2), **options))


def turned(host: Host, since_s: float, until_s: float, frame_id: str = "camera_optical") -> np.ndarray:
    return host.rates.turned(frame_id, since_s, until_s, until_s)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_message_is_read(kind: str, bench: Bench) -> None:
    message, make = KINDS[kind]
    with reading(bench, kind) as host:
        assert "nobody publishes camera_rates" in host.rates.words()
        source = bench.create_publisher(message, "camera_rates", qos_profile_sensor_data)
        bench.wait(source.get_subscription_count, "subscription")
        assert "no camera_rates has come from" in host.rates.words()
        stamps = [100.0 + index * 0.05 for index in range(5)]

        def whole() -> bool:
            for stamp_s in stamps:
                source.publish(make(header(stamp_s)))
            bench.spin(0.1)
            try:
                turn = turned(host, 100.0, 100.2)
            except InputError:  # not all of them have arrived
                return False
            return np.allclose(turn, [0.02, -0.04, 0.06], atol=1e-6) and host.rates.words() == "yes: 0.374 rad/s"

        bench.wait(whole, "turn of 0.2 s")
        assert host.refused == []


def test_what_cannot_be_used_is_refused_with_its_reason(bench: Bench) -> None:
    good = header(100.0)
    no_rate = Imu(header=good)
    no_rate.angular_velocity_covariance[0] = -1.0
    bad = [
        (no_rate, "measures no angular velocity"),
        (Imu(header=good, angular_velocity=Vector3(x=float("nan"))), "angular velocity is nan, 0, 0"),
        (Imu(header=header(100.0, "")), "names no frame"),
        (Imu(header=Header(frame_id="camera_optical")), "no stamp"),
    ]
    with reading(bench) as host:
        source = bench.create_publisher(Imu, "camera_rates", QoSProfile(depth=10))
        for message, words in bad:
            host.refused.clear()
            bench.wait(lambda message=message: source.publish(message) or bench.spin(0.05) or host.refused, words)
            assert words in host.refused[-1] and "camera_rates cannot be used" in host.refused[-1]
        with pytest.raises(InputError, match="no rate has come"):
            turned(host, 100.0, 100.1)


def test_messages_of_another_type_are_named(bench: Bench) -> None:
    with reading(bench, "imu") as host:
        other = Context()  # within one, a topic has one type
        other.init()
        gimbal = Node("gimbal", namespace=bench.get_namespace(), context=other)
        gimbal.create_publisher(TwistStamped, "camera_rates", 10)
        words = "gimbal publishes geometry_msgs/msg/TwistStamped on"
        bench.wait(lambda: words in host.rates.words(), words)
        gimbal.destroy_node()
        other.shutdown()


def test_rates_that_stop_are_missed(bench: Bench) -> None:
    with reading(bench) as host:
        source = bench.create_publisher(Imu, "camera_rates", QoSProfile(depth=10))
        sample = KINDS["imu"][1](header(100.0))
        bench.wait(lambda: source.publish(sample) or bench.spin(0.05) or "yes" in host.rates.words(), "rate")
        bench.wait(lambda: "no: none has come on" in host.rates.words(), "silence")


def filled(bench: Bench, host: Host, frame_id: str) -> None:
    source = bench.create_publisher(Imu, "camera_rates", QoSProfile(depth=10))
    first, second = (Imu(header=header(stamp, frame_id), angular_velocity=RATE) for stamp in (100.0, 100.1))

    def there() -> bool:
        source.publish(first)
        source.publish(second)
        bench.spin(0.05)
        try:
            return bool(turned(host, 100.0, 100.1, frame_id).any())
        except InputError:
            return False

    bench.wait(there, "turn")


def test_another_frame_needs_tf(bench: Bench) -> None:
    with reading(bench) as host:
        filled(bench, host, "imu_link")
        words = "no transform from 'imu_link'" if AVAILABLE else "tf2_ros is not installed"
        with pytest.raises(InputError, match=words):
            turned(host, 100.0, 100.1)


@pytest.mark.skipif(not AVAILABLE, reason="tf2_ros is not installed (the wheels do not have it)")
def test_rates_are_turned_into_the_cameras_frame(bench: Bench) -> None:
    """x forward, y left, z up to x right, y down, z forward: x is -y, y is -z, z is x."""
    import tf2_ros

    with reading(bench) as host:
        transform = TransformStamped(header=header(0.0, "imu_link"), child_frame_id="camera_optical")
        turn = transform.transform.rotation
        turn.x, turn.y, turn.z, turn.w = -0.5, 0.5, -0.5, 0.5
        tf2_ros.StaticTransformBroadcaster(bench).sendTransform(transform)
        filled(bench, host, "imu_link")

        def known() -> Any:
            try:
                return turned(host, 100.0, 100.1)
            except InputError:
                return None

        found = bench.wait(lambda: known() is not None, "transform") and known()
        np.testing.assert_allclose(found, [0.02, -0.03, 0.01], atol=1e-6)
