# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera's side of the MAVLink camera protocol, each message through pymavlink's own encoder and decoder."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pymavlink")

from stdtrack_ros.nodes.mavlink.camera_protocol import CameraProtocol, Description, ImageStatus, Offset, moved
from stdtrack_ros.nodes.mavlink.link import common

RECTANGLE, POINT, STOP = 2005, 2004, 2010
ACCEPTED, REJECTED, DENIED, UNSUPPORTED, FAILED, IN_PROGRESS, CANCELLED = range(7)
ACTIVE = common.CAMERA_TRACKING_STATUS_FLAGS_ACTIVE
SEEN = ImageStatus(ACTIVE, (0.25, 0.5, 0.375, 0.625))


class Tracker:
    """What the camera asked for; if `ready`, each start and stop is answered at once."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.camera: CameraProtocol | None = None
        self.ready = True

    def start(self, *box: float) -> None:
        self.asked.append(tuple(round(number, 6) for number in box))
        if self.ready and self.camera:
            self.camera.answer(True, "started", 0.0)

    def stop(self) -> None:
        self.asked.append("stop")
        if self.ready and self.camera:
            self.camera.answer(True, "stopped", 0.0)


class Dialogue:
    """A camera and ground stations whose messages go through bytes."""

    def __init__(self, **description: Any) -> None:
        self.tracker, self.sent, self.said = Tracker(), [], []
        self.now_s = 100.0
        self._decoder = common.MAVLink(None)
        self._camera_end = common.MAVLink(None, srcSystem=1, srcComponent=100)
        self.camera = self.tracker.camera = CameraProtocol(
            address=(1, 100),
            description=Description("a vendor", "a model", **description),
            tracker=self.tracker,
            send=self._take,
            say=self.said.append,
            station_timeout_s=5.0,
            stop_on_loss=True,
            answer_timeout_s=3.0,
            status_interval_s=0.2,
            resolution=(1280, 720),
        )

    def _take(self, message: Any) -> None:
        decoded = self._decoder.parse_buffer(message.pack(self._camera_end))
        assert len(decoded) == 1
        self.sent += decoded

    def hear(self, message: Any, system: int = 255, component: int = 190) -> None:
        """Pass a ground station's message to the camera."""
        station = common.MAVLink(None, srcSystem=system, srcComponent=component)
        for decoded in common.MAVLink(None).parse_buffer(message.pack(station)):
            self.camera.handle(decoded, self.now_s)

    def heartbeat(self, system: int = 255) -> None:
        self.hear(common.MAVLink_heartbeat_message(common.MAV_TYPE_GCS, 8, 0, 0, 4, 3), system)

    def command(self, number: int, *values: float, system: int = 255, confirmation: int = 0, to: Any = (1, 100)) -> Any:
        """Return the result of a command; None if there is no answer."""
        parameters = [*values, *[0.0] * (7 - len(values))]
        before = len(self.sent)
        self.hear(common.MAVLink_command_long_message(*to, number, confirmation, *parameters), system)
        answers = [m for m in self.sent[before:] if m.get_type() == "COMMAND_ACK" and m.command == number]
        if not answers:
            return None
        assert len(answers) == 1
        assert (answers[-1].target_system, answers[-1].target_component) == (system, 190)
        return answers[-1].result

    def pass_time(self, time_s: float, step_s: float = 0.1) -> list[Any]:
        """Return what the camera sends in that time."""
        before = len(self.sent)
        for _ in range(round(time_s / step_s)):
            self.now_s += step_s
            self.camera.tick(self.now_s)
        return self.sent[before:]

    def texts(self) -> str:
        return "".join(m.text for m in self.sent if m.get_type() == "STATUSTEXT")


def kinds(messages: list[Any]) -> list[str]:
    return [message.get_type() for message in messages]


def test_it_announces_itself_and_what_it_can() -> None:
    dialogue = Dialogue()
    beats = dialogue.pass_time(3.0)
    assert 2 <= len(beats) <= 3 and set(kinds(beats)) == {"HEARTBEAT"} and beats[0].type == common.MAV_TYPE_CAMERA
    assert (beats[0].get_srcSystem(), beats[0].get_srcComponent()) == (1, 100)
    assert dialogue.command(512, 259) == ACCEPTED
    (told,) = [m for m in dialogue.sent if m.get_type() == "CAMERA_INFORMATION"]
    assert told.flags == 512 | 1024, "point and rectangle"
    assert (told.resolution_h, told.resolution_v) == (1280, 720)
    assert bytes(told.model_name).rstrip(b"\0") == b"a model"


@pytest.mark.parametrize(
    ("number", "values", "kind"),
    [
        (521, [1], "CAMERA_INFORMATION"),
        (522, [1], "CAMERA_SETTINGS"),
        (525, [0, 1], "STORAGE_INFORMATION"),
        (527, [1], "CAMERA_CAPTURE_STATUS"),
    ],
)
def test_the_older_requests_are_answered_too(number: int, values: list[float], kind: str) -> None:
    dialogue = Dialogue()
    assert dialogue.command(number, *values) == ACCEPTED
    assert kinds(dialogue.sent)[0] == kind


def test_a_video_stream_is_named_if_there_is_one() -> None:
    assert Dialogue().command(512, 269) == UNSUPPORTED
    dialogue = Dialogue(video_uri="rtsp://127.0.0.1/live")
    assert dialogue.command(512, 269) == ACCEPTED
    assert dialogue.sent[0].uri == "rtsp://127.0.0.1/live"


def test_a_rectangle_starts_a_target_however_it_was_dragged() -> None:
    dialogue = Dialogue()
    assert dialogue.command(RECTANGLE, 0.25, 0.5, 0.5, 0.75) == ACCEPTED
    assert dialogue.command(RECTANGLE, 0.5, 0.75, 0.25, 0.5) == ACCEPTED
    assert dialogue.tracker.asked == [(0.25, 0.5, 0.25, 0.25)] * 2
    assert dialogue.camera.last_command == "CAMERA_TRACK_RECTANGLE: ACCEPTED"


def test_a_point_is_a_tap() -> None:
    dialogue = Dialogue()
    assert dialogue.command(POINT, 0.25, 0.5, 0.1) == ACCEPTED
    assert dialogue.tracker.asked == [(0.25, 0.5, 0.0, 0.0)]


@pytest.mark.parametrize(
    ("number", "values", "words"),
    [
        (RECTANGLE, (0.2, 0.2, 1.2, 0.5), "corners from 0 to 1"),
        (RECTANGLE, (0.2, math.nan, 0.3, 0.5), "corners from 0 to 1"),
        (RECTANGLE, (0.2, 0.2, 0.2, 0.5), "no area"),
        (RECTANGLE, (0.2, 0.2, 0.3, 0.5, 101), "no camera 101"),
        (POINT, (-0.1, 0.5), "A point lies from 0 to 1"),
        (POINT, (math.inf, 0.5), "A point lies from 0 to 1"),
        (STOP, (3,), "no camera 3"),
        (511, (275, -7), "An interval"),
        (521, (0,), "1 asks for it"),
    ],
)
def test_what_makes_no_sense_is_denied_with_a_sentence(number: int, values: tuple[float, ...], words: str) -> None:
    dialogue = Dialogue()
    assert dialogue.command(number, *values) == DENIED
    assert words in dialogue.texts()
    assert dialogue.tracker.asked == []


@pytest.mark.parametrize(
    ("number", "values"), [(2000, (1,)), (512, (33,)), (512, (math.nan,)), (511, (33, 1000)), (400, (1,))]
)
def test_what_it_cannot_do_is_unsupported(number: int, values: tuple[float, ...]) -> None:
    assert Dialogue().command(number, *values) == UNSUPPORTED


@pytest.mark.parametrize("to", [(2, 100), (1, 101), (1, 1), (0, 154)])
def test_a_command_for_somebody_else_is_left_alone(to: tuple[int, int]) -> None:
    dialogue = Dialogue()
    assert dialogue.command(RECTANGLE, 0.2, 0.2, 0.4, 0.4, to=to) is None
    assert dialogue.tracker.asked == [] and dialogue.sent == []


def test_a_command_to_all_is_for_it_too() -> None:
    assert Dialogue().command(STOP, to=(0, 0)) == ACCEPTED


def test_a_command_with_integers_counts_alike() -> None:
    dialogue = Dialogue()
    dialogue.hear(common.MAVLink_command_int_message(1, 100, 0, RECTANGLE, 0, 0, 0.25, 0.5, 0.5, 0.75, 0, 0, 0.0))
    assert dialogue.sent[-1].result == ACCEPTED and dialogue.tracker.asked == [(0.25, 0.5, 0.25, 0.25)]


def test_a_repeated_command_is_answered_again_and_done_once() -> None:
    dialogue = Dialogue()
    dialogue.tracker.ready = False
    values = (0.25, 0.5, 0.5, 0.75)
    assert dialogue.command(RECTANGLE, *values) == IN_PROGRESS
    assert dialogue.command(RECTANGLE, *values, confirmation=1) == IN_PROGRESS
    dialogue.camera.answer(True, "started", dialogue.now_s)
    assert dialogue.sent[-1].result == ACCEPTED
    assert dialogue.command(RECTANGLE, *values, confirmation=2) == ACCEPTED
    assert len(dialogue.tracker.asked) == 1
    assert dialogue.command(RECTANGLE, *values) == IN_PROGRESS, "and a new one is done"
    assert len(dialogue.tracker.asked) == 2


def test_a_tracker_that_refuses_or_is_silent_is_told() -> None:
    dialogue = Dialogue()
    dialogue.tracker.ready = False
    assert dialogue.command(RECTANGLE, 0.2, 0.2, 0.4, 0.4) == IN_PROGRESS
    dialogue.camera.answer(False, "The box is too small.", dialogue.now_s)
    assert dialogue.sent[-1].result == FAILED and "The box is too small." in dialogue.texts()
    assert dialogue.command(POINT, 0.2, 0.2) == IN_PROGRESS
    answers = [m.result for m in dialogue.pass_time(3.2) if m.get_type() == "COMMAND_ACK"]
    assert answers == [FAILED] and "has not answered" in dialogue.texts()
    dialogue.camera.answer(True, "late", dialogue.now_s)
    assert dialogue.camera.holder is None, "an answer that comes too late changes nothing"


def test_a_stop_overtakes_a_start_that_is_on_its_way() -> None:
    dialogue = Dialogue()
    dialogue.tracker.ready = False
    assert dialogue.command(RECTANGLE, 0.2, 0.2, 0.4, 0.4) == IN_PROGRESS
    assert dialogue.command(RECTANGLE, 0.2, 0.2, 0.5, 0.5) == REJECTED
    assert dialogue.command(STOP) == IN_PROGRESS
    first = next(m for m in dialogue.sent if m.get_type() == "COMMAND_ACK" and m.result == CANCELLED)
    assert first.command == RECTANGLE
    dialogue.camera.answer(True, "stopped", dialogue.now_s)
    assert dialogue.sent[-1].command == STOP and dialogue.sent[-1].result == ACCEPTED


def test_of_two_stations_one_is_in_control_and_both_may_stop() -> None:
    dialogue = Dialogue()
    dialogue.heartbeat(255)
    dialogue.heartbeat(254)
    assert dialogue.command(RECTANGLE, 0.2, 0.2, 0.4, 0.4, system=255) == ACCEPTED
    dialogue.camera.set_image(SEEN)
    assert dialogue.command(RECTANGLE, 0.6, 0.6, 0.8, 0.8, system=254) == DENIED
    assert "Ground station 255/190 is tracking" in dialogue.texts()
    assert dialogue.command(RECTANGLE, 0.6, 0.6, 0.8, 0.8, system=255) == ACCEPTED
    assert dialogue.command(STOP, system=254) == ACCEPTED
    assert dialogue.command(RECTANGLE, 0.6, 0.6, 0.8, 0.8, system=254) == ACCEPTED


def test_a_station_that_falls_silent_ends_its_target() -> None:
    dialogue = Dialogue()
    dialogue.heartbeat()
    assert dialogue.command(RECTANGLE, 0.2, 0.2, 0.4, 0.4) == ACCEPTED
    dialogue.camera.set_image(SEEN)
    dialogue.pass_time(4.0)
    dialogue.heartbeat()
    dialogue.pass_time(4.5)
    assert "stop" not in dialogue.tracker.asked
    dialogue.pass_time(1.0)
    assert dialogue.tracker.asked[-1] == "stop" and dialogue.camera.holder is None
    assert any("no heartbeat for 5 s" in sentence for sentence in dialogue.said)
    assert any("the target is forgotten" in sentence for sentence in dialogue.said)
    dialogue.pass_time(10.0)
    assert dialogue.tracker.asked.count("stop") == 1


def test_it_may_go_on_without_its_station_if_told_so() -> None:
    dialogue = Dialogue()
    dialogue.camera.stop_on_loss = False
    dialogue.heartbeat()
    assert dialogue.command(RECTANGLE, 0.2, 0.2, 0.4, 0.4) == ACCEPTED
    dialogue.camera.set_image(SEEN)
    assert "CAMERA_TRACKING_IMAGE_STATUS" in kinds(dialogue.pass_time(10.0)[-10:])
    assert "stop" not in dialogue.tracker.asked


def test_where_the_target_is_streams_at_the_rate_asked_for() -> None:
    dialogue = Dialogue()
    assert set(kinds(dialogue.pass_time(2.0))) == {"HEARTBEAT"}, "nothing without a target"
    dialogue.camera.set_image(SEEN)

    def messages() -> int:
        return kinds(dialogue.pass_time(2.0, step_s=0.01)).count("CAMERA_TRACKING_IMAGE_STATUS")

    assert messages() in (9, 10, 11)
    assert dialogue.command(511, 275, 50_000) == ACCEPTED
    assert messages() in range(33, 43)
    assert dialogue.command(511, 275, 1) == ACCEPTED
    assert messages() <= 102, "never faster than 50 Hz"
    assert dialogue.command(511, 275, -1) == ACCEPTED and messages() == 0
    assert dialogue.command(511, 275, 0) == ACCEPTED and messages() in (9, 10, 11)
    status = next(m for m in reversed(dialogue.sent) if m.get_type() == "CAMERA_TRACKING_IMAGE_STATUS")
    assert (status.tracking_status, status.tracking_mode, status.target_data) == (1, 2, 4)
    assert (status.rec_top_x, status.rec_top_y) == (0.25, 0.5)
    assert (status.rec_bottom_x, status.rec_bottom_y) == (0.375, 0.625) and math.isnan(status.point_x)


def test_the_end_of_a_target_is_told_once_at_once() -> None:
    dialogue = Dialogue()
    dialogue.camera.set_image(SEEN)
    dialogue.sent.clear()
    dialogue.camera.set_image(ImageStatus(0))
    dialogue.camera.set_image(ImageStatus(0))
    assert kinds(dialogue.sent) == ["CAMERA_TRACKING_IMAGE_STATUS"]
    assert (dialogue.sent[0].tracking_status, dialogue.sent[0].tracking_mode) == (0, 0)
    assert math.isnan(dialogue.sent[0].rec_top_x)


def test_a_place_on_the_earth_needs_a_fresh_position_of_the_vehicle() -> None:
    dialogue = Dialogue(geographic=True)
    dialogue.camera.set_image(SEEN)
    dialogue.camera.set_offset(Offset((30.0, 40.0, -20.0), (1.0, 0.0, 0.5), 2.0, 1.0, 0.3))
    assert dialogue.command(512, 276) == UNSUPPORTED
    position = common.MAVLink_global_position_int_message(0, 470_000_000, 80_000_000, 500_000, 20_000, 0, 0, 0, 0)
    dialogue.hear(position, system=7, component=1)
    assert dialogue.command(512, 276) == UNSUPPORTED, "that is another vehicle"
    dialogue.hear(position, system=1, component=1)
    assert dialogue.command(512, 276) == ACCEPTED
    status = next(m for m in dialogue.sent if m.get_type() == "CAMERA_TRACKING_GEO_STATUS")
    assert status.lat == pytest.approx(470_000_000 + 40 / 0.0111319, abs=2)  # 1e-7 degrees are 11.13 mm
    assert status.lon == pytest.approx(80_000_000 + 30 / 0.0111319 / math.cos(math.radians(47)), abs=2)
    assert (status.alt, status.dist) == (480.0, pytest.approx(math.sqrt(30**2 + 40**2 + 20**2)))
    assert (status.vel_n, status.vel_e, status.vel_d) == (0.0, 1.0, -0.5)
    assert status.hdg == pytest.approx(math.pi / 2), "east"
    dialogue.pass_time(2.5)
    assert dialogue.command(512, 276) == UNSUPPORTED, "the position is too old"


def test_over_the_date_line() -> None:
    assert moved(0.0, 179.9999, 111.319 * 2, 0.0)[1] == pytest.approx(-179.9981, abs=1e-4)


@given(
    st.sampled_from([RECTANGLE, POINT, STOP, 511, 512, 521, 522, 525, 527, 2504, 17]),
    st.lists(st.floats(width=32), min_size=7, max_size=7),
    st.integers(0, 255),
)
def test_no_command_breaks_it(number: int, values: list[float], confirmation: int) -> None:
    dialogue = Dialogue()
    assert dialogue.command(number, *values, confirmation=confirmation) in range(7)
    dialogue.pass_time(0.2)
