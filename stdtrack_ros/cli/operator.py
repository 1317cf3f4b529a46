# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack operator`: a clip in an endless loop as a camera, the node, and the operator's page to point with."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from stdtrack_ros.cli import options
from stdtrack_ros.cli.node_processes import environment, failure, parameter_options, quoted, running
from stdtrack_ros.errors import StdtrackError
from stdtrack_ros.outputs import check_outputs

HOST, PORT = "127.0.0.1", 8088
JPEG_QUALITY = 90
START_S, POLL_S = 120.0, 0.2


def operator(
    out: Annotated[Path, typer.Option(help="Folder for the bag and the logs of the processes.")] = Path("demo_out"),
    clip: Annotated[Path | None, typer.Option(help="Another video file.")] = None,
    host: Annotated[str, typer.Option(help="Address of the page; 0.0.0.0: every network, with a token.")] = HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port of the page; 0: any free one.")] = PORT,
    settings: options.SettingsFile = None,
    overrides: options.Overrides = None,
    model: options.Model = "",
) -> None:
    """Play a clip again and again, and serve the page on which a target is pointed at; ends with Ctrl-C."""
    from stdtrack_ros.cli.demo import demo_clip
    from stdtrack_ros.cli.replay import node_parameters
    from stdtrack_ros.sequences.recordings.image_bag import video_as_jpegs, write_image_bag
    from stdtrack_ros.shipped_files import shipped_file

    check_outputs({"--out": out}, [clip, settings, model or None])
    options.need("aiohttp")
    parameters = node_parameters(settings, overrides, model)
    console = Console()
    source = clip or demo_clip().path
    out.mkdir(parents=True, exist_ok=True)
    bag = out / "operator_bag"
    shutil.rmtree(bag, ignore_errors=True)
    images = write_image_bag(bag, video_as_jpegs(source, JPEG_QUALITY))
    console.print(f"[bold]{escape(source.name)}[/]: {images} frames, played again and again as JPEG images")
    tracker = ["--params-file", str(shipped_file("config", "replay.yaml")), "-p", "image_transport:=compressed"]
    tracker += parameter_options(parameters)
    nodes = {
        "tracking.tracker_node": tracker,
        "operator.operator_page": ["-p", f"host:={quoted(host)}", "-p", f"port:={port}"],
        "playback.video_player": ["-p", f"source:={quoted(bag)}", "-p", "loop:=true", "-p", f"wait:={START_S}"],
    }
    variables = environment(out)
    processes: dict[Path, subprocess.Popen[bytes]] = {}
    with ExitStack() as stack:
        for module, words in nodes.items():
            log = out / f"{module.rpartition('.')[2]}.log"
            processes[log] = stack.enter_context(running(module, words, variables, log))
        address = _address(out / "operator_page.log", processes)
        console.print(
            f"\n  Open [bold]{address}[/] and drag a box around something.  Ctrl-C ends it.\n", highlight=False
        )
        try:
            while True:
                _check(processes)
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            console.print("Ended.")


def _address(log: Path, processes: dict[Path, subprocess.Popen[bytes]]) -> str:
    """Wait for the page to print its address, and return it."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        _check(processes)
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if " is at http" in line:
                return line.rpartition(" ")[2]
        time.sleep(POLL_S)
    raise StdtrackError(f"The operator's page has not started within {START_S:.0f} s (see {log}).")


def _check(processes: dict[Path, subprocess.Popen[bytes]]) -> None:
    """Raise if one of the processes has ended."""
    for log, process in processes.items():
        if process.poll() is not None:
            raise StdtrackError(failure(process, log))
