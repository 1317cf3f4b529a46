# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the training data: which sources, how often each, and what happens in their clips."""

from __future__ import annotations

from pathlib import Path

from stdtrack_ros.settings import SettingGroup, setting
from stdtrack_ros.training.data.clips import CANVAS_FACTOR


class MixingSettings(SettingGroup):
    """How often a clip shows another clip's target, too."""

    companion_prob: float = setting(0.35, "Clips with another clip's target beside the target.", ge=0, le=1)
    similar_prob: float = setting(
        0.5, "Of those, the clips whose companion is the most similar of several.", ge=0, le=1
    )
    metamorphosis_prob: float = setting(0.1, "Clips whose target turns into another clip's.", ge=0, le=1)
    choice: int = setting(10, "Clips to choose a companion from.", ge=1, le=100)


class DataSettings(SettingGroup):
    """What training draws its clips from, and how it cuts and alters them.

    Probabilities of events are those per clip; clips of one frame (pairs) have their own for absence.
    """

    videos: tuple[Path, ...] = setting((), "Annotated video: whatever `stdtrack evaluate` reads, or tar shards.")
    stills: tuple[Path, ...] = setting((), "Folders with stills_index.json and its tars, or COCO instances files.")
    exclude: tuple[str, ...] = setting(("skv_*",), "Sequences to leave out, as name patterns.")
    video_weight: float = setting(0.35, "Weight of annotated video among the sources.", ge=0)
    pseudo_weight: float = setting(0.2, "Weight of pseudo-labelled video.", ge=0)
    cutout_weight: float = setting(0.25, "Weight of cut-outs that move over other pictures.", ge=0)
    picture_weight: float = setting(0.2, "Weight of stills seen by a moving camera.", ge=0)
    sky_fraction: float = setting(0.22, "Fraction of tiny sky targets (air_*) in annotated video.", ge=0, le=1)
    max_stride: int = setting(25, "Largest distance between frames of a clip.", unit="frames", ge=1)
    canvas_factor: float = setting(
        CANVAS_FACTOR, "Side of the pictures that windows are cut from, in sizes of the target.", ge=4, le=20
    )
    reverse_prob: float = setting(0.1, "Video: probability that a clip runs backwards.", ge=0, le=1)
    small_target_prob: float = setting(
        0.25, "Video: probability to keep a clip with a template target below 10 px.", ge=0, le=1
    )
    absence_prob: float = setting(
        0.2, "Probability that the target leaves, is hidden, or is swapped for a while.", ge=0, le=1
    )
    pair_absence_prob: float = setting(0.08, "Probability that a pair shows something else in its place.", ge=0, le=1)
    occlusion_prob: float = setting(
        0.1, "Video: probability that something passes over the target without hiding all of it.", ge=0, le=1
    )
    patch_prob: float = setting(
        0.1, "Stills: probability that the target is any patch of the picture, not an object.", ge=0, le=1
    )
    lookalike_prob: float = setting(
        0.25, "Stills: probability of the same object, or one of its class, beside the target.", ge=0, le=1
    )
    distractor_prob: float = setting(0.25, "Stills: probability of any other object beside the target.", ge=0, le=1)
    occluder_prob: float = setting(0.15, "Stills: probability of something that passes before the target.", ge=0, le=1)
    shadow_prob: float = setting(0.0, "Probability that the light changes all at once in a clip.", ge=0, le=1)
    mixing: MixingSettings = MixingSettings()
