# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Close the loop in MuJoCo: a robot with a camera follows a walker, loses it behind a wall, and finds it again.

    python tools/closed_loop.py --runs 50 --out closed_loop.csv
    python tools/closed_loop.py --first 7 --runs 1 --film run.mp4

Each picture goes to the tracker; its TrackedBox, with the distance that target_pose's code reads from the rendered
depth, goes to follow_controller's control law; the velocity drives the robot's joints. Time is the simulator's.
"""

from __future__ import annotations

import csv
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("MUJOCO_GL", "osmesa")  # no display is needed

import mujoco
import numpy as np
import typer
from std_msgs.msg import Header
from stdtrack_ros.msg import TargetState, TrackedBox

from stdtrack_ros.errors import InputError
from stdtrack_ros.geometry import iou
from stdtrack_ros.nodes.camera.annotated_image import annotated
from stdtrack_ros.nodes.following.control_law import (
    STOP,
    FollowSettings,
    Velocity,
    distance_reason,
    eased,
    velocity,
)
from stdtrack_ros.nodes.following.trust import stop_reason
from stdtrack_ros.nodes.positioning.foreground import ForegroundDepth
from stdtrack_ros.nodes.tracking.messages import FrameInfo, tracked_box
from stdtrack_ros.settings import make_settings
from stdtrack_ros.tracker import create_tracker

WIDTH, HEIGHT, FIELD_DEG = 320, 240, 50.0
FOCAL = HEIGHT / 2 / math.tan(math.radians(FIELD_DEG / 2))
RATE, LENGTH_S, START_FRAME = 10.0, 16.0, 3
EYE_M, WALKER_M, RADIUS_M = 1.1, 1.75, 0.25
TRACKING, LOST = TrackedBox.STATUS_TRACKING, TrackedBox.STATUS_LOST
HIT_IOU = 0.3
WINDOWS = 3
"""Windows per picture of the search for a LOST target: at so few pictures per second there is time for them."""
SETTINGS = FollowSettings(
    horizontal_fov=2 * math.atan(WIDTH / 2 / FOCAL),
    distance=5.0,
    min_distance=2.0,
    forward_gain=2.0,
    max_speed=0.6,
    yaw_gain=2.0,
    max_age=1.0,
)

SCENE = """
<mujoco>
  <option timestep="0.02"/>
  <visual><quality shadowsize="0" offsamples="1"/><global offwidth="320" offheight="240"/></visual>
  <asset>
    <texture name="sky" type="skybox" builtin="gradient" rgb1="0.5 0.6 0.7" rgb2="0.9 0.9 0.9"
      width="64" height="64"/>
    <texture name="ground" type="2d" builtin="checker" rgb1="{ground}" rgb2="{other}" width="64" height="64"/>
    <material name="ground" texture="ground" texrepeat="24 24"/>
  </asset>
  <worldbody>
    <light pos="0 0 12" dir="{light}" directional="true" castshadow="false" diffuse="0.8 0.8 0.8"/>
    <geom name="ground" type="plane" size="40 40 0.1" material="ground"/>
    <geom name="wall" type="box" size="0.1 {wall_half} 1.3" pos="{wall_x} {wall_y} 1.3" rgba="0.55 0.5 0.45 1"/>
    {things}
    <body name="robot" pos="0 0 0.3">
      <joint name="x" type="slide" axis="1 0 0" damping="1"/>
      <joint name="y" type="slide" axis="0 1 0" damping="1"/>
      <joint name="yaw" type="hinge" axis="0 0 1" damping="1"/>
      <geom type="cylinder" size="0.25 0.2" mass="20" contype="0" conaffinity="0"/>
      <camera name="eye" pos="0 0 {eye}" xyaxes="0 -1 0 0 0 1" fovy="{field}"/>
    </body>
    <body name="walker" mocap="true" pos="{walker_x} 0 0">
      <geom type="capsule" fromto="0 0 0.25 0 0 0.75" size="0.22" rgba="{trousers}"/>
      <geom type="capsule" fromto="0 0 0.85 0 0 1.25" size="0.25" rgba="{shirt}"/>
      <geom type="box" size="0.02 0.2 0.06" pos="-0.25 0 1.1" rgba="{stripe}"/>
      <geom type="sphere" size="0.14" pos="0 0 1.6" rgba="0.85 0.65 0.5 1"/>
    </body>
  </worldbody>
  <actuator>
    <velocity joint="x" kv="400"/><velocity joint="y" kv="400"/><velocity joint="yaw" kv="60"/>
  </actuator>
</mujoco>
"""


@dataclass
class Moment:
    """One picture of a run: what was true, what was said, and what was commanded."""

    time_s: float
    hidden: bool
    status: int
    overlap: float
    forward: float
    yaw_rate: float
    distance_error_m: float
    reason: str


@dataclass(frozen=True)
class Summary:
    """One run.

    Attributes:
        success: lost behind the wall, found again, and followed at the end.
        hidden_s: how long the wall hid the walker.
        lost_after_s: from the time it was hidden until LOST was said; NaN if never.
        found_after_s: from the time it was out again until it was tracked again; NaN if never.
        on_target: share of the visible pictures, after the start, in which it was TRACKING on the walker.
        on_other: share of all pictures in which it was TRACKING something else.
        moved_lost: largest speed (m/s or rad/s) commanded while LOST.
        distance_error_m: median error of the distance while tracked.
    """

    seed: int
    success: bool
    hidden_s: float
    lost_after_s: float
    found_after_s: float
    on_target: float
    on_other: float
    moved_lost: float
    distance_error_m: float


class Simulation:
    """A scene drawn from a seed: colours, light, wall, clutter, and the way and pace of the walker."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)

        def colour() -> str:
            red, green, blue = random.uniform(0.1, 0.95, 3)
            return f"{red:.2f} {green:.2f} {blue:.2f} 1"

        grey = random.uniform(0.25, 0.5)
        self.walker_x = random.uniform(6.0, 7.5)
        self.pace = random.uniform(0.45, 0.75)
        self.start_y = random.uniform(1.6, 2.2)
        wall_x = self.walker_x - random.uniform(1.2, 2.0)
        things = "".join(
            f'<geom type="box" size="{a:.2f} {b:.2f} {c:.2f}" pos="{x:.2f} {y:.2f} {c:.2f}" rgba="{colour()}"/>'
            for a, b, c, x, y in random.uniform((0.1, 0.1, 0.2, 9, -8), (0.8, 0.8, 1.2, 16, 8), (8, 5))
        )
        text = SCENE.format(
            ground=f"{grey:.2f} {grey:.2f} {grey:.2f}",
            other=f"{grey + 0.15:.2f} {grey + 0.2:.2f} {grey + 0.1:.2f}",
            light=f"{random.uniform(-0.5, 0.5):.2f} {random.uniform(-0.5, 0.5):.2f} -1",
            wall_half=f"{random.uniform(0.55, 0.8):.2f}",
            wall_x=wall_x,
            wall_y=random.uniform(-0.5, 0.0),
            things=things,
            eye=EYE_M - 0.3,
            field=FIELD_DEG,
            walker_x=self.walker_x,
            trousers=colour(),
            shirt=colour(),
            stripe=colour(),
        )
        self.model = mujoco.MjModel.from_xml_string(text)
        self.data = mujoco.MjData(self.model)
        self.data.qpos[2] = random.uniform(0.05, 0.2)
        self._wall = self.model.geom("wall").id
        self._robot = self.model.body("robot").id
        self._colour = mujoco.Renderer(self.model, HEIGHT, WIDTH)
        self._depth = mujoco.Renderer(self.model, HEIGHT, WIDTH)
        self._depth.enable_depth_rendering()
        self._place_walker()
        mujoco.mj_forward(self.model, self.data)

    def close(self) -> None:
        """Free the renderers."""
        self._colour.close()
        self._depth.close()

    def step(self, command: Velocity) -> None:
        """Drive for the time of one picture."""
        for _ in range(round(1.0 / RATE / self.model.opt.timestep)):
            yaw = float(self.data.qpos[2])
            self.data.ctrl[:] = (command.forward * math.cos(yaw), command.forward * math.sin(yaw), command.yaw_rate)
            self._place_walker()
            mujoco.mj_step(self.model, self.data)
        mujoco.mj_forward(self.model, self.data)

    def picture(self) -> np.ndarray:
        """Return (HEIGHT, WIDTH, 3) uint8 BGR."""
        self._colour.update_scene(self.data, camera="eye")
        return np.ascontiguousarray(self._colour.render()[..., ::-1])

    def depth(self) -> np.ndarray:
        """Return (HEIGHT, WIDTH) m along the optical axis."""
        self._depth.update_scene(self.data, camera="eye")
        return np.asarray(self._depth.render(), dtype=np.float64)

    def box(self) -> tuple[float, float, float, float]:
        """Return where the walker is in the picture, hidden or not."""
        ahead, left = self._seen()
        x, half = WIDTH / 2 - FOCAL * left / ahead, FOCAL * RADIUS_M / ahead
        top = HEIGHT / 2 - FOCAL * (WALKER_M - EYE_M) / ahead
        return x - half, top, 2 * half, FOCAL * WALKER_M / ahead

    def distance(self) -> float:
        """Return the depth of the walker's middle, m."""
        return self._seen()[0]

    def hidden(self) -> bool:
        """Return whether the wall covers both sides of the walker."""
        eye = self.data.camera("eye").xpos.copy()
        x, y, _ = self.data.mocap_pos[0]
        across = np.array([-(y - eye[1]), x - eye[0]]) / math.hypot(y - eye[1], x - eye[0])
        hit = np.zeros(1, dtype=np.int32)
        for side in (-RADIUS_M, 0.0, RADIUS_M):
            towards = np.array([x + side * across[0], y + side * across[1], 1.0]) - eye
            mujoco.mj_ray(self.model, self.data, eye, towards, None, 1, self._robot, hit)
            if hit[0] != self._wall:
                return False
        return True

    def _seen(self) -> tuple[float, float]:
        eye, yaw = self.data.camera("eye").xpos, float(self.data.qpos[2])
        x, y = self.data.mocap_pos[0][0] - eye[0], self.data.mocap_pos[0][1] - eye[1]
        return math.cos(yaw) * x + math.sin(yaw) * y, -math.sin(yaw) * x + math.cos(yaw) * y

    def _place_walker(self) -> None:
        y = max(self.start_y - self.pace * max(self.data.time - 1.0, 0.0), -2.6)
        self.data.mocap_pos[0] = (self.walker_x, y, 0.03 * abs(math.sin(6.0 * self.data.time)) if y > -2.6 else 0.0)


def run(
    seed: int, length_s: float = LENGTH_S, model: str = "", windows: int = WINDOWS, film: Path | None = None
) -> list[Moment]:
    """Run one seed from its start to its end, and return every moment of it."""
    world = Simulation(seed)
    values = {"model.path": model, "model.threads": 1, "redetection.crops_per_frame": windows}
    tracker = create_tracker(make_settings(values))
    foreground = ForegroundDepth(0.2, 40.0, 0.15, 0.15, 1.0)
    command, moments, pictures = STOP, [], []
    world.step(STOP)
    for index in range(round(length_s * RATE)):
        now_s, picture = index / RATE, world.picture()
        if index == START_FRAME:
            tracker.initialize(picture, world.box(), now_s)
        elif index > START_FRAME:
            result = tracker.track(picture, now_s)
            box = tracked_box(FrameInfo(Header(), WIDTH, HEIGHT, 0.0, 0), "target-1", result)
            state = _state(box, world.depth(), foreground, now_s)
            reason = stop_reason(box, 0.0, SETTINGS) or distance_reason(state, 0.0, SETTINGS)
            command = STOP if reason else eased(command, velocity(box, state.distance, SETTINGS), 1 / RATE, SETTINGS)
            moments.append(
                Moment(
                    now_s,
                    world.hidden(),
                    int(box.status),
                    float(iou(result.box, world.box())),
                    command.forward,
                    command.yaw_rate,
                    state.distance - world.distance(),
                    reason,
                )
            )
            if film is not None:
                pictures.append(annotated(picture, [box], 1.0))
        world.step(command)
    world.close()
    if film is not None:
        write_film(film, pictures)
    return moments


def _state(box: TrackedBox, depth: np.ndarray, foreground: ForegroundDepth, now_s: float) -> TargetState:
    """Return what target_pose would say of the distance."""
    state = TargetState(target_id=box.target_id, status=box.status, distance=math.nan)
    if box.status not in (TRACKING, TrackedBox.STATUS_UNCERTAIN):
        return state
    x, y = box.x + box.width / 2, box.y + box.height / 2
    rows = slice(max(int(y - 0.35 * box.height), 0), max(int(y + 0.35 * box.height), 1))
    columns = slice(max(int(x - 0.35 * box.width), 0), max(int(x + 0.35 * box.width), 1))
    try:
        state.distance = foreground.measure(depth[rows, columns], now_s).depth_m
        state.method = TargetState.METHOD_DEPTH
    except (InputError, ValueError):
        pass
    return state


def summary(seed: int, moments: list[Moment]) -> Summary:
    """Judge a run."""
    hidden = [m for m in moments if m.hidden]
    begin, end = (hidden[0].time_s, hidden[-1].time_s) if hidden else (math.nan, math.nan)
    hits = [m.status == TRACKING and m.overlap >= HIT_IOU for m in moments]
    lost = next((m.time_s - begin for m in moments if m.time_s >= begin and m.status == LOST), math.nan)
    found = next((m.time_s - end for m, hit in zip(moments, hits, strict=True) if m.time_s > end and hit), math.nan)
    visible = [hit for m, hit in zip(moments, hits, strict=True) if not m.hidden]
    still = [abs(v) for m in moments if m.status == LOST for v in (m.forward, m.yaw_rate)]
    errors = [m.distance_error_m for m, hit in zip(moments, hits, strict=True) if hit]
    return Summary(
        seed=seed,
        success=bool(math.isfinite(lost) and math.isfinite(found) and all(hits[-10:])),
        hidden_s=len(hidden) / RATE,
        lost_after_s=lost,
        found_after_s=found,
        on_target=float(np.mean(visible)),
        on_other=float(np.mean([m.status == TRACKING and m.overlap < HIT_IOU for m in moments])),
        moved_lost=max(still, default=0.0),
        distance_error_m=float(np.nanmedian(errors)) if errors else math.nan,
    )


def write_film(path: Path, pictures: list[np.ndarray]) -> None:
    """Write an MP4 at the rate of the pictures."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=round(RATE))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def main(
    runs: Annotated[int, typer.Option(min=1, help="Number of runs.")] = 50,
    first: Annotated[int, typer.Option(min=0, help="Seed of the first run.")] = 0,
    out: Annotated[Path | None, typer.Option(help="CSV file with one row per run.")] = None,
    film: Annotated[Path | None, typer.Option(help="MP4 file of the first run.")] = None,
    model: Annotated[str, typer.Option(help="Model file; empty: the one that ships.")] = "",
    windows: Annotated[int, typer.Option(min=1, help="redetection.crops_per_frame.")] = WINDOWS,
) -> None:
    """Run seeds one after the other and print what they came to."""
    summaries = []
    for seed in range(first, first + runs):
        summaries.append(summary(seed, run(seed, model=model, windows=windows, film=film if seed == first else None)))
        typer.echo(summaries[-1])
        if out is not None:
            with out.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(asdict(summaries[0])))
                writer.writeheader()
                writer.writerows(map(asdict, summaries))
    typer.echo(f"{sum(s.success for s in summaries)} of {runs} runs succeeded.")


if __name__ == "__main__":
    typer.run(main)
