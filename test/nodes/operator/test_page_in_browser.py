# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The page in headless Chromium, against page and tracker in processes of their own, over real DDS."""

from __future__ import annotations

import base64
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from moving_scene import Scene
from node_bench import Bench, running
from page_client import Film, serving, viewing

webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.ros,
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
]
SCENE = Scene()
GREEN = (0, 255, 0)
MARK = (100.0, 60.0, 96.0, 80.0)
"""A green box that stands still in the pictures of `MarkedScene`, px."""


class MarkedScene(Scene):
    """A black ground with a green box whose corners can be found on any screen."""

    def image(self, index: int, targets: int = 1) -> np.ndarray:
        image = np.full((self.height, self.width, 3), 0, np.uint8)
        x, y, width, height = map(int, MARK)
        image[y : y + height, x : x + width] = GREEN
        return image


KEEP_SENT = """
window.sent = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) { window.sent.push(data); return send.call(this, data); };
"""


@contextmanager
def browser(width: int = 1100, height: int = 760, ratio: float = 1.0, touch: bool = False) -> Iterator[Any]:
    """Start a headless Chromium with a window of that size (CSS px) and so many device pixels to each."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        metrics = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": touch}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        yield driver
    finally:
        driver.quit()


def text(driver: Any, element: str) -> str:
    """Return the text of an element."""
    return driver.execute_script("return document.getElementById(arguments[0]).innerText", element)


def until(bench: Bench, driver: Any, element: str, words: str) -> None:
    """Wait for words in an element."""
    bench.wait(lambda: words in text(driver, element), f"'{words}' in {element}")


def opened(bench: Bench, driver: Any, address: str) -> None:
    """Open the page and wait for a picture and a tracker."""
    driver.get(address)
    ready = "return document.getElementById('placeholder').hidden && !document.getElementById('banners').innerText"
    bench.wait(lambda: driver.execute_script(ready), "picture")
    until(bench, driver, "control", "You have control")


def mark_on_screen(bench: Bench, driver: Any, ratio: float) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the green box on the screen in CSS px, as soon as a screenshot shows it."""
    return bench.wait(lambda: _mark_on_screenshot(driver, ratio), "the mark on the screen")


def _mark_on_screenshot(driver: Any, ratio: float) -> tuple[float, float, float, float] | None:
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    image = cv2.imdecode(np.frombuffer(base64.b64decode(shot), np.uint8), cv2.IMREAD_COLOR).astype(int)
    green = (image[..., 1] > 127) & (image[..., 0] < 110) & (image[..., 2] < 110)
    _, _, stats, _ = cv2.connectedComponentsWithStats(green.astype(np.uint8))
    if len(stats) < 2:  # the page has its first picture, but the screen does not show it as yet
        return None
    x, y, width, height, _ = stats[1:][np.argmax(stats[1:, cv2.CC_STAT_AREA])]
    return x / ratio, y / ratio, (x + width) / ratio, (y + height) / ratio


def drag(driver: Any, corners: tuple[float, float, float, float], touch: bool = False) -> None:
    """Drag from the first corner to the second, with fractions of CSS px, as fingers and pens have them."""
    left, top, right, bottom = corners
    path = [(left, top), ((left + right) / 2, (top + bottom) / 2), (right, bottom)]
    if touch:
        for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), path, strict=True):
            driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        return
    kinds = ("mousePressed", "mouseMoved", "mouseMoved", "mouseReleased")
    for kind, (x, y) in zip(kinds, [*path, path[-1]], strict=True):
        event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
        driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def starts(driver: Any) -> list[dict[str, Any]]:
    """Return the starts that the page has sent (see KEEP_SENT)."""
    return [json.loads(one) for one in driver.execute_script("return window.sent") if '"start"' in one]


@pytest.mark.parametrize(
    "width, height, ratio, touch",
    [(1100, 760, 1.0, False), (937, 611, 2.0, False), (1201, 803, 3.0, False), (411, 823, 2.625, True)],
    ids=["ratio 1", "ratio 2", "ratio 3", "phone"],
)
def test_a_dragged_box_and_a_tap_are_right_to_the_pixel(
    bench: Bench, tmp_path: Path, width: int, height: int, ratio: float, touch: bool
) -> None:
    with running(tmp_path / "log", bench), serving(tmp_path / "page.log", bench) as page:
        Film(bench, MarkedScene())
        with browser(width, height, ratio, touch) as driver:
            opened(bench, driver, page.address)
            driver.execute_script(KEEP_SENT)
            left, top, right, bottom = corners = mark_on_screen(bench, driver, ratio)
            drag(driver, corners, touch)
            until(bench, driver, "answer", "is started")
            middle = (left + right) / 2, (top + bottom) / 2
            drag(driver, (*middle, *middle), touch)
            until(bench, driver, "answer", "around the point")
            dragged, tapped = (
                np.array([message[name] for name in ("x", "y", "width", "height")]) * np.tile([320, 240], 2)
                for message in starts(driver)
            )
            assert np.abs(dragged - MARK).max() < 1.0, dragged
            x, y, width, height = MARK
            assert np.abs(tapped - [x + width / 2, y + height / 2, 0, 0]).max() < 1.0, tapped
            bench.wait(lambda: any(b.target_id == "target-1" for b in bench.boxes), "box")


def test_the_stamp_is_that_of_the_frozen_picture(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench), serving(tmp_path / "page.log", bench) as page:
        film = Film(bench, SCENE)
        with browser() as driver:
            opened(bench, driver, page.address)
            driver.execute_script(KEEP_SENT)
            place = {"button": "left", "buttons": 1, "clickCount": 1}
            driver.execute_cdp_cmd("Input.dispatchMouseEvent", place | {"type": "mousePressed", "x": 100, "y": 200})
            pressed = len(film.index_of)
            bench.spin(1.0)
            assert driver.execute_script("return !document.getElementById('frozen').hidden")
            driver.execute_cdp_cmd("Input.dispatchMouseEvent", place | {"type": "mouseMoved", "x": 200, "y": 300})
            driver.execute_cdp_cmd("Input.dispatchMouseEvent", place | {"type": "mouseReleased", "x": 200, "y": 300})
            released = len(film.index_of)
            until(bench, driver, "answer", "is started")
            seen = film.index_of[int(starts(driver)[0]["stamp"])]
            assert seen <= pressed and released - seen >= 10


def test_refusal_stop_takeover_restart_and_silence_are_shown(bench: Bench, tmp_path: Path) -> None:
    with serving(tmp_path / "page.log", bench) as page:
        film = Film(bench, SCENE)
        with browser() as driver:
            with running(tmp_path / "one.log", bench):
                opened(bench, driver, page.address)
                drag(driver, (100.0, 200.0, 260.0, 330.0))
                until(bench, driver, "targets", "target-1")
                bench.enable(False)
                until(bench, driver, "banners", "Tracking is paused")
                drag(driver, (100.0, 200.0, 260.0, 330.0))
                until(bench, driver, "answer", "while the node is disabled")
                until(bench, driver, "refusal", "while the node is disabled")
                bench.enable(True)
                driver.find_element("css selector", ".target .stop").click()
                until(bench, driver, "targets", "No target")
                with viewing(page) as other:
                    other.send(type="control", confirmed=True)
                    until(bench, driver, "control", "Watching")
                    assert "taken control" in text(driver, "answer")
                    driver.find_element("id", "take-control").click()
                    bench.wait(lambda: driver.find_element("id", "takeover").is_displayed(), "question")
                    driver.find_element("id", "takeover-yes").click()
                    until(bench, driver, "control", "You have control")
            until(bench, driver, "banners", "is not running")
            bench.boxes.clear()
            with running(tmp_path / "two.log", bench):
                bench.wait(lambda: not text(driver, "banners"), "end of the banner")
                film.stop()
                until(bench, driver, "banners", "The camera is silent")
                assert driver.find_element("id", "old").is_displayed()  # the picture says itself that it is not live
                film.go_on()
                bench.wait(lambda: not driver.find_element("id", "old").is_displayed(), "live picture")


SLOW_PICTURES = """
const unpack = window.createImageBitmap;
window.createImageBitmap = (...given) => new Promise((done) => setTimeout(() => done(unpack(...given)), 900));
window.removed = 0;
new MutationObserver((changes) => {
  for (const { removedNodes } of changes) window.removed += removedNodes.length;
}).observe(document.getElementById("targets"), { childList: true });
"""


def test_a_picture_that_takes_long_is_told_and_brings_no_old_state_back(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench), serving(tmp_path / "page.log", bench) as page:
        Film(bench, SCENE)
        with browser() as driver:
            opened(bench, driver, page.address)
            driver.execute_script(SLOW_PICTURES)
            until(bench, driver, "banners", "The link is slow")
            for name in ("target-1", "target-2", "target-3"):
                drag(driver, (100.0, 200.0, 260.0, 330.0))
                until(bench, driver, "targets", name)
                driver.execute_script("document.getElementById('add').click()")
            bench.spin(2.0)
            assert driver.execute_script("return window.removed") == 0


def test_the_page_comes_back_by_itself_and_says_why_it_is_not_let_in(bench: Bench, tmp_path: Path) -> None:
    token = "correct-horse-battery"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    access = {"host": "0.0.0.0", "token": token, "port": port}
    address = f"http://127.0.0.1:{port}/"
    Film(bench, SCENE)
    with browser() as driver:
        with serving(tmp_path / "one.log", bench, **access):
            driver.get(f"{address}#token={token}")
            until(bench, driver, "control", "You have control")
        until(bench, driver, "banners", "No connection to the robot")
        assert text(driver, "control") == "Not connected"
        with serving(tmp_path / "two.log", bench, **access):
            until(bench, driver, "control", "You have control")
            driver.get("about:blank")
            driver.get(address)
            until(bench, driver, "banners", "The token is missing or wrong")


def test_no_request_leaves_the_machine_and_axe_finds_nothing_serious(bench: Bench, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_core_python.selenium").Axe()
    with running(tmp_path / "log", bench), serving(tmp_path / "page.log", bench) as page:
        Film(bench, SCENE)
        with browser() as driver:
            opened(bench, driver, page.address)
            drag(driver, (100.0, 200.0, 260.0, 330.0))
            until(bench, driver, "targets", "TRACKING")
            for theme in ("day", "night"):
                while theme not in text(driver, "theme"):
                    driver.find_element("id", "theme").click()
                found = axe.run(driver)["violations"]
                serious = [(one["id"], one["help"]) for one in found if one["impact"] in ("serious", "critical")]
                assert not serious, serious
            requests = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
            urls = [m["params"]["request"]["url"] for m in requests if m["method"] == "Network.requestWillBeSent"]
            ours = (page.address, page.address.replace("http", "ws"), "data:", "blob:", "about:", "chrome")
            assert urls and all(url.startswith(ours) for url in urls), urls
            errors = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
            assert not errors


def test_the_keyboard_alone_starts_a_target_however_long_it_takes(bench: Bench, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    kept = 30
    with running(tmp_path / "log", bench, ring__frames=kept), serving(tmp_path / "page.log", bench) as page:
        film = Film(bench, SCENE)
        with browser() as driver:
            opened(bench, driver, page.address)
            picture = driver.find_element("id", "picture")
            picture.send_keys(Keys.SHIFT + Keys.ARROW_LEFT + Keys.ARROW_UP)
            picture.send_keys(" ")
            frozen_at = len(film.index_of)
            bench.wait(lambda: len(film.index_of) > frozen_at + 2 * kept, "frames while the operator draws")
            picture.send_keys(*[Keys.ARROW_RIGHT] * 30, *[Keys.ARROW_DOWN] * 30, " ")
            until(bench, driver, "answer", "is started on")
            until(bench, driver, "spoken", "target-1")
