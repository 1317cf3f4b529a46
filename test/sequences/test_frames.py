# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image files as frames: their order, the times in their names, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.frames import SameSize, list_images, read_image, stamps_in_names


def paths(*names: str) -> list[Path]:
    return [Path(name) for name in names]


def test_images_come_in_the_order_of_the_numbers_in_their_names(tmp_path: Path) -> None:
    for name in ("10.jpg", "2.PNG", "a2.jpg", "a10.jpg", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path)] == ["a2.jpg", "a10.jpg", "2.PNG", "10.jpg"]
    assert list_images(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("names", "stamps_ns"),
    [
        (("1305031102.175304.png", "1305031102.25.png"), [1305031102175304000, 1305031102250000000]),
        (("1403636579763555.png", "1403636579813555.png"), [1403636579763555000, 1403636579813555000]),
        (("1403636579763555584.png", "1403636579813555456.png"), [1403636579763555584, 1403636579813555456]),
        (("1305031102.25.png", "1305031102.25.jpg"), None),  # does not grow
        (("1305031102.25.png",), None),  # a single one is no clock
        (("1305031102.25.png", "0002.png"), None),
        (("00000001.png", "00000002.png"), None),
    ],
)
def test_times_in_names(names: tuple[str, ...], stamps_ns: list[int] | None) -> None:
    found = stamps_in_names(paths(*names))
    assert (None if found is None else found.tolist()) == stamps_ns


def test_a_file_is_read_as_it_is_stored_or_named(tmp_path: Path) -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    assert np.array_equal(read_image(tmp_path / "a.png"), picture)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:20])
    with pytest.raises(SequenceError, match=r"b\.png \(20 bytes\) is damaged, cut off or no image"):
        read_image(tmp_path / "b.png")
    with pytest.raises(SequenceError, match=r"c\.png cannot be read: No such file"):
        read_image(tmp_path / "c.png")


def test_all_frames_have_the_size_of_the_first() -> None:
    size = SameSize()
    size.check(64, 48, "Frame 0")
    size.check(64, 48, "Frame 1")
    with pytest.raises(SequenceError, match="Frame 2 has 48x64 px, the frames before it 64x48 px"):
        size.check(48, 64, "Frame 2")
