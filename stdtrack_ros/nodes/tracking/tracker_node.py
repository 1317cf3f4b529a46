# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 node: a camera in, a TrackedBox out."""

from __future__ import annotations

import gc
import math
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_srvs.srv import SetBool, Trigger

from stdtrack_ros.errors import ModelError, SettingError, StdtrackError
from stdtrack_ros.msg import TargetInit
from stdtrack_ros.nodes.parameters import SettingsNode, TrackerNodeSettings
from stdtrack_ros.nodes.pending_reply import PendingReply
from stdtrack_ros.nodes.process import run_node
from stdtrack_ros.nodes.throttled_logger import ThrottledLogger
from stdtrack_ros.nodes.tracking.diagnostics import DiagnosticsPublisher, Health, NodeSnapshot, TargetReport
from stdtrack_ros.nodes.tracking.messages import seconds
from stdtrack_ros.nodes.tracking.result_publisher import ResultPublisher
from stdtrack_ros.nodes.tracking.tracking_loop import Reply
from stdtrack_ros.nodes.tracking.tracking_session import TrackingSession
from stdtrack_ros.settings import TrackerSettings, with_plugged_in
from stdtrack_ros.srv import StartTarget, StopTarget
from stdtrack_ros.tracker import load_model
from stdtrack_ros.tracker.models.model import Model

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
NOT_ACTIVE = "A target was to start while the node is not active; activate it and ask again."
NO_REPLY = "The tracker has not answered in time: it is busy with one frame, or hangs; /diagnostics says more."
REPLY_S = 10.0
"""How long a service waits for the worker."""
WATCH_S = 0.1
"""How often the node looks whether the level of its diagnostics has changed."""


class TrackerNode(SettingsNode[TrackerNodeSettings], LifecycleNode):
    """Managed node: configure loads the model, activate subscribes, deactivate leaves, cleanup frees.

    Args:
        load: what loads the network of the given settings.

    Raises:
        SettingError: a parameter given from outside is not allowed.
    """

    def __init__(self, load: Callable[[TrackerSettings], Model] = load_model, **node_options: Any) -> None:
        super().__init__("tracker_node", **node_options)
        self.declare_settings(with_plugged_in(TrackerNodeSettings))
        self._load = load
        self._model: Model | None = None
        self._publisher: ResultPublisher | None = None
        self._session: TrackingSession | None = None
        self._fault = ""
        self._health = Health()
        self._warn = ThrottledLogger(self.get_logger().warning)
        self._diagnostics = DiagnosticsPublisher(self, self._health)
        self._guard_transitions()
        overrides = QoSOverridingOptions.with_default_policies()
        name, qos = "target_init", QoSProfile(depth=10)
        try:
            self.create_subscription(TargetInit, name, self._on_target_init, qos, qos_overriding_options=overrides)
        except RuntimeError as error:  # what rclpy raises for a policy that there is not
            raise SettingError(f"Cannot subscribe to {name}: {error}") from None
        self.create_subscription(Time, "~/hold_frame", self._on_hold_frame, qos)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_service(SetBool, "~/enable", self._on_enable)
        # A group of their own: while they await the worker, the node's other callbacks go on.
        waiting = ReentrantCallbackGroup()
        self.create_service(StartTarget, "~/start_target", self._on_start_target, callback_group=waiting)
        self.create_service(StopTarget, "~/stop_target", self._on_stop_target, callback_group=waiting)
        # On the steady clock: simulated time may stand still, and a stalled camera with it.
        self.create_timer(WATCH_S, self._on_watch, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def start(self) -> None:
        """Configure and activate, as a lifecycle manager would.

        Raises:
            ModelError: the model cannot be loaded.
        """
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != SUCCESS:
                raise ModelError(self._fault)

    def leave(self) -> None:
        """Stop and free everything, whatever the state."""
        if self._state_machine.current_state[1] != "finalized":
            self.trigger_shutdown()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model and offer the topics."""
        self._fault = ""
        try:
            self._model = self._load(self.settings)
            self._publisher = ResultPublisher(self, self._health, lambda: self.settings, self._refuse)
        except Exception as error:
            self._model = None
            return self._failed("configure", error)
        info = self._model.info
        self.get_logger().info(
            f"{info.name} runs on {info.provider} ({info.backend}, {info.precision}, sha256 {info.sha256[:12]})."
        )
        if info.note:
            self.get_logger().warning(info.note)
        return SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the camera and start the worker, without any target."""
        assert self._model is not None and self._publisher is not None
        self._fault = ""
        try:
            self._session = TrackingSession(
                self, self._model, self._publisher, self._health, self.settings, self._refuse
            )
        except Exception as error:
            return self._failed("activate", error)
        self.get_logger().info(f"Waiting for images on {self._session.camera.topic}.")
        return SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Leave the camera's topics, stop the worker, forget the targets."""
        session, self._session = self._session, None
        if session is not None and not session.end():
            self.get_logger().error("The network hangs; its thread is left behind.")
        return SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model and take the topics away."""
        if self._publisher is not None:
            self._publisher.destroy()
        self._publisher = self._model = None
        gc.collect()
        return SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free everything."""
        self.on_deactivate(state)
        return self.on_cleanup(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go back to unconfigured, from where configure may be tried again."""
        return self.on_shutdown(state)

    def settings_changed(self) -> None:
        """Pass new parameters on to the worker."""
        if self._session is not None:
            self._session.change_settings(self.settings)

    def settings_refused(self, sentence: str) -> None:
        """Report refused parameters as any other refusal."""
        self._refuse(sentence)

    def _refuse(self, sentence: str) -> None:
        self._health.refused(sentence)
        self._warn(sentence)

    def _failed(self, what: str, error: Exception) -> TransitionCallbackReturn:
        self._fault = str(error) if isinstance(error, StdtrackError) else f"Cannot {what}: {error!r}"
        self.get_logger().error(self._fault)
        if not isinstance(error, StdtrackError):
            self.get_logger().error(traceback.format_exc())
        return FAILURE

    def _guard_transitions(self) -> None:
        """Answer a transition that is not possible now.

        Up to Jazzy, rclpy lets the error end the process; from Kilted on, it refuses without a word to whoever asks.
        """
        service = self._service_change_state
        change = service.callback

        def answer(request: Any, response: Any) -> Any:
            wanted = request.transition
            possible = self._state_machine.available_transitions
            if (wanted.label or wanted.id) in {each[1 if wanted.label else 0] for each in possible}:
                return change(request, response)
            state = self._state_machine.current_state[1]
            self._refuse(f"The transition {wanted.label or wanted.id} is not possible while the node is {state}.")
            response.success = False
            return response

        service.callback = answer

    def _on_watch(self) -> None:
        self._diagnostics.watch(self._snapshot(), self.settings.diagnostics_period)

    def _on_target_init(self, message: TargetInit) -> None:
        if self._session is None:
            self._refuse(NOT_ACTIVE)
            return
        self._session.start_target(message)

    def _on_hold_frame(self, stamp: Time) -> None:
        if self._session is not None:
            self._session.hold_frame(seconds(stamp))

    async def _on_start_target(
        self, request: StartTarget.Request, response: StartTarget.Response
    ) -> StartTarget.Response:
        pending = self._pending_reply(request.target_id)
        if self._session is None:
            self._refuse(NOT_ACTIVE)
            pending.set(Reply(False, request.target_id, NOT_ACTIVE))
        else:
            self._session.start_target(request, pending.set)
        reply = await pending
        response.accepted, response.target_id, response.message = reply.accepted, reply.target_id, reply.message
        box = [math.nan] * 4 if reply.box is None else [float(number) for number in reply.box]
        response.x, response.y, response.width, response.height = box
        return response

    def _pending_reply(self, target_id: str) -> PendingReply[Reply]:
        assert self.executor is not None  # callbacks run in one
        return PendingReply(self.executor.wake, Reply(False, target_id, NO_REPLY), REPLY_S)

    async def _on_stop_target(self, request: StopTarget.Request, response: StopTarget.Response) -> StopTarget.Response:
        pending = self._pending_reply(request.target_id)
        if self._session is None:
            pending.set(Reply(False, request.target_id, "The node is not active: there is no target."))
        else:
            self._session.stop_target(request.target_id, pending.set)
        reply = await pending
        response.success, response.message = reply.accepted, reply.message
        return response

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._session is not None
        response.message = (
            "All targets are forgotten." if self._session else "The node is not active: nothing to forget."
        )
        if self._session is not None:
            self._session.reset()
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success = self._session is not None
        words = "enabled" if request.data else "disabled; targets are kept"
        response.message = f"Tracking is {words}." if self._session else "The node is not active: activate it first."
        if self._session is not None:
            self._session.enable(request.data)
        return response

    def _snapshot(self) -> NodeSnapshot:
        session = self._session
        targets: Sequence[TargetReport] = ()
        if session is not None:
            targets = [TargetReport(t.target_id, t.status, t.quality, t.intensity) for t in session.targets()]
        return NodeSnapshot(
            state=self._state_machine.current_state[1],
            enabled=session is None or session.enabled,
            topic=session.camera.topic if session else self.resolve_topic_name("image"),
            model=self._model.info if self._model else None,
            targets=targets,
            dropped=session.dropped if session else 0,
            fault=self._fault,
            silence=session.silence() if session else "",
            input_fault=session.input_fault() if session else "",
            busy_s=session.busy_s if session else 0.0,
            **({"bearings": session.bearings(), "rotation": session.rotation()} if session else {}),
        )


def main(args: list[str] | None = None, load: Callable[[TrackerSettings], Model] = load_model) -> None:
    """Run the node `tracker_node`."""

    def make() -> TrackerNode:
        node = TrackerNode(load)
        if node.settings.autostart:
            node.start()
        return node

    run_node(make, TrackerNode.leave, args)


if __name__ == "__main__":
    main()
