# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`operator_page` in a process of its own, a camera that films the moving scene, and a page without a browser."""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from builtin_interfaces.msg import Time
from moving_scene import Scene
from node_bench import WAIT_S, Bench

FRAME_S, PATIENCE_S = 0.05, 0.5


class PageProcess:
    """The node that serves the page, on a port of its own."""

    def __init__(self, log: Path, bench: Bench, **parameters: Any) -> None:
        values = {"port": 0} | {name.replace("__", "."): value for name, value in parameters.items()}
        options = [word for name, value in values.items() for word in ("-p", f"{name}:={value}")]
        options += ["-r", f"__ns:={bench.get_namespace()}"]
        command = [sys.executable, "-m", "stdtrack_ros.nodes.operator.operator_page", "--ros-args", *options]
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text()

    @property
    def address(self) -> str:
        """Where the page is; empty until it is there."""
        lines = [line for line in self.output.splitlines() if " is at http" in line]
        return lines[0].rpartition(" ")[2] if lines else ""


@contextmanager
def serving(log: Path, bench: Bench, **parameters: Any) -> Iterator[PageProcess]:
    """Run a page until it is up; stop it with SIGINT, its exit code must be 0."""
    page = PageProcess(log, bench, **parameters)
    try:
        bench.wait(lambda: page.address or page.process.poll() is not None, "page")
        assert page.process.poll() is None, page.output
        yield page
        page.process.send_signal(signal.SIGINT)
        assert page.process.wait(WAIT_S) == 0, page.output
    finally:
        if page.process.poll() is None:
            page.process.kill()
        page.process.wait()


class Film:
    """Frame after frame of the scene, whenever the bench spins, as raw images or JPEGs.

    A patient one waits for the tracker's answer to each frame, but not for longer than PATIENCE_S: a tracker that has
    to wait for its processor does not lose the target.
    """

    def __init__(
        self, bench: Bench, scene: Scene, compressed: bool = False, targets: int = 1, patient: bool = False
    ) -> None:
        self._bench, self._scene, self._targets, self._patient = bench, scene, targets, patient
        self._last, self._last_s = Time(), 0.0
        self._show = bench.show_jpeg if compressed else bench.show
        self.index_of: dict[int, int] = {}
        """The frame of each stamp (ns)."""
        self._timer = bench.create_timer(FRAME_S, self._next)

    def stop(self) -> None:
        """Silence the camera."""
        self._timer.cancel()

    def go_on(self) -> None:
        """Let the camera film again."""
        self._timer.reset()

    def _next(self) -> None:
        answered = bool(self._bench.boxes) and self._bench.boxes[-1].header.stamp == self._last
        if self._patient and not answered and time.monotonic() - self._last_s < PATIENCE_S:
            return
        index = len(self.index_of)
        stamp = self._show(self._scene.image(index, self._targets)).stamp
        self._last, self._last_s = stamp, time.monotonic()
        self.index_of[stamp.sec * 10**9 + stamp.nanosec] = index


class PageClient:
    """One WebSocket as a page has it; it acknowledges its pictures unless told not to."""

    def __init__(self, address: str, acknowledge: bool = True) -> None:
        self.url, self.token = address.partition("#")[0], address.partition("#token=")[2]
        self._acknowledge = acknowledge
        self.pictures: list[tuple[dict[str, Any], bytes]] = []
        """State and picture of each message that had one."""
        self.states: list[dict[str, Any]] = []
        self.answers: dict[int, dict[str, Any]] = {}
        self.notices: list[str] = []
        self.closed: int | None = None
        """The code the connection was closed with."""
        self._requests = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def connect(self, origin: str | None = "", token: str | None = None, **headers: str) -> int:
        """Open the WebSocket; the HTTP status of the answer, 101 if it is open."""
        own = f"http://{urlsplit(self.url).netloc}"
        given = headers | ({} if origin is None else {"Origin": origin or own})
        return self._run(self._open(given, self.token if token is None else token))

    def send(self, **message: Any) -> int:
        """Send a message; its request number."""
        self._requests += 1
        text = json.dumps(
            message if message["type"] in ("shown", "look", "hold") else {"request": self._requests} | message
        )
        self._run(self._socket.send_str(text))
        return self._requests

    def send_text(self, text: str) -> None:
        """Send just this."""
        self._run(self._socket.send_str(text))

    def close(self) -> None:
        """Leave."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def state(self) -> dict[str, Any]:
        """The newest state; empty before the first."""
        return self.states[-1] if self.states else {}

    def target(self, target_id: str) -> dict[str, Any]:
        """Return what the newest state says of a target; empty if there is none of this name."""
        return next((one for one in self.state.get("targets", []) if one["id"] == target_id), {})

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    async def _open(self, headers: dict[str, str], token: str) -> int:
        self._session = aiohttp.ClientSession()
        protocols = ["stdtrack", *([f"token.{token}"] if token else [])]
        try:
            self._socket = await self._session.ws_connect(
                f"{self.url}socket", protocols=protocols, headers=headers, max_msg_size=0
            )
        except aiohttp.WSServerHandshakeError as error:
            return error.status
        self._reader = asyncio.ensure_future(self._read())
        return 101

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                number, length = struct.unpack_from("<II", message.data)
                state = json.loads(message.data[8 : 8 + length])
                self.states.append(state)
                self.pictures.append((state, message.data[8 + length :]))
                if self._acknowledge:
                    await self._socket.send_str(json.dumps({"type": "shown", "number": number}))
            else:
                self._take(json.loads(message.data))
        self.closed = self._socket.close_code

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "state":
            self.states.append(message["state"])
        elif message["type"] == "answer":
            self.answers[message["request"]] = message
        else:
            self.notices.append(message["message"])

    async def _close(self) -> None:
        if hasattr(self, "_socket"):
            await self._socket.close()
        await self._session.close()


@contextmanager
def viewing(page: PageProcess, acknowledge: bool = True) -> Iterator[PageClient]:
    """Open a page that is let in."""
    client = PageClient(page.address, acknowledge)
    assert client.connect() == 101
    try:
        yield client
    finally:
        client.close()


def asked(bench: Bench, client: PageClient, **message: Any) -> dict[str, Any]:
    """Send a command and wait for its answer."""
    request = client.send(**message)
    return bench.wait(lambda: client.answers.get(request), f"answer to {message}")


def until(bench: Bench, client: PageClient, condition: Callable[[dict[str, Any]], Any], what: str) -> Any:
    """Wait until the newest state fulfils a condition."""
    return bench.wait(lambda: client.states and condition(client.state), what)
