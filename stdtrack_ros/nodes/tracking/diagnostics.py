# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What /diagnostics says: what comes in, what goes out, how late, in which state, and what was refused."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from stdtrack_ros.intensity import IntensityRange
from stdtrack_ros.tracker.models.model import ModelInfo
from stdtrack_ros.tracker.result import Status

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
LATENCIES = 300
"""Number of last latencies from which the percentiles are taken."""
SHOWN_S = 5.0
"""How long a refusal or a failure raises the level of the report."""


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target in a report.

    Attributes:
        intensity: what of the sensor's numbers is shown to the network; None: 8 bits as they are.
    """

    target_id: str
    status: Status
    quality: float
    intensity: IntensityRange | None = None


@dataclass(slots=True)
class NodeSnapshot:
    """Snapshot of the node's state for diagnostics.

    Attributes:
        state: lifecycle state, for example `active`.
        fault: a sentence if the node cannot work, else empty.
        silence: a sentence if images are missing, else empty.
        input_fault: a sentence if the images are odd though they come, or empty.
        busy_s: how long the worker has been at its present frame.
        bearings: whether there are bearings, and if not, why.
        rotation: whether predictions know how the camera turns: off, yes, or no and why.
    """

    state: str
    enabled: bool
    topic: str
    model: ModelInfo | None
    targets: Sequence[TargetReport]
    dropped: int
    fault: str = ""
    silence: str = ""
    input_fault: str = ""
    busy_s: float = 0.0
    bearings: str = "no: the node is not active"
    rotation: str = "off"


@dataclass(slots=True)
class _Counts:
    arrived: int = 0
    published: int = 0
    refused: int = 0
    since_s: float = field(default_factory=time.monotonic)


class Health:
    """Counts what happens, from any thread, and reports it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now, self._before = _Counts(), _Counts()
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._refusal, self._refused_s = "", -float("inf")
        self._failure, self._failed_s = "", -float("inf")
        self._rates = (0.0, 0.0)
        self._image = ""
        self._stamp_age_s = float("nan")

    def arrived(self, stamp_age_s: float) -> None:
        """Count an image that has come; `stamp_age_s`: the node's clock less the image's stamp."""
        with self._lock:
            self._now.arrived += 1
            self._stamp_age_s = stamp_age_s

    def processed(self, width: int, height: int, encoding: str) -> None:
        """Count an image that has been converted."""
        with self._lock:
            self._image = f"{width}x{height} {encoding}"

    def published(self, latency_s: float) -> None:
        """Count a result that has gone out, `latency_s` after its image came."""
        with self._lock:
            self._now.published += 1
            self._latencies.append(latency_s)

    def refused(self, sentence: str) -> None:
        """Count something that came in and could not be used."""
        with self._lock:
            self._now.refused += 1
            self._refusal, self._refused_s = sentence, time.monotonic()

    def failed(self, sentence: str) -> None:
        """Note that the tracker failed on a frame."""
        with self._lock:
            self._failure, self._failed_s = sentence, time.monotonic()

    def report(self, snapshot: NodeSnapshot) -> tuple[bytes, str, dict[str, str]]:
        """Return level, one sentence and all values by name; rates are those of the last period that `roll` ended."""
        with self._lock:
            now_s = time.monotonic()
            refusal = self._refusal if now_s - self._refused_s < SHOWN_S else ""
            failure = self._failure if now_s - self._failed_s < SHOWN_S else ""
            latencies = np.array(self._latencies or [np.nan]) * 1e3
            p50, p95 = np.percentile(latencies, [50, 95])
            values = {
                "state": snapshot.state if snapshot.enabled else f"{snapshot.state}, disabled",
                "targets": ", ".join(_target(report) for report in snapshot.targets) or "none",
                "rate in [Hz]": f"{self._rates[0]:.1f}",
                "rate out [Hz]": f"{self._rates[1]:.1f}",
                "images in": str(self._now.arrived),
                "results out": str(self._now.published),
                "dropped": str(snapshot.dropped),
                "latency p50 [ms]": f"{p50:.1f}",
                "latency p95 [ms]": f"{p95:.1f}",
                "age of stamps [s]": f"{self._stamp_age_s:.3f}",
                "image": self._image,
                "intensity range": ", ".join(_intensity(report) for report in snapshot.targets) or "none",
                "image topic": snapshot.topic,
                "bearings": snapshot.bearings,
                "camera rotation": snapshot.rotation,
                "odd about the images": snapshot.input_fault or "nothing",
                "refused": str(self._now.refused),
                "last refusal": _refusal(self._refusal, now_s - self._refused_s),
            }
        values |= _model(snapshot.model)
        level, sentence = _level(snapshot, refusal, failure)
        return level, sentence, values

    def roll(self) -> None:
        """End the period of the rates, and begin a new one."""
        with self._lock:
            before, self._before = self._before, replace(self._now, since_s=time.monotonic())
            passed = max(self._before.since_s - before.since_s, 1e-3)
            arrived, published = self._now.arrived - before.arrived, self._now.published - before.published
            self._rates = (arrived / passed, published / passed)


def _target(report: TargetReport) -> str:
    return f"{report.target_id} {report.status.name} quality {report.quality:.2f}"


def _intensity(report: TargetReport) -> str:
    shown = report.intensity
    return f"{report.target_id} {'as it is' if shown is None else f'{shown.low:.0f} to {shown.high:.0f}'}"


def _refusal(sentence: str, ago_s: float) -> str:
    return f"{sentence} ({ago_s:.0f} s ago)" if sentence else "none"


def _model(model: ModelInfo | None) -> dict[str, str]:
    if model is None:
        return {"model": "none"}
    return {
        "model": model.name,
        "model hash": model.sha256,
        "backend": model.backend,
        "device": model.provider,
        "precision": model.precision,
        "device note": model.note,
    }


def _level(snapshot: NodeSnapshot, refusal: str, failure: str) -> tuple[bytes, str]:
    """Return the level and the sentence of the worst thing."""
    if snapshot.fault or failure:
        return ERROR, snapshot.fault or failure
    if snapshot.state != "active":
        return WARN, f"The node is {snapshot.state}: it processes no images."
    if snapshot.busy_s > 2.0:
        return ERROR, f"The tracker has been at one frame for {snapshot.busy_s:.0f} s."
    if not snapshot.enabled:
        return OK, "Disabled by ~/enable."
    if snapshot.silence or snapshot.input_fault:
        return WARN, snapshot.silence or snapshot.input_fault
    unsure = [report for report in snapshot.targets if report.status in (Status.LOST, Status.UNCERTAIN)]
    if unsure:
        return WARN, "; ".join(f"Target {report.target_id} is {report.status.name}" for report in unsure) + "."
    if refusal:
        return WARN, refusal
    if snapshot.rotation.startswith("no"):
        return WARN, f"Predictions do without the camera's rotation: {snapshot.rotation.removeprefix('no: ')}"
    if snapshot.targets:
        return OK, f"Tracking {', '.join(report.target_id for report in snapshot.targets)}."
    return OK, "Waiting for a target on target_init."


class DiagnosticsPublisher:
    """Sends the report once per period, and at once when its level has changed."""

    def __init__(self, node: Node, health: Health) -> None:
        self._node, self._health = node, health
        # The name that all viewers of diagnostics listen to; it is the same in every namespace.
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._level: bytes | None = None
        self._sent_s = -float("inf")

    def watch(self, snapshot: NodeSnapshot, period_s: float) -> None:
        """Look at the snapshot; call this often."""
        due = time.monotonic() - self._sent_s >= period_s
        if due:
            self._health.roll()
            self._sent_s = time.monotonic()
        level, sentence, values = self._health.report(snapshot)
        if not due and level == self._level:
            return
        name = self._node.get_fully_qualified_name().lstrip("/")
        status = DiagnosticStatus(level=level, name=name, message=sentence, hardware_id=snapshot.topic)
        status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)
        self._level = level
