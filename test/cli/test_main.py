# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all verbs of the `stdtrack` command have in common."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_sequences import write_images, write_lines

from stdtrack_ros.cli.main import main

RUN_WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None  # importing it fails, as where it is not installed
from stdtrack_ros.cli.main import main
main()
"""


@pytest.mark.parametrize("arguments", [("train", "run"), ("export", "run/last.pt", "--out", "model.onnx")])
def test_a_verb_that_needs_what_is_not_installed_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", RUN_WITHOUT, "torch", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "'torch'" in line and "make test-environment" in line


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("aiohttp", ("operator", "--out", "made")),
        ("matplotlib", ("demo", "--out", "made")),
        ("PIL", ("demo", "--out", "made", "--gif", "made/demo.gif")),
        ("av", ("pack", "made", "--videos", "clips", "--codec", "h264")),
        ("onnx", ("export", "last.pt", "--out", "made/model.onnx", "--int8", "--calibrate-on", "clips")),
        ("jinja2", ("memory-bench", "clips", "--out", "made")),
        ("matplotlib", ("benchmark", "--out", "made")),
    ],
)
def test_what_a_verb_needs_at_its_end_is_missed_before_its_work(
    module: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    command = [sys.executable, "-c", RUN_WITHOUT, module, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"needs the Python module '{module}'" in line
    assert not list(tmp_path.iterdir())


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs `stdtrack` with invalid arguments and returns the one line that it prints."""

    def run(*arguments: object) -> str:
        monkeypatch.setattr("sys.argv", ["stdtrack", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return run


@pytest.mark.parametrize("name", ["runs[old]/[ab]*", "run[/]", "run[/bold]"])
def test_a_message_shows_brackets_as_they_are(refused: Callable[..., str], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert f"There is nothing at {path};" in refused("evaluate", path, "--no-baselines", "--out", tmp_path / "out")


@pytest.mark.parametrize("verb", [("train",), ("evaluate", ".")])
@pytest.mark.parametrize("value", ["[1", "2024-13-45", "'"])
def test_a_value_that_is_no_yaml_is_named(refused: Callable[..., str], verb: tuple[str, ...], value: str) -> None:
    where = () if verb[0] == "evaluate" else ("run",)
    line = refused(*verb, *where, "--set", f"seed={value}")
    assert f"--set takes name=value with a value in YAML, found 'seed={value}'" in line


@pytest.mark.parametrize("names", [("fast/ours.yaml", "exact/ours.yaml"), ("ours 2.yaml", "ours_2.yaml")])
def test_settings_files_whose_results_would_share_a_folder_are_refused(
    refused: Callable[..., str], tmp_path: Path, names: tuple[str, str]
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("status:\n  enabled: false\n")
    files = [argument for name in names for argument in ("--settings", tmp_path / name)]
    assert "Two trackers are named 'ours" in refused("evaluate", tmp_path, *files, "--no-baselines")


def test_what_cannot_be_written_is_said(refused: Callable[..., str], tmp_path: Path) -> None:
    write_images(tmp_path / "data" / "one", 2)
    write_lines(tmp_path / "data" / "one" / "groundtruth.txt", ["1,2,30,20"] * 2)
    (tmp_path / "file").touch()
    line = refused("pack", tmp_path / "file" / "shards", "--videos", tmp_path / "data")
    assert f"{tmp_path / 'file'} is a file and no folder; name another place." in line


def test_an_error_of_the_system_is_one_line(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    for error, words in (
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "No space left on device; make room, or name another place.",
        ),
        (OSError(errno.EIO, "Input/output error", "/data/report.json"), "/data/report.json: Input/output error."),
    ):

        def full(*_: object, error: OSError = error) -> None:
            raise error

        monkeypatch.setattr("stdtrack_ros.cli.pack.check_outputs", full)
        assert refused("pack", "shards") == f"stdtrack: {words}"


def test_without_opencv_the_builds_to_choose_from_are_named(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "OpenCV is missing" in refused("track", "clip.mp4")


def test_a_request_to_end_is_an_exit_in_order() -> None:
    """What is open is closed and what was started is ended, as by any exception; the shell sees 128 + 15."""
    code = (
        "import os, signal, sys, stdtrack_ros.cli.main as m\n"
        "def verb():\n"
        "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    finally: print('closed', flush=True)\n"
        "m.VERBS, m.app = (), verb\n"
        "m.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, "closed\n", "")


def test_settings_that_are_no_text_are_named(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_bytes(b"\xff\xfe\x00\x01")
    for verb in (("train", tmp_path / "run"), ("redetection", tmp_path)):
        assert f"{tmp_path / 'settings.yaml'} cannot be read" in refused(
            *verb, "--settings", tmp_path / "settings.yaml"
        )


@pytest.mark.parametrize(
    ("module", "cure"),
    [
        ("rclpy", "source a ROS 2 workspace with this package"),
        ("distributed", "pip install '.[cluster]'"),
        ("onnx", "make test-environment"),
    ],
)
def test_a_missing_module_is_named_with_what_brings_it(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, module: str, cure: str
) -> None:
    def verb() -> None:
        raise ModuleNotFoundError(name=module)

    monkeypatch.setattr("stdtrack_ros.cli.main.VERBS", ())
    monkeypatch.setattr("stdtrack_ros.cli.main.app", verb)
    line = refused()
    assert f"needs the Python module '{module}'" in line and cure in line


def test_a_missing_module_of_this_package_is_a_fault_and_no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def verb() -> None:
        raise ModuleNotFoundError(name="stdtrack_ros.none")

    monkeypatch.setattr("stdtrack_ros.cli.main.VERBS", ())
    monkeypatch.setattr("stdtrack_ros.cli.main.app", verb)
    with pytest.raises(ModuleNotFoundError):
        main()


@pytest.mark.parametrize("verb", ["operator", "memory-bench", "evaluate", "redetection", "pack"])
def test_every_verb_refuses_to_write_over_its_input(refused: Callable[..., str], tmp_path: Path, verb: str) -> None:
    source = {"operator": ("--clip",), "pack": (tmp_path, "--videos")}.get(verb, ())
    out = () if verb == "pack" else ("--out", tmp_path)
    assert f"is the input {tmp_path} itself" in refused(verb, *source, tmp_path, *out)


def test_a_result_that_is_compared_with_is_not_overwritten(refused: Callable[..., str], tmp_path: Path) -> None:
    old = tmp_path / "memory_bench.json"
    old.write_text("{}")
    line = refused("memory-bench", tmp_path / "clips", "--out", tmp_path, "--against", old)
    assert f"is the input {old} itself" in line
    assert old.read_text() == "{}"
