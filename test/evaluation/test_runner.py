# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs over several sequences: nothing is lost with a bad one, nothing is done twice, processes change nothing."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from painted_clips import (
    ExitingTracker,
    FailingTracker,
    KillingTracker,
    PaintedClip,
    RedTracker,
    StillTracker,
    broken_clip,
    clip,
    growing_clip,
    spec,
)

from stdtrack_ros.evaluation import runner
from stdtrack_ros.evaluation.jobs import Job
from stdtrack_ros.evaluation.metrics.metric_definitions import GROUPS
from stdtrack_ros.evaluation.metrics.summary import summarize
from stdtrack_ros.evaluation.protocols import Track
from stdtrack_ros.evaluation.realtime import RealTimeRun
from stdtrack_ros.evaluation.results import ResultsFolder
from stdtrack_ros.evaluation.runner import Plan, pending_jobs, run_in_processes, run_ope, run_plan
from stdtrack_ros.sequences.catalog import SequenceHandle

ALL = ("ope", "realtime", "restart", "multistart")


def test_run_ope_tracks_every_frame_of_every_sequence() -> None:
    clips = [PaintedClip("a"), PaintedClip("b", length=12)]
    tracks = run_ope(RedTracker, clips)
    np.testing.assert_array_equal(tracks["a"].boxes, clips[0].boxes)
    np.testing.assert_array_equal(tracks["b"].boxes, clips[1].boxes)
    assert np.isnan(tracks["b"].step_s).tolist() == [True] + 11 * [False]


def test_a_bad_sequence_and_a_failing_tracker_lose_nothing_else(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    handles = (clip("good"), broken_clip("bad"), clip("torn", broken=20))
    run_plan(Plan((spec(RedTracker), spec(FailingTracker)), handles, ALL), folder)
    assert isinstance(folder.load("RedTracker", "good", "ope"), Track)
    assert folder.load_error("RedTracker", "bad") == "The bag bad is truncated."
    assert folder.load_error("RedTracker", "torn") == "Frame 20 of torn cannot be read."
    failure = folder.load_error("FailingTracker", "good")
    assert failure is not None and failure.startswith(
        "FailingTracker failed: RuntimeError: out of luck (painted_clips.py"
    )
    assert folder.load_error("RedTracker", "good") is None


def dask_config(part: str) -> dict[str, object]:
    import dask
    import distributed  # noqa: F401 (fills the configuration)

    return dask.config.config["distributed"][part]


@pytest.mark.slow
@pytest.mark.parametrize("cluster", ["", "local"], ids=["processes", "dask"])
def test_a_tracker_that_kills_its_process_loses_only_that_sequence(
    tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cluster:
        pytest.importorskip("distributed")
        monkeypatch.setitem(dask_config("scheduler"), "allowed-failures", 0)  # else each job may kill four workers
        monkeypatch.setitem(dask_config("deploy"), "lost-worker-timeout", "10ms")  # each comes back too late for Dask
    folder = ResultsFolder(tmp_path)
    handles = (clip("a"), clip("deadly", seed=13), clip("b", seed=2), clip("c", seed=3))
    run_plan(Plan((spec(KillingTracker),), handles, workers=2, cluster=cluster), folder)
    assert [folder.load("KillingTracker", name, "ope") is not None for name in ("a", "deadly", "b", "c")] == [
        True,
        False,
        True,
        True,
    ]
    assert "KillingTracker killed its " in str(folder.load_error("KillingTracker", "deadly"))


def test_a_pool_that_breaks_before_it_takes_a_job_does_not_lose_that_job(monkeypatch: pytest.MonkeyPatch) -> None:
    class BreakingPool(ThreadPoolExecutor):
        """Found broken when it is given its second job: the process of a job before may die at any moment."""

        taken = 0

        def submit(self, *arguments: Any) -> Future[Any]:  # type: ignore[override]
            BreakingPool.taken += 1
            if BreakingPool.taken == 2:
                raise BrokenProcessPool
            return super().submit(*arguments)

    monkeypatch.setattr(runner, "_pool", BreakingPool)
    jobs = [Job(spec(RedTracker), clip(name), ("ope",), 1, None) for name in "abc"]
    outcomes = list(run_in_processes(jobs, workers=2))
    assert sorted(outcome.job.handle.name for outcome in outcomes) == ["a", "b", "c"]
    assert not any(outcome.error for outcome in outcomes)


def test_what_is_done_is_not_done_again_unless_something_changed(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    plan = Plan((spec(RedTracker), spec(StillTracker)), (clip("a"), clip("b")))
    assert len(pending_jobs(plan, folder)) == 4
    run_plan(plan, folder)
    assert pending_jobs(plan, folder) == []
    # A protocol more: only that one is open, with the pass that it needs at hand.
    more = pending_jobs(replace(plan, protocols=("ope", "restart")), folder)
    assert [job.protocols for job in more] == 4 * [("restart",)]
    assert "ope" in more[0].done
    # Another model, or the same name read in another way: done again.
    changed = replace(plan, specs=(spec(RedTracker, "2"), spec(StillTracker)))
    assert [job.spec.name for job in pending_jobs(changed, folder)] == 2 * ["RedTracker"]
    reread = replace(plan, handles=(clip("a", length=9), clip("b")))
    assert [job.handle.name for job in pending_jobs(reread, folder)] == ["a", "a"]


def test_a_recording_that_grows_between_two_trackers_is_named(tmp_path: Path) -> None:
    reader = partial(growing_clip, recording=tmp_path / "recording")
    folder = ResultsFolder(tmp_path / "results")
    handles = (SequenceHandle("a", tmp_path, "painted", reader), clip("b"))
    run_plan(Plan((spec(RedTracker), spec(StillTracker)), handles, ALL), folder)
    summary = summarize(folder, {"RedTracker": "", "StillTracker": ""}, ["a", "b"])
    assert summary.common == ("b",) and set(summary.rows["StillTracker"]) == {"a", "b"}
    ((tracker, name, message),) = summary.errors
    assert (tracker, name) == ("RedTracker", "a") and "changed while it was evaluated" in message


def test_an_error_of_a_protocol_that_is_not_asked_for_is_not_told(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    run_plan(Plan((spec(RedTracker),), (clip("a"),)), folder)
    folder.save_error("RedTracker", "a", "The restart went wrong.")  # as a run with more protocols leaves it
    asked = summarize(folder, {"RedTracker": ""}, ["a"], ("ope", "restart"))
    assert asked.errors == (("RedTracker", "a", "The restart went wrong."),)
    assert summarize(folder, {"RedTracker": ""}, ["a"], ("ope",)).errors == ()


def test_a_damaged_result_is_made_again(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    plan = Plan((spec(RedTracker),), (clip("a"),))
    run_plan(plan, folder)
    file = tmp_path / "raw" / "RedTracker" / "a" / "ope.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    assert len(pending_jobs(plan, folder)) == 1
    random = np.random.default_rng(0)
    for place in random.integers(0, len(whole), 200):
        file.write_bytes(whole[:place] + random.bytes(4) + whole[place + 4 :])
        assert len(pending_jobs(plan, folder)) <= 1  # the harm may lie where nothing is read


def test_an_older_result_never_stands_in_for_a_run_that_failed(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    run_plan(Plan((spec(RedTracker),), (clip("a"),), ALL), folder)
    run_plan(Plan((spec(RedTracker, "2"),), (broken_clip("a"),), ("ope", "restart")), folder)
    assert folder.load("RedTracker", "a", "ope") is None and folder.load("RedTracker", "a", "restart") is None
    assert summarize(folder, {"RedTracker": ""}, ["a"], ("ope", "restart")).trackers == ()


@pytest.mark.parametrize("length", [1, 2, 3])
def test_the_shortest_sequences_pass_through_every_protocol(tmp_path: Path, length: int) -> None:
    folder = ResultsFolder(tmp_path)
    run_plan(Plan((spec(RedTracker),), (clip("short", length=length),), ALL), folder)
    assert folder.load_error("RedTracker", "short") is None
    (tracker,) = summarize(folder, {"RedTracker": ""}, ["short"]).trackers
    expected = {"auc": 20 / 21, "ao": 1.0} if length > 1 else {"auc": np.nan, "ao": np.nan}
    assert {name: tracker.metrics[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_where_only_the_given_box_is_known_nothing_is_scored(tmp_path: Path) -> None:
    """As in the test sets of GOT-10k and TrackingNet, whose ground truth is withheld."""
    folder = ResultsFolder(tmp_path)
    run_plan(Plan((spec(StillTracker),), (clip("withheld", hidden=range(1, 30)),), ALL), folder)
    (tracker,) = summarize(folder, {"StillTracker": ""}, ["withheld"]).trackers
    scored = [name for group in ("Accuracy", "Reliability") for name in GROUPS[group] if "confidence" not in name]
    scored += ["realtime_auc", "realtime_precision", "realtime_mauc"]
    assert np.isnan([tracker.metrics[name] for name in scored]).all()
    assert tracker.success.size == tracker.precision.size == tracker.delays.size == 0
    assert tracker.metrics["ms_p50"] > 0


def test_a_failed_sequence_is_tried_again(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    run_plan(Plan((spec(RedTracker),), (broken_clip("a"),)), folder)
    assert len(pending_jobs(Plan((spec(RedTracker),), (clip("a"),)), folder)) == 1
    run_plan(Plan((spec(RedTracker),), (clip("a"),)), folder)
    assert folder.load_error("RedTracker", "a") is None


def test_a_sequence_without_ground_truth_needs_a_start_box(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    blind = clip("blind", hidden=range(30))
    run_plan(Plan((spec(StillTracker),), (blind,)), folder)
    assert "no ground-truth box in any of its 30 frames" in str(folder.load_error("StillTracker", "blind"))
    run_plan(Plan((spec(StillTracker),), (blind,), start_box=(1, 2, 30, 40)), folder)
    track = folder.load("StillTracker", "blind", "ope")
    assert isinstance(track, Track)
    np.testing.assert_array_equal(track.boxes, np.tile([1, 2, 30, 40], (30, 1)))


def results(path: Path) -> dict[str, np.ndarray]:
    return {file.parent.name + "/" + file.name: np.load(file)["boxes"] for file in sorted(path.glob("raw/*/*/*.npz"))}


@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": 2, "cluster": "local"}], ids=["processes", "dask"])
def test_processes_and_cluster_give_the_boxes_of_a_single_process(tmp_path: Path, options: dict[str, object]) -> None:
    if "cluster" in options:
        pytest.importorskip("distributed")
    specs = (spec(RedTracker), spec(StillTracker))
    handles = (clip("a"), clip("b", hidden=range(5, 9)), broken_clip("bad"), clip("c", length=80, seed=3))
    plan = Plan(specs, handles, ("ope", "restart", "multistart"))
    run_plan(plan, ResultsFolder(tmp_path / "one"))
    run_plan(replace(plan, **options), ResultsFolder(tmp_path / "many"))
    one, many = results(tmp_path / "one"), results(tmp_path / "many")
    assert len(one) == 9 and one.keys() == many.keys()
    for name, boxes in one.items():
        np.testing.assert_array_equal(boxes, many[name])
    assert ResultsFolder(tmp_path / "many").load_error("RedTracker", "bad") == "The bag bad is truncated."


def test_with_several_workers_real_time_goes_by_times_measured_alone(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    handles = (clip("long", length=80), broken_clip("bad"))
    run_plan(Plan((spec(RedTracker),), handles, ("ope", "realtime"), workers=2), folder)
    track, against_time = folder.load("RedTracker", "long", "ope"), folder.load("RedTracker", "long", "realtime")
    assert isinstance(track, Track) and isinstance(against_time, RealTimeRun)
    # 50 steps are measured, then they repeat; these are what the replay's outputs cost.
    np.testing.assert_array_equal(track.step_s[51:], track.step_s[1:30])
    taken = np.flatnonzero(~np.isnan(against_time.finish_s))[1:]
    free = np.concatenate(([0.0], against_time.finish_s[taken][:-1]))
    begun = np.maximum(free, against_time.arrival_s[taken])
    np.testing.assert_allclose(against_time.finish_s[taken] - begun, track.step_s[taken])
    assert folder.load_error("RedTracker", "bad") == "The bag bad is truncated."


def test_timing_alone_survives_a_tracker_that_kills_its_process(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    handles = (clip("deadly", seed=13), clip("a"))
    run_plan(Plan((spec(KillingTracker),), handles, ("ope", "realtime"), workers=2), folder)
    assert "KillingTracker killed its process on deadly" in str(folder.load_error("KillingTracker", "deadly"))
    assert isinstance(folder.load("KillingTracker", "a", "realtime"), RealTimeRun)


def test_a_tracker_that_exits_loses_only_that_sequence(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    run_plan(Plan((spec(ExitingTracker), spec(StillTracker)), (clip("a"),)), folder)
    assert str(folder.load_error("ExitingTracker", "a")).startswith("ExitingTracker failed: SystemExit: 3 (")
    assert isinstance(folder.load("StillTracker", "a", "ope"), Track)


@pytest.mark.parametrize("workers", [1, 2])
def test_real_time_never_goes_by_times_of_an_earlier_parallel_run(tmp_path: Path, workers: int) -> None:
    folder = ResultsFolder(tmp_path)
    plan = Plan((spec(RedTracker),), (clip("a", length=80),), workers=2)
    run_plan(plan, folder)  # one pass alone: measured while others ran
    assert run_plan(plan, folder) == 1
    assert run_plan(replace(plan, protocols=("ope", "realtime"), workers=workers), folder) == 0
    track, against_time = folder.load("RedTracker", "a", "ope"), folder.load("RedTracker", "a", "realtime")
    assert isinstance(track, Track) and isinstance(against_time, RealTimeRun)
    np.testing.assert_array_equal(track.step_s[51:], track.step_s[1:30])  # 50 steps measured alone, repeated
    taken = np.flatnonzero(~np.isnan(against_time.finish_s))[1:]
    assert against_time.finish_s[taken[0]] - against_time.arrival_s[taken[0]] == pytest.approx(track.step_s[taken[0]])
