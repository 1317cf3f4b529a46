# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Make pictures of the operator's page: `python tools/operator_pictures.py`.

Plays the demo's clip into the real node, drives the page in headless Chromium (which has to be installed, with its
driver), and takes a picture each of a sure, an unsure and a lost target, and of a camera that has fallen silent.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any
from urllib.request import urlopen

import cv2
import numpy as np
import typer
from selenium import webdriver

from stdtrack_ros.cli.demo import demo_clip
from stdtrack_ros.cli.node_processes import environment, running
from stdtrack_ros.cli.operator import JPEG_QUALITY
from stdtrack_ros.sequences.recordings.bags import BagSequence
from stdtrack_ros.sequences.recordings.image_bag import video_as_jpegs, write_image_bag
from stdtrack_ros.shipped_files import shipped_file

PORT = 8089
SIZE = 1180, 610
WIDTH = 1280  # of the demo's clip, px
WAIT_S = 120.0
STATUSES = {"TRACKING": "sure", "UNCERTAIN": "unsure", "LOST": "lost"}
KEEP_STAMP = """
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (typeof data === "string") {
        window.onState?.(JSON.parse(data).state);
        return;
      }
      const length = new DataView(data).getUint32(4, true);
      const state = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 8, length)));
      window.seenStamp = state.stamp;
      window.onState?.(state);
    });
  }
};
"""
PLACE = "const at = document.getElementById('picture').getBoundingClientRect(); return [at.left, at.top, at.width]"
STATUS = """
const [card, old] = [document.querySelector(".target"), document.getElementById("picture").classList.contains("old")];
return card && !old ? card.dataset.status : "";
"""


def main(out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("docs/operator")) -> None:
    """Write operator_sure.webp, operator_unsure.webp, operator_lost.webp and operator_silent.webp."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _play(Path(folder), out)


def _play(folder: Path, out: Path) -> None:
    write_image_bag(folder / "bag", video_as_jpegs(demo_clip().path, JPEG_QUALITY))
    tracker = ["--params-file", str(shipped_file("config", "replay.yaml")), "-p", "image_transport:=compressed"]
    nodes = {
        "tracking.tracker_node": tracker,
        "operator.operator_page": ["-p", f"port:={PORT}"],
        "playback.video_player": ["-p", f"source:={folder / 'bag'}", "-p", "loop:=true"],
    }
    with ExitStack() as stack:
        driver = browser(KEEP_STAMP)
        stack.callback(driver.quit)
        processes = [
            stack.enter_context(running(module, options, environment(folder), folder / f"{module}.log"))
            for module, options in nodes.items()
        ]
        open_page(driver)
        _drag(driver, processes[-1], BagSequence("clip", folder / "bag").timeline.stamps_ns)
        _take(driver, processes[-1], out)


def browser(script: str) -> Any:
    """Start headless Chromium; the script runs before those of every page."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(word)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    metrics = {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    return driver


def open_page(driver: Any) -> None:
    """Open the page as soon as its node answers."""
    address = f"http://127.0.0.1:{PORT}/"

    def answers() -> bool:
        try:
            with urlopen(address):
                return True
        except OSError:
            return False

    wait(answers)
    driver.get(address)


def _take(driver: Any, player: subprocess.Popen[bytes], out: Path) -> None:
    wanted = dict(STATUSES)
    deadline = time.monotonic() + WAIT_S
    while wanted and time.monotonic() < deadline:
        status = driver.execute_script(STATUS)
        if status not in wanted:
            continue
        if status == "TRACKING":
            time.sleep(2.5)  # some line of quality
        player.send_signal(signal.SIGSTOP)  # the picture stands still while it is taken
        time.sleep(0.4)  # the tracker comes to the last image, and the page to its boxes
        shot = driver.get_screenshot_as_png()
        if driver.execute_script(STATUS) == status:
            _write(out / f"operator_{wanted.pop(status)}.webp", shot)
        player.send_signal(signal.SIGCONT)
    player.send_signal(signal.SIGSTOP)
    time.sleep(7.5)  # longer than stale_after of config/replay.yaml
    _write(out / "operator_silent.webp", driver.get_screenshot_as_png())
    player.send_signal(signal.SIGCONT)
    if wanted:
        raise SystemExit(f"The target was never {', '.join(wanted)}.")


def _drag(driver: Any, player: subprocess.Popen[bytes], stamps_ns: np.ndarray) -> None:
    """Hold the player at an image of which the clip has a hand-made box, and drag that box."""
    ready = "return document.getElementById('placeholder').hidden && document.getElementById('take-control').hidden"
    wait(lambda: driver.execute_script(ready))
    clip = demo_clip()
    boxes = {0: clip.init, **clip.ground_truth}

    def near() -> int:
        """Return the frame with a box that is within one frame of the picture, -1 if there is none."""
        return next((known for known in boxes if abs(known - frame_shown(driver, stamps_ns)) <= 1), -1)

    wait(lambda: near() >= 0)
    player.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    if near() < 0:  # the picture has moved on
        player.send_signal(signal.SIGCONT)
        _drag(driver, player, stamps_ns)
        return
    x, y, width, height = boxes[near()]
    left, top, shown = driver.execute_script(PLACE)
    zoom = shown / WIDTH
    corners = [(left + zoom * x, top + zoom * y), (left + zoom * (x + width), top + zoom * (y + height))]
    path = [corners[0], tuple(np.mean(corners, axis=0)), corners[1], corners[1]]
    for kind, place in zip(("mousePressed", "mouseMoved", "mouseMoved", "mouseReleased"), path, strict=True):
        send_mouse(driver, kind, place)
    wait(lambda: "is started" in driver.execute_script("return document.getElementById('answer').textContent"))
    player.send_signal(signal.SIGCONT)


def frame_shown(driver: Any, stamps_ns: np.ndarray) -> int:
    """Return which frame of the clip the page shows; the player's stamps go on from loop to loop."""
    stamp_ns = int(driver.execute_script("return window.seenStamp"))
    return round((stamp_ns - stamps_ns[0]) / float(np.diff(stamps_ns).mean())) % len(stamps_ns)


def send_mouse(driver: Any, kind: str, place: tuple[float, float]) -> None:
    """Press, move or release the left button at a place, CSS px."""
    event = {"type": kind, "x": float(place[0]), "y": float(place[1]), "button": "left", "buttons": 1, "clickCount": 1}
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def wait(condition: Any) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The page does not show what it should.")
        time.sleep(0.02)


def _write(path: Path, png: bytes) -> None:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_WEBP_QUALITY, 82])
    print(f"{path} {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    typer.run(main)
