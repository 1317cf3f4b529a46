# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The managed node: transitions, models that cannot be loaded, parameters at run time, and its end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import onnx
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from moving_scene import Scene
from node_bench import WAIT_S, Bench, NodeProcess, running
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from stdtrack_ros.msg import TrackedBox
from template_matching import TemplateMatching

from stdtrack_ros.nodes.tracking.tracker_node import TrackerNode
from stdtrack_ros.settings import TrackerSettings

pytestmark = pytest.mark.ros
SCENE = Scene()
NONE, TRACKING = TrackedBox.STATUS_NONE, TrackedBox.STATUS_TRACKING


def change(bench: Bench, transition: int, label: str = "") -> bool:
    request = ChangeState.Request(transition=Transition(id=transition, label=label))
    return bool(bench.call(ChangeState, "tracker_node/change_state", request).success)


def state(bench: Bench) -> str:
    return str(bench.call(GetState, "tracker_node/get_state", GetState.Request()).current_state.label)


def start(bench: Bench, index: int) -> None:
    bench.start_on(SCENE.box(index), at=bench.answer(SCENE.image(index)).header)


def test_a_manager_leads_the_node_through_its_states(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, warm=False, autostart=False):
        assert state(bench) == "unconfigured"
        assert bench.camera.get_subscription_count() == 0
        bench.start(SCENE.box(0))
        bench.wait_report("not active")
        assert not bench.reset().success and not bench.enable(True).success

        assert change(bench, Transition.TRANSITION_CONFIGURE) and state(bench) == "inactive"
        assert bench.camera.get_subscription_count() == 0, "an inactive node does not listen to the camera"
        assert bench.report()["level"] == "1"
        assert change(bench, Transition.TRANSITION_ACTIVATE) and state(bench) == "active"
        bench.warm_up(bench.show)
        start(bench, 0)
        assert bench.answer(SCENE.image(1)).status == TRACKING

        assert change(bench, Transition.TRANSITION_DEACTIVATE) and state(bench) == "inactive"
        bench.wait(lambda: bench.camera.get_subscription_count() == 0, "end of the subscription")
        assert change(bench, Transition.TRANSITION_CLEANUP) and state(bench) == "unconfigured"
        bench.wait(lambda: bench.count_publishers("tracked_box") == 0, "end of the publisher")

        assert change(bench, Transition.TRANSITION_CONFIGURE) and change(bench, Transition.TRANSITION_ACTIVATE)
        bench.boxes.clear()
        bench.warm_up(bench.show)
        assert bench.answer(SCENE.image(2)).status == NONE, "nothing survives a deactivation"
        start(bench, 3)
        assert bench.answer(SCENE.image(4)).status == TRACKING


def test_a_transition_that_is_not_possible_is_refused(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        assert not change(bench, Transition.TRANSITION_CONFIGURE)
        assert not change(bench, 77)
        assert not change(bench, 0, "configure") and not change(bench, 0, "wander")
        assert "not possible while the node is active" in bench.wait_report("not possible")["last refusal"]
        assert bench.answer(SCENE.image(1)).status == NONE
        assert change(bench, 0, "deactivate") and state(bench) == "inactive"


def test_a_node_that_was_shut_down_still_ends_with_0(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench):
        start(bench, 0)
        assert change(bench, Transition.TRANSITION_ACTIVE_SHUTDOWN) and state(bench) == "finalized"
        assert not change(bench, Transition.TRANSITION_CONFIGURE)


def test_parameters_change_while_the_node_runs(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, stale_after=30.0):
        start(bench, 0)
        assert bench.answer(SCENE.image(1)).status == TRACKING
        assert bench.set_parameter("stale_after", 0.2).successful
        bench.wait(lambda: bench.boxes[-1].status == TrackedBox.STATUS_LOST, "LOST of a camera that is silent")
        refused = bench.set_parameter("stale_after", 1000.0)
        assert not refused.successful and "0.05 to 60 (s)" in refused.reason
        assert "0.05 to 60 (s)" in bench.wait_report("stale_after")["last refusal"]
        assert not bench.set_parameter("model.path", "x.onnx").successful
        assert bench.set_parameter("status.lost_after", 0.5).successful
        assert bench.answer(SCENE.image(2)).status == TRACKING, "the target is still there"


def test_a_parameter_of_the_wrong_type_ends_the_start_with_a_sentence(ros: None, tmp_path: Path) -> None:
    node = NodeProcess(tmp_path / "log", max_targets="many")
    assert node.process.wait(WAIT_S) == 2
    assert "max_targets cannot be 'many'; allowed is an integer from 1 to 64" in node.output
    assert "Traceback" not in node.output


def test_a_misspelt_parameter_is_warned_of(bench: Bench, tmp_path: Path) -> None:
    with running(tmp_path / "log", bench, memory__capasity=3) as node:
        assert "did you mean memory.capacity?" in node.output


@pytest.mark.parametrize("kind", ["missing", "empty", "truncated", "text", "another network", "a folder"])
def test_a_model_that_cannot_be_used_ends_the_start_with_a_sentence(ros: None, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.onnx"
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    sides = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3]) for name in "xy"]
    graph = onnx.helper.make_model(onnx.helper.make_graph([node], "g", sides[:1], sides[1:])).SerializeToString()
    content = {"empty": b"", "truncated": graph[:-20], "text": b"not a model", "another network": graph}.get(kind)
    if kind == "a folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    process = NodeProcess(tmp_path / "log", script="../../scripts/tracker_node", model__path=str(path))
    assert process.process.wait(WAIT_S) == 2, process.output
    assert str(path) in process.output
    assert "Traceback" not in process.output


def test_a_manager_may_try_again_after_a_model_was_missing(bench: Bench, tmp_path: Path) -> None:
    missing = str(tmp_path / "model.onnx")
    script = "../../scripts/tracker_node"
    with running(tmp_path / "log", bench, warm=False, autostart=False, script=script, model__path=missing):
        assert not change(bench, Transition.TRANSITION_CONFIGURE)
        assert state(bench) == "unconfigured"
        assert bench.wait_report(missing, "message")["level"] == "2"
        assert not change(bench, Transition.TRANSITION_CONFIGURE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_frame_ends_the_node_with_0(
    bench: Bench, tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path / "log", bench, model__threads=250) as node:
        start(bench, 0)
        bench.show(SCENE.image(1))
        bench.spin(0.1)
        assert node.stop(number) == 0
        assert "Traceback" not in node.output, node.output
        node.process.send_signal = lambda number: None  # type: ignore[method-assign]


def test_the_node_needs_no_torch(ros: None) -> None:
    program = "import sys; import stdtrack_ros.nodes.tracking.tracker_node; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_cleanup_frees_the_model(ros: None) -> None:
    made: list[weakref.ref[TemplateMatching]] = []

    def load(settings: TrackerSettings) -> TemplateMatching:
        model = TemplateMatching()
        made.append(weakref.ref(model))
        return model

    node = TrackerNode(load, namespace="cleanup")
    try:
        for _ in range(3):
            node.start()
            assert made[-1]() is not None
            node.trigger_deactivate()
            node.trigger_cleanup()
        assert len(made) == 3 and [reference() for reference in made] == [None] * 3
    finally:
        node.trigger_shutdown()
        node.destroy_node()


@pytest.mark.parametrize("place", ["tracked_box.publisher", "target_init.subscription"])
def test_a_qos_override_that_is_none_ends_the_start_with_a_sentence(ros: None, tmp_path: Path, place: str) -> None:
    node = NodeProcess(tmp_path / "log", **{f"qos_overrides./{place}.reliability": "perhaps"})
    assert node.process.wait(WAIT_S) == 2, node.output
    last = node.output.splitlines()[-1]
    assert last.startswith("stdtrack_ros: ") and "`reliability`: `perhaps`" in last


@pytest.mark.parametrize("topic", ["image", "camera_info"])
def test_an_activation_that_fails_leaves_nothing_behind(ros: None, topic: str) -> None:
    wrong = Parameter(f"qos_overrides./activation/{topic}.subscription.reliability", value="perhaps")
    node = TrackerNode(lambda settings: TemplateMatching(), namespace="activation", parameter_overrides=[wrong])
    try:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        for _ in range(3):
            assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
        assert "tracking" not in [thread.name for thread in threading.enumerate()]
        assert "/activation/image" not in [one.topic_name for one in node.subscriptions]
    finally:
        node.trigger_shutdown()
        node.destroy_node()


def test_a_configuration_that_fails_leaves_nothing_behind(ros: None) -> None:
    wrong = Parameter("qos_overrides./configuration/image_annotated.publisher.reliability", value="perhaps")
    node = TrackerNode(lambda settings: TemplateMatching(), namespace="configuration", parameter_overrides=[wrong])
    try:
        for _ in range(3):
            assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert "/configuration/tracked_box" not in [one.topic_name for one in node.publishers]
    finally:
        node.trigger_shutdown()
        node.destroy_node()


def test_an_activation_that_works_ends_the_report_of_one_that_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(worker: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    node = TrackerNode(lambda settings: TemplateMatching(), namespace=bench.get_namespace())
    bench._executor.add_node(node)
    try:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", no_thread)
            assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
        assert bench.wait_report("can't start new thread", "message")["level"] == "2"
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert bench.wait_report("Waiting for a target", "message")["level"] == "0"
    finally:
        node.trigger_shutdown()
        bench._executor.remove_node(node)
        node.destroy_node()
