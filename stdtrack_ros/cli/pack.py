# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack pack`: training data as compact tar shards."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from stdtrack_ros.cli.options import need
from stdtrack_ros.errors import SettingError
from stdtrack_ros.outputs import check_outputs


class Codec(str, Enum):
    """How video is stored in shards."""

    jpeg = "jpeg"
    h264 = "h264"


def pack(
    folder: Annotated[Path, typer.Argument(help="Folder for the shards; created if missing.")],
    videos: Annotated[
        list[Path] | None,
        typer.Option("--videos", help="Benchmark folder, folder of sequences, or tar shard; may be given again."),
    ] = None,
    stills: Annotated[
        list[Path] | None,
        typer.Option("--stills", help="Folder with stills_index.json, or COCO instances .json; may be given again."),
    ] = None,
    shard_mb: Annotated[float, typer.Option(help="Largest size of a shard, in millions of bytes.")] = 60.0,
    target_px: Annotated[float, typer.Option(help="Frames are scaled down until the target is this large.")] = 84.0,
    longest_px: Annotated[int, typer.Option(help="Longest side of a frame.")] = 480,
    stride: Annotated[int, typer.Option(help="Keep every n-th frame.")] = 1,
    part_frames: Annotated[int, typer.Option(help="Longer sequences are cut into parts of so many frames.")] = 120,
    quality: Annotated[int, typer.Option(help="Quality of the JPEGs, 1 to 100.")] = 85,
    codec: Annotated[Codec, typer.Option(help="How video is stored: JPEGs, or H.264 at about a tenth the size.")] = (
        Codec.jpeg
    ),
    workers: Annotated[int, typer.Option(help="Processes that decode and encode.")] = 1,
) -> None:
    """Pack annotated video and stills into tar shards: cut to what training shows, scaled down, quick to decode."""
    check_outputs({"the folder for the shards": folder}, [*(videos or []), *(stills or [])])
    from rich.console import Console

    from stdtrack_ros.sequences.annotated import open_annotated
    from stdtrack_ros.sequences.shards.packing import PackOptions, pack_stills, pack_videos
    from stdtrack_ros.sequences.shards.shard_writer import ShardWriter
    from stdtrack_ros.sequences.shards.stills import open_stills

    if not videos and not stills:
        raise SettingError("There is nothing to pack; give --videos or --stills with a path.")
    for name, value, least in (("stride", stride, 1), ("part-frames", part_frames, 2), ("workers", workers, 1)):
        if value < least:
            raise SettingError(f"--{name} is {value}; it must be at least {least}.")
    if codec is Codec.h264:
        need("av")
    options = PackOptions(
        target_px, longest_px, stride=stride, part_frames=part_frames, quality=quality, codec=codec.value
    )
    console = Console()
    if videos:
        sequences = [sequence for path in videos for sequence in open_annotated(path)]
        with ShardWriter(folder, "videos", round(shard_mb * 1e6)) as writer:
            count = pack_videos(sequences, writer, options, workers)
        console.print(
            f"{len(sequences)} sequences as {count} entries in {_sizes(writer.paths)}", markup=False, soft_wrap=True
        )
    if stills:
        pictures = [still for path in stills for still in open_stills(path)]
        with ShardWriter(folder, "stills", round(shard_mb * 1e6)) as writer:
            count = pack_stills(pictures, writer, options, workers)
        console.print(
            f"{len(pictures)} stills with {count} objects in {_sizes(writer.paths)}", markup=False, soft_wrap=True
        )


def _sizes(paths: list[Path]) -> str:
    return ", ".join(f"{path} ({path.stat().st_size / 1e6:.1f} MB)" for path in paths)
