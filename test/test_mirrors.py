# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every module has a test file of its name in the folder of its name, or stands here with its reason."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, TESTS = ROOT / "stdtrack_ros", ROOT / "test"

DECLARATIONS = {
    "cli/options.py",
    "errors.py",
    "look_weights.py",
    "network/family.py",
    "network/stark/family.py",
    "network/stdtrack/config.py",
    "network/stdtrack/family.py",
    "nodes/operator/operator_settings.py",
    "sequences/sequence.py",
    "tracker/backends/backend.py",
    "tracker/candidate.py",
    "tracker/models/model.py",
    "tracker/result.py",
    "training/data/settings.py",
    "training/family.py",
    "training/settings.py",
}
"""Protocols, records, settings and tables: there is nothing that could be wrong in a run of its own."""

TESTED_IN = {
    # What only a process can show: programs and nodes, run over real DDS.
    "nodes/camera/publishers.py": "nodes/tracking/test_diagnostics.py",
    "nodes/operator/page_server.py": "nodes/operator/test_operator_page.py",
    "nodes/operator/robot_link.py": "nodes/operator/test_operator_page.py",
    "nodes/playback/box_recorder.py": "nodes/playback/test_playing_and_recording.py",
    "nodes/playback/video_player.py": "nodes/playback/test_playing_and_recording.py",
    "nodes/positioning/transforms.py": "nodes/positioning/test_target_pose.py",
    "nodes/reporter.py": "nodes/positioning/test_target_pose.py",
    "nodes/tracking/result_publisher.py": "nodes/tracking/test_tracker_node.py",
    "nodes/tracking/tracking_session.py": "nodes/tracking/test_node_lifecycle.py",
    # Two or three that are tested against each other.
    "network/families.py": "test_families.py",
    "network/stdtrack/memory.py": "tracker/models/test_memory.py",
    "nodes/camera/transports.py": "nodes/camera/test_video_stream.py",
    "tracker/backends/onnx.py": "tracker/backends/test_backends.py",
    "tracker/backends/torch.py": "tracker/backends/test_backends.py",
    "tracker/models/shipped.py": "test_shipped_files.py",
    "tracker/models/stdtrack.py": "tracker/backends/test_backends.py",
    # Parts of a network, which mean something in the network alone.
    "network/onnx_export.py": "tracker/backends/test_backends.py",
    "network/stark/foreign.py": "network/stark/test_official.py",
    "network/stark/graphs.py": "tracker/models/test_stark.py",
    "network/stark/transformer.py": "network/stark/test_model.py",
    "network/stdtrack/confidence.py": "network/stdtrack/test_model.py",
    "network/stdtrack/embedding.py": "network/stdtrack/test_model.py",
    "network/stdtrack/graphs.py": "tracker/backends/test_backends.py",
    "network/stdtrack/heads.py": "network/stdtrack/test_losses.py",
    "network/stdtrack/transformer.py": "network/stdtrack/test_model.py",
    # Parts of a training run.
    "training/rollout.py": "training/test_stdtrack.py",
    "training/setup.py": "training/test_stark.py",
    "training/validation.py": "training/test_stdtrack.py",
    # What is read with what is written.
    "sequences/recordings/bag_file.py": "sequences/recordings/test_bags.py",
    "sequences/recordings/bag_ground_truth.py": "sequences/recordings/test_bags.py",
    "sequences/recordings/box_messages.py": "sequences/recordings/test_bag_copy.py",
    "sequences/recordings/foreign_mcap.py": "sequences/recordings/test_bags.py",
    "sequences/recordings/video_writer.py": "sequences/recordings/test_image_bag.py",
    "sequences/shards/opening.py": "sequences/shards/test_packing.py",
    "sequences/shards/shard_writer.py": "sequences/shards/test_packing.py",
    # Figures and pictures of one run.
    "benchmark/benchmark_picture.py": "benchmark/test_benchmark.py",
    "benchmark/table.py": "benchmark/test_benchmark.py",
    "evaluation/memory_bench/conditions.py": "evaluation/memory_bench/test_bench.py",
    "evaluation/memory_bench/objects.py": "evaluation/memory_bench/test_bench.py",
    "evaluation/memory_bench/page.py": "cli/test_memory_bench.py",
    "evaluation/metrics/summary.py": "evaluation/report/test_report.py",
    "evaluation/report/run_picture.py": "evaluation/report/test_box_log.py",
}
"""Modules that are tested as a part of something, and the test of that."""


def test_every_module_has_its_test_file_or_a_reason() -> None:
    modules = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert len(modules) > 150
    without = {name for name in modules if not (TESTS / Path(name).parent / f"test_{Path(name).name}").exists()}
    assert without == DECLARATIONS | set(TESTED_IN)


def test_the_tests_that_are_named_are_there() -> None:
    assert [test for test in TESTED_IN.values() if not (TESTS / test).exists()] == []
