# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack track`: a target through a video, a camera, a bag or a folder of images, without ROS."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from stdtrack_ros.cli import options
from stdtrack_ros.errors import SequenceError, SettingError, ending
from stdtrack_ros.geometry import Box, Pixels, parse_box
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.outputs import check_file, check_outputs, write_text

if TYPE_CHECKING:
    from stdtrack_ros.sequences.sequence import Sequence
    from stdtrack_ros.tracker.result import TrackResult

WINDOW = "stdtrack: q ends"
SHOWN_LEFT_OUT = 5
SAVE_S = 10.0
"""Time after which the boxes so far are written again: whatever ends the process, no more than this is lost."""


@dataclass(frozen=True, slots=True)
class Footage:
    """Frames to track in.

    Attributes:
        frames: stamp in s and (H, W, 3) uint8 BGR of each frame that can be read.
        count: how many there are; None: nobody knows.
        first_box: (4,) box in the first frame that can be read, if the source brings one.
        notes: sentences on what was repaired or odd in the source.
        left_out: sentences on frames that cannot be read; it grows as the frames are taken.
    """

    frames: Iterator[tuple[float, Pixels]]
    count: int | None
    first_box: Box | None = None
    notes: tuple[str, ...] = ()
    left_out: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """What came of a run so far.

    Attributes:
        results: stamp in s and result of each frame after the first.
        ended: why it ended before the end of the frames; empty if it did not.
    """

    results: list[tuple[float, TrackResult]] = field(default_factory=list)
    ended: str = ""


def track(
    source: Annotated[str, typer.Argument(help="Video, folder of images, bag, camera number (0) or stream address.")],
    init: options.Init = "",
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
    check_outputs({"--out": out, "--json": json_file}, [local_path(source), settings, model or None])
    check_file("--out", out)
    check_file("--json", json_file)
    configured = options.tracker_settings(settings, overrides, model)
    footage = open_footage(source, topic)
    running = create_tracker(configured)  # first: a camera does not wait
    stamp_s, first = _first_frame(footage, source)
    box = parse_box(init) if init else _ask_for_box(first, footage, show)
    running.initialize(first, box, stamp_s)
    info = running.model.info
    console = Console()
    told = escape(f"on {info.provider} {info.note}".rstrip())
    console.print(f"[bold]{escape(info.name)}[/] {told}", highlight=False)
    for note in [*footage.notes, *([running.start_doubt] if running.start_doubt else [])]:
        console.print(f"[yellow]{escape(note)}[/]", highlight=False, soft_wrap=True)
    outputs = _Outputs(out, show)
    outputs.put_given(first, box, stamp_s)
    run = Run()

    def save() -> None:
        assert json_file is not None
        summary = summarize_results([result for _, result in run.results])
        _write_json(json_file, source, box, run, summary, footage)

    try:
        _track_all(running, footage, outputs, console, run, save if json_file else None)
    except BaseException as error:
        run.ended = ending(error)
        raise
    finally:  # whatever ended it, what was tracked so far is kept
        summary = summarize_results([result for _, result in run.results])
        if json_file is not None and (run.results or not run.ended):
            save()
        _print_summary(console, summary, out, json_file, footage, run)


def local_path(source: str) -> str:
    """Return the path that a file:// address means; anything else as it is."""
    return url2pathname(urlsplit(source).path) if source.startswith("file://") else source


def open_footage(source: str, topic: str = "") -> Footage:
    """Open the frames of whatever a user names.

    Raises:
        SequenceError: nothing there, nothing that can be read, or several sequences.
    """
    from stdtrack_ros.sequences.catalog import open_sequences
    from stdtrack_ros.sequences.recordings.videos import VideoReader, VideoSequence

    source = local_path(source)
    path = Path(source)
    if "://" in source:
        reader = VideoReader(source)
        is_live = reader.is_live
        reader.close()
        return _of_camera(source) if is_live else _of_sequence(VideoSequence("stream", source))
    if (source.isdecimal() and not path.exists()) or path.is_char_device():
        return _of_camera(source)
    handles = open_sequences([path], topic=topic or None)
    if len(handles) != 1:
        raise SequenceError(f"{source} holds {len(handles)} sequences; name one, such as {handles[0].path}.")
    return _of_sequence(handles[0].open())


def _of_camera(source: str) -> Footage:
    from stdtrack_ros.sequences.recordings.videos import CameraFrames

    left_out: list[str] = []

    def frames() -> Iterator[tuple[float, Pixels]]:
        camera = CameraFrames(source)
        yield from camera
        if camera.passed_over:
            left_out.append(f"{camera.passed_over} images came while the one before was worked on.")

    return Footage(frames(), None, left_out=left_out)


def _of_sequence(sequence: Sequence) -> Footage:
    left_out: list[str] = []
    readable = _readable(sequence, left_out)
    first = next(readable, None)
    if first is None:
        raise SequenceError(left_out[0])
    box = sequence.boxes[len(left_out)]
    known = box if np.isfinite(box).all() else None
    return Footage(chain([first], readable), len(sequence), known, tuple(sequence.notes), left_out)


def _readable(sequence: Sequence, left_out: list[str]) -> Iterator[tuple[float, Pixels]]:
    """Yield stamp and picture of each frame that can be read; the others are named in `left_out`."""
    for index, stamp_s in enumerate(sequence.stamps_s):
        try:
            image = sequence.frame(index)
        except SequenceError as error:
            left_out.append(str(error))
            continue
        yield float(stamp_s), image


def summarize_results(results: list[TrackResult]) -> dict[str, Any]:
    """Sum up a run: frames, time per frame of the whole tracker, status and its changes."""
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


def _first_frame(footage: Footage, source: str) -> tuple[float, Pixels]:
    first = next(footage.frames, None)
    if first is None:
        raise SequenceError(f"{source} has no frame; is the camera in use, or the file cut off?")
    return first


def _ask_for_box(image: Pixels, footage: Footage, show: bool) -> Box:
    if footage.first_box is not None:
        return footage.first_box
    if not show:
        raise SettingError("No target is given: add --init x,y,width,height, or --show to draw the box.")
    import cv2

    box = np.array(cv2.selectROI(WINDOW, to_bgr8(image), showCrosshair=False), dtype=np.float64)
    if box[2:].min() <= 0:
        raise SettingError("No box was drawn: drag one over the target and press Enter.")
    return box


def _check_display() -> None:
    """Refuse to show anything without a screen: OpenCV's window toolkit would end the whole process."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SettingError("--show needs a screen and there is none here (no DISPLAY); use --out to write a video.")


class _Outputs:
    """Where annotated frames go: a file, a window, both or neither; open while in a `with` statement."""

    def __init__(self, path: Path | None, show: bool) -> None:
        from stdtrack_ros.sequences.recordings.video_writer import VideoWriter

        self._show = show
        self._stack = ExitStack()
        self._writer = self._stack.enter_context(VideoWriter(path)) if path else None

    def put_given(self, image: Pixels, box: Box, stamp_s: float) -> None:
        """Write the frame that the target was given in."""
        from stdtrack_ros.tracker.drawing import draw_given

        if self._writer is not None:
            picture = to_bgr8(image).copy()
            draw_given(picture, box, "given")
            self._writer.write(picture, stamp_s)

    def put(self, image: Pixels, result: TrackResult, stamp_s: float) -> bool:
        """Show and write one frame; False if the user wants to end."""
        from stdtrack_ros.tracker.drawing import draw_target

        if self._writer is None and not self._show:
            return True
        picture = to_bgr8(image).copy()
        draw_target(picture, result.box, result.status, result.quality, result.velocity)
        if self._writer is not None:
            self._writer.write(picture, stamp_s)
        if not self._show:
            return True
        import cv2

        cv2.imshow(WINDOW, picture)
        return cv2.waitKey(1) & 0xFF not in (ord("q"), 27)

    def __enter__(self) -> _Outputs:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


def _track_all(
    running: Any,
    footage: Footage,
    outputs: _Outputs,
    console: Console,
    run: Run,
    save: Callable[[], None] | None = None,
) -> None:
    """Track to the end of the frames, or until the user ends it; `run` holds what was found, `save` writes it down."""
    saved_s = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with outputs, Progress(*columns, console=console) as progress:
        task = progress.add_task("tracking", total=footage.count - 1 if footage.count else None)
        run.ended = "killed, if this is the last that was written"
        try:
            for stamp_s, image in footage.frames:
                result = running.track(image, stamp_s)
                run.results.append((stamp_s, result))
                if save is not None and time.monotonic() - saved_s >= SAVE_S:
                    save()
                    saved_s = time.monotonic()
                progress.update(
                    task,
                    completed=len(run.results) + len(footage.left_out),
                    description=f"{result.status.name} {result.quality:.2f}",
                )
                if not outputs.put(image, result, stamp_s):
                    run.ended = "ended by the user"
                    break
            else:
                run.ended = ""
        except KeyboardInterrupt:
            run.ended = "ended by the user"


def _write_json(path: Path, source: str, box: Box, run: Run, summary: dict[str, Any], footage: Footage) -> None:
    rows = [
        {
            "frame": result.frame_number,
            "stamp_s": stamp_s,
            "box": result.box.tolist(),
            "status": result.status.name,
            "quality": None if np.isnan(result.quality) else result.quality,
            "time_ms": sum(result.timings_ms.values()),
        }
        for stamp_s, result in run.results
    ]
    content = {
        "source": source,
        "init": box.tolist(),
        "notes": list(footage.notes),
        "left_out": footage.left_out,
        "ended": run.ended,
        "summary": summary,
        "frames": rows,
    }
    write_text(path, json.dumps(content, indent=1) + "\n")


def _print_summary(
    console: Console, summary: dict[str, Any], out: Path | None, json_file: Path | None, footage: Footage, run: Run
) -> None:
    for sentence in footage.left_out[:SHOWN_LEFT_OUT]:
        console.print(f"[yellow]left out: {escape(sentence)}[/]", highlight=False, soft_wrap=True)
    if len(footage.left_out) > SHOWN_LEFT_OUT:
        console.print(f"[yellow]left out: {len(footage.left_out) - SHOWN_LEFT_OUT} more frames.[/]")
    if run.ended:
        ended = escape(run.ended.removesuffix("."))
        console.print(f"[yellow]{ended}[/]; what was tracked so far is kept", highlight=False)
    table = Table(show_header=False)
    table.add_row("frames", str(summary["frames"]) + (f" of {footage.count - 1}" if footage.count else ""))
    if summary["frames"]:
        table.add_row("tracker alone", f"{summary['fps_of_tracker']:.1f} fps")
        table.add_row("time p50 / p95", f"{summary['time_ms_p50']:.1f} / {summary['time_ms_p95']:.1f} ms")
    table.add_row("status", ", ".join(f"{name} {count}" for name, count in summary["frames_by_status"].items()))
    table.add_row(
        "changes", ", ".join(f"{c['frame']}: {c['from']} to {c['to']}" for c in summary["state_changes"]) or "none"
    )
    for name, path in (("video", out), ("boxes", json_file)):
        if path is not None and path.exists():
            table.add_row(name, escape(str(path)))
    console.print(table)
