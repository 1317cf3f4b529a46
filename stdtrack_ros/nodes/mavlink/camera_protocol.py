# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A MAVLink camera that can track: what ground stations ask of one (camera protocol v2), without ROS.

Messages and commands are those of MAVLink's `common` dialect. Fractions of the image run from 0 (left, top) to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from stdtrack_ros.nodes.mavlink.link import common

Address = tuple[int, int]
"""System and component."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the image."""
NAN = math.nan
EARTH_RADIUS_M = 6378137.0
HEARTBEAT_S = 1.0
REPEAT_S = 5.0
"""A command that comes again within this time is the same one, whose answer was lost."""
POSITION_AGE_S = 2.0
"""A vehicle's position older than this places no target."""
FASTEST_S = 0.02
TEXT_BYTES = 50
CANCELLED = 6
"""MAV_RESULT_CANCELLED, a name that pymavlink's enumeration lacks in some versions."""


class Tracker(Protocol):
    """What the camera asks of the tracker; answers come by `CameraProtocol.answer`, at once or later."""

    def start(self, x: float, y: float, width: float, height: float) -> None:
        """Start the target on a box in fractions of the image; width and height 0: on a point."""

    def stop(self) -> None:
        """Forget the target."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the camera says of itself."""

    vendor: str
    model: str
    geographic: bool = False
    video_uri: str = ""


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """Where the target is in the image.

    Attributes:
        flags: CAMERA_TRACKING_STATUS_FLAGS; 0: no target.
        box: None if it is not known.
    """

    flags: int
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Offset:
    """Where the target is from the vehicle: east, north and up in m, with its velocity and their deviations."""

    place: tuple[float, float, float]
    velocity: tuple[float, float, float]
    horizontal_deviation: float
    vertical_deviation: float
    velocity_deviation: float


@dataclass(slots=True)
class _Command:
    key: tuple[Any, ...]
    number: int
    sender: Address
    received_s: float
    result: int | None = None


@dataclass(slots=True)
class _Stream:
    interval_s: float
    sent_s: float = -math.inf


@dataclass(slots=True)
class CameraProtocol:
    """The camera's side of the dialogue.

    Args:
        address: of this component; the system is the vehicle's.
        send: takes a message.
        say: takes a sentence for the log; operators get it as STATUSTEXT.
        station_timeout_s: a ground station whose heartbeats stay away for so long is gone.
        stop_on_loss: forget the target if the station that started it is gone.
        answer_timeout_s: longest wait for the tracker's answer.
    """

    address: Address
    description: Description
    tracker: Tracker
    send: Callable[[Any], object]
    say: Callable[[str], object]
    station_timeout_s: float
    stop_on_loss: bool
    answer_timeout_s: float
    status_interval_s: float
    resolution: tuple[int, int] = (0, 0)
    stations: dict[Address, float] = field(default_factory=dict)
    holder: Address | None = None
    last_command: str = "none"
    _started_s: float = NAN
    _heartbeat_s: float = -math.inf
    _commands: dict[tuple[Address, int], _Command] = field(default_factory=dict)
    _awaited: _Command | None = None
    _streams: dict[int, _Stream] = field(default_factory=dict)
    _image: ImageStatus = ImageStatus(0)
    _offset: Offset | None = None
    _vehicle: tuple[float, float, float] | None = None
    _vehicle_s: float = -math.inf
    _text_number: int = 0

    def __post_init__(self) -> None:
        self._streams = {
            common.MAVLINK_MSG_ID_CAMERA_TRACKING_IMAGE_STATUS: _Stream(self.status_interval_s),
            common.MAVLINK_MSG_ID_CAMERA_TRACKING_GEO_STATUS: _Stream(1.0),
        }

    # What comes in

    def handle(self, message: Any, now_s: float) -> None:
        """Take in one message."""
        sender = (message.get_srcSystem(), message.get_srcComponent())
        if sender == self.address:
            return
        kind = message.get_type()
        if kind == "HEARTBEAT" and message.type == common.MAV_TYPE_GCS:
            if sender not in self.stations:
                self.say(f"Ground station {sender[0]}/{sender[1]} has come.")
            self.stations[sender] = now_s
        elif kind == "GLOBAL_POSITION_INT" and sender[0] == self.address[0]:
            self._vehicle = message.lat * 1e-7, message.lon * 1e-7, message.alt * 1e-3
            self._vehicle_s = now_s
        elif kind in ("COMMAND_LONG", "COMMAND_INT") and self._addressed(message):
            self._on_command(message, sender, now_s)

    def set_image(self, status: ImageStatus) -> None:
        """Tell where the target is; the end of a target is sent at once."""
        ended = self._image.flags and not status.flags
        self._image = status
        if ended:
            self.holder = None
            self._offset = None
            self.send(self._image_status())

    def set_offset(self, offset: Offset | None) -> None:
        """Tell where the target is from the vehicle; None: not known."""
        self._offset = offset

    def answer(self, accepted: bool, sentence: str, now_s: float) -> None:
        """Take the tracker's answer to the last start or stop."""
        command, self._awaited = self._awaited, None
        if command is None:
            return  # too late: the station has its answer
        result = common.MAV_RESULT_ACCEPTED if accepted else common.MAV_RESULT_FAILED
        if accepted:
            starts = command.number != common.MAV_CMD_CAMERA_STOP_TRACKING
            self.holder = command.sender if starts else None
        else:
            self._tell(sentence)
        self._finish(command, result)

    def tick(self, now_s: float) -> None:
        """Send what is due, and see what has stayed away."""
        if now_s - self._heartbeat_s >= HEARTBEAT_S:
            self._heartbeat_s = now_s
            self.send(
                common.MAVLink_heartbeat_message(
                    common.MAV_TYPE_CAMERA, common.MAV_AUTOPILOT_INVALID, 0, 0, common.MAV_STATE_ACTIVE, 3
                )
            )
        if self._awaited is not None and now_s - self._awaited.received_s > self.answer_timeout_s:
            self.answer(False, "The tracker has not answered.", now_s)
        self._watch_stations(now_s)
        makers = {
            common.MAVLINK_MSG_ID_CAMERA_TRACKING_IMAGE_STATUS: self._image_status,
            common.MAVLINK_MSG_ID_CAMERA_TRACKING_GEO_STATUS: lambda: self._geo_status(now_s),
        }
        for number, stream in self._streams.items():
            if not self._image.flags or now_s - stream.sent_s < stream.interval_s:
                continue
            message = makers[number]()
            if message is not None:
                stream.sent_s = now_s
                self.send(message)

    def _watch_stations(self, now_s: float) -> None:
        gone = [station for station, seen_s in self.stations.items() if now_s - seen_s > self.station_timeout_s]
        for station in gone:
            del self.stations[station]
            self.say(
                f"Ground station {station[0]}/{station[1]} is gone: no heartbeat for {self.station_timeout_s:g} s."
            )
            if station == self.holder:
                self.holder = None
                if self.stop_on_loss and self._image.flags:
                    self.say("The ground station that started the target is gone: the target is forgotten.")
                    self.tracker.stop()

    # Commands

    def _addressed(self, message: Any) -> bool:
        system, component = self.address
        return message.target_system in (0, system) and message.target_component in (0, component)

    def _on_command(self, message: Any, sender: Address, now_s: float) -> None:
        if message.get_type() == "COMMAND_LONG":
            values = tuple(getattr(message, f"param{index}") for index in range(1, 8))
            again = message.confirmation > 0
        else:
            values = (message.param1, message.param2, message.param3, message.param4, message.x, message.y, message.z)
            again = False
        key = (sender, message.command, tuple(map(repr, values)))
        known = self._commands.get((sender, message.command))
        if again and known is not None and known.key == key and now_s - known.received_s < REPEAT_S:
            self._acknowledge(known)  # its answer was lost on the way: nothing is done twice
            return
        command = _Command(key, message.command, sender, now_s)
        self._commands[sender, message.command] = command
        actions: Mapping[int, Callable[[_Command, tuple[float, ...]], int | None]] = {
            common.MAV_CMD_CAMERA_TRACK_RECTANGLE: self._track_rectangle,
            common.MAV_CMD_CAMERA_TRACK_POINT: self._track_point,
            common.MAV_CMD_CAMERA_STOP_TRACKING: self._stop_tracking,
            common.MAV_CMD_SET_MESSAGE_INTERVAL: self._set_interval,
            common.MAV_CMD_REQUEST_MESSAGE: lambda _, values: self._request(values[0], now_s),
            common.MAV_CMD_REQUEST_CAMERA_INFORMATION: lambda _, values: self._requested(259, values[0], now_s),
            common.MAV_CMD_REQUEST_CAMERA_SETTINGS: lambda _, values: self._requested(260, values[0], now_s),
            common.MAV_CMD_REQUEST_STORAGE_INFORMATION: lambda _, values: self._requested(261, values[1], now_s),
            common.MAV_CMD_REQUEST_CAMERA_CAPTURE_STATUS: lambda _, values: self._requested(262, values[0], now_s),
            common.MAV_CMD_REQUEST_VIDEO_STREAM_INFORMATION: lambda *_: self._request(269, now_s),
        }
        action = actions.get(message.command)
        result = common.MAV_RESULT_UNSUPPORTED if action is None else action(command, values)
        if result is not None:
            self._finish(command, result)
        elif command.result is None:  # else the tracker has answered at once
            self._acknowledge(command)

    def _track_rectangle(self, command: _Command, values: tuple[float, ...]) -> int | None:
        corners = values[:4]
        if not all(0.0 <= number <= 1.0 for number in corners):
            return self._deny(f"A rectangle needs corners from 0 to 1; found {_numbers(corners)}.")
        left, right = sorted((corners[0], corners[2]))
        top, bottom = sorted((corners[1], corners[3]))
        if right <= left or bottom <= top:
            return self._deny("The rectangle has no area.")
        return self._start(command, values[4], (left, top, right - left, bottom - top))

    def _track_point(self, command: _Command, values: tuple[float, ...]) -> int | None:
        x, y, radius = values[:3]
        if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
            return self._deny(f"A point lies from 0 to 1; found {_numbers((x, y))}.")
        del radius  # QGroundControl sends a fixed one; the tracker finds the extent of what is tapped
        return self._start(command, values[3], (x, y, 0.0, 0.0))

    def _start(self, command: _Command, camera: float, box: tuple[float, float, float, float]) -> int | None:
        if not self._is_me(camera):
            return self._deny(f"There is no camera {camera:g} here.")
        if self.holder not in (None, command.sender) and self.holder in self.stations:
            assert self.holder is not None
            return self._deny(f"Ground station {self.holder[0]}/{self.holder[1]} is tracking; stop it first.")
        if self._awaited is not None:
            return int(common.MAV_RESULT_TEMPORARILY_REJECTED)
        self._awaited = command
        self.tracker.start(*box)
        return None

    def _stop_tracking(self, command: _Command, values: tuple[float, ...]) -> int | None:
        """Stop; anybody may, also while somebody else's start is on its way."""
        if not self._is_me(values[0]):
            return self._deny(f"There is no camera {values[0]:g} here.")
        if self._awaited is not None:
            self._finish(self._awaited, CANCELLED)
        self._awaited = command
        self.tracker.stop()
        return None

    def _set_interval(self, command: _Command, values: tuple[float, ...]) -> int:
        stream = self._streams.get(int(values[0])) if math.isfinite(values[0]) else None
        if stream is None:
            return int(common.MAV_RESULT_UNSUPPORTED)
        if not math.isfinite(values[1]) or values[1] < -1:
            return self._deny(f"An interval is -1, 0 or microseconds; found {values[1]:g}.")
        if values[1] == -1:
            stream.interval_s = math.inf
        elif values[1] == 0:
            stream.interval_s = self.status_interval_s
        else:
            stream.interval_s = max(values[1] * 1e-6, FASTEST_S)
        return int(common.MAV_RESULT_ACCEPTED)

    def _requested(self, number: int, wanted: float, now_s: float) -> int:
        return self._request(number, now_s) if wanted == 1 else self._deny(f"Found {wanted:g}; 1 asks for it.")

    def _request(self, number: float, now_s: float) -> int:
        boot_ms = int(now_s * 1000) % 2**32
        makers: Mapping[int, Callable[[], Any]] = {
            259: lambda: self._information(boot_ms),
            260: lambda: common.MAVLink_camera_settings_message(boot_ms, common.CAMERA_MODE_VIDEO, NAN, NAN),
            261: lambda: common.MAVLink_storage_information_message(boot_ms, 1, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0),
            262: lambda: common.MAVLink_camera_capture_status_message(boot_ms, 0, 0, 0.0, 0, 0.0),
            269: self._stream_information,
            275: self._image_status,
            276: lambda: self._geo_status(now_s),
        }
        maker = makers.get(int(number)) if math.isfinite(number) else None
        message = None if maker is None else maker()
        if message is None:
            return int(common.MAV_RESULT_UNSUPPORTED)
        self.send(message)
        return int(common.MAV_RESULT_ACCEPTED)

    def _is_me(self, camera: float) -> bool:
        return not math.isfinite(camera) or int(camera) in (0, self.address[1])

    def _deny(self, sentence: str) -> int:
        self._tell(sentence)
        return int(common.MAV_RESULT_DENIED)

    def _finish(self, command: _Command, result: int) -> None:
        command.result = result
        if command is self._awaited:
            self._awaited = None
        name = common.enums["MAV_CMD"].get(command.number)
        words = "CANCELLED" if result == CANCELLED else common.enums["MAV_RESULT"][result].name[len("MAV_RESULT_") :]
        self.last_command = f"{name.name.removeprefix('MAV_CMD_') if name else command.number}: {words}"
        self._acknowledge(command)

    def _acknowledge(self, command: _Command) -> None:
        result = common.MAV_RESULT_IN_PROGRESS if command.result is None else command.result
        progress = 255 if command.result is None else 0
        self.send(common.MAVLink_command_ack_message(command.number, result, progress, 0, *command.sender))

    def _tell(self, sentence: str) -> None:
        """Send a sentence to the log and, in pieces of 50 bytes, to the operators."""
        self.say(sentence)
        data = sentence.encode("ascii", "replace")
        self._text_number = self._text_number % 65535 + 1
        for piece, start in enumerate(range(0, len(data), TEXT_BYTES)):
            text = data[start : start + TEXT_BYTES]
            self.send(common.MAVLink_statustext_message(common.MAV_SEVERITY_WARNING, text, self._text_number, piece))

    # Messages

    def _information(self, boot_ms: int) -> Any:
        flags = common.CAMERA_CAP_FLAGS_HAS_TRACKING_POINT | common.CAMERA_CAP_FLAGS_HAS_TRACKING_RECTANGLE
        flags |= common.CAMERA_CAP_FLAGS_HAS_TRACKING_GEO_STATUS if self.description.geographic else 0
        flags |= common.CAMERA_CAP_FLAGS_HAS_VIDEO_STREAM if self.description.video_uri else 0
        names = [_padded(name, 32) for name in (self.description.vendor, self.description.model)]
        return common.MAVLink_camera_information_message(
            boot_ms, *names, 0, NAN, NAN, NAN, *self.resolution, 0, flags, 0, b""
        )

    def _stream_information(self) -> Any:
        uri = self.description.video_uri
        if not uri:
            return None
        kind = common.VIDEO_STREAM_TYPE_RTSP if uri.startswith("rtsp") else common.VIDEO_STREAM_TYPE_RTPUDP
        running = common.VIDEO_STREAM_STATUS_FLAGS_RUNNING
        name, place = self.description.model.encode()[:31], uri.encode()[:159]
        return common.MAVLink_video_stream_information_message(
            1, 1, kind, running, 0.0, *self.resolution, 0, 0, 0, name, place
        )

    def _image_status(self) -> Any:
        status = self._image
        mode = common.CAMERA_TRACKING_MODE_RECTANGLE if status.flags else common.CAMERA_TRACKING_MODE_NONE
        box = status.box or (NAN, NAN, NAN, NAN)
        return common.MAVLink_camera_tracking_image_status_message(
            status.flags, mode, common.CAMERA_TRACKING_TARGET_DATA_IN_STATUS, NAN, NAN, NAN, *box
        )

    def _geo_status(self, now_s: float) -> Any:
        """Return the geographic status; None if target or vehicle have no known place."""
        offset, vehicle = self._offset, self._vehicle
        if offset is None or vehicle is None or now_s - self._vehicle_s > POSITION_AGE_S:
            return None
        east, north, up = offset.place
        latitude, longitude = moved(vehicle[0], vehicle[1], east, north)
        east_speed, north_speed, up_speed = offset.velocity
        moving = math.hypot(east_speed, north_speed) > 0.1
        heading = math.atan2(east_speed, north_speed) % math.tau if moving else NAN
        return common.MAVLink_camera_tracking_geo_status_message(
            self._image.flags,
            round(latitude * 1e7),
            round(longitude * 1e7),
            vehicle[2] + up,
            offset.horizontal_deviation,
            offset.vertical_deviation,
            north_speed,
            east_speed,
            -up_speed,
            offset.velocity_deviation,
            math.sqrt(east**2 + north**2 + up**2),
            heading,
            NAN,
        )


def moved(latitude: float, longitude: float, east_m: float, north_m: float) -> tuple[float, float]:
    """Return latitude and longitude (degrees) some metres away; good for some kilometres, away from the poles."""
    turn = math.degrees(1.0 / EARTH_RADIUS_M)
    moved_longitude = longitude + east_m * turn / max(math.cos(math.radians(latitude)), 1e-6)
    return latitude + north_m * turn, (moved_longitude + 180.0) % 360.0 - 180.0


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _padded(text: str, length: int) -> list[int]:
    return list(text.encode()[:length].ljust(length, b"\0"))
