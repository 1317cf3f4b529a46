# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A benchmark as a picture: the stages of a frame, threads against the floor, and the other trackers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

from stdtrack_ros.benchmark.benchmark import Benchmark
from stdtrack_ros.evaluation.report.failure_cases import COLORS

INK, SOFT, GRID = "#1c2430", "#5b6675", "#e1e5ea"
FRAME_MS = 1000 / 30


def draw_benchmark(benchmark: Benchmark, title: str, path: Path) -> None:
    """Write the picture; the suffix of the path (.png, .svg, .pdf) chooses the format."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    style = {"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "xtick.color": SOFT, "ytick.color": INK}
    with matplotlib.rc_context(style):
        figure, (stages, threads, baselines) = pyplot.subplots(
            1, 3, figsize=(15, 5), width_ratios=(1.35, 1, 1), layout="constrained"
        )
        figure.suptitle(title, fontsize=13, fontweight="bold", x=0.01, ha="left")
        _draw_stages(stages, benchmark)
        _draw_threads(threads, benchmark)
        _draw_baselines(baselines, benchmark)
        figure.savefig(path, dpi=130)
        pyplot.close(figure)


def _prepare(axes: Any, title: str, label: str) -> None:
    axes.set_title(title, fontsize=11, loc="left", color=INK)
    axes.set_xlabel(label)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(length=0)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)


def _draw_stages(axes: Any, benchmark: Benchmark) -> None:
    names = list(benchmark.stages)[::-1]
    _draw_bars(axes, names, [benchmark.stages[name] for name in names], COLORS[1])
    _prepare(
        axes, f"One frame: {benchmark.total.p50:.1f} ms (p95 {benchmark.total.p95:.1f})", "ms, median; line to p95"
    )


def _draw_threads(axes: Any, benchmark: Benchmark) -> None:
    counts = list(benchmark.threads)[::-1]
    labels = [f"{count} thread{'s' if count > 1 else ''}" if count else "all cores" for count in counts]
    _draw_bars(axes, labels, [benchmark.threads[count] for count in counts], COLORS[0])
    for row, count in enumerate(counts):
        floor = benchmark.floor_ms.get(count)
        if floor is not None:
            axes.plot([floor, floor], [row - 0.38, row + 0.38], color=INK, linewidth=2)
            axes.annotate(f"floor {floor:.1f}", (floor, row + 0.4), fontsize=8.5, color=SOFT, ha="left", va="bottom")
    operations = sum(benchmark.operations.values()) / 1e9
    _prepare(axes, f"The network: {operations:.2f} G operations", "ms a run, median; line to p95")


def _draw_baselines(axes: Any, benchmark: Benchmark) -> None:
    bars = sorted(benchmark.beside.items(), key=lambda item: -item[1].p50)
    names = [name for name, _ in bars]
    _draw_bars(axes, names, [timing for _, timing in bars], COLORS[2])
    axes.patches[names.index(benchmark.model["name"])].set_color(COLORS[0])
    axes.axvline(FRAME_MS, color=SOFT, linewidth=1, linestyle="--")
    axes.annotate("30 Hz", (FRAME_MS, len(names) - 0.45), fontsize=8.5, color=SOFT, ha="left", va="bottom")
    _prepare(axes, "One step beside others", "ms, median; line to p95")


def _draw_bars(axes: Any, names: list[str], timings: list[Any], color: str) -> None:
    for row, (name, timing) in enumerate(zip(names, timings, strict=True)):
        axes.barh([name], [timing.p50], color=color, height=0.62)
        axes.plot([timing.p50, timing.p95], [row, row], color=INK, linewidth=1)
        place = max(timing.p50, timing.p95)
        axes.annotate(
            f"{timing.p50:.2g}" if timing.p50 < 10 else f"{timing.p50:.1f}",
            (place, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.margins(x=0.16)
