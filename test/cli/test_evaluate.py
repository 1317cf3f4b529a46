# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack evaluate` as users run it: on folders and bags, good and bad ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from raw_results import read_result

from stdtrack_ros.sequences.recordings.image_bag import CameraMessage, image_cdr, write_image_bag

pytestmark = pytest.mark.skipif(not hasattr(cv2, "TrackerKCF"), reason="needs opencv-contrib-python (the extra eval)")
COUNT = 12


def picture(index: int) -> np.ndarray:
    image = np.random.default_rng(1).integers(90, 110, (96, 128, 3), dtype=np.uint8)
    x = 20 + 2 * index
    pattern = np.random.default_rng(7).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    image[30:54, x : x + 24] = pattern.repeat(4, 0).repeat(4, 1)
    return image


def ground_truth(index: int) -> tuple[int, int, int, int]:
    return 20 + 2 * index, 30, 24, 24


def write_sequence(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for index in range(COUNT):
        cv2.imwrite(str(folder / f"{index + 1:08d}.jpg"), picture(index), [cv2.IMWRITE_JPEG_QUALITY, 98])
    lines = [",".join(map(str, ground_truth(index))) for index in range(COUNT)]
    (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n")
    return folder


def write_bag(path: Path) -> Path:
    messages = []
    for index in range(COUNT):
        stamp_ns = 10**9 + index * 10**8
        messages.append(CameraMessage("sensor_msgs/msg/Image", stamp_ns, image_cdr(picture(index), stamp_ns)))
    write_image_bag(path, messages)
    return path


def evaluate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stdtrack_ros.cli.main", "evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_one_command_on_a_folder_gives_a_report_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sequence(tmp_path / "data" / name)
    arguments = (tmp_path / "data", "--out", tmp_path / "out", "--no-own", "--baseline", "kcf", "--protocol", "all")
    done = evaluate(*arguments, "--raw-results", tmp_path / "raw")
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [each["name"] for each in content["trackers"]] == ["KCF"]
    assert content["trackers"][0]["metrics"]["auc"] > 0.6
    assert {each["name"] for each in content["sequences"]} == {"one", "two"}
    assert content["run"]["protocols"] == ["ope", "realtime", "restart", "multistart"]
    assert "<title>data" in (tmp_path / "out" / "report.html").read_text()
    boxes = read_result(tmp_path / "raw", "plain", "KCF", "one").boxes
    kept = np.load(tmp_path / "out" / "raw" / "KCF" / "one" / "ope.npz")["boxes"]
    np.testing.assert_allclose(boxes, kept, atol=1e-3)
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("raw/*/*/*.npz")}
    assert len(files) == 8
    assert not any("earlier run" in sentence for sentence in content["run"]["conditions"])
    assert evaluate(*arguments).returncode == 0
    conditions = json.loads((tmp_path / "out" / "report.json").read_text())["run"]["conditions"]
    assert conditions[-1] == "The step times of 2 one passes are those of the earlier run that they were kept from."
    assert files == {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("raw/*/*/*.npz")}


def test_a_bag_with_its_ground_truth_in_a_csv_and_a_truncated_one_beside_it(tmp_path: Path) -> None:
    (recording,) = write_bag(tmp_path / "bags" / "good").glob("*.mcap")
    (tmp_path / "bags" / "torn.mcap").write_bytes(recording.read_bytes()[: recording.stat().st_size // 3])
    lines = [f"{1 + index / 10:.3f}," + ",".join(map(str, ground_truth(index))) for index in range(COUNT)]
    for name in ("good", "torn"):
        (tmp_path / f"{name}.csv").write_text("stamp,x,y,width,height\n" + "\n".join(lines) + "\n")
    done = evaluate(
        tmp_path / "bags",
        "--ground-truth",
        tmp_path,
        "--out",
        tmp_path / "out",
        "--no-own",
        "--baseline",
        "kcf",
        "--workers",
        2,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    good = next(each for each in content["sequences"] if each["name"] == "good")
    assert good["metrics"]["KCF"]["ao"] > 0.6
    assert good["duration_s"] == pytest.approx(1.1)
    (error,) = content["errors"]
    assert error["sequence"] == "torn" and "torn.mcap cannot be read" in error["error"]


def test_videos_of_an_earlier_run_inside_the_data_are_no_data(tmp_path: Path) -> None:
    pytest.importorskip("av")
    write_sequence(tmp_path / "one")
    for _ in range(2):
        done = evaluate(tmp_path, "--out", tmp_path / "evaluation", "--no-own", "--baseline", "kcf", "--video", "all")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "evaluation" / "videos" / "one.mp4").is_file()
    content = json.loads((tmp_path / "evaluation" / "report.json").read_text())
    assert [each["name"] for each in content["sequences"]] == ["one"] and content["errors"] == []


def test_a_damaged_frame_is_named_and_costs_only_its_sequence(tmp_path: Path) -> None:
    write_sequence(tmp_path / "data" / "good")
    broken = write_sequence(tmp_path / "data" / "broken") / "00000007.jpg"
    broken.write_bytes(b"no picture")
    done = evaluate(tmp_path / "data", "--out", tmp_path / "out", "--no-own", "--baseline", "kcf")
    assert done.returncode == 0, done.stderr
    assert "failed KCF on broken" in done.stdout and "00000007.jpg" in done.stdout
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [each["sequence"] for each in content["errors"]] == ["broken"]
    assert content["trackers"][0]["metrics"]["auc"] > 0.6


def test_a_bag_without_ground_truth_needs_a_start_box_and_then_gives_speed_but_no_accuracy(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "blind")
    done = evaluate(bag, "--out", tmp_path / "out", "--no-own", "--baseline", "kcf")
    assert done.returncode == 2
    assert "no ground-truth box" in done.stdout and "could be evaluated" in done.stderr
    done = evaluate(bag, "--out", tmp_path / "out", "--no-own", "--baseline", "kcf", "--init", "20,30,24,24")
    assert done.returncode == 0, done.stderr
    (tracker,) = json.loads((tmp_path / "out" / "report.json").read_text())["trackers"]
    assert tracker["metrics"]["auc"] is None and tracker["metrics"]["ms_p50"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere/at/all"], "There is nothing at /nowhere/at/all"),
        (
            [".", "--protocol", "opee"],
            "There is no protocol 'opee'; known are ope, realtime, restart, multistart",
        ),
        ([".", "--baseline", "sort", "--no-own"], "There is no baseline named 'sort'"),
        ([".", "--no-own", "--no-baselines"], "There is no tracker to evaluate"),
        ([".", "--no-own", "--baseline", "kcf", "--baseline", "kcf"], "Two trackers are named 'KCF'"),
        ([".", "--plugin", "mine", "--no-own"], "No installed package offers a tracker named 'mine'"),
        ([".", "--set", "memory.capacity"], "--set takes name=value, found 'memory.capacity'."),
        ([".", "--model", "/nowhere/net.onnx"], "There is no model file /nowhere/net.onnx"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = evaluate(*arguments, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1
