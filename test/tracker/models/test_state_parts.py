# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a state learned can be taken off it, exchanged, and its first look replaced, for every kind of model."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tiny_stark import tiny_stark

from stdtrack_ros.network.stark.model import Stark
from stdtrack_ros.settings import ModelSettings, make_settings
from stdtrack_ros.tracker import load_model
from stdtrack_ros.tracker.backends.torch import TorchBackend
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.model import Model
from stdtrack_ros.tracker.models.stark import StarkModel

CPU = ModelSettings(threads=1, provider="cpu")


def stdtrack() -> Model:
    return load_model(
        make_settings({"model.threads": 1, "model.precision": "fp32", "memory.spacing": 2, "memory.store_quality": 0})
    )


def stark() -> Model:
    return StarkModel(
        TorchBackend(Stark(tiny_stark(search_size=96)).eval(), CPU),
        make_settings({"tracker": "stark_st50", "stark.update_interval": 1, "stark.update_score": 0.0}),
    )


@pytest.fixture(params=[stdtrack, stark])
def model(request: pytest.FixtureRequest) -> Model:
    torch.manual_seed(3)
    made: Model = request.param()
    return made


def learned(model: Model, seed: int) -> tuple[Any, Any]:
    """Return a state at its start, and after three frames."""
    rng, info = np.random.default_rng(seed), model.info
    frame = FrameView(blots(rng, 320))
    middle = np.array([128.0, 128.0, 64.0, 64.0])
    fresh = state = model.start(frame, middle)
    for _ in range(3):
        image = blots(rng, info.search_size)
        prediction = model.step([state], image[None], [0.0])[0]
        state = model.remember(state, prediction, FrameView(blots(rng, 320)), middle)
    return fresh, state


def blots(rng: np.random.Generator, side: int) -> np.ndarray:
    """Paint a picture of 8x8 colors."""
    return cv2.resize(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8), (side, side))


def seen(model: Model, state: Any) -> np.ndarray:
    """Return what the model sees in one window: box and quality."""
    search = blots(np.random.default_rng(99), model.info.search_size)[None]
    found = model.step([state], search, [0.0])[0]
    return np.array([*found.box, found.quality])


def differ(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether more than the rounding differs."""
    return bool(np.abs(first - second).max() > 1e-4)


def test_a_state_without_its_memory_is_the_one_at_the_start(model: Model) -> None:
    fresh, state = learned(model, 1)
    assert differ(seen(model, state), seen(model, fresh))
    np.testing.assert_array_equal(seen(model, model.without_memory(state)), seen(model, fresh))


def test_the_memory_of_another_is_all_that_it_learned(model: Model) -> None:
    fresh, state = learned(model, 1)
    _, other = learned(model, 2)
    np.testing.assert_allclose(seen(model, model.with_memory_of(fresh, state)), seen(model, state), atol=2e-5)
    swapped = model.with_memory_of(state, other)
    assert differ(seen(model, swapped), seen(model, state))
    assert differ(seen(model, swapped), seen(model, other))
    back = model.with_memory_of(swapped, state)
    np.testing.assert_allclose(seen(model, back), seen(model, state), atol=2e-5)
    np.testing.assert_array_equal(seen(model, model.without_memory(swapped)), seen(model, fresh))


def test_the_first_look_can_be_the_mean_of_others(model: Model) -> None:
    fresh, state = learned(model, 1)
    other, _ = learned(model, 2)
    np.testing.assert_allclose(
        seen(model, model.with_templates_of(state, [fresh, fresh])), seen(model, state), atol=2e-5
    )
    replaced = model.with_templates_of(state, [other])
    assert differ(seen(model, replaced), seen(model, state))
    np.testing.assert_allclose(seen(model, model.without_memory(replaced)), seen(model, other), atol=2e-5)
    np.testing.assert_allclose(seen(model, model.with_templates_of(fresh, [other])), seen(model, other), atol=2e-5)
