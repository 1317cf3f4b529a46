# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack benchmark`: where the time of a frame goes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stdtrack_ros.cli import options
from stdtrack_ros.errors import SettingError
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.outputs import beside, check_outputs, write_text

if TYPE_CHECKING:
    from stdtrack_ros.benchmark.benchmark import Benchmark
    from stdtrack_ros.benchmark.footage import Footage
    from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerSpec
    from stdtrack_ros.settings import TrackerSettings
    from stdtrack_ros.tracker.result import TrackResult


COST_FRAMES = 60
"""Frames of each case of the costs: more change their median little."""


def benchmark(
    source: Annotated[Path | None, typer.Argument(help="Bag, video or sequence; default: painted frames.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for benchmark.json, .md and .png.")] = Path("benchmark"),
    frames: Annotated[int, typer.Option(min=20, help="Frames to measure.")] = 150,
    size: Annotated[str, typer.Option(help="Size of painted frames, WIDTHxHEIGHT.")] = "1280x720",
    threads: Annotated[str, typer.Option(help="Numbers of CPU threads; the first also for stages and baselines.")] = "",
    baseline: Annotated[list[str] | None, typer.Option(help="As in evaluate; default: kcf, csrt, mil.")] = None,
    baselines: Annotated[bool, typer.Option(help="Baselines beside ours.")] = True,
    clock: Annotated[str, typer.Option(help="wall, or cpu: processor time, for a machine with other work.")] = "wall",
    costs: Annotated[bool, typer.Option(help="Cost by image size, target size, number of targets, status.")] = True,
    realtime: Annotated[
        str, typer.Option(help="Frame rates such as 15,30,60,120: measure accuracy against time at these instead.")
    ] = "",
    core_share: Annotated[str, typer.Option(help="With --realtime: shares of a core that a tracker gets.")] = "1,0.5",
    settings: options.SettingsFile = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
    topic: options.Topic = "",
) -> None:
    """Measure each stage from the compressed image to the message: p50, p95, p99, threads, baselines, floor, costs."""
    check_outputs({"--out": out}, [source, settings, model or None])
    from stdtrack_ros.benchmark.benchmark import run_benchmark
    from stdtrack_ros.benchmark.benchmark_picture import draw_benchmark
    from stdtrack_ros.benchmark.table import benchmark_table
    from stdtrack_ros.benchmark.timing import CLOCKS
    from stdtrack_ros.evaluation.evaluate import default_baselines
    from stdtrack_ros.evaluation.trackers.baselines import baseline_spec
    from stdtrack_ros.system_info import busy_note, describe_system

    if clock not in CLOCKS:
        raise SettingError(f"--clock takes {' or '.join(CLOCKS)}; found '{clock}'.")
    console = Console()
    chosen = options.tracker_settings(settings, overrides, model)
    others, left_out = default_baselines() if baselines and baseline is None else ([], [])
    others += [baseline_spec(name) for name in baseline or []] if baselines else []
    for sentence in left_out:
        console.print(f"[yellow]{escape(sentence)}[/]", highlight=False, soft_wrap=True)
    if realtime:
        _measure_rates(console, chosen, source, topic, realtime, core_share, others, out)
        return
    footage, counts = _footage(source, topic, frames, size), _counts(threads)
    system = {**describe_system(), "Note": busy_note()}
    out.mkdir(parents=True, exist_ok=True)
    found = run_benchmark(
        chosen, footage, counts, others, _message_maker(footage), clock, min(frames, COST_FRAMES) if costs else 0
    )
    table = benchmark_table(found, system, footage.source, counts[0], clock)
    content = {
        "format": 2,
        "footage": footage.source,
        "frames": len(footage.frames),
        "clock": clock,
        "system": system,
        **asdict(found),
    }
    _print(console, found)
    if system["Note"]:
        console.print(f"[bold yellow]{system['Note']}[/]", highlight=False, soft_wrap=True)
    write_text(out / "benchmark.md", table + "\n")
    write_text(out / "benchmark.json", json.dumps(content, indent=1))
    title = f"{found.model['name']} on {system['Processor']}, {footage.source}"
    with beside(out / "benchmark.png") as part:
        draw_benchmark(found, title, part)
    console.print(f"Picture and figures: [bold]{escape(str(out))}[/]", highlight=False, soft_wrap=True)


def _measure_rates(
    console: Console,
    settings: TrackerSettings,
    source: Path | None,
    topic: str,
    rates: str,
    shares: str,
    others: list[TrackerSpec],
    out: Path,
) -> None:
    from stdtrack_ros.benchmark.rates import accuracy_at_rates
    from stdtrack_ros.benchmark.table import rates_table
    from stdtrack_ros.evaluation.trackers.tracker_interface import own_tracker_spec
    from stdtrack_ros.sequences.catalog import open_sequences

    if source is None:
        raise SettingError("--realtime measures accuracy: give a sequence with ground truth, or a folder of them.")
    handles = open_sequences([source], topic=topic or None)
    numbers = _numbers("--realtime", rates, 1.0, 1000.0)
    parts = _numbers("--core-share", shares, 0.01, 1.0)
    rows = accuracy_at_rates(handles, [own_tracker_spec(settings), *others], numbers, parts)
    table = rates_table(rows, len(handles))
    known = [{name: None if value != value else value for name, value in asdict(row).items()} for row in rows]
    content = {"format": 1, "source": str(source), "rows": known}
    console.print(table, highlight=False, markup=False, soft_wrap=True)
    write_text(out / "realtime.md", table + "\n")
    write_text(out / "realtime.json", json.dumps(content, indent=1))


def _numbers(option: str, text: str, low: float, high: float) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(low <= number <= high for number in numbers):
        raise SettingError(f"{option} takes numbers from {low:g} to {high:g} with commas between; found '{text}'.")
    return list(dict.fromkeys(numbers))


def _counts(text: str) -> list[int]:
    if not text:
        cores = os.cpu_count() or 1
        return sorted({1, max(cores // 2, 1), cores}, reverse=True)
    try:
        counts = [int(word) for word in text.split(",")]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1:
        raise SettingError(f"--threads takes numbers from 1 on, such as 1,2,4; found '{text}'.")
    return list(dict.fromkeys(counts))


def _footage(source: Path | None, topic: str, frames: int, size: str) -> Footage:
    from stdtrack_ros.benchmark.footage import Footage, painted_footage
    from stdtrack_ros.evaluation.protocols import start_of
    from stdtrack_ros.sequences.catalog import open_sequences

    if source is None:
        width, _, height = size.partition("x")
        if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 64):
            raise SettingError(f"--size takes WIDTHxHEIGHT of at least 64x64, such as 1280x720; found '{size}'.")
        return painted_footage(int(width), int(height), frames)
    handle = open_sequences([source], topic=topic or None)[0]
    sequence = handle.open()
    start, box = start_of(sequence)
    pictures = [to_bgr8(sequence.frame(index)) for index in range(start, min(len(sequence), start + frames + 1))]
    if len(pictures) < 2:
        raise SettingError(
            f"{handle.name} has {len(pictures)} frames from its first ground-truth box on; give one with more."
        )
    height_px, width_px = pictures[0].shape[:2]
    return Footage(pictures, box, f"{handle.name}, {width_px}x{height_px} px")


def _message_maker(footage: Footage) -> Callable[[TrackResult], object] | None:
    """Return what turns a result into the bytes of its message; None if there is no ROS."""
    try:
        from stdtrack_ros.nodes.tracking.messages import serialized_box
    except ImportError:
        return None
    height, width = footage.frames[0].shape[:2]
    return lambda result: serialized_box(result, width, height)


def _print(console: Console, found: Benchmark) -> None:
    from stdtrack_ros.benchmark.benchmark import STAGES

    table = Table("Stage", "p50 ms", "p95 ms", "p99 ms", "", title=f"{found.model['name']}", title_justify="left")
    rows = [*((name, timing, STAGES[name]) for name, timing in found.stages.items()), ("whole frame", found.total, "")]
    rows.append(("one step", found.step, "all but image decoding and message"))
    rows += [(f"network, {count} threads", timing, _floor(found, count)) for count, timing in found.threads.items()]
    ours = found.beside[found.model["name"]].p50
    rows += [
        (name, timing, f"one step in turn, {timing.p50 / ours:.2f} of ours") for name, timing in found.beside.items()
    ]
    rows += [(name, timing, "a frame, memory included") for name, timing in found.costs.items()]
    for name, timing, note in rows:
        table.add_row(name, f"{timing.p50:.2f}", f"{timing.p95:.2f}", f"{timing.p99:.2f}", note)
    console.print(table)
    if found.energy_mj is not None:
        console.print(f"Energy a step, of the whole processor: {found.energy_mj:.1f} mJ", highlight=False)


def _floor(found: Benchmark, count: int) -> str:
    if count not in found.floor_ms:
        return ""
    rates = f"{found.rate[count] / 1e9:.0f} G operations/s"
    if found.quantized:
        rates += f", {found.rate_8_bit[count] / 1e9:.0f} G in 8 bits"
    return f"floor {found.floor_ms[count]:.1f} ms at {rates}"
