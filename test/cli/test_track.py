# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`stdtrack track` on real files with the shipped network, and what it says of things that it cannot track in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rich.console import Console

from stdtrack_ros.cli.main import main
from stdtrack_ros.cli.track import (
    Footage,
    Run,
    _ask_for_box,
    _first_frame,
    _Outputs,
    _track_all,
    open_footage,
    summarize_results,
    track,
)
from stdtrack_ros.errors import ModelError, SequenceError, SettingError
from stdtrack_ros.geometry import iou
from stdtrack_ros.sequences.recordings.video_writer import VideoWriter
from stdtrack_ros.sequences.recordings.videos import VideoSequence
from stdtrack_ros.tracker.result import Status, TrackResult

COUNT, SIDE = 8, 48


def _scene(index: int) -> np.ndarray:
    """Paint a patterned square that moves 3 px per frame over a smooth ground."""
    rows, columns = np.mgrid[0:160, 0:240]
    image = np.stack([60 + rows / 4, 90 + columns / 6, 120 - rows / 5], axis=2).astype(np.uint8)
    x, y = _place(index)
    image[y : y + SIDE, x : x + SIDE] = (30, 30, 220)
    cv2.circle(image, (x + SIDE // 2, y + SIDE // 2), SIDE // 3, (240, 240, 240), -1)
    cv2.circle(image, (x + SIDE // 2, y + SIDE // 2), SIDE // 6, (20, 20, 20), -1)
    return image


def _place(index: int) -> tuple[int, int]:
    return 60 + 3 * index, 50 + index


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("track") / "clip.mp4"
    with VideoWriter(path, 25.0) as writer:
        for index in range(COUNT):
            writer.write(_scene(index))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images")
    for index in range(COUNT):
        cv2.imwrite(str(path / f"{index}.png"), _scene(index))  # 0 to 7: no zeros in front
    return path


def _track(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stdtrack_ros.cli.main", "track", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)


@pytest.mark.slow
def test_a_target_is_followed_through_a_video_into_json_and_mp4(video: Path, tmp_path: Path) -> None:
    init = f"60,50,{SIDE},{SIDE}"
    done = _track(video, "--init", init, "--out", tmp_path / "out.mp4", "--json", tmp_path / "boxes.json")
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "boxes.json").read_text())
    assert content["init"] == [60, 50, SIDE, SIDE]
    assert content["summary"]["frames"] == COUNT - 1  # the first one is given
    assert [row["frame"] for row in content["frames"]] == list(range(1, COUNT))
    assert [row["stamp_s"] for row in content["frames"]] == pytest.approx([0.04 * i for i in range(1, COUNT)])
    ground_truth = [(*_place(index), SIDE, SIDE) for index in range(1, COUNT)]
    assert iou([row["box"] for row in content["frames"]], ground_truth).mean() > 0.5
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    frames = [image for good, image in (capture.read() for _ in range(COUNT + 1)) if good]
    assert len(frames) == COUNT
    assert frames[0].shape == (160, 240, 3)
    assert np.abs(frames[-1].astype(int) - _scene(COUNT - 1)).max() > 60  # something is drawn


def test_a_folder_of_images_is_read_in_the_order_of_its_numbers(folder: Path) -> None:
    footage = open_footage(str(folder))
    frames = list(footage.frames)
    assert footage.count == len(frames) == COUNT
    for index, (stamp_s, image) in enumerate(frames):
        assert stamp_s == pytest.approx(index / 30)
        assert np.array_equal(image, _scene(index))


def test_a_folder_that_is_named_like_a_number_is_no_camera(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "20241121")
    monkeypatch.chdir(tmp_path)
    assert open_footage("20241121").count == COUNT


def test_a_video_has_its_own_stamps(video: Path) -> None:
    footage = open_footage(str(video))
    assert [stamp_s for stamp_s, _ in footage.frames] == pytest.approx([0.04 * index for index in range(COUNT)])


def test_a_benchmark_sequence_brings_its_first_box(folder: Path, tmp_path: Path) -> None:
    sequence = tmp_path / "Toy"
    sequence.mkdir()
    for image in folder.iterdir():
        (sequence / f"{int(image.stem) + 1:08d}.png").write_bytes(image.read_bytes())
    rows = [f"{x},{y},{SIDE},{SIDE}" for x, y in map(_place, range(COUNT))]
    (sequence / "groundtruth.txt").write_text("\n".join(rows) + "\n")
    first = open_footage(str(sequence)).first_box
    assert first is not None
    assert first.tolist() == [60, 50, SIDE, SIDE]


def test_an_address_of_a_file_is_that_file(video: Path) -> None:
    frames = list(open_footage(video.as_uri()).frames)
    assert [stamp_s for stamp_s, _ in frames] == pytest.approx([0.04 * index for index in range(COUNT)])


def test_the_boxes_so_far_are_on_the_disk_while_it_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes, seen = tmp_path / "boxes.json", []

    def watched(source: str, topic: str) -> Footage:
        footage = open_footage(source, topic)

        def frames() -> Iterator[tuple[float, np.ndarray]]:
            for frame in footage.frames:
                written = json.loads(boxes.read_text()) if boxes.exists() else None
                seen.append(written and len(written["frames"]))
                assert written is None or written["ended"].startswith("killed")
                yield frame

        return replace(footage, frames=frames())

    monkeypatch.setattr("stdtrack_ros.cli.track.open_footage", watched)
    monkeypatch.setattr("stdtrack_ros.cli.track.SAVE_S", 0.0)
    track(str(folder), init=f"60,50,{SIDE},{SIDE}", json_file=boxes)
    assert json.loads(boxes.read_text())["ended"] == ""
    assert seen == [None, None, *range(1, COUNT - 1)]  # the first frame is given; each later one was written at once


def test_a_frame_that_cannot_be_read_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "3.png").write_bytes(b"")
    footage = open_footage(str(broken))
    assert [round(30 * stamp_s) for stamp_s, _ in footage.frames] == [0, 1, 2, 4, 5, 6, 7]
    (sentence,) = footage.left_out
    assert "3.png" in sentence


def test_a_first_frame_that_cannot_be_read_is_left_out_too(folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    for name in ("0.png", "1.png"):
        (broken / name).write_bytes(b"")
    footage = open_footage(str(broken))
    assert [round(30 * stamp_s) for stamp_s, _ in footage.frames] == [2, 3, 4, 5, 6, 7]
    assert ["0.png" in footage.left_out[0], "1.png" in footage.left_out[1]] == [True, True]


def test_a_folder_without_a_frame_that_can_be_read_is_refused(tmp_path: Path) -> None:
    for index in range(3):
        (tmp_path / f"{index}.png").write_bytes(b"")
    with pytest.raises(SequenceError, match=r"0\.png"):
        open_footage(str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{tmp}/nothing.mp4", "--init", "1,2,3,4"], "nothing"),
        (["{video}"], "--init"),
        (["{video}", "--init", "1,2,3"], "x,y,width,height"),
        (["{video}", "--init", "500,500,20,20"], "outside"),
        (["{video}", "--init", "5,5,nan,20"], "finite"),
        (["{video}", "--init", "60,50,48,48", "--model", "{tmp}/no.onnx"], "no.onnx"),
        (["{video}", "--init", "60,50,48,48", "--set", "model.provider=tpu"], "auto, cpu"),
        (["{video}", "--init", "60,50,48,48", "--settings", "{tmp}/no.yaml"], "no.yaml"),
        (["{video}", "--show"], "screen"),
        (["{tmp}/text.mp4", "--init", "1,2,3,4"], "text.mp4"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[1:] or value),
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    video: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    done = _track(*(text.format(video=video, tmp=tmp_path) for text in arguments))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--out", "--json"])
@pytest.mark.parametrize("way", ["itself", "symbolic link", "hard link"])
def test_an_output_is_never_the_input(
    video: Path, tmp_path: Path, option: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = tmp_path / "flight.mp4"
    shutil.copy(video, recording)
    target = recording if way == "itself" else tmp_path / "link.mp4"
    if way == "symbolic link":
        target.symlink_to("flight.mp4")
    elif way == "hard link":
        os.link(recording, target)
    monkeypatch.setattr("sys.argv", ["stdtrack", "track", str(recording), "--init", "60,50,48,48", option, str(target)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert recording.read_bytes() == video.read_bytes()


class _Failing:
    """A tracker that breaks down after some frames."""

    def __init__(self, frames: int) -> None:
        self._left = frames

    def track(self, image: np.ndarray, stamp_s: float) -> TrackResult:
        if self._left == 0:
            raise ModelError("The network is gone.")
        self._left -= 1
        return TrackResult(
            np.ones(4), Status.TRACKING, 0.5, 0.5, np.zeros((4, 4)), np.zeros(2), 0.0, 5 - self._left, {"a": 1.0}
        )


def test_what_was_tracked_before_a_failure_is_kept(video: Path, tmp_path: Path) -> None:
    run, footage = Run(), open_footage(str(video))
    outputs = _Outputs(tmp_path / "out.mp4", show=False)
    with pytest.raises(ModelError):
        _track_all(_Failing(4), footage, outputs, Console(quiet=True), run)
    assert len(run.results) == 4
    assert len(VideoSequence("out", tmp_path / "out.mp4")) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


class _Interrupted(_Failing):
    """A tracker whose user presses Ctrl-C after some frames."""

    def track(self, image: np.ndarray, stamp_s: float) -> TrackResult:
        try:
            return super().track(image, stamp_s)
        except ModelError:
            raise KeyboardInterrupt from None


def test_an_interruption_ends_the_run_in_order(video: Path, tmp_path: Path) -> None:
    run, footage = Run(), open_footage(str(video))
    _track_all(_Interrupted(3), footage, _Outputs(tmp_path / "out.mp4", show=False), Console(quiet=True), run)
    assert (len(run.results), run.ended) == (3, "ended by the user")
    assert len(VideoSequence("out", tmp_path / "out.mp4")) == 3


def test_the_key_q_ends_the_run(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[np.ndarray] = []
    monkeypatch.setattr(cv2, "imshow", lambda _, picture: shown.append(picture))
    monkeypatch.setattr(cv2, "waitKey", lambda _: ord("q") if len(shown) == 2 else -1)
    run = Run()
    _track_all(_Failing(9), open_footage(str(video)), _Outputs(None, show=True), Console(quiet=True), run)
    assert (len(run.results), len(shown), run.ended) == (2, 2, "ended by the user")


@pytest.mark.parametrize(("drawn", "taken"), [((5, 6, 30, 20), [5, 6, 30, 20]), ((0, 0, 0, 0), None)])
def test_a_box_drawn_with_the_mouse(
    video: Path, drawn: tuple[int, ...], taken: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: drawn)
    footage = open_footage(str(video))
    if taken is not None:
        assert _ask_for_box(_scene(0), footage, show=True).tolist() == taken
    else:
        with pytest.raises(SettingError, match="No box was drawn"):
            _ask_for_box(_scene(0), footage, show=True)


def test_images_of_a_camera_that_came_meanwhile_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Camera:
        passed_over = 5

        def __init__(self, source: str) -> None:
            assert source == "97"

        def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
            yield from ((0.1 * index, _scene(index)) for index in range(2))

    monkeypatch.setattr("stdtrack_ros.sequences.recordings.videos.CameraFrames", Camera)
    footage = open_footage("97")
    assert footage.count is None and footage.left_out == []
    assert [stamp_s for stamp_s, _ in footage.frames] == [0.0, 0.1]
    assert footage.left_out == ["5 images came while the one before was worked on."]


def test_a_failure_ends_the_file_of_boxes_with_its_reason(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Tracker(_Failing):
        model = SimpleNamespace(info=SimpleNamespace(name="none", provider="cpu", note=""))
        start_doubt = ""

        def initialize(self, *_: object) -> None: ...

    broken = shutil.copytree(folder, tmp_path / "broken")
    for index in range(1, 7):
        (broken / f"{index}.png").write_bytes(b"")
    monkeypatch.setattr("stdtrack_ros.tracker.create_tracker", lambda _: Tracker(1))
    shutil.copy(broken / "7.png", broken / "8.png")
    with pytest.raises(ModelError):
        track(str(broken), init=f"60,50,{SIDE},{SIDE}", json_file=tmp_path / "boxes.json")
    content = json.loads((tmp_path / "boxes.json").read_text())
    assert content["ended"] == "The network is gone."
    assert len(content["frames"]) == 1 and len(content["left_out"]) == 6
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("left out: ") == 6 and "left out: 1 more frames." in told
    assert "The network is gone; what was tracked so far is kept" in told


def test_a_source_without_a_frame_is_an_error_with_its_name() -> None:
    with pytest.raises(SequenceError, match="cam0 has no frame"):
        _first_frame(Footage(iter(()), None), "cam0")


def test_a_folder_of_several_sequences_asks_for_one(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "00000001.png").write_bytes((folder / "0.png").read_bytes())
        (tmp_path / name / "groundtruth.txt").write_text("1,1,9,9\n")
    with pytest.raises(SequenceError, match="2 sequences"):
        open_footage(str(tmp_path))


def test_the_summary_counts_states_and_their_changes() -> None:
    results = [
        TrackResult(np.zeros(4), status, 0.5, 0.5, np.zeros((4, 4)), np.zeros(2), 0.0, number, {"a": 1.0, "b": time})
        for number, (status, time) in enumerate(((Status.TRACKING, 4.0), (Status.LOST, 9.0), (Status.LOST, 9.0)), 1)
    ]
    summary = summarize_results(results)
    assert summary["frames_by_status"] == {"TRACKING": 1, "LOST": 2}
    assert summary["state_changes"] == [{"frame": 2, "from": "TRACKING", "to": "LOST"}]
    assert summary["time_ms_p50"] == pytest.approx(10.0)
    assert summary["fps_of_tracker"] == pytest.approx(1000 * 3 / 25)
    assert summarize_results([])["time_ms_p50"] is None
