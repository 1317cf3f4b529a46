# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The web server of the operator's page: one static page, and one WebSocket for each viewer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from stdtrack_ros.errors import InputError, SettingError
from stdtrack_ros.nodes.operator.access import Access
from stdtrack_ros.nodes.operator.operator_settings import OperatorSettings
from stdtrack_ros.nodes.operator.protocol import (
    LARGEST_MESSAGE,
    ClientMessage,
    Command,
    Control,
    Hold,
    Look,
    RateLimit,
    Shown,
    picture_message,
    read_message,
)
from stdtrack_ros.nodes.operator.robot_link import Answer, RobotLink

WEB = Path(__file__).with_name("web")
FILES = {
    "": ("index.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
    "picture_geometry.js": ("picture_geometry.js", "text/javascript"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
SUBPROTOCOL = "stdtrack"
"""A browser cannot set headers of a WebSocket; the token comes as a second subprotocol, `token.<token>`."""
STATE_S = 0.5
"""Longest time between two messages to a viewer: silence means that the link or the node is gone."""
GATHER_S = 0.004
"""The boxes of one frame come one by one: so long they are waited for."""
PING_S = 10.0
"""A viewer that does not answer a ping for half of this is dropped."""
ANSWER_S = 12.0
"""Longest wait for the tracker's answer to a command."""
MESSAGES, COMMANDS = (100.0, 200.0), (5.0, 10.0)
"""Rate (1/s) and burst of all messages of one viewer, and of its commands."""
WAITING_ANSWERS = 32


@dataclass(eq=False)
class Viewer:
    """One open page.

    Attributes:
        in_flight: number of the picture that it was sent and has not shown yet, and when it was sent.
        last_number: of the last picture it was sent.
        skipped: pictures that gave way to newer ones.
        round_trip_ms: from sending a picture until it was shown, of late.
    """

    socket: web.WebSocketResponse
    messages: RateLimit = field(default_factory=lambda: RateLimit(*MESSAGES))
    commands: RateLimit = field(default_factory=lambda: RateLimit(*COMMANDS))
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    answers: deque[str] = field(default_factory=lambda: deque(maxlen=WAITING_ANSWERS))
    looking: bool = True
    in_flight: tuple[int, float] | None = None
    last_number: int = 0
    skipped: int = 0
    round_trip_ms: float = 0.0
    told: Any = None
    told_s: float = 0.0

    def tell(self, **message: Any) -> None:
        """Queue a message."""
        self.answers.append(json.dumps(message))
        self.wake.set()


class PageServer:
    """Runs in a thread of its own.

    Args:
        robot: what the pages show and steer.
        log: takes a sentence for the log.
    """

    def __init__(
        self, settings: Callable[[], OperatorSettings], robot: RobotLink, log: Callable[[str], object]
    ) -> None:
        self._settings, self._robot, self._log = settings, robot, log
        self._access = Access.to(settings().host, settings().token)
        self._viewers: set[Viewer] = set()
        self._operator: Viewer | None = None
        self._tasks: set[Any] = set()
        self._waking: asyncio.TimerHandle | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="web", daemon=True)
        self._runner: web.AppRunner | None = None
        self.address = ""

    def start(self) -> None:
        """Listen.

        Raises:
            SettingError: the address cannot be used.
        """
        self._thread.start()
        try:
            self._run(self._listen())
        except OSError as error:
            self._end_loop()
            settings = self._settings()
            raise SettingError(
                f"The operator's page cannot listen on {settings.host}:{settings.port}: {error.strerror or error}; "
                "set another `port` or `host`."
            ) from None

    def stop(self) -> None:
        """Close every page and leave."""
        if self._thread.is_alive():
            self._run(self._close())
            self._end_loop()

    def changed(self) -> None:
        """Tell the viewers that something new is there to show; from any thread."""
        if self._viewers:
            self._loop.call_soon_threadsafe(self._wake_soon)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(15.0)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    async def _listen(self) -> None:
        app = web.Application(client_max_size=LARGEST_MESSAGE)
        app.router.add_get("/access", self._on_access)
        app.router.add_get("/socket", self._on_socket)
        for path in FILES:
            app.router.add_get(f"/{path}", self._on_file)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        settings = self._settings()
        await web.TCPSite(self._runner, settings.host, settings.port).start()
        port = self._runner.addresses[0][1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.address = f"http://{host}:{port}/" + (f"#token={self._access.token}" if self._access.token else "")

    async def _close(self) -> None:
        for viewer in list(self._viewers):
            await viewer.socket.close(code=WSCloseCode.GOING_AWAY)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _on_file(self, request: web.Request) -> web.StreamResponse:
        name, kind = FILES[request.path.lstrip("/")]
        return web.Response(body=(WEB / name).read_bytes(), content_type=kind, charset="utf-8", headers=HEADERS)

    async def _on_access(self, request: web.Request) -> web.StreamResponse:
        """Say in words whether a WebSocket would be let in: the browser does not tell the page why it was not."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        refused = self._refusal(request, token)
        body = {"allowed": refused is None, "message": refused.text if refused else ""}
        return web.json_response(body, status=refused.status if refused else 200, headers=HEADERS)

    def _refusal(self, request: web.Request, token: str) -> web.Response | None:
        refusal = self._access.refusal(request.host, request.headers.get("Origin"), token)
        if refusal is not None:
            return web.Response(status=refusal.status, text=refusal.sentence)
        if len(self._viewers) >= self._settings().max_viewers:
            return web.Response(status=503, text=f"{len(self._viewers)} pages are open already (max_viewers).")
        return None

    async def _on_socket(self, request: web.Request) -> web.StreamResponse:
        offered = [word.strip() for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        token = next((word.removeprefix("token.") for word in offered if word.startswith("token.")), "")
        refused = self._refusal(request, token)
        if refused is None and request.headers.get("Origin") is None:
            refused = web.Response(status=403, text="A WebSocket needs the Origin header that browsers send.")
        if refused is not None:
            self._log(f"A viewer at {request.remote} was refused: {refused.text}")
            return refused
        socket = web.WebSocketResponse(
            max_msg_size=LARGEST_MESSAGE, heartbeat=PING_S, protocols=[SUBPROTOCOL], compress=False
        )
        await socket.prepare(request)
        viewer = Viewer(socket)
        self._viewers.add(viewer)
        if self._operator is None:
            self._operator = viewer
        self._count_lookers()
        writer = asyncio.ensure_future(self._write(viewer))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT or not viewer.messages.allows():
                    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages, or no text")
                    break
                await self._take(viewer, message.data)
        finally:
            writer.cancel()
            self._leave(viewer)
        return socket

    def _leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        if self._operator is viewer:
            self._operator = None
        self._count_lookers()
        self._wake_all()

    def _count_lookers(self) -> None:
        self._robot.watch(any(viewer.looking for viewer in self._viewers))

    async def _take(self, viewer: Viewer, text: str) -> None:
        try:
            message: ClientMessage = read_message(text)
        except InputError as error:
            viewer.tell(type="notice", message=str(error))
            return
        if isinstance(message, Shown):
            self._shown(viewer, message.number)
        elif isinstance(message, Look):
            viewer.looking = message.value
            self._count_lookers()
        elif isinstance(message, Hold):
            if viewer is self._operator:
                self._robot.hold(message)
        elif isinstance(message, Control):
            self._give_control(viewer, message)
        elif not viewer.commands.allows():
            self._answer(viewer, message, Answer(False, "Too many commands in a short time; wait a moment."))
        elif viewer is not self._operator:
            self._answer(viewer, message, Answer(False, "You are watching: take control first."))
        else:
            task = asyncio.ensure_future(self._command(viewer, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        viewer.wake.set()

    def _shown(self, viewer: Viewer, number: int) -> None:
        if viewer.in_flight is None or viewer.in_flight[0] != number:
            return
        passed_ms = 1e3 * (time.monotonic() - viewer.in_flight[1])
        viewer.round_trip_ms += 0.2 * (passed_ms - viewer.round_trip_ms)
        viewer.in_flight = None

    def _give_control(self, viewer: Viewer, message: Control) -> None:
        holder = self._operator
        if holder is not None and holder is not viewer:
            if not message.confirmed:
                self._answer(viewer, message, Answer(False, "Another operator has control."))
                return
            holder.tell(type="notice", message="Another operator has taken control; you are watching now.")
        self._operator = viewer
        self._answer(viewer, message, Answer(True, "You have control."))
        self._wake_all()

    async def _command(self, viewer: Viewer, message: Command) -> None:
        try:
            answer = await asyncio.wait_for(asyncio.wrap_future(self._robot.ask(message)), ANSWER_S)
        except asyncio.TimeoutError:
            answer = Answer(False, "The tracker has not answered in time.")
        self._answer(viewer, message, answer)

    def _answer(self, viewer: Viewer, message: Command | Control, answer: Answer) -> None:
        viewer.tell(
            type="answer",
            request=message.request,
            accepted=answer.accepted,
            message=answer.message,
            target_id=answer.target_id,
        )

    def _wake_soon(self) -> None:
        if self._waking is None:
            self._waking = self._loop.call_later(GATHER_S, self._wake_all)

    def _wake_all(self) -> None:
        self._waking = None
        for viewer in self._viewers:
            viewer.wake.set()

    async def _write(self, viewer: Viewer) -> None:
        """Send what there is to send, one thing at a time: a slow link is never sent more than it takes."""
        while not viewer.socket.closed:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(viewer.wake.wait(), STATE_S)
            viewer.wake.clear()
            try:
                while viewer.answers:
                    await viewer.socket.send_str(viewer.answers.popleft())
                await self._send_news(viewer)
            except ConnectionError:
                return
            except Exception as error:  # one page that stands still would look like a camera that does
                self._log(f"A viewer is dropped: {error!r}")
                await viewer.socket.close(code=WSCloseCode.INTERNAL_ERROR)

    async def _send_news(self, viewer: Viewer) -> None:
        newest = self._robot.newest_picture() if viewer.looking and viewer.in_flight is None else None
        told = (self._robot.statuses(), self._operator is viewer, self._operator is None, len(self._viewers))
        if newest is not None and newest[0] != viewer.last_number:
            number, picture = newest
            try:
                data = await self._loop.run_in_executor(None, picture.encoded)
            except InputError as error:
                viewer.last_number = number
                viewer.tell(type="notice", message=str(error))
                return
            viewer.skipped += max(number - viewer.last_number - 1, 0) if viewer.last_number else 0
            viewer.last_number, viewer.in_flight = number, (number, time.monotonic())
            state = self._state(viewer, picture.stamp_ns) | {"stamp": str(picture.stamp_ns)}
            await viewer.socket.send_bytes(picture_message(number, state, data))
        elif told != viewer.told or time.monotonic() - viewer.told_s > 0.9 * STATE_S:
            await viewer.socket.send_str(json.dumps({"type": "state", "state": self._state(viewer)}))
        else:
            return
        viewer.told, viewer.told_s = told, time.monotonic()

    def _state(self, viewer: Viewer, stamp_ns: int | None = None) -> dict[str, Any]:
        control = "you" if self._operator is viewer else "free" if self._operator is None else "other"
        waiting_ms = 1e3 * (time.monotonic() - viewer.in_flight[1]) if viewer.in_flight else 0.0
        return self._robot.state(stamp_ns) | {
            "control": control,
            "viewers": len(self._viewers),
            "link": {
                "round_trip_ms": round(max(viewer.round_trip_ms, waiting_ms)),
                "skipped": viewer.skipped,
            },
        }
