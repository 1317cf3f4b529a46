# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which benchmark a folder is, and the sequences in it, found by how the files lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.datasets import attributes
from stdtrack_ros.sequences.datasets.folders import FolderSource, has_polygons
from stdtrack_ros.sequences.datasets.uav123_parts import part
from stdtrack_ros.sequences.frames import number_key

LAYOUTS: dict[str, str] = {
    "got10k": "GOT-10k: <sequence>/00000001.jpg, groundtruth.txt, meta_info.ini",
    "otb": "OTB: <sequence>/img/0001.jpg, groundtruth_rect.txt",
    "dtb70": "DTB70: <sequence>/img/00001.jpg, groundtruth_rect.txt",
    "lasot": "LaSOT: <class>/<class>-1/img/00000001.jpg, groundtruth.txt, full_occlusion.txt",
    "trackingnet": "TrackingNet: TEST/frames/<sequence>/0.jpg, TEST/anno/<sequence>.txt",
    "uav123": "UAV123: data_seq/UAV123/<folder>/000001.jpg, anno/UAV123/<sequence>.txt",
    "uav20l": "UAV20L: data_seq/UAV123/<sequence>/000001.jpg, anno/UAV20L/<sequence>.txt",
    "uav123_10fps": "UAV123 at 10 Hz: data_seq/UAV123_10fps/<folder>/000001.jpg, anno/UAV123_10fps/<sequence>.txt",
    "nfs": "NFS: <sequence>/30/<sequence>/00001.jpg, <sequence>/30/<sequence>.txt",
    "nfs240": "NFS at 240 Hz: <sequence>/240/<sequence>/00001.jpg, <sequence>/240/<sequence>.txt",
    "avist": "AVisT: sequences/<sequence>/img_00001.jpg, anno/<sequence>.txt",
    "vot": "VOT: <sequence>/color/00000001.jpg (or beside it), groundtruth.txt with polygons",
    "plain": "plain: <sequence>/00000001.jpg, groundtruth.txt",
}
"""Every layout by its name, with what its folders look like."""

_OTB_FRAMES = {
    "David": (300, 770),
    "Football1": (1, 74),
    "Freeman3": (1, 460),
    "Freeman4": (1, 283),
    "Diving": (1, 215),
}
_VOT_MARKS = ("camera_motion", "illum_change", "motion_change", "occlusion", "size_change")
_DEPTH = 3  # benchmark / subset or class / sequence

Found = list[FolderSource]


def find_sequences(root: Path, layout: str = "auto") -> Found:
    """Return the sequences under a folder: a whole benchmark, a subset of it, or one sequence.

    Args:
        root: the folder.
        layout: one of `LAYOUTS`, or "auto" to tell by the files.

    Raises:
        SequenceError: the layout is not known, or nothing under the folder is in it.
    """
    if layout != "auto" and layout not in LAYOUTS:
        raise SequenceError(f"The layout '{layout}' is not known; it may be auto, {', '.join(LAYOUTS)}.")
    found: Found = []
    for name, finder in _TREES.items():
        if layout in ("auto", name) and not found:
            found = finder(root) or [source for folder in _folders(root) for source in finder(folder)]
    if not found and layout not in _TREES:
        found = [source for folder in _sequence_folders(root) for source in _sequence(folder, root, layout)]
    if not found:
        wanted = [LAYOUTS[layout]] if layout in LAYOUTS else list(LAYOUTS.values())
        raise SequenceError(f"No sequence was found under {root}; looked for {'; '.join(wanted)}.")
    return found


# Benchmarks that keep frames and boxes in separate trees.


def _trackingnet(root: Path) -> Found:
    if not (root / "frames").is_dir():
        return []
    return [
        FolderSource(ground_truth.stem, "trackingnet", root / "frames" / ground_truth.stem, ground_truth)
        for ground_truth in _texts(root / "anno")
    ]


def _uav(layout: str, boxes: str, frames: str, rate: float, root: Path) -> Found:
    found = []
    texts = _texts(root / "anno" / boxes) if (root / "data_seq" / frames).is_dir() else []
    for ground_truth in texts:
        folder, first, last = (ground_truth.stem, 1, None) if layout == "uav20l" else part(ground_truth.stem, rate)
        images, vector = (
            root / "data_seq" / frames / folder,
            attributes.attribute_file(ground_truth.parent, ground_truth.stem),
        )
        found.append(
            FolderSource(ground_truth.stem, layout, images, ground_truth, first, last, True, rate, vector=vector)
        )
    return found


def _nfs(layout: str, rate: str, root: Path) -> Found:
    folder = root / rate
    return [
        FolderSource(ground_truth.stem, layout, folder / ground_truth.stem, ground_truth, frame_rate=float(rate))
        for ground_truth in _texts(folder)
        if (folder / ground_truth.stem).is_dir()
    ]


def _avist(root: Path) -> Found:
    frames = root / "sequences"
    found = []
    for ground_truth in _texts(root / "anno") if frames.is_dir() else []:
        labels = (root / mark / f"{ground_truth.stem}_{mark}.txt" for mark in ("full_occlusion", "out_of_view"))
        absent = tuple(path for path in labels if path.is_file())
        found.append(FolderSource(ground_truth.stem, "avist", frames / ground_truth.stem, ground_truth, absent=absent))
    return found


_TREES: dict[str, Callable[[Path], Found]] = {
    "trackingnet": _trackingnet,
    "uav123": partial(_uav, "uav123", "UAV123", "UAV123", 30.0),
    "uav20l": partial(_uav, "uav20l", "UAV20L", "UAV123", 30.0),
    "uav123_10fps": partial(_uav, "uav123_10fps", "UAV123_10fps", "UAV123_10fps", 10.0),
    "avist": _avist,
    "nfs": partial(_nfs, "nfs", "30"),
    "nfs240": partial(_nfs, "nfs240", "240"),
}

# Benchmarks that keep the boxes in the sequence's own folder.


def _sequence_folders(root: Path, depth: int = _DEPTH) -> Iterator[Path]:
    """Return folders with a `groundtruth*.txt`, and those that a `list.txt` beside them names, there or not."""
    if any(root.glob("groundtruth*.txt")):
        yield root
        return
    if depth == 0:
        return
    listed = root / "list.txt"
    text = listed.read_text(encoding="utf-8-sig", errors="replace") if listed.is_file() else ""
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if not any((root / name).is_dir() for name in names):
        names = []  # a list of something else
    for folder in [root / name for name in names] or _folders(root):
        if names and not folder.is_dir():
            yield folder  # opened, it says that it is missing: a benchmark must not shrink in silence
        else:
            yield from _sequence_folders(folder, depth - 1)


def _sequence(folder: Path, root: Path, layout: str) -> Iterator[FolderSource]:
    files = sorted(folder.glob("groundtruth*.txt"), key=number_key)
    kind = _kind(folder, files) if layout == "auto" else layout
    if len(files) > 1:  # OTB's groundtruth_rect.1.txt of Human4 is empty; its second target is the one
        files = [
            ground_truth
            for ground_truth in files
            if ground_truth.read_text(encoding="utf-8-sig", errors="replace").strip()
        ]
    for number, ground_truth in enumerate(files or [folder / "groundtruth.txt"], start=1):
        name = _name(folder, ground_truth, kind, number) if len(files) > 1 else folder.name
        yield _SEQUENCES[kind](folder, ground_truth, name, root)


def _name(folder: Path, ground_truth: Path, kind: str, number: int) -> str:
    if kind in ("otb", "dtb70"):
        return f"{folder.name}.{number}"
    return f"{folder.name}_{ground_truth.stem.removeprefix('groundtruth').strip('_.')}"


def _kind(folder: Path, files: list[Path]) -> str:
    """Return the layout of a sequence's folder, by its files."""
    if any(ground_truth.stem.startswith("groundtruth_rect") for ground_truth in files):
        # DTB70 copies OTB's files, but numbers its images with five digits; of OTB's sequences only Board does.
        return "dtb70" if (folder / "img" / "00001.jpg").is_file() and folder.name != "Board" else "otb"
    if (
        (folder / "color").is_dir()
        or any(folder.glob("*.tag"))
        or any(has_polygons(ground_truth) for ground_truth in files[:1])
    ):
        return "vot"
    if (folder / "img").is_dir() and ((folder / "out_of_view.txt").is_file() or (folder / "nlp.txt").is_file()):
        return "lasot"
    if (folder / "meta_info.ini").is_file() or folder.name.startswith("GOT-10k_"):
        return "got10k"
    return "plain"


def _got10k(folder: Path, ground_truth: Path, name: str, root: Path) -> FolderSource:
    meta = folder / "meta_info.ini"
    rate = re.match(r"[\d.]+", attributes.read_pairs(meta).get("anno_fps", "")) if meta.is_file() else None
    cover, absence = folder / "cover.label", folder / "absence.label"
    return FolderSource(
        name,
        "got10k",
        folder,
        ground_truth,
        frame_rate=float(rate[0]) if rate else 10.0,
        absent=_existing(cover) or _existing(absence),
        named_marks=_existing(absence, folder / "cut_by_image.label"),
        meta=meta if meta.is_file() else None,
    )


def _otb(folder: Path, ground_truth: Path, name: str, root: Path) -> FolderSource:
    first, last = _OTB_FRAMES.get(folder.name, (1, None))
    vector = attributes.attribute_file(folder.parent, name)
    return FolderSource(name, "otb", folder / "img", ground_truth, first, last, True, vector=vector)


def _dtb70(folder: Path, ground_truth: Path, name: str, root: Path) -> FolderSource:
    vector = attributes.attribute_file(folder.parent, name)
    return FolderSource(name, "dtb70", folder / "img", ground_truth, one_based=True, vector=vector)


def _lasot(folder: Path, ground_truth: Path, name: str, root: Path) -> FolderSource:
    marks = _existing(folder / "full_occlusion.txt", folder / "out_of_view.txt")
    vector = attributes.attribute_file(root, name)
    return FolderSource(
        name,
        "lasot",
        folder / "img",
        ground_truth,
        one_based=True,
        absent=marks,
        vector=vector,
        named_marks=() if vector else marks,
    )


def _vot(folder: Path, ground_truth: Path, name: str, root: Path) -> FolderSource:
    about = folder / "sequence"
    rate = attributes.read_pairs(about).get("fps") if about.is_file() else None
    marks = (folder / f"{mark}{suffix}" for mark in _VOT_MARKS for suffix in (".tag", ".label"))
    color = folder / "color"
    return FolderSource(
        name,
        "vot",
        color if color.is_dir() else folder,
        ground_truth,
        frame_rate=float(rate) if rate else 30.0,
        named_marks=_existing(*marks),
    )


def _plain(folder: Path, ground_truth: Path, name: str, root: Path) -> FolderSource:
    tags = folder / "attributes.txt"
    inside = folder / "img"
    images = inside if inside.is_dir() else folder
    return FolderSource(name, "plain", images, ground_truth, tags=tags if tags.is_file() else None)


_SEQUENCES: dict[str, Callable[[Path, Path, str, Path], FolderSource]] = {
    "got10k": _got10k,
    "otb": _otb,
    "dtb70": _dtb70,
    "lasot": _lasot,
    "vot": _vot,
    "plain": _plain,
}


def _existing(*paths: Path) -> tuple[Path, ...]:
    return tuple(path for path in paths if path.is_file())


def _folders(root: Path) -> list[Path]:
    """Return the folders in a folder, in the order of the numbers in their names."""
    if not root.is_dir():
        return []
    return sorted((path for path in root.iterdir() if path.is_dir() and path.name[0] != "."), key=number_key)


def _texts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.txt"), key=number_key)
