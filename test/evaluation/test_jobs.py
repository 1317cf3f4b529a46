# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a result depends on: whichever file of its source changes, and whenever, it is made again."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from painted_clips import PaintedClip, RedTracker, StillTracker, spec
from sample_sequences import write_bag, write_images, write_lines

from stdtrack_ros.evaluation.results import ResultsFolder
from stdtrack_ros.evaluation.runner import Plan, pending_jobs, run_plan
from stdtrack_ros.sequences.catalog import SequenceHandle, open_sequences


def test_a_file_of_the_source_that_changes_makes_it_be_done_again(tmp_path: Path) -> None:
    data, bag = tmp_path / "data" / "one", tmp_path / "flight"
    write_images(data / "img", 3)
    files = [
        write_lines(data / "groundtruth.txt", ["1,2,30,20"] * 3),
        write_lines(data / "full_occlusion.txt", ["0,0,1"]),
        write_lines(data / "out_of_view.txt", ["0,0,0"]),
        next(write_bag(bag, ground_truth=False).glob("*.mcap")),
    ]
    handles = tuple(open_sequences([tmp_path / "data", bag]))
    folder = ResultsFolder(tmp_path / "results")
    plan = Plan((spec(StillTracker),), handles, start_box=(1, 2, 30, 20))
    run_plan(plan, folder)
    assert [handle.layout for handle in handles] == ["lasot", "bag"] and pending_jobs(plan, folder) == []
    for file in files:
        before = file.stat()
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
        assert len(pending_jobs(plan, folder)) == 1, file
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert pending_jobs(plan, folder) == []


def clip_whose_truth_changes(name: str, ground_truth: Path) -> PaintedClip:
    """Somebody corrects the file while the clip is tracked in."""
    os.utime(ground_truth, ns=(0, 10**18))
    return PaintedClip(name)


def test_what_changes_while_it_is_run_is_done_again(tmp_path: Path) -> None:
    ground_truth = write_lines(tmp_path / "truth.csv", ["1,2,3,4"])
    reader = partial(clip_whose_truth_changes, ground_truth=ground_truth)
    plan = Plan((spec(RedTracker),), (SequenceHandle("a", tmp_path, "painted", reader),))
    folder = ResultsFolder(tmp_path / "results")
    run_plan(plan, folder)
    assert len(pending_jobs(plan, folder)) == 1
