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

import cv2
import numpy as np
import typer
from selenium import webdriver

from stdtrack_ros.cli.demo import demo_clip
from stdtrack_ros.cli.node_processes import environment, running
from stdtrack_ros.cli.operator import JPEG_QUALITY, KEPT_FRAMES
from stdtrack_ros.sequences.recordings.image_bag import video_as_jpegs, write_image_bag
from stdtrack_ros.shipped_files import shipped_file

PORT = 8089
SIZE = 1180, 700
WAIT_S = 120.0
STATUSES = {"TRACKING": "sure", "UNCERTAIN": "unsure", "LOST": "lost"}
STATUS = "const card = document.querySelector('.target'); return card ? card.dataset.status : ''"


def main(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("docs/operator"),
    box: Annotated[str, typer.Option(help="Target: left, top, right, bottom as fractions.")] = "0.19,0.30,0.27,0.55",
) -> None:
    """Write operator_sure.webp, operator_unsure.webp, operator_lost.webp and operator_silent.webp."""
    folder = Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    write_image_bag(folder / "bag", video_as_jpegs(demo_clip().path, JPEG_QUALITY))
    tracker = ["--params-file", str(shipped_file("config", "replay.yaml")), "-p", "image_transport:=compressed"]
    nodes = {
        "tracking.tracker_node": [*tracker, "-p", f"ring.frames:={KEPT_FRAMES}"],
        "operator.operator_page": ["-p", f"port:={PORT}"],
        "playback.video_player": ["-p", f"source:={folder / 'bag'}", "-p", "loop:=true"],
    }
    with ExitStack() as stack:
        processes = [
            stack.enter_context(running(module, options, environment(folder), folder / f"{module}.log"))
            for module, options in nodes.items()
        ]
        time.sleep(5)
        driver = _browser()
        stack.callback(driver.quit)
        _take(driver, processes[-1], out, [float(number) for number in box.split(",")])
    shutil.rmtree(folder)


def _browser() -> Any:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    size = f"--window-size={SIZE[0]},{SIZE[1]}"
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", size):
        options.add_argument(word)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.get(f"http://127.0.0.1:{PORT}/")
    return driver


def _take(driver: Any, player: subprocess.Popen[bytes], out: Path, box: list[float]) -> None:
    ready = "return document.getElementById('placeholder').hidden && document.getElementById('take-control').hidden"
    _wait(lambda: driver.execute_script(ready))
    time.sleep(2)
    _drag(driver, box)
    wanted = dict(STATUSES)
    deadline = time.monotonic() + WAIT_S
    while wanted and time.monotonic() < deadline:
        status = driver.execute_script(STATUS)
        if status not in wanted:
            continue
        if status == "TRACKING":
            time.sleep(2.5)  # some line of quality
        else:
            player.send_signal(signal.SIGSTOP)  # the picture stands still while it is taken
            time.sleep(0.6)  # the tracker comes to the last image, and the page to its boxes
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


def _drag(driver: Any, box: list[float]) -> None:
    rect = driver.execute_script("return document.getElementById('picture').getBoundingClientRect().toJSON()")
    places = [(rect["left"] + rect["width"] * x, rect["top"] + rect["height"] * y) for x, y in (box[:2], box[2:])]
    places = [places[0], tuple(np.mean(places, axis=0)), places[1], places[1]]
    for kind, (x, y) in zip(("mousePressed", "mouseMoved", "mouseMoved", "mouseReleased"), places, strict=True):
        event = {"type": kind, "x": float(x), "y": float(y), "button": "left", "buttons": 1, "clickCount": 1}
        driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The page shows no picture.")
        time.sleep(0.2)


def _write(path: Path, png: bytes) -> None:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_WEBP_QUALITY, 82])
    print(f"{path} {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    typer.run(main)
