# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node in another process, and a camera and an observer in this one, over real DDS."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import ListParameters, SetParametersAtomically
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger
from stdtrack_ros.msg import TargetInit, TrackedBox

from stdtrack_ros.geometry import iou
from stdtrack_ros.nodes.camera.image_messages import jpeg_message, raw_message

HERE = Path(__file__).parent
WAIT_S = 240.0
"""Longest wait for anything: what works takes a moment, and on a busy machine minutes."""
LOST_S = 30.0
"""An image without an answer for so long is taken to be lost, as best effort allows, and sent again."""
TRIES = 3
PERIOD_S = 1 / 30
N = TypeVar("N", bound=Node)


class Bench(Node):
    """Camera and observer; every wait spins, and ends with an error after WAIT_S."""

    def __init__(self, namespace: str = "", reliability: QoSProfile = qos_profile_sensor_data) -> None:
        super().__init__("bench", namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)
        self.boxes: list[TrackedBox] = []
        self.reports: list[Any] = []
        self._reported_ns = 0
        self.camera = self.create_publisher(Image, "image", reliability)
        self.compressed = self.create_publisher(CompressedImage, "image/compressed", reliability)
        self.calibration = self.create_publisher(CameraInfo, "camera_info", 10)
        self.starter = self.create_publisher(TargetInit, "target_init", 10)
        self.create_subscription(TrackedBox, "tracked_box", self.boxes.append, 100)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 100)
        self.services_of: dict[str, Any] = {}
        self.stamp_s = 1000.0
        self.sent = 0

    def close(self) -> None:
        """Leave ROS."""
        self._executor.shutdown()
        self.destroy_node()

    @contextmanager
    def hosting(self, make: Callable[..., N], **parameters: Any) -> Iterator[N]:
        """Make a node in this process, which spins whenever the bench waits; destroy it at the end."""
        given = [Parameter(name, value=value) for name, value in parameters.items()]
        node = make(namespace=self.get_namespace(), parameter_overrides=given)
        self._executor.add_node(node)
        try:
            yield node
        finally:
            self._executor.remove_node(node)
            node.destroy_node()

    def spin(self, time_s: float) -> None:
        """Take what comes for a while."""
        end = time.monotonic() + time_s
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def wait(self, condition: Callable[[], Any], what: str, wait_s: float = WAIT_S) -> Any:
        """Spin until the condition holds; its value."""
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            if value := condition():
                return value
            self._executor.spin_once(timeout_sec=0.02)
        raise AssertionError(f"After {wait_s:g} s there is no {what}. Last report: {self.report_text()}")

    def header(self, step_s: float = PERIOD_S) -> Header:
        """Return a header one period after the last."""
        self.stamp_s += step_s
        return header(self.stamp_s)

    def show(self, image: np.ndarray, at: Header | None = None) -> Header:
        """Publish one picture as the camera would."""
        at = at or self.header()
        self.camera.publish(raw_message(image, at))
        self.sent += 1
        return at

    def show_jpeg(self, image: np.ndarray) -> Header:
        """Publish one picture as a JPEG."""
        at = self.header()
        self.compressed.publish(jpeg_message(image, at, 95))
        return at

    def start(
        self, box: tuple[float, ...], target_id: str = "", at: Header | None = None, normalized: bool = False
    ) -> None:
        """Ask for a target."""
        x, y, width, height = (float(number) for number in box)
        self.starter.publish(
            TargetInit(
                header=at or Header(), target_id=target_id, x=x, y=y, width=width, height=height, normalized=normalized
            )
        )

    def start_on(
        self, box: tuple[float, ...], target_id: str = "", at: Header | None = None, normalized: bool = False
    ) -> None:
        """Ask for a target, and wait until it is there and has not been looked for in any frame."""
        self.start(box, target_id, at, normalized)
        self.wait_report(f"{target_id or 'target-1'} NONE", "targets")

    def warm_up(self, show: Callable[[np.ndarray], Header]) -> None:
        """Show grey pictures until the first answer; images sent before discovery has gone both ways are lost."""
        while not self.boxes:
            show(np.full((48, 64, 3), 128, dtype=np.uint8))
            self.spin(0.1)

    def answer(self, image: np.ndarray, at: Header | None = None) -> TrackedBox:
        """Show a picture and wait for its TrackedBox; a best-effort picture may be lost, and is then shown again."""
        return self.answer_message(raw_message(image, at or self.header()))

    def answer_message(self, message: Image | CompressedImage) -> TrackedBox:
        """Publish a message that is made already, and wait for its answer."""
        publisher = self.camera if isinstance(message, Image) else self.compressed
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            publisher.publish(message)
            self.sent += 1
            with suppress(AssertionError):
                return self.answer_to(message.header, wait_s=LOST_S)
        raise AssertionError(f"No picture was answered. Last report: {self.report_text()}")

    def refusal(self, message: Image | CompressedImage, words: str, key: str = "last refusal") -> dict[str, str]:
        """Publish an image that cannot be used, and wait for these words in the report."""
        publisher = self.camera if isinstance(message, Image) else self.compressed
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            publisher.publish(message)
            with suppress(AssertionError):
                return self.wait_report(words, key, LOST_S)
        raise AssertionError(f"No image was refused with '{words}'. Last report: {self.report_text()}")

    def answer_to(self, at: Header, target_id: str | None = None, wait_s: float = WAIT_S) -> TrackedBox:
        """Wait for the TrackedBox that carries this header's stamp."""

        def found() -> TrackedBox | None:
            fits = (b for b in self.boxes if b.header.stamp == at.stamp and target_id in (None, b.target_id))
            return next(fits, None)

        return self.wait(found, f"result for the stamp {at.stamp.sec}.{at.stamp.nanosec:09d}", wait_s)

    def call(self, kind: type, name: str, request: Any) -> Any:
        """Call a service and wait for its response."""
        if name not in self.services_of:
            self.services_of[name] = self.create_client(kind, name)
            self._await_discovery(name.rpartition("/")[0])
        client = self.services_of[name]
        assert client.wait_for_service(WAIT_S), name
        future = client.call_async(request)
        self.wait(future.done, f"answer of {name}")
        return future.result()

    def _await_discovery(self, node: str) -> None:
        """Wait until a node sees all that the bench has made: to a client it does not see, its answers go nowhere.

        It learns of them in the order in which they were made, and so answers the newest last.
        """
        newest = self.create_client(ListParameters, f"{node}/list_parameters")
        assert newest.wait_for_service(WAIT_S), node
        asked: list[Any] = []
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            asked.append(newest.call_async(ListParameters.Request()))
            with suppress(AssertionError):
                self.wait(lambda: any(future.done() for future in asked), f"answer of {node}", 1.0)
                self.destroy_client(newest)
                return
        raise AssertionError(f"{node} does not see the bench.")

    def reset(self) -> Any:
        """Call ~/reset."""
        return self.call(Trigger, "tracker_node/reset", Trigger.Request())

    def enable(self, enabled: bool) -> Any:
        """Call ~/enable."""
        return self.call(SetBool, "tracker_node/enable", SetBool.Request(data=enabled))

    def set_parameter(self, name: str, value: Any, node: str = "tracker_node") -> Any:
        """Set one parameter of a node; the result with its reason."""
        request = SetParametersAtomically.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        return self.call(SetParametersAtomically, f"{node}/set_parameters_atomically", request).result

    def report(self) -> dict[str, str]:
        """Return the values of the newest diagnostics, with the level and the sentence."""
        status = self.wait(lambda: self.reports, "diagnostics")[-1]
        values = {item.key: item.value for item in status.values}
        return values | {"level": str(status.level[0]), "message": status.message}

    def wait_report(self, words: str, key: str = "last refusal", wait_s: float = WAIT_S) -> dict[str, str]:
        """Wait until a report that was made from now on holds these words under a key."""
        self.reports.clear()
        self._reported_ns = self.get_clock().now().nanoseconds

        def found() -> bool:
            return bool(self.reports) and words in self.report().get(key, "")

        self.wait(found, f"'{words}' in the report's {key}", wait_s)
        return self.report()

    def report_text(self) -> str:
        """Return the newest diagnostics in one line, for messages of tests."""
        return f"{self.report()}" if self.reports else "none"

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        mine, stamp = f"{self.get_namespace().strip('/')}/", array.header.stamp
        if stamp.sec * 10**9 + stamp.nanosec >= self._reported_ns:
            self.reports += [status for status in array.status if status.name.startswith(mine)]


def header(stamp_s: float, frame_id: str = "camera_optical") -> Header:
    """Return a header of that time."""
    nanoseconds = round(stamp_s * 1e9)
    return Header(stamp=Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9), frame_id=frame_id)


class NodeProcess:
    """`tracker_node` with the template-matching model (or another script) in a process of its own."""

    def __init__(
        self,
        log: Path,
        namespace: str = "",
        script: str = "template_matching.py",
        remap: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> None:
        values = [f"{name.replace('__', '.')}:={_yaml(value)}" for name, value in parameters.items()]
        options = [word for value in values for word in ("-p", value)]
        options += ["-r", f"__ns:=/{namespace}"] if namespace else []
        options += [word for old, new in (remap or {}).items() for word in ("-r", f"{old}:={new}")]
        command = [sys.executable, str(HERE / script), "--ros-args", *options]
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and wait for the exit code."""
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text()


def overlap(message: TrackedBox, box: tuple[float, ...]) -> float:
    """IoU of a message's box with another box."""
    return float(iou([message.x, message.y, message.width, message.height], box))


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def running(log: Path, bench: Bench, warm: bool = True, **parameters: Any) -> Iterator[NodeProcess]:
    """Run a node until it is up and (unless not `warm`) has answered an image; after SIGINT its exit code must be 0.

    It does not take a bench that has to wait for its processor for a camera that stalls, unless told to.
    """
    defaults = {"diagnostics_period": 0.2, "stale_after": 60.0}
    node = NodeProcess(log, bench.get_namespace().strip("/"), **(defaults | parameters))
    try:
        bench.wait(lambda: bench.starter.get_subscription_count() or node.process.poll() is not None, "node")
        assert node.process.poll() is None, node.output
        if warm:
            bench.warm_up(bench.show_jpeg if parameters.get("image_transport") == "compressed" else bench.show)
        yield node
        assert node.stop() == 0, node.output
    finally:
        if node.process.poll() is None:
            node.process.kill()
        node.process.wait()
