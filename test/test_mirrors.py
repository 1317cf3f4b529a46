# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every module has a test file of its name, or tests that import it, or stands here with the test that runs it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, TESTS = ROOT / "stdtrack_ros", ROOT / "test"
RUN_BY = {
    "cli/benchmark.py": "tools/test_wheel.py",
    "cli/node_processes.py": "cli/test_replay.py",
    "cli/operator.py": "nodes/operator/test_operator_page.py",
    "cli/options.py": "cli/test_main.py",
    "cli/overlay_video.py": "cli/test_demo.py",
    "evaluation/cluster.py": "evaluation/test_runner.py",
    "evaluation/evaluate.py": "cli/test_evaluate.py",
    "evaluation/memory_bench/conditions.py": "evaluation/memory_bench/test_bench.py",
    "evaluation/memory_bench/page.py": "evaluation/memory_bench/test_bench.py",
    "network/family.py": "network/test_checkpoint.py",
    "network/stark/family.py": "network/test_checkpoint.py",
    "network/stark/foreign.py": "network/stark/test_official.py",
    "network/stark/graphs.py": "tracker/models/test_stark.py",
    "network/stark/transformer.py": "network/stark/test_model.py",
    "network/stdtrack/confidence.py": "network/stdtrack/test_model.py",
    "network/stdtrack/embedding.py": "network/stdtrack/test_model.py",
    "network/stdtrack/family.py": "network/test_checkpoint.py",
    "network/stdtrack/graphs.py": "tracker/backends/test_backends.py",
    "network/stdtrack/transformer.py": "network/stdtrack/test_model.py",
    "nodes/operator/operator_settings.py": "nodes/operator/test_operator_page.py",
    "nodes/operator/page_server.py": "nodes/operator/test_operator_page.py",
    "nodes/operator/robot_link.py": "nodes/operator/test_operator_page.py",
    "nodes/pending_reply.py": "nodes/tracking/test_target_services.py",
    "nodes/playback/video_player.py": "nodes/playback/test_playing_and_recording.py",
    "nodes/process.py": "nodes/tracking/test_node_lifecycle.py",
    "nodes/reporter.py": "nodes/positioning/test_target_pose.py",
    "nodes/throttled_logger.py": "nodes/tracking/test_node_faults.py",
    "nodes/tracking/result_publisher.py": "nodes/tracking/test_tracker_node.py",
    "nodes/tracking/tracking_session.py": "nodes/tracking/test_node_lifecycle.py",
    "sequences/datasets/attributes.py": "sequences/datasets/test_benchmarks.py",
    "sequences/datasets/uav123_parts.py": "sequences/datasets/test_benchmarks.py",
    "sequences/frames.py": "sequences/datasets/test_folders.py",
    "sequences/recordings/bag_ground_truth.py": "sequences/recordings/test_bags.py",
    "sequences/recordings/foreign_mcap.py": "sequences/recordings/test_bags.py",
    "sequences/sequence.py": "sequences/test_catalog.py",
    "system_info.py": "benchmark/test_benchmark.py",
    "tracker/backends/backend.py": "tracker/backends/test_backends.py",
    "training/family.py": "training/test_stdtrack.py",
    "training/learning_curves.py": "training/test_stdtrack.py",
    "training/synthetic/scene_events.py": "training/synthetic/test_synthetic_clips.py",
    "training/synthetic/trajectories.py": "training/synthetic/test_synthetic_clips.py",
    "training/validation.py": "training/test_stdtrack.py",
}
"""Modules that no test imports, and the test whose program, node or network runs them."""


def _is_tested(module: str, sources: str) -> bool:
    path = Path(module)
    dotted = f"stdtrack_ros.{'.'.join(path.with_suffix('').parts)}"
    return (TESTS / path.parent / f"test_{path.name}").exists() or bool(re.search(rf"{re.escape(dotted)}\b", sources))


def test_every_module_is_tested_by_name_or_stands_in_the_list() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py") if path != Path(__file__))
    modules = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert len(modules) > 150
    assert sorted(module for module in modules if not _is_tested(module, sources) and module not in RUN_BY) == []


def test_what_the_list_names_is_there() -> None:
    assert [module for module in RUN_BY if not (PACKAGE / module).exists()] == []
    assert [test for test in RUN_BY.values() if not (TESTS / test).exists()] == []
