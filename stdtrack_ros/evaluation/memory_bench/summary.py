# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the outcomes of a memory bench to its figures, with standard errors over source videos."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.memory_bench.bench import Outcome
from stdtrack_ros.evaluation.memory_bench.conditions import NONE, OTHER, OWN
from stdtrack_ros.evaluation.metrics.paired import Estimated, estimate
from stdtrack_ros.outputs import write_text


@dataclass(frozen=True)
class Row:
    """One kind, or one variant of it.

    Attributes:
        right: by condition, of the clips in which either thing was found at the end, the fraction on the target.
        on_target: by condition, of all clips (`return`: found within a second; `swap`, `fast`: of the frames).
        lost_without, lost_swapped: own memory less none, and less another's, clip by clip, in `on_target`.
        mistaken, after_s: `return` alone, by condition.
        change: own memory, less that of the model compared with, clip by clip, in `on_target`; None without one.
    """

    kind: str
    variant: str
    clips: int
    videos: int
    right: dict[str, Estimated]
    on_target: dict[str, Estimated]
    lost_without: Estimated
    lost_swapped: Estimated
    mistaken: dict[str, Estimated]
    after_s: dict[str, Estimated]
    change: Estimated | None


def summarize(outcomes: Sequence[Outcome], against: Sequence[Outcome] = ()) -> list[Row]:
    """Return a row per kind, and one per variant if a kind has several.

    Args:
        against: the outcomes of another model on the same tasks.
    """
    rows = []
    for kind in dict.fromkeys(one.kind for one in outcomes):
        some = [one for one in outcomes if one.kind == kind]
        variants = list(dict.fromkeys(one.variant for one in some))
        if kind != "two targets":  # its variants are different questions: they have no mean
            rows.append(_row(kind, "", some, [one for one in against if one.kind == kind]))
        if len(variants) > 1:
            parts = _parts(kind, variants)
            for name, members in parts.items():
                chosen = [
                    [one for one in each if one.kind == kind and one.variant in members] for each in (some, against)
                ]
                rows.append(_row(kind, name, chosen[0], chosen[1]))
    return rows


def _parts(kind: str, variants: Iterable[str]) -> dict[str, set[str]]:
    """Return which variants go together: those of `return` by look, and by side."""
    if kind != "return":
        return {variant: {variant} for variant in variants}
    parts: dict[str, set[str]] = {}
    for place in (0, 1):
        for variant in variants:
            parts.setdefault(variant.split(", ")[place], set()).add(variant)
    return parts


def _row(kind: str, variant: str, outcomes: Sequence[Outcome], against: Sequence[Outcome]) -> Row:
    conditions = [name for name in (OWN, NONE, OTHER) if any(one.condition == name for one in outcomes)]
    by_condition = {name: [one for one in outcomes if one.condition == name] for name in conditions}

    def means(field: str) -> dict[str, Estimated]:
        return {
            name: estimate([getattr(one, field) for one in some], [one.video for one in some])
            for name, some in by_condition.items()
        }

    own = by_condition[OWN]
    return Row(
        kind,
        variant,
        len({one.task for one in own}),
        len({one.video for one in own}),
        means("right"),
        means("on_target"),
        _difference(own, by_condition.get(NONE, [])),
        _difference(own, by_condition.get(OTHER, [])),
        means("mistaken") if kind == "return" else {},
        means("after_s") if kind == "return" else {},
        _difference(own, [one for one in against if one.condition == OWN]) if against else None,
    )


def _difference(first: Sequence[Outcome], second: Sequence[Outcome]) -> Estimated:
    """Return the mean of first less second over the tasks and variants that both have."""
    other = {(one.task, one.variant): one.on_target for one in second}
    common = [one for one in first if (one.task, one.variant) in other]
    return estimate([one.on_target - other[one.task, one.variant] for one in common], [one.video for one in common])


def write_json(path: Path, facts: dict[str, object], rows: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
    """Write the facts of the run, its figures, and each outcome; a figure that does not exist is null."""
    content = {**facts, "rows": [asdict(row) for row in rows], "outcomes": [asdict(one) for one in outcomes]}
    write_text(path, json.dumps(_without_nan(content), indent=1) + "\n")


def read_outcomes(path: Path) -> list[Outcome]:
    """Read the outcomes of an earlier run.

    Raises:
        SettingError: the file is not there, or none that the bench wrote.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["outcomes"]
        return [_outcome(one) for one in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{path} is not a memory_bench.json that can be compared with: {error}.") from None


def _outcome(values: dict[str, Any]) -> Outcome:
    known: dict[str, Any] = {name: float("nan") if value is None else value for name, value in values.items()}
    return Outcome(**known)


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if isinstance(value, float):
        return round(value, 5) if np.isfinite(value) else None
    return value
