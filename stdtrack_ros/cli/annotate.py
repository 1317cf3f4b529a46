# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack annotate`: a bag to a bag, with the tracker's boxes and pictures beside the original messages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from stdtrack_ros.cli import options
from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.geometry import parse_box
from stdtrack_ros.outputs import check_outputs

if TYPE_CHECKING:
    from stdtrack_ros.evaluation.annotated_bag import Outcome, Start


def annotate(
    bag: Annotated[Path, typer.Argument(help="Bag to read: folder, .mcap or .db3.")],
    out: Annotated[Path, typer.Option(help="Folder of the bag to write.")],
    init: options.Init = "",
    topic: options.Topic = "",
    ground_truth_topic: options.GroundTruthTopic = "",
    ground_truth: options.GroundTruthFile = None,
    box_topic: Annotated[str, typer.Option(help="Topic of the boxes.")] = "/stdtrack/tracked_box",
    picture_topic: Annotated[
        str, typer.Option(help="Topic of the annotated JPEGs; empty: none.")
    ] = "/stdtrack/image_annotated/compressed",
    annotation_topic: Annotated[
        str, typer.Option(help="Topic of the boxes as Foxglove draws them over the images; empty: none.")
    ] = "/stdtrack/image_annotations",
    jpeg_quality: Annotated[int, typer.Option(min=1, max=100, help="Quality of the annotated JPEGs.")] = 80,
    storage: Annotated[str, typer.Option(help="mcap or sqlite3.")] = "mcap",
    settings: options.SettingsFile = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
) -> None:
    """Write a bag with all messages of another one, and the tracker's boxes and pictures beside them."""
    from stdtrack_ros.evaluation.annotated_bag import Topics, annotate_bag
    from stdtrack_ros.sequences.recordings.bag_file import BagFile
    from stdtrack_ros.sequences.recordings.bags import image_topic
    from stdtrack_ros.tracker import create_tracker

    check_outputs({"--out": out}, [bag, ground_truth, settings, model or None])
    configured = options.tracker_settings(settings, overrides, model)
    source = BagFile(bag)
    topics = Topics(image_topic(source, topic or None), box_topic, picture_topic, annotation_topic)
    start = _start(bag, topics.image, init, ground_truth_topic, ground_truth)
    running = create_tracker(configured)
    console = Console()
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("annotating"), *columns, console=console) as progress:
        task = progress.add_task("", total=source.reader.message_count)
        outcome = annotate_bag(
            source,
            out,
            running,
            start,
            topics,
            storage=storage,
            jpeg_quality=jpeg_quality,
            progress=lambda: progress.advance(task),
        )
    _print(console, out, outcome)


def _start(bag: Path, camera: str, init: str, ground_truth_topic: str, ground_truth: Path | None) -> Start:
    from stdtrack_ros.evaluation.annotated_bag import Start, start_on_ground_truth
    from stdtrack_ros.sequences.recordings.bags import BagSequence

    if init:
        return Start(parse_box(init))
    if ground_truth_topic or ground_truth:
        return start_on_ground_truth(BagSequence(bag.name, bag, camera, ground_truth_topic or None, ground_truth))
    raise SettingError("No target is given: add --init x,y,width,height, --ground-truth-topic or --ground-truth.")


def _print(console: Console, out: Path, outcome: Outcome) -> None:
    for sentence in outcome.unreadable[:5]:
        console.print(f"[yellow]{escape(sentence)}[/]", highlight=False)
    if len(outcome.unreadable) > 5:
        console.print(f"[yellow]... and {len(outcome.unreadable) - 5} more images that cannot be used.[/]")
    for sentence in outcome.notes:
        console.print(f"[yellow]{escape(sentence)}[/]", highlight=False)
    if outcome.interrupted:
        console.print("[yellow]Ended by the user; the bag is complete up to there.[/]")
    statuses = ", ".join(f"{status.name} {count}" for status, count in outcome.statuses.items())
    console.print(f"[bold]{escape(str(out))}[/]: {outcome.images} images, {statuses or 'no boxes'}", highlight=False)
    if outcome.broken_off:
        raise SequenceError(f"{outcome.broken_off} What was tracked up to there is kept in {out}.")
