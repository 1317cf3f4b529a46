# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack replay`: a recording through the node, without launch: player, tracker and recorder as three processes that
know each other by DDS alone.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from stdtrack_ros.cli import options
from stdtrack_ros.cli.node_processes import environment, failure, parameter_options, quoted, running
from stdtrack_ros.errors import SequenceError, StdtrackError
from stdtrack_ros.geometry import Box, Pixels, check_box, parse_box
from stdtrack_ros.outputs import check_outputs
from stdtrack_ros.shipped_files import shipped_file

if TYPE_CHECKING:
    from stdtrack_ros.sequences.recordings.bags import BagSequence

START_S, QUIET_S = 120.0, 2.0
"""Longest wait for the network to load; silence after which no more results come."""
POLL_S = 0.1
SHOWN_DAMAGED = 5
OWN_PARAMETERS = ("use_sim_time",)
"""Parameters that a replay sets itself."""


def replay(
    bag: Annotated[Path, typer.Argument(help="Bag to play: folder, .mcap or .db3.")],
    out: Annotated[Path, typer.Option(help="Folder for boxes.csv and the logs of the processes.")],
    init: options.Init,
    topic: options.Topic = "",
    rate: options.Rate = 1.0,
    settings: options.SettingsFile = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
) -> None:
    """Play a bag over DDS into the real node, without launch, and write down the boxes that come back."""
    check_outputs({"--out": out}, [bag, settings, model or None])
    from stdtrack_ros.evaluation.report.box_log import read_box_log
    from stdtrack_ros.sequences.recordings.bags import COMPRESSED, BagSequence

    parameters = node_parameters(settings, overrides, model)
    sequence = BagSequence(bag.name, bag, topic or None)
    height, width = _first_readable(sequence).shape[:2]
    box = check_box(parse_box(init), width, height)
    compressed = sequence.bag.topics[sequence.topic] == COMPRESSED and not sequence.is_video
    out.mkdir(parents=True, exist_ok=True)
    console = Console()
    for note in sequence.timeline.notes:
        console.print(f"[yellow]{escape(note)}[/]", highlight=False, soft_wrap=True)
    run = Replay(bag, box, out, parameters, topic=sequence.topic, rate=rate, compressed=compressed)
    run.run(len(sequence), console)
    log = read_box_log(out / "boxes.csv")
    console.print(
        f"[bold]{escape(str(out / 'boxes.csv'))}[/]: {len(sequence)} images, {len(log)} boxes", highlight=False
    )
    missed = len(sequence) - 1 - len(log)  # the first image has the given box
    if missed > 0:
        without_box = np.flatnonzero(~np.isin(sequence.timeline.stamps_ns, log.stamps_ns)).tolist()
        damaged = [sentence for index in without_box if (sentence := _damage(sequence, index))]
        for sentence in damaged[:SHOWN_DAMAGED]:
            console.print(f"[yellow]{escape(sentence)}[/]", highlight=False, soft_wrap=True)
        if len(damaged) > SHOWN_DAMAGED:
            console.print(f"[yellow]... and {len(damaged) - SHOWN_DAMAGED} more images that cannot be used.[/]")
        missed -= len(damaged)
    if missed > 0:
        console.print(f"{missed} images came while the tracker was busy; a smaller --rate drops fewer.")


def _first_readable(sequence: BagSequence) -> Pixels:
    """Return the first image that can be used: the one that the player starts the target on.

    Raises:
        SequenceError: there is none; the reason is that of the first.
    """
    index = next((index for index in range(len(sequence)) if not _damage(sequence, index)), 0)
    return sequence.frame(index)


def _damage(sequence: BagSequence, index: int) -> str:
    """Return why a frame cannot be used; empty if it can."""
    try:
        sequence.frame(index)
    except SequenceError as error:
        return str(error)
    return ""


class Replay:
    """One run of three processes over a private DDS domain on this machine.

    Args:
        bag: what is played.
        init: (4,) box in its first image, px.
        out: folder for `boxes.csv` and the processes' logs.
        parameters: of the node, by name, over those of config/replay.yaml.
        topic: image topic in the bag; empty: the only one.
        rate: speed of the playing; a tracker slower than the camera drops no image if this is small enough.
        compressed: the images of the bag are compressed.
    """

    def __init__(
        self,
        bag: Path,
        init: Box,
        out: Path,
        parameters: Mapping[str, Any] | None = None,
        *,
        topic: str = "",
        rate: float = 1.0,
        compressed: bool = False,
    ) -> None:
        self._out = out
        self._boxes = out / "boxes.csv"
        self._tracker = ["--params-file", str(shipped_file("config", "replay.yaml")), "-p", "use_sim_time:=true"]
        self._tracker += parameter_options(parameters or {})
        if compressed:
            self._tracker += ["-p", "image_transport:=compressed"]
        box = ",".join(f"{number:.9g}" for number in init)  # as many digits as the 32 bits of TargetInit hold
        self._player = ["-p", f"source:={quoted(bag)}", "-p", f"init:={quoted(box)}", "-p", "clock:=true"]
        self._player += ["-p", f"wait:={START_S}", "-p", f"rate:={rate:.6f}"]
        self._player += ["-p", f"source_topic:={quoted(topic)}"] if topic else []

    def run(self, images: int, console: Console) -> None:
        """Play everything once, and come back when no more results come.

        Raises:
            StdtrackError: one of the processes failed, with the last lines of its log.
        """
        self._boxes.unlink(missing_ok=True)
        with ExitStack() as stack:
            recorder = stack.enter_context(
                self._process("playback.box_recorder", ["-p", f"out:={quoted(self._boxes)}"])
            )
            tracker = stack.enter_context(self._process("tracking.tracker_node", self._tracker))
            player = stack.enter_context(self._process("playback.video_player", self._player))
            progress = Progress(
                TextColumn("tracking over DDS"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
            )
            with progress:
                task = progress.add_task("", total=images)
                for rows in self._rows_until_done(player, [recorder, tracker]):
                    progress.update(task, completed=min(rows, images))

    def _rows_until_done(self, player: subprocess.Popen[bytes], others: list[subprocess.Popen[bytes]]) -> Iterator[int]:
        """Yield the number of results so far until the player has ended and no more come."""
        rows, last_change = 0, time.monotonic()
        while player.poll() is None or time.monotonic() - last_change < QUIET_S:
            for process in [*others, *([player] if player.returncode else [])]:
                if process.poll() is not None:
                    raise StdtrackError(self._failure(process))
            time.sleep(POLL_S)
            now = self._count_rows()
            if now != rows or player.returncode is None:
                rows, last_change = now, time.monotonic()
            yield rows

    def _count_rows(self) -> int:
        return max(self._boxes.read_bytes().count(b"\n") - 1, 0) if self._boxes.exists() else 0

    @contextmanager
    def _process(self, module: str, parameters: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Run a node as a process of its own, logging into `<its name>.log`; tell it to end when the `with` ends."""
        with running(module, parameters, environment(self._out), self._log(module.rpartition(".")[2])) as process:
            yield process

    def _log(self, executable: str) -> Path:
        return self._out / f"{executable}.log"

    def _failure(self, process: subprocess.Popen[bytes]) -> str:
        executable = str(process.args[2]).rpartition(".")[2]  # type: ignore[index]
        rows = self._count_rows()
        kept = f" {self._boxes} holds the {rows} boxes so far." if rows else ""
        return failure(process, self._log(executable)) + kept


def node_parameters(file: Path | None, overrides: list[str] | None, model: str) -> dict[str, Any]:
    """Return the parameters of the node that `--settings`, `--set` and `--model` give, by name.

    Raises:
        SettingError: a file that cannot be read, a parameter that does not exist, or a value that is not allowed.
    """
    from stdtrack_ros.nodes.parameters import TrackerNodeSettings
    from stdtrack_ros.settings import build_settings, read_settings_file, with_plugged_in

    values = read_settings_file(file)[0] if file else {}
    values = {name: value for name, value in values.items() if name not in OWN_PARAMETERS}
    values |= options.overridden(overrides, model)
    build_settings(with_plugged_in(TrackerNodeSettings), values)
    return values
