# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack track`: a target through a video, a camera, a bag or a folder of images, without ROS."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from stdtrack_ros.cli import options
from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.geometry import Box, Image, parse_box

if TYPE_CHECKING:
    from stdtrack_ros.tracker.result import TrackResult

FOLDER_RATE = 30.0
"""Frames a second of a folder of images, which says none."""
WINDOW = "stdtrack: q ends"


@dataclass(frozen=True, slots=True)
class Footage:
    """Frames to track in.

    Attributes:
        frames: stamp in s and (H, W, 3) uint8 BGR of each.
        count: how many, None where nobody knows.
        rate: frames a second for a video written of them.
        first_box: (4,) box in the first frame, where the source brings one.
    """

    frames: Iterator[tuple[float, Image]]
    count: int | None
    rate: float
    first_box: Box | None = None


def track(
    source: Annotated[str, typer.Argument(help="Video, folder of images, bag, camera number (0) or stream address.")],
    init: Annotated[str, typer.Option(help="Box x,y,width,height (px) in the first frame.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write an annotated MP4 here.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write boxes and summary here.")] = None,
    show: Annotated[bool, typer.Option(help="Show a window; without --init, draw the box in it.")] = False,
    settings: options.SettingsFile = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
    topic: options.Topic = "",
) -> None:
    """Track one target through a video, a folder of images, a bag, a camera or a stream, without ROS."""
    from stdtrack_ros.tracker import create_tracker

    if show:
        _check_display()
    configured = options.tracker_settings(settings, overrides, model)
    footage = open_footage(source, topic)
    stamp_s, first = _first_frame(footage, source)
    box = parse_box(init) if init else _ask_for_box(first, footage, show)
    running = create_tracker(configured)
    running.initialize(first, box, stamp_s)
    info = running.model.info
    console = Console()
    told = escape(f"on {info.provider} {info.note}".rstrip())
    console.print(f"[bold]{escape(info.name)}[/] {told}", highlight=False)
    results = _run(running, footage, _Outputs(out, footage.rate, show, first, box), console)
    summary = summarize_results([result for _, result in results])
    if json_file is not None:
        _write_json(json_file, source, box, results, summary)
    _print_summary(console, summary, out, json_file)


def open_footage(source: str, topic: str = "") -> Footage:
    """The frames of whatever a user names.

    Raises:
        SequenceError: nothing there, nothing that can be read, or several sequences.
    """
    from stdtrack_ros.sequences.catalog import open_sequences
    from stdtrack_ros.sequences.frames import list_images, read_image
    from stdtrack_ros.sequences.recordings.videos import live_frames

    path = Path(source)
    if (source.isdecimal() and not path.exists()) or "://" in source or path.is_char_device():
        return Footage(live_frames(source), None, FOLDER_RATE)
    try:
        handles = open_sequences([path], topic=topic or None)
    except SequenceError:
        images = list_images(path)  # a folder of nothing but images is no benchmark's, and good enough
        if not images:
            raise
        frames = ((index / FOLDER_RATE, read_image(image)) for index, image in enumerate(images))
        return Footage(frames, len(images), FOLDER_RATE)
    if len(handles) != 1:
        raise SequenceError(f"{source} holds {len(handles)} sequences; name one, such as {handles[0].path}.")
    sequence = handles[0].open()
    stamps, count = sequence.stamps_s, len(sequence)
    frames = ((float(stamps[index]), sequence.frame(index)) for index in range(count))
    rate = (count - 1) / max(float(stamps[-1] - stamps[0]), 1e-3) if count > 1 else FOLDER_RATE
    known = bool(np.isfinite(sequence.boxes[0]).all())
    return Footage(frames, count, rate, sequence.boxes[0] if known else None)


def summarize_results(results: list[TrackResult]) -> dict[str, Any]:
    """A run in numbers: frames, time a frame of the whole tracker, status and its changes."""
    from stdtrack_ros.tracker.result import Status

    times_ms = [sum(result.timings_ms.values()) for result in results]
    statuses = [Status(result.status) for result in results]
    changes = [
        {"frame": after.frame_number, "from": Status(before.status).name, "to": Status(after.status).name}
        for before, after in pairwise(results)
        if before.status != after.status
    ]
    return {
        "frames": len(results),
        "fps_of_tracker": 1000 / float(np.mean(times_ms)) if results else None,
        "time_ms_p50": float(np.percentile(times_ms, 50)) if results else None,
        "time_ms_p95": float(np.percentile(times_ms, 95)) if results else None,
        "frames_by_status": {status.name: count for status, count in Counter(statuses).items()},
        "state_changes": changes,
    }


def _first_frame(footage: Footage, source: str) -> tuple[float, Image]:
    first = next(footage.frames, None)
    if first is None:
        raise SequenceError(f"{source} has no frame; is the camera in use, or the file cut off?")
    return first


def _ask_for_box(image: Image, footage: Footage, show: bool) -> Box:
    if footage.first_box is not None:
        return footage.first_box
    if not show:
        raise SettingError("Nobody says what to track: give --init x,y,width,height, or --show to draw the box.")
    import cv2

    box = np.array(cv2.selectROI(WINDOW, image, showCrosshair=False), dtype=np.float64)
    if box[2:].min() <= 0:
        raise SettingError("No box was drawn: drag one over the target and press Enter.")
    return box


def _check_display() -> None:
    """OpenCV's window toolkit ends the whole process where there is no screen."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SettingError("--show needs a screen and there is none here (no DISPLAY); use --out to write a video.")


class _Outputs:
    """Where annotated frames go: a file, a window, both or neither; open while in a `with` statement."""

    def __init__(self, path: Path | None, rate: float, show: bool, first: Image, box: Box) -> None:
        from stdtrack_ros.sequences.recordings.video_writer import VideoWriter
        from stdtrack_ros.tracker.drawing import draw_given

        self._show = show
        self._stack = ExitStack()
        self._writer = self._stack.enter_context(VideoWriter(path, rate)) if path else None
        if self._writer is not None:
            picture = first.copy()
            draw_given(picture, box, "given")
            self._writer.write(picture)

    def put(self, image: Image, result: TrackResult) -> bool:
        """Show and write one frame; False where the user wants to end."""
        from stdtrack_ros.tracker.drawing import draw_target

        if self._writer is None and not self._show:
            return True
        picture = image.copy()
        draw_target(picture, result.box, result.status, result.quality, result.velocity)
        if self._writer is not None:
            self._writer.write(picture)
        if not self._show:
            return True
        import cv2

        cv2.imshow(WINDOW, picture)
        return cv2.waitKey(1) & 0xFF not in (ord("q"), 27)

    def __enter__(self) -> _Outputs:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()


def _run(running: Any, footage: Footage, outputs: _Outputs, console: Console) -> list[tuple[float, TrackResult]]:
    """Track to the end of the frames, or until the user ends it; what was found so far is kept then."""
    results: list[tuple[float, TrackResult]] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with outputs, Progress(*columns, console=console) as progress:
        task = progress.add_task("tracking", total=footage.count - 1 if footage.count else None)
        try:
            for stamp_s, image in footage.frames:
                result = running.track(image, stamp_s)
                results.append((stamp_s, result))
                progress.update(task, advance=1, description=f"{result.status.name} {result.quality:.2f}")
                if not outputs.put(image, result):
                    break
        except KeyboardInterrupt:
            console.print("ended by the user")
    return results


def _write_json(
    path: Path, source: str, box: Box, results: list[tuple[float, TrackResult]], summary: dict[str, Any]
) -> None:
    rows = [
        {
            "frame": result.frame_number,
            "stamp_s": stamp_s,
            "box": result.box.tolist(),
            "status": result.status.name,
            "quality": None if np.isnan(result.quality) else result.quality,
            "time_ms": sum(result.timings_ms.values()),
        }
        for stamp_s, result in results
    ]
    content = {"source": source, "init": box.tolist(), "summary": summary, "frames": rows}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingError(f"The file {path} cannot be written: {error.strerror}; name another one.") from error


def _print_summary(console: Console, summary: dict[str, Any], out: Path | None, json_file: Path | None) -> None:
    table = Table(show_header=False)
    table.add_row("frames", str(summary["frames"]))
    if summary["frames"]:
        table.add_row("tracker alone", f"{summary['fps_of_tracker']:.1f} fps")
        table.add_row("time p50 / p95", f"{summary['time_ms_p50']:.1f} / {summary['time_ms_p95']:.1f} ms")
    table.add_row("status", ", ".join(f"{name} {count}" for name, count in summary["frames_by_status"].items()))
    table.add_row(
        "changes", ", ".join(f"{c['frame']}: {c['from']} to {c['to']}" for c in summary["state_changes"]) or "none"
    )
    for name, path in (("video", out), ("boxes", json_file)):
        if path is not None:
            table.add_row(name, escape(str(path)))
    console.print(table)
