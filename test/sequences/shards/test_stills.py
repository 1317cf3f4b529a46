# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.shards.shard_writer import ShardWriter
from stdtrack_ros.sequences.shards.stills import open_stills


def picture(width: int = 40, height: int = 30) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()


def palette_mask(path: Path) -> bytes:
    """Paint a mask whose colours are not its ids: object 1 left, object 2 right, background between."""
    ids = np.zeros((30, 40), np.uint8)
    ids[5:15, 2:12], ids[10:20, 25:35] = 1, 2
    mask = Image.fromarray(ids, mode="P")
    mask.putpalette([0, 0, 0, 77, 180, 112, 208, 55, 112])
    mask.save(path)
    return path.read_bytes()


LINE = {
    "image": "set/a.jpg",
    "mask": "set/a.png",
    "objects": [{"id": 1, "bbox": [2, 5, 10, 10], "cls": "dog"}, {"id": 2, "bbox": [25, 10, 10, 10], "cls": "cat"}],
}


def test_masks_of_a_shard_are_told_apart_by_id(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "stills") as writer:
        mask = palette_mask(tmp_path / "mask.png")
        writer.add([("stills/set/a.jpg", picture()), ("stills/set/a.png", mask), ("stills/set/b.jpg", picture())])
    (tmp_path / "stills_index.json").write_text(json.dumps([LINE, {"image": "set/b.jpg"}]))
    with_masks, without = open_stills(tmp_path)
    dog, cat = with_masks.objects
    assert (dog.category, cat.category, dog.has_mask) == ("dog", "cat", True)
    drawn = with_masks.mask_of(cat, 40, 30)
    assert set(np.unique(drawn)) == {0, 255}
    assert cv2.boundingRect(drawn) == (25, 10, 10, 10)
    assert without.objects == ()
    assert without.pixels().shape == (30, 40, 3)


def test_stills_in_a_folder_without_tars(tmp_path: Path) -> None:
    (tmp_path / "stills" / "set").mkdir(parents=True)
    (tmp_path / "stills" / "set" / "a.jpg").write_bytes(picture())
    palette_mask(tmp_path / "stills" / "set" / "a.png")
    (tmp_path / "stills_index.json").write_text(json.dumps([LINE]))
    (still,) = open_stills(tmp_path)
    assert cv2.boundingRect(still.mask_of(still.objects[0], 40, 30)) == (2, 5, 10, 10)


def test_an_index_that_names_a_missing_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stills_index.json").write_text(json.dumps([{"image": "set/lost.jpg"}]))
    with pytest.raises(SequenceError, match=r"lost\.jpg"):
        open_stills(tmp_path)


def test_a_folder_without_index_and_a_broken_index_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"stills_index\.json was not found"):
        open_stills(tmp_path)
    (tmp_path / "stills_index.json").write_text("{")
    with pytest.raises(SequenceError, match="no readable JSON"):
        open_stills(tmp_path)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "train2017").mkdir()
    (tmp_path / "train2017" / "7.jpg").write_bytes(picture())
    square = [4, 4, 14, 4, 14, 14, 4, 14]
    content = {
        "images": [{"id": 7, "file_name": "7.jpg"}],
        "categories": [{"id": 3, "name": "car"}],
        "annotations": [
            {"image_id": 7, "category_id": 3, "bbox": [4, 4, 10, 10], "segmentation": [square], "iscrowd": 0},
            {"image_id": 7, "category_id": 3, "bbox": [20, 4, 9, 8], "segmentation": {"counts": [1]}, "iscrowd": 0},
            {"image_id": 7, "category_id": 3, "bbox": [0, 0, 30, 30], "segmentation": [], "iscrowd": 1},
        ],
    }
    path = tmp_path / "annotations" / "instances_train2017.json"
    path.write_text(json.dumps(content))
    return path


def test_coco_polygons_are_masks_and_crowds_are_left_out(coco: Path) -> None:
    (still,) = open_stills(coco)
    polygon, boxed = still.objects
    assert (polygon.category, polygon.has_mask, boxed.has_mask) == ("car", True, False)
    assert cv2.boundingRect(still.mask_of(polygon, 40, 30)) == (4, 4, 11, 11)  # OpenCV draws the border pixels too
    assert cv2.boundingRect(still.mask_of(boxed, 40, 30)) == (20, 4, 9, 8)
    assert still.pixels().shape == (30, 40, 3)


def test_coco_without_its_pictures_is_refused(coco: Path) -> None:
    (coco.parent.parent / "train2017" / "7.jpg").unlink()
    with pytest.raises(SequenceError, match="pictures"):
        open_stills(coco)
    coco.write_text("[]")
    with pytest.raises(SequenceError, match="no COCO file"):
        open_stills(coco)
