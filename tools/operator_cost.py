# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the operator's page costs the robot, and how soon a drag has its target: `python tools/operator_cost.py`.

Plays the demo's clip (JPEGs of 1280x720 px, 25 a second) into the real node. Viewers are WebSockets that show each
picture at once, as a browser on another machine would; the drags are made in headless Chromium, which has to be there.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import numpy as np
import rclpy
import typer
from operator_pictures import KEEP_STAMP, PLACE, PORT, WIDTH, browser, frame_shown, open_page, send_mouse, wait
from rclpy.executors import ExternalShutdownException
from stdtrack_ros.msg import TrackedBox

from stdtrack_ros.cli.demo import demo_clip
from stdtrack_ros.cli.node_processes import environment, running
from stdtrack_ros.cli.operator import JPEG_QUALITY
from stdtrack_ros.sequences.recordings.bags import BagSequence
from stdtrack_ros.sequences.recordings.image_bag import video_as_jpegs, write_image_bag
from stdtrack_ros.shipped_files import shipped_file

VIEWERS = (0, 1, 4)
WATCH_RELEASE = """
window.times = {};
const sendAs = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (data.includes('"start"')) window.times = { released: performance.now() };
  return sendAs.call(this, data);
};
window.onState = (state) => {
  const tracked = (state?.targets ?? []).filter((target) => target.status === "TRACKING");
  if (tracked.length) window.times.tracked ??= performance.now();
  if (tracked.some((target) => target.stamp === state.stamp)) window.times.live ??= performance.now();
};
"""


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Turns of 0, 1 and 4 viewers.")] = 2,
    seconds: Annotated[float, typer.Option(min=5.0, help="Time of each number of viewers in a turn.")] = 21.0,
    drags: Annotated[int, typer.Option(min=0, help="Drags; 0: none, and no Chromium is needed.")] = 10,
    drawing: Annotated[float, typer.Option(min=0.1, max=5.0, help="Seconds from press to release.")] = 1.0,
) -> None:
    """Print the load at each number of viewers, then the times from release to the first TRACKING box."""
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), rounds, seconds, drags, drawing)


def _measure(folder: Path, rounds: int, seconds: float, drags: int, drawing: float) -> None:
    clip = demo_clip()
    write_image_bag(folder / "bag", video_as_jpegs(clip.path, JPEG_QUALITY))
    os.environ.update(environment(folder))
    tracker = ["--params-file", str(shipped_file("config", "replay.yaml")), "-p", "image_transport:=compressed"]
    init = ",".join(f"{number:g}" for number in clip.init)
    nodes = {
        "tracking.tracker_node": tracker,
        "operator.operator_page": ["-p", f"port:={PORT}"],
        "playback.video_player": ["-p", f"source:={folder / 'bag'}", "-p", "loop:=true", "-p", f"init:='{init}'"],
    }
    with ExitStack() as stack:
        pids = {
            module: stack.enter_context(running(module, options, os.environ, folder / f"{module}.log")).pid
            for module, options in nodes.items()
        }
        boxes = stack.enter_context(_boxes())
        wait(lambda: any(box.status == TrackedBox.STATUS_TRACKING for box in boxes))
        _print_load(pids, boxes, rounds, seconds)
        if drags:
            driver = browser(KEEP_STAMP + WATCH_RELEASE)
            stack.callback(driver.quit)
            open_page(driver)
            _print_drags(driver, BagSequence("clip", folder / "bag").timeline.stamps_ns, drags, drawing)


@contextmanager
def _boxes() -> Iterator[list[TrackedBox]]:
    """Collect the results, from a thread of its own."""
    rclpy.init()
    node, boxes = rclpy.create_node("observer"), list[TrackedBox]()
    node.create_subscription(TrackedBox, "tracked_box", boxes.append, 50)

    def spin() -> None:
        with suppress(ExternalShutdownException):
            rclpy.spin(node)

    thread = threading.Thread(target=spin)
    thread.start()
    yield boxes
    rclpy.shutdown()
    thread.join()


def _print_load(pids: dict[str, int], boxes: list[TrackedBox], rounds: int, seconds: float) -> None:
    rows: dict[int, list[tuple[float, ...]]] = {number: [] for number in VIEWERS}
    for _ in range(rounds):
        for number in VIEWERS:
            rows[number].append(asyncio.run(_load(pids, boxes, number, seconds)))
    print("CPU ms per second of the page, CPU ms per frame of the tracker, latency; medians over the turns")
    print("viewers  page ms/s  tracker ms/frame  tracked Hz  latency p50 ms  p95 ms  pictures/s per viewer")
    for number, measured in rows.items():
        page, tracker, rate, p50, p95, pictures = np.median(measured, axis=0)
        print(f"{number:7} {page:10.0f} {tracker:17.1f} {rate:11.1f} {p50:15.0f} {p95:7.0f} {pictures:22.1f}")


async def _load(pids: dict[str, int], boxes: list[TrackedBox], number: int, seconds: float) -> tuple[float, ...]:
    """Return CPU of page (ms/s) and tracker (ms a frame), tracked rate, latency p50 and p95 (ms), pictures a second."""
    shown = [0] * number
    async with aiohttp.ClientSession() as session:
        views = [asyncio.ensure_future(_view(session, shown, index)) for index in range(number)]
        await asyncio.sleep(3.0)
        began, first, before = time.monotonic(), len(boxes), sum(shown)
        cpu_s = [_cpu_s(pids[module]) for module in ("operator.operator_page", "tracking.tracker_node")]
        await asyncio.sleep(seconds)
        passed = time.monotonic() - began
        used = [_cpu_s(pids[module]) for module in ("operator.operator_page", "tracking.tracker_node")]
        page, tracker = (1e3 * (after - at_first) for at_first, after in zip(cpu_s, used, strict=True))
        latencies_ms = [1e3 * box.latency.sec + 1e-6 * box.latency.nanosec for box in boxes[first:]]
        pictures = (sum(shown) - before) / passed / max(number, 1)
        for view in views:
            view.cancel()
        await asyncio.gather(*views, return_exceptions=True)
    p50, p95 = np.percentile(latencies_ms or [np.nan], [50, 95])
    frames = max(len(latencies_ms), 1)
    return page / passed, tracker / frames, len(latencies_ms) / passed, float(p50), float(p95), pictures


async def _view(session: aiohttp.ClientSession, shown: list[int], index: int) -> None:
    """Look at the page and show each picture at once."""
    url = f"http://127.0.0.1:{PORT}"
    async with session.ws_connect(f"{url}/socket", protocols=["stdtrack"], headers={"Origin": url}) as socket:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                shown[index] += 1
                await socket.send_json({"type": "shown", "number": struct.unpack_from("<I", message.data)[0]})


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print_drags(driver: Any, stamps_ns: np.ndarray, drags: int, drawing_s: float) -> None:
    clip = demo_clip()
    known = {0: clip.init, **clip.ground_truth}
    frames, boxes = list(known), np.array(list(known.values()))
    wait(lambda: driver.execute_script("return document.getElementById('placeholder').hidden"))
    left, top, shown = driver.execute_script(PLACE)
    times_ms = []
    for _ in range(drags):
        driver.execute_script("document.getElementById('stop-all').click()")
        wait(lambda: not driver.execute_script("return document.querySelector('.target')"))
        wait(lambda: 25 <= frame_shown(driver, stamps_ns) <= 40)  # seconds before the cut from the end to the start
        now = frame_shown(driver, stamps_ns)
        box = np.array([np.interp(now, frames, boxes[:, column]) for column in range(4)]) * shown / WIDTH
        corners = (left + box[0], top + box[1]), (left + box[0] + box[2], top + box[1] + box[3])
        send_mouse(driver, "mousePressed", corners[0])
        time.sleep(drawing_s)
        send_mouse(driver, "mouseMoved", corners[1])
        send_mouse(driver, "mouseReleased", corners[1])
        wait(lambda: driver.execute_script("return 'released' in window.times && 'live' in window.times"))
        times = driver.execute_script("return window.times")
        times_ms.append([times[name] - times["released"] for name in ("tracked", "live")])
    print(f"{drags} drags of {drawing_s:g} s, from the release:")
    for what, column in (("first TRACKING box", 0), ("first picture with its own TRACKING box", 1)):
        found = [row[column] for row in times_ms]
        print(f"  {what}: median {statistics.median(found):.0f} ms, {min(found):.0f} to {max(found):.0f} ms")


if __name__ == "__main__":
    typer.run(main)
