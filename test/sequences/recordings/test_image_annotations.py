# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes as Foxglove draws them: the corners, the words, the colours, and the definitions that bags carry."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stdtrack_ros.sequences.recordings.image_annotations import DEFINITIONS, image_annotations
from stdtrack_ros.tracker.result import Status

INTERFACES = Path(__file__).resolve().parents[2] / "interfaces"


def box(status: Status, x: float = 10.0, quality: float = 0.875) -> Any:
    header = SimpleNamespace(stamp="5 s")
    place = {"x": x, "y": 20.0, "width": 30.0, "height": 40.0}
    return SimpleNamespace(header=header, target_id="a", status=int(status), quality=quality, **place)


def test_each_known_box_has_an_outline_and_words_in_the_colour_of_its_status() -> None:
    boxes = [box(Status.TRACKING), box(Status.UNCERTAIN, math.nan), box(Status.LOST, quality=math.nan)]
    message = image_annotations(lambda name: partial(SimpleNamespace, kind=name), boxes)
    assert (message.kind, message.circles) == ("ImageAnnotations", [])
    for outline, words in zip(message.points, message.texts, strict=True):
        assert [(p.x, p.y) for p in outline.points] == [(10.0, 20.0), (40.0, 20.0), (40.0, 60.0), (10.0, 60.0)]
        assert (words.position.x, words.position.y) == (10.0, 20.0)
        assert outline.timestamp == words.timestamp == "5 s"
        assert outline.outline_color.a == 1.0 and outline.fill_color.a == 0.0
    assert [words.text for words in message.texts] == ["a TRACKING 0.88", "a LOST"]
    tracking, lost = (outline.outline_color for outline in message.points)
    assert tracking.g > max(tracking.r, tracking.b) and lost.r > max(lost.g, lost.b)


def test_the_definitions_are_those_of_the_messages_that_the_node_sends() -> None:
    for name, definition in DEFINITIONS.items():
        package, _, kind = name.split("/")
        assert (INTERFACES / package / "msg" / f"{kind}.msg").read_text() == definition, name
