# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack memory-bench`: does the tracker's memory do the work? Staged tasks that only the past solves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from stdtrack_ros.cli import options
from stdtrack_ros.cli.tables import print_table
from stdtrack_ros.errors import ending
from stdtrack_ros.outputs import beside, check_outputs

if TYPE_CHECKING:
    from stdtrack_ros.evaluation.memory_bench.bench import Outcome, Task
    from stdtrack_ros.evaluation.memory_bench.summary import Row
    from stdtrack_ros.settings import TrackerSettings

CLIPS, QUICK_CLIPS = 300, 40


def memory_bench(
    paths: Annotated[list[Path], typer.Argument(help="Annotated sequences that no training has seen.")],
    out: Annotated[Path, typer.Option(help="Folder of the JSON file, the page and its pictures.")] = Path(
        "memory_bench"
    ),
    settings: options.SettingsFile = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
    kind: Annotated[list[str] | None, typer.Option(help="A kind of task, may be repeated; default: all.")] = None,
    clips: Annotated[
        int | None, typer.Option(min=2, help="Staged clips per kind; default: 300, or 40 if quick.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Fewer clips; staged clips without another's memory.")] = False,
    against: Annotated[Path | None, typer.Option(help="memory_bench.json of another model, on the same tasks.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed and sequences give the same tasks.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes at once, each with one thread.")] = 1,
    pictures: Annotated[int, typer.Option(min=0, help="Pictures per kind.")] = 2,
    films: Annotated[
        int, typer.Option(min=0, help="Films per kind of staged clips that only the own memory solves; not if quick.")
    ] = 0,
) -> None:
    """Stage tasks that only the past solves, and compare own memory with none and with another video's."""
    from stdtrack_ros.evaluation.arms import list_clips, model_of
    from stdtrack_ros.evaluation.memory_bench.bench import TASKS, plan, run_bench
    from stdtrack_ros.evaluation.memory_bench.conditions import CONDITIONS, NONE, OWN
    from stdtrack_ros.evaluation.memory_bench.films import decided_by_memory, write_film
    from stdtrack_ros.evaluation.memory_bench.objects import ObjectBank
    from stdtrack_ros.evaluation.memory_bench.page import write_page
    from stdtrack_ros.evaluation.memory_bench.summary import read_outcomes, summarize, write_json

    outputs = {"--out": out, "--out (memory_bench.json)": out / "memory_bench.json"}
    check_outputs(outputs, [*paths, settings, model or None, against])
    if films:
        options.need("av")
    chosen = options.tracker_settings(settings, ["model.threads=1", *(overrides or [])], model)
    other = read_outcomes(against) if against else []
    out.mkdir(parents=True, exist_ok=True)
    info = model_of(chosen).info
    bank = ObjectBank(list_clips(paths, pseudo=True))
    tasks = plan(bank, kind or TASKS, clips or (QUICK_CLIPS if quick else CLIPS), seed)
    facts: dict[str, object] = {"model": info.name, "sha256": info.sha256, "settings": _changes(chosen), "seed": seed}
    so_far: list[Outcome] = []
    try:
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("staging and tracking", total=len(tasks))
            conditions = (OWN, NONE) if quick else CONDITIONS

            def keep(outcomes: list[Outcome]) -> None:
                so_far.extend(outcomes)
                progress.advance(bar)

            outcomes = run_bench(tasks, chosen, conditions, workers, keep)
    except BaseException as error:  # whatever ended it, what was measured so far is kept
        if so_far:
            done = len({one.task for one in so_far})
            facts["partial"] = f"{done} of {len(tasks)} tasks; {ending(error)}"
            _print(f"Partial: {facts['partial']}", summarize(so_far, other))
            write_json(out / "memory_bench.json", facts, summarize(so_far, other), so_far)
        raise
    rows = summarize(outcomes, other)
    _print(f"Memory bench of {info.name}, {info.sha256[:12]}", rows)
    write_json(out / "memory_bench.json", facts, rows, outcomes)
    write_page(out / "memory_bench.html", facts, rows, _draw(tasks, chosen, pictures, out))
    for task in decided_by_memory(tasks, outcomes, films):
        write_film(task, chosen, out / "films" / f"{task.name.replace(' ', '_')}.mp4")
    Console().print(f"Page: {out / 'memory_bench.html'}", markup=False, highlight=False, soft_wrap=True)


def _print(title: str, rows: Sequence[Row]) -> None:
    from stdtrack_ros.evaluation.memory_bench.page import COLUMNS, cells

    table = Table(title=title)
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*cells(row))
    print_table(table)


def _changes(settings: TrackerSettings) -> str:
    """Return the settings that are not the defaults, but for the model's file."""
    from stdtrack_ros.settings import TrackerSettings, flatten

    defaults = flatten(TrackerSettings())
    changed = {name: value for name, value in flatten(settings).items() if value != defaults[name]}
    return ", ".join(f"{name}={value}" for name, value in changed.items() if not name.startswith("model."))


def _draw(tasks: list[Task], settings: TrackerSettings, count: int, out: Path) -> dict[str, Path]:
    """Write pictures of the first tasks of each kind, and return them by what they show."""
    import cv2

    from stdtrack_ros.evaluation.memory_bench.page import draw_task

    found: dict[str, Path] = {}
    for kind in dict.fromkeys(task.kind for task in tasks if task.kind != "swap"):
        for task in [one for one in tasks if one.kind == kind][:count]:
            path = out / "pictures" / f"{task.name.replace(' ', '_')}.png"
            with beside(path) as part:
                part.write_bytes(cv2.imencode(".png", draw_task(task, settings))[1].tobytes())
            found[f"{task.name}, {task.variant}".rstrip(", ")] = path
    return found
