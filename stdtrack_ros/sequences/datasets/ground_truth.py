# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""True boxes from text files, and how they are brought onto the frames: one row per frame, NaN where nothing is known.

Nothing is bent in silence: whatever does not fit comes back as a note for the report, and what makes no sense at all is
a `SequenceError`.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.geometry import Box

Floats = NDArray[np.float64]
Notes = tuple[str, ...]

_SPLIT = re.compile(r"[,;\s]+")
_SEPARATORS = ",;\t"
_STAMPS = {"stamp": 1.0, "stamp_s": 1.0, "time": 1.0, "time_s": 1.0, "timestamp": 1.0, "stamp_ns": 1e-9}
_FRAMES = ("frame", "index", "frame_number")
_BOX = (("x",), ("y",), ("width", "w"), ("height", "h"))
_TARGETS = ("target_id", "id", "track_id", "object_id", "target")
_STATUS = "status"
_SEEN = (1.0, 2.0)  # TRACKING and UNCERTAIN, in the files of box_recorder
_SAME_STAMP_S = 1e-6  # float64 seconds since 1970 are good to a quarter of this
_NANOSECONDS_FROM = 1e14  # a plain "timestamp" above this counts nanoseconds: in seconds it would be 3 million years


@dataclass(frozen=True, slots=True)
class GroundTruthRows:
    """True boxes as they stand in a source.

    Attributes:
        boxes: (M, 4) float64.
        stamps_s: (M,) seconds of the rows; None: the rows follow the frames one by one, or `frames` says which.
        frames: (M,) indices of the frames, counted from 0; None: row i belongs to frame i.
        notes: sentences on what was left out when the source was read.
    """

    boxes: Box
    stamps_s: Floats | None = None
    frames: NDArray[np.int64] | None = None
    notes: Notes = ()


def read_numbers(path: Path) -> list[Floats]:
    """Return the numbers of each line of a text file; commas, semicolons, blanks and tabs all separate.

    Raises:
        SequenceError: the file cannot be read, or a line holds something that is no number.
    """
    rows = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            rows.append(np.array([float(text) for text in _SPLIT.split(line.strip(" \t,;"))], dtype=np.float64))
        except ValueError:
            raise SequenceError(
                f"Line {number} of {path} is '{line[:60]}'; each line must hold numbers alone (nan if absent)."
            ) from None
    return rows


def _lines(path: Path) -> list[str]:
    """Return the lines of a text file without the blank ones at its end."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SequenceError(f"The file {path} cannot be read: it is no UTF-8 text; save it as UTF-8.") from error
    except OSError as error:
        raise SequenceError(f"The file {path} cannot be read: {error}.") from error
    return text.rstrip().splitlines()


def read_boxes(path: Path) -> Box:
    """Read (N, 4) boxes of a benchmark's text file; a line of 8 or more numbers is a polygon: its upright hull.

    Raises:
        SequenceError: the file cannot be read, or a line is neither a box nor a polygon.
    """
    boxes = []
    for number, row in enumerate(read_numbers(path), start=1):
        if row.size == 4:
            boxes.append(row)
        elif row.size >= 6 and row.size % 2 == 0:
            boxes.append(hull(row.reshape(-1, 2)))
        elif row.size == 1 and not row[0] > 0:  # VOT's long-term sets mark an absent target by a lone nan or 0
            boxes.append(np.full(4, np.nan))
        else:
            raise SequenceError(f"Line {number} of {path} has {row.size} numbers; a box has 4, a polygon 6, 8 or more.")
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def hull(corners: ArrayLike) -> Box:
    """Return the smallest upright box (4,) around corners (K, 2)."""
    points = np.asarray(corners, dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    return np.concatenate([low, high - low])


def read_ground_truth_csv(path: Path) -> GroundTruthRows:
    """Read boxes from a CSV file.

    With a header: columns x, y, width, height, and at will a stamp (`stamp` in seconds, or `stamp_ns`) or a `frame`
    (counted from 0); other columns are left alone; commas, semicolons or tabs separate. Of several targets (a column
    `target_id` or `id`) the first counts. Without a header: four numbers per line and frame, or five with the stamp
    first.

    Raises:
        SequenceError: the file cannot be read, lacks a column, holds something that is no number, or has two boxes for
            one frame.
    """
    lines = [line for line in _lines(path) if line.strip(" ")]  # a line of tabs is one of empty fields
    if not lines:
        raise SequenceError(f"The file {path} is empty; it must hold one box a line.")
    if _all_numbers(lines[0]):
        return _without_header(path)
    separator = max(_SEPARATORS, key=lines[0].count)
    table = list(csv.DictReader(lines, skipinitialspace=True, delimiter=separator))
    columns = {(name or "").strip().lower(): name for name in (table[0] if table else {})}
    _refuse_short(path, table)
    table, notes = _first_target(path, table, columns)
    boxes = np.stack([_column(path, table, columns, names) for names in _BOX], axis=-1)
    if _STATUS in columns and "target_id" in columns:  # a log of box_recorder: LOST boxes are guesses
        boxes[~np.isin(_column(path, table, columns, (_STATUS,)), _SEEN)] = np.nan
    stamp = next((name for name in _STAMPS if name in columns), None)
    if stamp is not None:
        stamps = _column(path, table, columns, (stamp,))
        _refuse_competing(path, stamps, stamp)
        return GroundTruthRows(boxes, _seconds(stamps * _STAMPS[stamp]), notes=notes)
    frame = next((name for name in _FRAMES if name in columns), None)
    if frame is not None:
        indices = _column(path, table, columns, (frame,))
        _refuse_competing(path, indices, frame)
        return GroundTruthRows(boxes, frames=np.nan_to_num(indices, nan=-1.0).astype(np.int64), notes=notes)
    return GroundTruthRows(boxes, notes=notes)


def _first_target(
    path: Path, table: list[dict[str, str]], columns: dict[str, str]
) -> tuple[list[dict[str, str]], Notes]:
    """Return the rows of the first target that a table names, and a note if there are others."""
    column = next((columns[name] for name in _TARGETS if name in columns), None)
    if column is None:
        return table, ()
    names = list(dict.fromkeys(name for row in table if (name := (row[column] or "").strip())))
    if len(names) < 2:
        return table, ()
    others = ", ".join(f"'{name}'" for name in names[1:])
    note = f"{path} holds several targets; '{names[0]}' is taken, {others} left out."
    return [row for row in table if (row[column] or "").strip() == names[0]], (note,)


def _refuse_short(path: Path, table: list[dict[str, str]]) -> None:
    """Refuse a line that breaks off before its last field: an empty field means absent, a missing one means damage."""
    for number, row in enumerate(table, start=2):
        if None in row.values():
            found = sum(value is not None for value in row.values())
            raise SequenceError(f"Line {number} of {path} has {found} fields, its header {len(row)}; complete it.")


def _refuse_competing(path: Path, places: Floats, name: str) -> None:
    """Refuse two rows for one frame or stamp: which of them is the target's cannot be told."""
    known, counts = np.unique(places[~np.isnan(places)], return_counts=True)
    if (counts > 1).any():
        first = known[counts > 1][0]
        raise SequenceError(
            f"The file {path} has {int(counts.max())} rows with the {name} {first:.15g}; it must hold one box each, "
            "or name its targets in a column target_id."
        )


def _all_numbers(line: str) -> bool:
    try:
        return bool([float(text) for text in _SPLIT.split(line.strip())])
    except ValueError:
        return False


def _without_header(path: Path) -> GroundTruthRows:
    rows = read_numbers(path)
    sizes = {row.size for row in rows}
    if sizes == {4}:
        return GroundTruthRows(np.array(rows))
    if sizes == {5}:
        table = np.array(rows)
        return GroundTruthRows(table[:, 1:], _seconds(table[:, 0]))
    raise SequenceError(
        f"The lines of {path} hold {', '.join(str(size) for size in sorted(sizes))} numbers; without a header each "
        "must hold 4 (x, y, width, height) or 5 (the stamp first)."
    )


def _column(path: Path, table: list[dict[str, str]], columns: dict[str, str], names: tuple[str, ...]) -> Floats:
    found = next((columns[name] for name in names if name in columns), None)
    if found is None:
        raise SequenceError(f"The file {path} has no column '{names[0]}'; found {', '.join(columns) or 'no rows'}.")
    values = []
    for number, row in enumerate(table, start=2):
        text = (row[found] or "").strip()
        try:
            values.append(float(text) if text else np.nan)
        except ValueError:
            raise SequenceError(f"Line {number} of {path} has '{text}' as {names[0]}; a number is needed.") from None
    return np.array(values, dtype=np.float64)


def _seconds(stamps: Floats) -> Floats:
    return stamps * 1e-9 if stamps.size and np.nanmax(stamps) > _NANOSECONDS_FROM else stamps


def place_rows(rows: GroundTruthRows, stamps_s: Floats, source: str) -> tuple[Box, Notes]:
    """Return the ground-truth boxes of N frames (N, 4) from the rows of a source, and notes on what did not fit.

    Raises:
        SequenceError: rows with stamps that are not of the frames' clock.
    """
    if rows.stamps_s is not None:
        boxes, notes = match_stamps(rows.boxes, rows.stamps_s, stamps_s, source)
    elif rows.frames is not None:
        boxes, notes = _by_frame(rows.boxes, rows.frames, len(stamps_s), source)
    else:
        boxes, notes = align_rows(rows.boxes, len(stamps_s), source)
    cleaned, more = clean_boxes(boxes)
    return cleaned, rows.notes + notes + more


def align_rows(boxes: Box, frames: int, source: str) -> tuple[Box, Notes]:
    """Assign row i to frame i; missing rows become NaN, surplus rows are left out, and a note says which of both."""
    aligned = np.full((frames, 4), np.nan)
    count = min(len(boxes), frames)
    aligned[:count] = boxes[:count]
    if len(boxes) == frames:
        return aligned, ()
    handled = "the last frames are not scored" if len(boxes) < frames else "the rows after the last frame are left out"
    return aligned, (f"{source} has {len(boxes)} rows for {frames} frames: {handled}.",)


def _by_frame(boxes: Box, indices: NDArray[np.int64], frames: int, source: str) -> tuple[Box, Notes]:
    aligned = np.full((frames, 4), np.nan)
    notes: Notes = ()
    if indices.size and indices.min() == 1 and indices.max() == frames:
        indices = indices - 1
        notes = (f"{source} counts its {frames} frames from 1.",)
    inside = (indices >= 0) & (indices < frames)
    aligned[indices[inside]] = boxes[inside]
    if outside := int((~inside).sum()):
        notes = (f"{source} has {outside} rows for frames outside 0..{frames - 1}: they are left out.",)
    return aligned, notes


def match_stamps(boxes: Box, ground_truth_s: Floats, frames_s: Floats, source: str) -> tuple[Box, Notes]:
    """Assign each row to the frame nearest in time, at most half a frame interval away; the nearest row wins a frame.

    Raises:
        SequenceError: most rows lie near no frame, and most frames have no row: they were stamped by another clock, or
            in another unit.
    """
    aligned = np.full((len(frames_s), 4), np.nan)
    if not len(ground_truth_s) or not len(frames_s):
        return aligned, (f"{source} has no boxes.",) if not len(ground_truth_s) else ()
    gaps = np.diff(frames_s)
    reach = 0.5 * float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 0.5
    first_of_stamp = np.searchsorted(frames_s, frames_s)  # frames of one stamp share its box
    nearest = first_of_stamp[_nearest(ground_truth_s, frames_s)]
    away = np.abs(ground_truth_s - frames_s[nearest])
    near = away <= reach
    if 2 * near.sum() < len(near) and 2 * len(np.unique(nearest[near])) < len(np.unique(frames_s)):
        raise SequenceError(
            f"{int((~near).sum())} of {len(near)} stamps of {source} ({np.nanmin(ground_truth_s):.3f} to "
            f"{np.nanmax(ground_truth_s):.3f} s) lie near no frame's ({frames_s[0]:.3f} to {frames_s[-1]:.3f} s); both "
            "must be of one clock, in seconds (the header of a CSV file may name the column stamp_ns or frame instead)."
        )
    rows = np.flatnonzero(near)
    rows = rows[np.argsort(-away[rows], kind="stable")]  # the nearest is written last, and stays
    aligned[nearest[rows]] = boxes[rows]
    return aligned[first_of_stamp], _stamp_notes(source, away, near)


def _nearest(values: Floats, ordered: Floats) -> NDArray[np.intp]:
    """Return the index of the nearest of the ordered values to each value."""
    right = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(values - ordered[left] <= ordered[right] - values, left, right)


def _stamp_notes(source: str, away: Floats, near: NDArray[np.bool_]) -> Notes:
    notes = []
    if not near.all():
        notes.append(f"{int((~near).sum())} of {len(near)} rows of {source} have no frame near them and are left out.")
    shifted = near & (away > _SAME_STAMP_S)
    if shifted.any():
        worst = 1e3 * float(away[shifted].max())
        notes.append(
            f"{int(shifted.sum())} rows of {source} have no frame of their own stamp and were given to the nearest "
            f"one, at most {worst:.1f} ms away."
        )
    return tuple(notes)


def clean_boxes(boxes: Box) -> tuple[Box, Notes]:
    """Make rows that are no boxes (a number not finite, no width or no height) whole rows of NaN, with notes."""
    cleaned = np.array(boxes, dtype=np.float64)
    broken = ~np.isfinite(cleaned).all(axis=1)
    flat = ~broken & ((cleaned[:, 2] <= 0) | (cleaned[:, 3] <= 0))
    cleaned[broken | flat] = np.nan
    notes = []
    if flat.any():
        notes.append(f"{int(flat.sum())} boxes have no width or height: they count as absent.")
    known = ~(broken | flat)
    if not known.any():
        notes.append("There is no ground truth: nothing can be scored.")
    elif not known[0]:
        notes.append(f"The first frame has no box: tracking can start at frame {int(known.argmax())} (counted from 0).")
    if known.any() and not known.all():
        notes.append(
            f"{int((~known).sum())} of {len(known)} frames have no ground-truth box (absent or not known): not scored."
        )
    return cleaned, tuple(notes)
