# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The page's protocol, without a browser: page and tracker in processes of their own, over real DDS."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from moving_scene import Scene
from node_bench import Bench, running

pytest.importorskip("aiohttp")
from page_client import Film, PageClient, PageProcess, asked, serving, until, viewing

from stdtrack_ros.geometry import iou
from stdtrack_ros.nodes.camera.image_messages import jpeg_message

pytestmark = pytest.mark.ros
SCENE = Scene()
SIZE = np.array([SCENE.width, SCENE.height] * 2, dtype=np.float64)
TOKEN = "correct-horse-battery"


@contextmanager
def robot(
    bench: Bench, tmp_path: Path, compressed: bool = True, scene: Scene = SCENE, **parameters: object
) -> Iterator[tuple[PageProcess, Film]]:
    """Camera, tracker and page; nothing in it depends on how fast the machine is."""
    transport = "compressed" if compressed else "raw"
    given = {"image_transport": transport, "ring__frames": 1000} | parameters
    with running(tmp_path / "tracker.log", bench, **given):
        film = Film(bench, scene, compressed, patient=True)
        with serving(tmp_path / "page.log", bench) as page:
            yield page, film


def start_message(state: dict, box: tuple[float, ...], **fields: object) -> dict:
    """Return a start on a box in pixels of the picture of that state."""
    x, y, width, height = (float(number) for number in np.array(box) / SIZE)
    return {"type": "start", "stamp": state["stamp"], "x": x, "y": y, "width": width, "height": height} | fields


def newest_processed(bench: Bench, client: PageClient) -> tuple[dict, bytes]:
    """Wait for a picture that the tracker has processed too, and return the newest with its state."""

    def found() -> tuple[dict, bytes] | None:
        stamps = {f"{b.header.stamp.sec * 10**9 + b.header.stamp.nanosec}" for b in bench.boxes}
        return next((one for one in reversed(client.pictures) if one[0]["stamp"] in stamps), None)

    return bench.wait(found, "picture that the tracker has processed")


def test_pictures_come_with_their_own_boxes_and_a_start_counts_for_the_picture_that_was_seen(
    bench: Bench, tmp_path: Path
) -> None:
    with robot(bench, tmp_path) as (page, film), viewing(page) as client:
        until(bench, client, lambda s: s["control"] == "you" and s["tracker"]["present"], "control")
        state, picture = newest_processed(bench, client)
        seen = film.index_of[int(state["stamp"])]
        again = jpeg_message(SCENE.image(seen), bench.header(0.0), 95)
        assert picture == bytes(again.data)  # the camera's own bytes
        box = SCENE.box(seen)
        moved = lambda: iou(box, SCENE.box(len(film.index_of))) < 0.5  # noqa: E731
        bench.wait(moved, "square that moves on while the operator draws")
        answer = asked(bench, client, **start_message(state, box))
        assert answer["accepted"] and answer["target_id"] == "target-1", answer

        def together() -> list[tuple[dict, dict]]:
            """Pictures with a box of the same moment."""
            return [(s, t) for s, _ in client.pictures for t in s["targets"] if t["stamp"] == s["stamp"]]

        bench.wait(lambda: len(together()) > 10, "pictures with boxes")
        for state, target in together():
            box = np.array(target["box"]) * SIZE
            assert iou(box, SCENE.box(film.index_of[int(state["stamp"])])) > 0.7
            assert target["status"] == "TRACKING" and 0.5 < target["quality"] <= 1.0 and target["latency_ms"] > 0


class SlowScene(Scene):
    """The square takes four frames for the way that it takes in one elsewhere."""

    def box(self, index: int, which: int = 0) -> tuple[float, float, float, float]:
        return super().box(index // 4, which)


def test_a_picture_that_the_operator_holds_can_be_started_on_however_many_came_since(
    bench: Bench, tmp_path: Path
) -> None:
    scene, kept = SlowScene(), 20

    def pass_by(frames: int) -> None:
        last = len(film.index_of) + frames
        bench.wait(lambda: len(film.index_of) > last, f"{frames} frames")

    with robot(bench, tmp_path, scene=scene, ring__frames=kept) as (page, film), viewing(page) as client:
        until(bench, client, lambda s: s["control"] == "you" and s["tracker"]["present"], "control")
        with viewing(page) as watching:
            until(bench, watching, lambda s: s["control"] == "other", "watcher")
            early, _ = newest_processed(bench, client)
            watching.send(type="hold", stamp=early["stamp"])  # who only watches holds nothing
            pass_by(10)
            held, _ = newest_processed(bench, client)
            client.send(type="hold", stamp="5000000000")  # no such frame
            client.send(type="hold", stamp=held["stamp"])
            pass_by(3 * kept)
        start = {
            name: start_message(state, scene.box(film.index_of[int(state["stamp"])]))
            for name, state in (("early", early), ("held", held))
        }
        refused = asked(bench, client, **start["early"])
        assert not refused["accepted"] and "is kept" in refused["message"]
        asked_at = len(client.pictures)
        answer = asked(bench, client, **start["held"])
        assert answer["accepted"], answer

        def live() -> list[tuple[dict, dict]]:
            """Pictures after the start with a box of the same moment."""
            shown = client.pictures[asked_at + 1 :]
            return [(s, t) for s, _ in shown for t in s["targets"] if t["stamp"] == s["stamp"]]

        state, target = bench.wait(live, "picture with a box")[-1]
        assert target["status"] == "TRACKING"
        assert iou(np.array(target["box"]) * SIZE, scene.box(film.index_of[int(state["stamp"])])) > 0.7

        pass_by(3 * kept)  # the start has let go of the frame
        assert "is kept" in asked(bench, client, **start["held"])["message"]


def test_refusals_are_answered_and_targets_are_stopped_one_by_one_and_all(bench: Bench, tmp_path: Path) -> None:
    with robot(bench, tmp_path, compressed=False) as (page, _), viewing(page) as client:
        until(bench, client, lambda s: s["tracker"]["present"], "tracker")
        bench.wait(lambda: client.pictures, "picture")
        state, picture = client.pictures[-1]
        assert picture.startswith(b"\xff\xd8") and cv2.imdecode(np.frombuffer(picture, np.uint8), 1).shape == (
            240,
            320,
            3,
        )
        refused = asked(bench, client, **start_message(state, (10, 10, 0.5, 0.5)))
        assert not refused["accepted"] and "too small" in refused["message"]
        refused = asked(bench, client, **start_message(state | {"stamp": "5000000000"}, (10, 10, 20, 20)))
        assert not refused["accepted"] and "no frame of the stamp 5.000 s is kept" in refused["message"]
        until(bench, client, lambda s: "stamp 5.000" in s["tracker"]["refusal"], "last refusal")

        for name in ("a", "b"):
            assert asked(bench, client, **start_message(client.pictures[-1][0], (50, 50, 40, 40), target_id=name))[
                "accepted"
            ]
        until(bench, client, lambda s: [t["id"] for t in s["targets"]] == ["a", "b"], "two targets")
        assert asked(bench, client, type="stop", target_id="a")["accepted"]
        until(bench, client, lambda s: [t["id"] for t in s["targets"]] == ["b"], "one target")
        assert not asked(bench, client, type="stop", target_id="a")["accepted"]
        assert asked(bench, client, type="enable", value=False)["accepted"]
        until(bench, client, lambda s: not s["tracker"]["enabled"], "pause")
        count = len(client.pictures)
        bench.wait(lambda: len(client.pictures) > count + 3, "pictures in the pause")
        assert asked(bench, client, type="enable", value=True)["accepted"]
        assert asked(bench, client, type="stop_all")["accepted"]
        until(bench, client, lambda s: s["targets"] == [] and s["tracker"]["enabled"], "no target")
        client.send_text('{"type": "launch"}')
        bench.wait(lambda: client.notices, "notice")
        assert "cannot be used" in client.notices[0]


def test_a_camera_that_sends_a_video_alone_is_shown(bench: Bench, tmp_path: Path) -> None:
    pytest.importorskip("foxglove_msgs.msg", reason="`make test-environment` builds it")
    from video_camera import VideoCamera

    camera = VideoCamera(bench, SCENE, "foxglove")
    for publisher in (bench.camera, bench.compressed):
        bench.destroy_publisher(publisher)
    shown: dict[int, int] = {}

    def show() -> None:
        stamp = camera.show(len(shown) % 40).stamp
        shown[stamp.sec * 10**9 + stamp.nanosec] = len(shown) % 40

    bench.create_timer(0.05, show)
    with serving(tmp_path / "page.log", bench) as page, viewing(page) as client:
        bench.wait(lambda: len(client.pictures) > 2, "pictures")
        state, picture = client.pictures[-1]
        assert state["camera"]["topic"] == f"{bench.get_namespace()}/image/foxglove"
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).astype(int)
        differences = [np.abs(image - SCENE.image(index)).mean() for index in range(40)]
        assert np.argmin(differences) == shown[int(state["stamp"])]


def test_one_operator_has_control_until_another_takes_it_and_confirms(bench: Bench, tmp_path: Path) -> None:
    with robot(bench, tmp_path) as (page, _), viewing(page) as first:
        until(bench, first, lambda s: s["control"] == "you" and s["tracker"]["present"], "control")
        with viewing(page) as second:
            until(bench, second, lambda s: s["control"] == "other" and s["viewers"] == 2, "second page")
            refused = asked(bench, second, type="stop_all")
            assert not refused["accepted"] and "take control first" in refused["message"]
            assert not asked(bench, second, type="control", confirmed=False)["accepted"]
            assert first.state["control"] == "you"
            assert asked(bench, second, type="control", confirmed=True)["accepted"]
            until(bench, first, lambda s: s["control"] == "other", "loss of control")
            assert "taken control" in first.notices[0]
            assert not asked(bench, first, type="stop_all")["accepted"]
            assert asked(bench, second, type="stop_all")["accepted"]
        until(bench, first, lambda s: s["control"] == "free" and s["viewers"] == 1, "the other's end")
        assert asked(bench, first, type="control", confirmed=False)["accepted"]


def test_strangers_are_refused(bench: Bench, tmp_path: Path) -> None:
    with serving(tmp_path / "page.log", bench, max_viewers=2) as page:
        port = urlsplit(page.address).port
        for status, headers in (
            (403, {"origin": "http://evil.example"}),
            (403, {"origin": None}),
            (403, {"origin": f"http://127.0.0.1:{port + 1}"}),
            (403, {"origin": f"http://evil.example:{port}", "Host": f"evil.example:{port}"}),
        ):
            client = PageClient(page.address)
            assert client.connect(**headers) == status, headers
            client.close()
        with viewing(page), viewing(page):
            third = PageClient(page.address)
            assert third.connect() == 503
            third.close()


def test_beyond_this_machine_a_token_is_needed(bench: Bench, tmp_path: Path) -> None:
    with serving(tmp_path / "page.log", bench, host="0.0.0.0", token=TOKEN) as page:
        assert page.address.endswith(f"#token={TOKEN}")
        address = page.address.replace("0.0.0.0", "127.0.0.1")
        for token, status in (("", 401), ("wrong-" + TOKEN, 401), (TOKEN, 101)):
            client = PageClient(address)
            assert client.connect(token=token) == status
            client.close()
    with serving(tmp_path / "page.log", bench, host="0.0.0.0") as page:
        made = page.address.partition("#token=")[2]
        assert len(made) >= 32 and made != TOKEN


def test_sizes_and_rates_are_bounded(bench: Bench, tmp_path: Path) -> None:
    with serving(tmp_path / "page.log", bench) as page:
        with viewing(page) as client:
            client.send_text("x" * 5000)
            bench.wait(lambda: client.closed, "end")
            assert client.closed == 1009
        with viewing(page) as client:
            requests = [client.send(type="stop_all") for _ in range(15)]
            bench.wait(lambda: len(client.answers) == 15, "answers")
            assert "Too many commands" in client.answers[requests[-1]]["message"]
            assert "is it running" in client.answers[requests[0]]["message"]
        with viewing(page) as client:
            with suppress(ConnectionError):  # in the middle of it the page hangs up
                for _ in range(400):
                    client.send(type="hold", stamp="1000000000000")
            bench.wait(lambda: client.closed, "end")
            assert client.closed == 1008


def test_nothing_is_read_or_encoded_while_nobody_looks(bench: Bench, tmp_path: Path) -> None:
    with robot(bench, tmp_path, compressed=False) as (page, _):

        def readers() -> int:
            return bench.count_subscribers("image"), bench.count_subscribers("tracked_box")

        bench.wait(lambda: readers() == (1, 1), "tracker and bench alone")  # not the page
        with viewing(page) as client:
            bench.wait(lambda: client.pictures and readers() == (2, 2), "page")
            client.send(type="look", value=False)
            bench.wait(lambda: readers() == (1, 1), "page that looks away")
            count = len(client.pictures)
            client.send(type="look", value=True)
            bench.wait(lambda: len(client.pictures) > count + 2, "pictures again")
        bench.wait(lambda: readers() == (1, 1), "page without viewers")


def started(bench: Bench, client: PageClient) -> bool:
    """Return whether a start on the newest picture was accepted."""
    return asked(bench, client, **start_message(client.pictures[-1][0], SCENE.box(0)))["accepted"]


def test_a_tracker_that_restarts_and_a_camera_that_falls_silent_are_told(bench: Bench, tmp_path: Path) -> None:
    film = Film(bench, SCENE, compressed=True)
    with serving(tmp_path / "page.log", bench) as page, viewing(page) as client:
        until(bench, client, lambda s: not s["tracker"]["present"] and not s["targets"], "no tracker")
        bench.wait(lambda: len(client.pictures) > 2, "pictures without a tracker")
        refused = asked(bench, client, **start_message(client.pictures[-1][0], (50, 50, 40, 40)))
        assert not refused["accepted"] and "is it running" in refused["message"]
        for round_ in ("first", "second"):
            bench.boxes.clear()
            with running(tmp_path / f"{round_}.log", bench, image_transport="compressed", stale_after=0.5):
                until(bench, client, lambda s: s["tracker"]["present"], f"{round_} tracker")
                bench.wait(lambda: started(bench, client), "a start, once the tracker has an image")
                until(bench, client, lambda s: client.target("target-1"), "target")
                if round_ == "second":
                    film.stop()
                    lost = lambda s: client.target("target-1").get("status") == "LOST" and s["camera"]["silent_s"] > 1  # noqa: E731
                    until(bench, client, lost, "silence")
                    film.go_on()
                    until(bench, client, lambda s: s["camera"]["silent_s"] < 0.5, "images")
            until(bench, client, lambda s: not s["tracker"]["present"], f"end of the {round_} tracker")
            until(bench, client, lambda s: not s["targets"], f"no target of the {round_} tracker")


def test_a_stalled_viewer_costs_bounded_memory_and_holds_nobody_up(bench: Bench, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    message = jpeg_message(noise, bench.header(), 95)
    assert len(message.data) > 1_000_000
    with serving(tmp_path / "page.log", bench) as page:
        address = urlsplit(page.address)
        stalled = socket.create_connection((address.hostname, address.port))
        lines = [
            "GET /socket HTTP/1.1",
            f"Host: {address.netloc}",
            f"Origin: http://{address.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ]
        stalled.sendall("\r\n".join([*lines, "", ""]).encode())  # and reads nothing, ever
        with viewing(page) as client, viewing(page, acknowledge=False) as silent:
            until(bench, client, lambda s: s["viewers"] == 3, "three viewers")

            def show() -> None:
                message.header = bench.header()
                bench.compressed.publish(message)

            timer = bench.create_timer(0.03, show)
            bench.wait(lambda: len(client.pictures) >= 5, "pictures")
            before = _resident_bytes(page.process.pid)
            bench.wait(lambda: len(client.pictures) >= 60, "pictures for the one that takes them")
            grown = _resident_bytes(page.process.pid) - before
            bench.wait(lambda: len(silent.states) > 5, "news for the one that takes no pictures")
            slow = lambda: silent.state["link"]["round_trip_ms"] > 600  # noqa: E731 (what the page calls a slow link)
            bench.wait(slow, "word of the slow link")
            bench.destroy_timer(timer)
            sent = sum(len(picture) for _, picture in client.pictures[5:])
            assert sent > 50_000_000 and grown < 0.5 * sent, (sent, grown)
            assert len(silent.pictures) == 1  # one in flight, and no more without a word
        stalled.close()


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    "parameters, words",
    [
        (["port:={port}"], "cannot listen on"),
        (["token:=short"], "at least 16"),
        (["host:=256.1.1.1"], "cannot listen on"),
    ],
)
def test_an_address_or_token_that_will_not_do_ends_it_with_a_sentence(parameters: list[str], words: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = [w for p in parameters for w in ("-p", p.format(port=taken.getsockname()[1]))]
        command = [sys.executable, "-m", "stdtrack_ros.nodes.operator.operator_page", "--ros-args", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
