# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turns and shifts of the image, against values computed by hand."""

import math

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo

from stdtrack_ros.errors import InputError
from stdtrack_ros.nodes.camera.rotation import MOST, RateHistory, image_shift

WIDTH, HEIGHT, FOCAL = 640, 480, 500.0
MIDDLE = (WIDTH / 2, HEIGHT / 2)


def calibration(**changes: object) -> CameraInfo:
    """Axis through the middle of the image."""
    k = [FOCAL, 0.0, WIDTH / 2 - 0.5, 0.0, FOCAL, HEIGHT / 2 - 0.5, 0.0, 0.0, 1.0]
    fields = {"width": WIDTH, "height": HEIGHT, "k": k, "d": [0.0] * 5, "distortion_model": "plumb_bob"}
    return CameraInfo(**(fields | changes))


def shift(turned: tuple[float, float, float], pixel: tuple[float, float] = MIDDLE) -> np.ndarray:
    return image_shift(calibration(), *pixel, WIDTH, HEIGHT, turned)


def test_a_camera_that_turns_right_or_down_moves_its_image_left_or_up() -> None:
    rate, time_s = 0.2, 0.1  # rad/s about y, which points down: to the right
    np.testing.assert_allclose(shift((0.0, rate * time_s, 0.0)), [-FOCAL * math.tan(0.02), 0.0], atol=1e-9)
    np.testing.assert_allclose(shift((0.0, rate * time_s, 0.0)), [-10.0, 0.0], atol=0.01)
    np.testing.assert_allclose(shift((-0.02, 0.0, 0.0)), [0.0, -FOCAL * math.tan(0.02)], atol=1e-9)


def test_away_from_the_middle_a_turn_moves_more() -> None:
    x = MIDDLE[0] + FOCAL * math.tan(0.3)
    moved = shift((0.0, 0.1, 0.0), (x, MIDDLE[1]))
    np.testing.assert_allclose(moved, [FOCAL * (math.tan(0.2) - math.tan(0.3)), 0.0], atol=1e-9)


def test_a_roll_turns_the_image_the_other_way() -> None:
    moved = shift((0.0, 0.0, math.pi / 2), (MIDDLE[0] + 100, MIDDLE[1]))
    np.testing.assert_allclose(moved, [-100.0, -100.0], atol=1e-9)


def test_the_pixels_are_those_of_the_delivered_image() -> None:
    binned = image_shift(calibration(binning_x=2, binning_y=2), 160.0, 120.0, 320, 240, (0.0, 0.02, 0.0))
    np.testing.assert_allclose(binned, [-FOCAL / 2 * math.tan(0.02), 0.0], atol=1e-9)
    # Rectified: half the focal length by P, and a frame that is rolled by 90° against the camera's by R.
    p = [FOCAL / 2, 0.0, WIDTH / 2 - 0.5, 0.0, 0.0, FOCAL / 2, HEIGHT / 2 - 0.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    rolled = calibration(p=p, r=[0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    moved = image_shift(rolled, *MIDDLE, WIDTH, HEIGHT, (0.02, 0.0, 0.0), rectified=True)
    np.testing.assert_allclose(moved, [-FOCAL / 2 * math.tan(0.02), 0.0], atol=1e-9)


def test_distortion_is_undone() -> None:
    """A barrel at its edge has fewer pixels per angle than in the middle."""
    lens = calibration(d=[-0.3, 0.0, 0.0, 0.0, 0.0])
    middle = image_shift(lens, *MIDDLE, WIDTH, HEIGHT, (0.0, 0.01, 0.0))
    np.testing.assert_allclose(middle, [-5.0, 0.0], atol=0.01)
    edge = image_shift(lens, MIDDLE[0] + 250, MIDDLE[1], WIDTH, HEIGHT, (0.0, 0.01, 0.0))
    plain = shift((0.0, 0.01, 0.0), (MIDDLE[0] + 250, MIDDLE[1]))
    assert plain[0] < edge[0] < -4.0


def test_a_target_from_which_the_camera_turns_away_has_no_place() -> None:
    with pytest.raises(InputError, match="turns away"):
        shift((0.0, 1.6, 0.0))
    with pytest.raises(InputError, match="no calibration"):
        image_shift(CameraInfo(width=WIDTH, height=HEIGHT), *MIDDLE, WIDTH, HEIGHT, (0.0, 0.1, 0.0))


def filled(*rates: tuple[float, float]) -> RateHistory:
    """Return a history of (stamp, rate about y)."""
    history = RateHistory()
    for stamp_s, rate in rates:
        history.add(stamp_s, (0.0, rate, 0.0), 0.2)
    return history


def test_a_turn_is_the_integral_of_the_rates() -> None:
    history = filled((10.0, 0.0), (10.1, 1.0), (10.2, 1.0))  # a ramp, then steady
    np.testing.assert_allclose(history.turned(10.0, 10.2, 10.2, 0.2), [0.0, 0.05 + 0.1, 0.0], atol=1e-9)
    np.testing.assert_allclose(history.turned(10.15, 10.2, 10.2, 0.2), [0.0, 0.05, 0.0], atol=1e-9)
    np.testing.assert_allclose(history.turned(10.15, 10.7, 10.3, 0.2), [0.0, 0.05 + 0.5, 0.0], atol=1e-9)
    np.testing.assert_allclose(history.newest, [0.0, 1.0, 0.0])


def test_rates_that_do_not_cover_the_time_say_so() -> None:
    with pytest.raises(InputError, match="no rate has come"):
        RateHistory().turned(0.0, 1.0, 1.0, 0.2)
    history = filled((10.0, 1.0), (10.1, 1.0))
    with pytest.raises(InputError, match=r"first rate is 0\.5 s after the image"):
        history.turned(9.5, 10.1, 10.1, 0.2)
    with pytest.raises(InputError, match=r"newest rate is 0\.3 s older than the box"):
        history.turned(10.0, 10.4, 10.4, 0.2)
    assert history.turned(10.0, 10.4, 10.25, 0.2)[1] == pytest.approx(0.4), "the age is that at the publication"


@pytest.mark.parametrize("next_s", [10.5, 9.0, 10.1])
def test_after_a_gap_or_a_jump_back_the_history_begins_anew(next_s: float) -> None:
    history = filled((10.0, 1.0), (10.1, 1.0), (next_s, 2.0))
    assert history.turned(next_s, next_s + 0.1, next_s, 0.2)[1] == pytest.approx(0.2)
    with pytest.raises(InputError, match="after the image"):
        history.turned(next_s - 0.05, next_s, next_s, 0.2)


def test_the_history_is_bounded_and_stays_right() -> None:
    history = RateHistory()
    for index in range(3 * MOST):
        history.add(index * 1e-3, (0.0, 0.5, 0.0), 0.2)
    newest_s = (3 * MOST - 1) * 1e-3
    assert history.turned(newest_s - 1.0, newest_s, newest_s, 0.2)[1] == pytest.approx(0.5)
    with pytest.raises(InputError):
        history.turned(1.0, newest_s, newest_s, 0.2)
