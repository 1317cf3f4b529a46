# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes as child processes: their parameters, their environment, and that they are gone at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from small_disk import small_files

from stdtrack_ros.cli import node_processes
from stdtrack_ros.cli.node_processes import environment, failure, parameter_options, quoted


@pytest.mark.parametrize("text", ["20241121", "1e3", "true", "a #b", "a: b", "Ünï", "back\\slash", 'quo"te', "", "~"])
def test_a_quoted_text_is_that_text_to_yaml(text: str) -> None:
    assert yaml.safe_load(quoted(text)) == text


def test_parameters_keep_their_types() -> None:
    values = {"model.path": "20241121", "model.threads": 2, "status.enabled": False, "rate": 0.5, "camera.q": [1, 2]}
    words = parameter_options(values)
    assert words[::2] == ["-p"] * 5
    found = dict(word.split(":=", 1) for word in words[1::2])
    assert {name: yaml.safe_load(text) for name, text in found.items()} == values


@pytest.mark.parametrize(
    ("distribution", "name"), [("humble", "ROS_LOCALHOST_ONLY"), ("jazzy", "ROS_AUTOMATIC_DISCOVERY_RANGE")]
)
def test_the_nodes_talk_on_this_machine_alone(
    distribution: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("ROS_LOCALHOST_ONLY", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("ROS_DISTRO", distribution)
    variables = environment(tmp_path)
    assert variables[name] in ("1", "LOCALHOST")
    assert len({"ROS_LOCALHOST_ONLY", "ROS_AUTOMATIC_DISCOVERY_RANGE"} & set(variables)) == 1
    assert 50 <= int(variables["ROS_DOMAIN_ID"]) < 100
    assert environment(tmp_path)["ROS_DOMAIN_ID"] == variables["ROS_DOMAIN_ID"]
    assert Path(variables["FASTDDS_DEFAULT_PROFILES_FILE"]).is_file()
    assert variables["PATH"] == os.environ["PATH"]


def test_commands_at_the_same_time_have_domains_of_their_own(tmp_path: Path) -> None:
    code = "import sys; from stdtrack_ros.cli.node_processes import environment; from pathlib import Path; "
    code += "print(environment(Path(sys.argv[1]))['ROS_DOMAIN_ID'], flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with ExitStack() as stack:
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        others = [stack.enter_context(subprocess.Popen(command, **options)) for _ in range(3)]
        taken = [int(other.stdout.readline()) for other in others]
        assert len({*taken, int(environment(tmp_path)["ROS_DOMAIN_ID"])}) == 4
        for other in others:
            other.stdin.close()


def child(ignores: bool) -> subprocess.Popen[bytes]:
    handler = "SIG_IGN" if ignores else "default_int_handler"
    code = (
        f"import signal, time; signal.signal(signal.SIGINT, signal.{handler}); print('up', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None and process.stdout.readline() == b"up\n"
    return process


@pytest.mark.parametrize("ignores", [False, True])
def test_a_process_is_asked_to_leave_and_killed_if_it_does_not(ignores: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_processes, "STOP_S", 0.2 if ignores else 30.0)
    process = child(ignores)
    node_processes._end(process)
    assert process.poll() is not None
    assert (process.returncode == -signal.SIGKILL) is ignores


def test_a_node_that_ended_is_named_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "camera.log"
    log.write_text("one\ntwo\nthree\nno camera\n")
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    process.wait()
    assert failure(process, log) == f"camera ended with exit code 3: two | three | no camera (see {log})."


def test_a_node_that_could_not_say_why_is_told_from_one_that_said_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(2)"])
    process.wait()
    log = tmp_path / "camera.log"
    log.touch()
    with small_files(0):
        on_a_full_disk = failure(process, log)
    assert on_a_full_disk.startswith(f"camera ended with exit code 2: it said nothing (see {log}); {tmp_path} takes no")
    assert on_a_full_disk.endswith("make room, or name another --out.")
    assert failure(process, log) == f"camera ended with exit code 2: it said nothing (see {log})."
