# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks as Markdown, for a README or an issue."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from stdtrack_ros.benchmark.benchmark import Benchmark
from stdtrack_ros.benchmark.rates import RateRow
from stdtrack_ros.benchmark.timing import Timing


def benchmark_table(found: Benchmark, system: Mapping[str, str], source: str, threads: int, clock: str) -> str:
    """Return a heading with the processor's name, and a row of p50, p95 and p99 for whatever was measured."""
    ours = found.beside[found.model["name"]].p50
    title = f"{system['Processor']}, {threads} thread{'s' if threads > 1 else ''}, {source}, {found.model['precision']}"
    lines = [f"{title}; {'processor' if clock == 'cpu' else 'elapsed'} time", ""]
    lines += ["| | p50 ms | p95 ms | p99 ms | |", "| --- | --- | --- | --- | --- |"]
    lines += [_row(name, each, f"{each.p50 / ours:.2f} of ours") for name, each in found.beside.items()]
    lines += [_row(f"a frame, {name}", each, "") for name, each in found.costs.items()]
    floor = found.floor_ms.get(threads)
    lines.append(_row("network alone", found.network, f"floor {floor:.2f} ms" if floor else ""))
    if found.energy_mj is not None:
        lines.append(f"| energy a step | {found.energy_mj:.1f} mJ | | | of the whole processor |")
    return "\n".join(lines)


def rates_table(rows: Sequence[RateRow], sequences: int) -> str:
    """Return success AUC in percent by tracker, frame rate and fraction of a core."""
    names = list(dict.fromkeys(row.tracker for row in rows))
    cells = {(row.rate, row.share, row.tracker): row for row in rows}
    lines = [f"Success AUC over {sequences} sequences, one thread on one core; in brackets: frames missed. +: boxes"]
    lines += ["carried on by their velocity, as on tracked_box_predicted.", ""]
    lines += ["| frames/s | share of the core | " + " | ".join(names) + " |", "| --- " * (2 + len(names)) + "|"]
    for rate, share in dict.fromkeys((row.rate, row.share) for row in rows):
        found = [cells[rate, share, name] for name in names]
        texts = [_accuracy(row) for row in found]
        lines.append(f"| {f'{rate:g}' if rate else 'any'} | {share:g} | " + " | ".join(texts) + " |")
    steps = [f"{name} {cells[0.0, 1.0, name].step_ms:.1f} ms" for name in names]
    return "\n".join([*lines, "", f"A step on the whole core, to its result, median: {', '.join(steps)}."])


def _accuracy(row: RateRow) -> str:
    text = f"{100 * row.auc:.1f}"
    if not math.isnan(row.predicted_auc):
        text += f", {100 * row.predicted_auc:.1f}+"
    return f"{text} ({row.missed:.0%})" if row.rate else text


def _row(name: str, found: Timing, note: str) -> str:
    return f"| {name} | {found.p50:.2f} | {found.p95:.2f} | {found.p99:.2f} | {note} |"
