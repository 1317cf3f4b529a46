# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A long run of tracker_node over DDS: do memory, file descriptors and latency stay what they are?

python test/support/soak.py --frames 108000 --rate 30              (an hour of the demo's clip, 720p, played to and fro)
python test/support/soak.py --frames 20000 --template-matching     (a painted scene, as fast as answers come)
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rclpy
from moving_scene import Scene
from node_bench import PERIOD_S, Bench, header, running
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.cli.demo import demo_clip
from stdtrack_ros.nodes.camera.image_messages import raw_message
from stdtrack_ros.nodes.tracking.messages import seconds
from stdtrack_ros.sequences.recordings.videos import VideoSequence

SAMPLES = 60
"""Measurements of a run."""
PAINTED_PERIOD = 126
"""Frames after which the painted scene repeats itself (its movement has a period of 125.7)."""


class Recording(NamedTuple):
    """What the camera shows again and again.

    Attributes:
        images: (H, W, 3) uint8 BGR each. box: the target in the first: x, y, width, height in px.
    """

    images: list[np.ndarray]
    box: Sequence[float]


def painted(scene: Scene) -> Recording:
    """Paint a square that moves over a ground."""
    return Recording([scene.image(index) for index in range(PAINTED_PERIOD)], scene.box(0))


def real() -> Recording:
    """Read the demo's clip forth and back, so that nothing ever jumps."""
    clip = demo_clip()
    video = VideoSequence(clip.path.stem, clip.path)
    images = [video.frame(index) for index in range(len(video))]
    return Recording(images + images[-2:0:-1], clip.init)


@dataclass
class Sample:
    """The node after some frames."""

    frames: int
    time_s: float
    memory_mb: float
    descriptors: int
    threads: int
    latency_ms: float
    tracking: float


def measure(pid: int, frames: int, began_s: float, boxes: list[TrackedBox]) -> Sample:
    """Look into /proc, and at the answers since the last sample."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    latencies = [1e3 * seconds(box.latency) for box in boxes]
    return Sample(
        frames=frames,
        time_s=time.monotonic() - began_s,
        memory_mb=int(fields["VmRSS"].split()[0]) / 1024,
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        threads=int(fields["Threads"]),
        latency_ms=float(np.median(latencies)) if latencies else float("nan"),
        tracking=float(np.mean([box.status == TrackedBox.STATUS_TRACKING for box in boxes])) if boxes else 0.0,
    )


def soak(bench: Bench, pid: int, recording: Recording, frames: int, rate: float) -> list[Sample]:
    """Show frames at a rate, or (0) each as soon as the one before was answered."""
    images = recording.images
    message = raw_message(images[0], header(0.0))
    data = [raw_message(image, header(0.0)).data for image in images]
    bench.start_on(recording.box, at=bench.answer(images[0]).header)
    samples, began_s = [], time.monotonic()
    bench.boxes.clear()
    for index in range(1, frames + 1):
        message.header, message.data = bench.header(PERIOD_S), data[index % len(data)]
        if rate:
            bench.camera.publish(message)
            bench.spin(max(began_s + index / rate - time.monotonic(), 1e-4))
        else:
            bench.answer_message(message)
        if index % max(frames // SAMPLES, 1) == 0:
            samples.append(measure(pid, index, began_s, bench.boxes))
            print(json.dumps(asdict(samples[-1])), file=sys.stderr, flush=True)
            bench.boxes.clear()
            bench.reports.clear()
    return samples


def growth(samples: list[Sample]) -> dict[str, float]:
    """Return the change after the warm-up (a fifth of the run): a straight line through the samples, over the run."""
    settled = samples[len(samples) // 5 :]
    frames = np.array([sample.frames for sample in settled], dtype=float)
    span = frames[-1] - frames[0]

    def over_the_run(name: str) -> float:
        values = np.array([getattr(sample, name) for sample in settled])
        return float(np.polyfit(frames, values, 1)[0] * span)

    return {name: over_the_run(name) for name in ("memory_mb", "descriptors", "threads", "latency_ms")}


def main() -> None:
    """Run, and print growth as JSON; each sample goes to the standard error as it comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=108_000)
    parser.add_argument("--rate", type=float, default=0.0, help="Hz; 0: as fast as answers come")
    parser.add_argument("--template-matching", action="store_true", help="a model without weights")
    given = parser.parse_args()
    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(Path(__file__).parents[2] / "config" / "fastdds.xml"))
    recording = painted(Scene()) if given.template_matching else real()
    rclpy.init()
    bench = Bench("soak")
    script = "template_matching.py" if given.template_matching else "../../scripts/tracker_node"
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "log", bench, script=script) as node:
        samples = soak(bench, node.process.pid, recording, given.frames, given.rate)
    bench.close()
    rclpy.shutdown()
    last = samples[-1]
    report = {"frames": last.frames, "rate_hz": last.frames / last.time_s, "growth": growth(samples)}
    print(json.dumps(report | {"first": asdict(samples[0]), "last": asdict(last)}, indent=2))


if __name__ == "__main__":
    main()
