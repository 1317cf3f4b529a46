# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever comes in, it is used or refused with a sentence: no crash, no hang, no output of a wrong shape.

A few hundred cases by default; a long run of over 100,000:
`HYPOTHESIS_PROFILE=long pytest test/nodes/tracking/test_fuzz.py`.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from encoded_images import WIDTH, encode, flat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moving_scene import Scene
from parameter_node import ParameterNode
from rcl_interfaces.msg import ParameterValue
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from stdtrack_ros.msg import TargetInit
from template_matching import TemplateMatching

from stdtrack_ros.errors import InputError, SettingError
from stdtrack_ros.images import ENCODINGS, to_bgr8
from stdtrack_ros.nodes.camera.bearing import bearing
from stdtrack_ros.nodes.camera.frame_slot import Frame
from stdtrack_ros.nodes.camera.image_messages import decode_image, jpeg_message, view_image
from stdtrack_ros.nodes.parameters import TrackerNodeSettings, checked_value
from stdtrack_ros.nodes.tracking.messages import FrameInfo, seconds, tracked_box
from stdtrack_ros.nodes.tracking.targets import Targets, pixel_box
from stdtrack_ros.settings import TrackerSettings, build_settings, describe
from stdtrack_ros.tracker.multi_tracker import MultiTargetTracker

pytestmark = [pytest.mark.ros, pytest.mark.timeout(7200)]
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("short", max_examples=100, deadline=None, suppress_health_check=SLOW)
settings.register_profile("long", max_examples=13_000, deadline=None, derandomize=False, suppress_health_check=SLOW)
PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=32)
LIKELY = st.one_of(st.floats(0, 90, width=32), NUMBER)
SIZE = st.one_of(st.integers(0, 40), st.sampled_from([2**16, 2**31 - 1, 2**32 - 1]))
SCENE = Scene(96, 72, 24)
JPEG = bytes(jpeg_message(SCENE.image(0), CompressedImage().header, 90).data)
SETTINGS = {info.name: info for info in describe(TrackerNodeSettings)}


def accepted(message: Image | CompressedImage) -> bool:
    """Whether the message is a picture; of a proper shape, if so."""
    try:
        image = decode_image(message)
        assert image.shape[:2] == np.asarray(view_image(message)).shape[:2] == view_image(message).shape[:2]
    except InputError as error:
        assert str(error).endswith(".") and len(str(error)) > 20
        return False
    assert image.dtype in (np.uint8, np.uint16) and image.size > 0
    shown = to_bgr8(image)
    assert shown.ndim == 3 and shown.shape == (*image.shape[:2], 3) and shown.dtype == np.uint8
    return True


@PROFILE
@given(
    encoding=st.one_of(st.sampled_from(list(ENCODINGS)), st.text(max_size=12)),
    width=SIZE,
    height=SIZE,
    step=SIZE,
    big_endian=st.integers(0, 255),
    data=st.binary(max_size=4000),
)
def test_any_raw_image(encoding: str, width: int, height: int, step: int, big_endian: int, data: bytes) -> None:
    accepted(Image(encoding=encoding, width=width, height=height, step=step, is_bigendian=big_endian, data=data))


@PROFILE
@given(
    encoding=st.sampled_from(list(ENCODINGS)),
    padding=st.integers(0, 7),
    cut=st.integers(0, 600),
    width=st.integers(WIDTH - 2, WIDTH + 2),
    height=st.integers(10, 14),
    shorter=st.integers(-3, 3),
)
def test_an_almost_good_raw_image(encoding: str, padding: int, cut: int, width: int, height: int, shorter: int) -> None:
    data, step = encode(flat(), encoding, padding)
    data = data[: max(len(data) - cut, 0)]
    accepted(Image(encoding=encoding, width=width, height=height, step=max(step + shorter, 0), data=data))


@PROFILE
@given(format=st.text(max_size=30), data=st.binary(max_size=500))
def test_any_compressed_image(format: str, data: bytes) -> None:
    accepted(CompressedImage(format=format, data=data))


@PROFILE
@given(
    start=st.integers(0, len(JPEG) - 1),
    rubbish=st.binary(max_size=64),
    end=st.integers(0, len(JPEG)),
)
def test_a_damaged_jpeg(start: int, rubbish: bytes, end: int) -> None:
    damaged = JPEG[:start] + rubbish + JPEG[start + len(rubbish) :]
    accepted(CompressedImage(format="jpeg", data=damaged[:end]))


@PROFILE
@given(
    x=LIKELY,
    y=LIKELY,
    width=LIKELY,
    height=LIKELY,
    normalized=st.booleans(),
    target_id=st.text(max_size=20),
    stamps=st.lists(NUMBER, min_size=1, max_size=3),
    shape=st.tuples(st.integers(1, 120), st.integers(1, 120)),
)
def test_any_start_and_the_frames_after_it(
    x: float,
    y: float,
    width: float,
    height: float,
    normalized: bool,
    target_id: str,
    stamps: list[float],
    shape: tuple[int, int],
) -> None:
    targets = Targets(MultiTargetTracker(TemplateMatching(), TrackerSettings()))
    image = SCENE.image(0)
    request = TargetInit(target_id=target_id, x=x, y=y, width=width, height=height, normalized=normalized)
    frame = Frame(Image(), 1, 0.0, seconds(request.header.stamp))
    try:
        box = pixel_box(request.x, request.y, request.width, request.height, request.normalized, image)
        targets.start(request.target_id, frame, image, box, 4)
    except InputError:
        assert len(targets) == 0
        return
    for index, stamp in enumerate(stamps, start=2):
        pictures = (SCENE.image(index), np.full((*shape, 3), 7, dtype=np.uint8))
        found, refusals = targets.step(targets.live(), Frame(Image(), index, 0.0, stamp), pictures[index % 2])
        assert len(found) + len(refusals) <= 1
        for target, result in found:
            assert result.box.shape == (4,) and np.isfinite(result.box).all()
            assert 0 <= result.quality <= 1
            message = tracked_box(FrameInfo(Image().header, 96, 72, 0.01, target.dropped), target.target_id, result)
            assert len(message.covariance) == 16 and message.status in (1, 2, 3)


@PROFILE
@given(
    name=st.sampled_from(list(SETTINGS)),
    value=st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.text(max_size=20),
        st.lists(st.floats(), max_size=3),
        st.binary(max_size=8),
    ),
)
def test_any_value_of_any_setting(name: str, value: object) -> None:
    try:
        checked = checked_value(SETTINGS[name], value)
        made = build_settings(TrackerNodeSettings, {name: checked})
    except SettingError as error:
        assert name in str(error) and "allowed is" in str(error)
        return
    assert isinstance(made, TrackerNodeSettings)


@pytest.fixture(scope="module")
def node(ros: None) -> ParameterNode:
    return ParameterNode()


@PROFILE
@given(
    name=st.one_of(st.sampled_from(list(SETTINGS)), st.just("use_sim_time")),
    kind=st.integers(0, 9),
    flag=st.booleans(),
    integer=st.integers(-(2**63), 2**63 - 1),
    number=st.floats(),
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    numbers=st.lists(st.floats(), max_size=3),
)
def test_any_parameter_over_the_interface_of_ros(
    node: ParameterNode,
    name: str,
    kind: int,
    flag: bool,
    integer: int,
    number: float,
    text: str,
    numbers: list[float],
) -> None:
    value = ParameterValue(type=kind, bool_value=flag, integer_value=integer, double_value=number, string_value=text)
    value.double_array_value = numbers
    before = node.settings
    parameter = Parameter(name, Parameter.Type(kind), _plain(value))
    if name == "use_sim_time" and kind != 1:
        return
    result = node.set_parameters_atomically([parameter])
    assert result.successful or (result.reason and node.settings is before)
    assert build_settings(TrackerNodeSettings, {}) is not None


def _plain(value: ParameterValue) -> object:
    from rclpy.parameter import parameter_value_to_python

    return parameter_value_to_python(value)


@PROFILE
@given(
    model=st.sampled_from(["plumb_bob", "rational_polynomial", "equidistant", "", "other"]),
    k=st.lists(NUMBER, min_size=9, max_size=9),
    d=st.lists(NUMBER, max_size=14),
    place=st.tuples(NUMBER, NUMBER),
    size=st.tuples(st.sampled_from([0, 64, 2**32 - 1]), st.sampled_from([0, 48, 2**32 - 1])),
    binning=st.sampled_from([0, 1, 2, 2**32 - 1]),
    rectified=st.booleans(),
)
def test_any_calibration(
    model: str,
    k: list[float],
    d: list[float],
    place: tuple[float, float],
    size: tuple[int, int],
    binning: int,
    rectified: bool,
) -> None:
    info = CameraInfo(width=size[0], height=size[1], distortion_model=model, k=k, d=d, binning_x=binning)
    info.p = [*k, 0.0, 0.0, 0.0]
    try:
        ray = bearing(info, *place, 64, 48, rectified)
    except InputError:
        return
    assert ray.shape == (3,) and abs(np.linalg.norm(ray) - 1) < 1e-9
