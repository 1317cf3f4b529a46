# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Still pictures with boxes and masks of their objects: the shards' layout, and COCO's.

Shard layout: `stills_index.json` (a list of {image, mask?, objects?: [{id, bbox, cls}]}) beside `*.tar` files (or
folders) that hold `stills/<image>` and `stills/<mask>`; a mask is a PNG whose value is the object's id.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box, Image
from stdtrack_ros.sequences.shards.tar_shards import EncodedImage, ImageFile, decode, tar_members


@dataclass(frozen=True)
class StillObject:
    """One object of a still.

    Attributes:
        box: (4,) float64 x, y, width, height in pixels.
        category: the name of its class, as its source writes it.
        mask_id: its value in the still's mask; 0: it has no mask there.
        polygons: outlines, each (N, 2) float, in pixels; if given, they are its mask.
    """

    box: Box
    category: str
    mask_id: int = 0
    polygons: tuple[NDArray[np.float64], ...] = ()

    @property
    def has_mask(self) -> bool:
        """Whether its shape is known, not only its box."""
        return self.mask_id > 0 or bool(self.polygons)


@dataclass(frozen=True)
class Still:
    """One picture with its objects; `width` and `height` as its source states them, 0: not stated."""

    name: str
    image: EncodedImage
    mask: EncodedImage | None
    objects: tuple[StillObject, ...]
    width: int = 0
    height: int = 0

    def pixels(self) -> Image:
        """Return (H, W, 3) uint8 BGR."""
        return decode(self.image)

    def mask_of(self, target: StillObject, width: int, height: int) -> NDArray[np.uint8]:
        """Return (H, W) uint8, 255 on the object; a full box if the object has no mask."""
        drawn = np.zeros((height, width), np.uint8)
        if target.polygons:
            cv2.fillPoly(drawn, [polygon.round().astype(np.int32) for polygon in target.polygons], 255)
            return drawn
        if self.mask is None or target.mask_id == 0:
            x, y, w, h = target.box.round().astype(int)
            drawn[max(y, 0) : y + h, max(x, 0) : x + w] = 255
            return drawn
        return np.where(_label_map(self.mask) == target.mask_id, 255, 0).astype(np.uint8)


def _label_map(mask: EncodedImage) -> NDArray[np.uint8]:
    from PIL import Image as PilImage  # OpenCV turns a palette into colours and so loses the ids

    with PilImage.open(io.BytesIO(bytes(mask.read()))) as opened:
        return np.asarray(opened, dtype=np.uint8)


def open_stills(path: Path) -> list[Still]:
    """Open all stills of a folder of the shards' layout, or of a COCO file of instances (its images beside it).

    Raises:
        SequenceError: nothing there, or an index that cannot be read or names a picture that is not there.
    """
    if path.is_file() and path.suffix == ".json" and path.name != "stills_index.json":
        return read_coco(path, path.parent)
    folder = path if path.is_dir() else path.parent
    index = folder / "stills_index.json"
    if not index.is_file():
        raise SequenceError(f"{index} was not found; give a folder that holds it, or a COCO instances .json file.")
    files = _still_files(folder)
    stills = []
    for entry in _read_json(index):
        try:
            stills.append(_still_of(entry, files))
        except KeyError as error:
            raise SequenceError(f"{index}: the entry {entry.get('image', entry)} needs {error}, not found.") from error
    return stills


def _still_files(folder: Path) -> dict[str, EncodedImage]:
    files: dict[str, EncodedImage] = {}
    for tar in sorted(folder.glob("stills*.tar")):
        files.update({name.removeprefix("stills/"): image for name, image in tar_members(tar).items()})
    root = folder / "stills" if (folder / "stills").is_dir() else folder
    for file in root.rglob("*.*"):
        if file.suffix.lower() in {".jpg", ".png"}:
            files[str(file.relative_to(root))] = ImageFile(file)
    return files


def _still_of(entry: dict[str, Any], files: dict[str, EncodedImage]) -> Still:
    objects = tuple(
        StillObject(np.array(item["bbox"], np.float64), item.get("cls", ""), int(item["id"]))
        for item in entry.get("objects", ())
    )
    mask = files[entry["mask"]] if entry.get("mask") else None
    return Still(entry["image"], files[entry["image"]], mask, objects, entry.get("width", 0), entry.get("height", 0))


def read_coco(instances: Path, images: Path) -> list[Still]:
    """Return the stills of a COCO instances file; `images` is the folder of its pictures, or holds it.

    Crowds and objects without area are left out; objects with run-length masks keep their box alone.
    """
    content = _read_json(instances)
    try:
        categories = {item["id"]: item["name"] for item in content.get("categories", ())}
        objects: dict[int, list[StillObject]] = defaultdict(list)
        for item in content["annotations"]:
            if not item.get("iscrowd") and min(item["bbox"][2:]) > 0:
                objects[item["image_id"]].append(_coco_object(item, categories))
        lines = {item["id"]: item for item in content["images"]}
        names = {key: item["file_name"] for key, item in lines.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise SequenceError(f"{instances} is no COCO file of instances ({error!r}).") from error
    folders = [
        images,
        images / "images",
        images.parent,
        *(child for child in images.parent.iterdir() if child.is_dir()),
    ]
    found = next((folder for folder in folders if (folder / next(iter(names.values()), "")).is_file()), None)
    if found is None:
        raise SequenceError(f"The pictures of {instances} were not found in {images} or beside it.")
    return [
        Still(
            f"{instances.stem}/{name}",
            ImageFile(found / name),
            None,
            tuple(objects[key]),
            lines[key].get("width", 0),
            lines[key].get("height", 0),
        )
        for key, name in sorted(names.items())
    ]


def _coco_object(item: dict[str, Any], categories: dict[int, str]) -> StillObject:
    parts = item.get("segmentation")
    parts = parts if isinstance(parts, list) else []
    polygons = tuple(np.array(part, np.float64).reshape(-1, 2) for part in parts if len(part) >= 6)
    return StillObject(
        np.array(item["bbox"], np.float64), categories.get(int(item.get("category_id", -1)), ""), polygons=polygons
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SequenceError(f"{path} is no readable JSON file: {error}.") from error
