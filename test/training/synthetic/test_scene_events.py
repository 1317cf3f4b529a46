# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What happens in a scene, one event at a time: how many things there are, which is the target, and when it is gone."""

from __future__ import annotations

from collections import Counter

import numpy as np
from painted_data import painted_still

from stdtrack_ros.geometry import box_center
from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.synthetic.object_bank import TARGET_PX, ObjectBank, sprite_of
from stdtrack_ros.training.synthetic.scene_events import add_events
from stdtrack_ros.training.synthetic.scenes import Scene, Sprite
from stdtrack_ros.training.synthetic.trajectories import random_trajectory

BANK = ObjectBank([painted_still(seed) for seed in range(4)])
FRAME = np.array([-400.0, -400.0, 800.0, 800.0])
PROBABILITIES = ("lookalike_prob", "distractor_prob", "occluder_prob", "absence_prob", "pair_absence_prob")


def happened(seed: int, times: int = 12, **probabilities: float) -> tuple[Scene, Sprite]:
    """Return a scene after its events, and the sprite that was its target before them."""
    rng = np.random.default_rng(seed)
    cut = BANK.cut_out(rng, (0, 0))
    assert cut is not None
    still = random_trajectory(rng, times, TARGET_PX, TARGET_PX / cut.size_px, 0.0)
    target = sprite_of(rng, cut, still)
    camera = np.tile(np.eye(2, 3), (times, 1, 1))
    scene = Scene(BANK.stills[1].pixels(), camera, [target], 0, FRAME.copy())
    settings = DataSettings(**{name: probabilities.get(name, 0.0) for name in PROBABILITIES})
    add_events(rng, scene, BANK, settings, (0, 0), still)
    return scene, target


def outside(scene: Scene, target: Sprite, time: int) -> bool:
    """Return whether the middle of the target's box lies beyond the frame."""
    box = target.box(time)
    middle = box[:2] + box[2:] / 2
    return bool((middle < scene.frame[:2]).any() or (middle > scene.frame[:2] + scene.frame[2:]).any())


def test_without_events_the_target_is_alone() -> None:
    scene, target = happened(0)
    assert scene.sprites == [target] and scene.target == 0 and target.shown.all()
    assert np.array_equal(scene.frame, FRAME)


def test_a_distractor_stands_beside_the_target_before_or_behind_it() -> None:
    places = set()
    for seed in range(12):
        scene, target = happened(seed, distractor_prob=1.0)
        assert len(scene.sprites) == 2 and scene.sprites[scene.target] is target
        assert all(sprite.shown.all() for sprite in scene.sprites)
        places.add(scene.target)
        gap = box_center(scene.sprites[1 - scene.target].box(1)) - box_center(target.box(1))
        assert 1.0 * TARGET_PX < np.hypot(*gap) < 3.1 * TARGET_PX
    assert places == {0, 1}


def test_look_alike_and_distractor_are_two_things() -> None:
    scene, target = happened(1, lookalike_prob=1.0, distractor_prob=1.0)
    assert len(scene.sprites) == 3 and scene.sprites[scene.target] is target


def test_an_occluder_passes_in_front_of_all_but_not_before_the_template() -> None:
    scene, target = happened(0, occluder_prob=1.0)
    assert scene.sprites[0] is target and len(scene.sprites) == 2
    assert scene.sprites[1].shown.tolist() == [False] + [True] * 11


def test_an_absence_begins_after_the_second_frame_in_one_of_three_ways() -> None:
    ways: Counter[str] = Counter()
    for seed in range(60):
        scene, target = happened(seed, absence_prob=1.0)
        out = [time for time in range(1, 12) if outside(scene, target, time)]  # the template knows no frame
        swapped = np.flatnonzero(~target.shown).tolist()
        other = [sprite for sprite in scene.sprites if sprite is not target]
        if swapped:
            way, gone = "swap", swapped
            assert [np.flatnonzero(sprite.shown).tolist() for sprite in other] in ([], [swapped])
        elif other:
            way, gone = "cover", np.flatnonzero(other[0].shown).tolist()
            assert np.prod(other[0].box(gone[0])[2:]) > np.prod(target.box(gone[0])[2:])
        else:
            way, gone = "leave", out
        assert gone[0] >= 2 and gone == list(range(gone[0], gone[-1] + 1)), way
        ways[way] += 1
    assert min(ways[way] for way in ("swap", "cover", "leave")) > 5


def test_in_a_pair_nothing_leaves() -> None:
    for seed in range(20):
        scene, target = happened(seed, times=2, pair_absence_prob=1.0)
        assert np.array_equal(scene.frame, FRAME), "the frame is moved for what leaves alone"
        assert not target.shown[1] or scene.sprites[-1] is not target
