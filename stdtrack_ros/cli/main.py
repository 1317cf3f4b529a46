# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The `stdtrack` command: one verb a file, all errors of the user as one line and exit code 2."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import signal
import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from stdtrack_ros.errors import StdtrackError

VERBS = (
    "track",
    "demo",
    "operator",
    "train",
    "evaluate",
    "annotate",
    "replay",
    "redetection",
    "memory-bench",
    "benchmark",
    "export",
    "pack",
    "import-stark",
)
"""Each verb is the function of that name (with `_` for `-`) in the module of that name."""

CURES = {
    "cv2": "`pip install opencv-python` (with windows), or `pip install opencv-python-headless` (without a screen)",
    "rclpy": "source a ROS 2 workspace with this package, or run `make demo` in a checkout",
    "distributed": "`pip install '.[cluster]'` in the checkout",
    **{module: f"`pip install {module}`" for module in ("aiohttp", "av", "onnxruntime")},
}
"""What brings a module that is missing; all others belong to training, export and evaluation."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of the system that room cures."""

app = typer.Typer(
    name="stdtrack",
    help="Single-object tracking: track, evaluate, train.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the `stdtrack` command."""
    if importlib.util.find_spec("cv2") is None:
        _fail(f"OpenCV is missing: {CURES['cv2']}.")
    signal.signal(signal.SIGTERM, _on_sigterm)
    for verb in VERBS:
        name = verb.replace("-", "_")
        app.command(verb)(getattr(importlib.import_module(f"stdtrack_ros.cli.{name}"), name))
    try:
        app()
    except StdtrackError as error:
        _fail(str(error))
    except OSError as error:  # a full disk, a folder that may not be written to
        place = f"{error.filename}: " if error.filename else ""
        cure = "; make room, or name another place" if error.errno in FULL else ""
        _fail(f"{place}{error.strerror or error}{cure}.")
    except ModuleNotFoundError as error:  # training and evaluation need more than a robot has
        if error.name is None or error.name.startswith("stdtrack_ros."):
            raise
        cure = CURES.get(error.name, "`make test-environment` or `pip install '.[train]'` in the checkout")
        _fail(f"This command needs the Python module '{error.name}', which is not installed: {cure}.")


def _on_sigterm(number: int, frame: object) -> NoReturn:
    """End as on an error, so that what was done so far is written and what was started is ended."""
    sys.exit(128 + number)


def _fail(sentence: str) -> NoReturn:
    Console(stderr=True).print(f"[bold red]stdtrack:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
