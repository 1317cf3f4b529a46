# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the authors' own code (`researchmm/Stark`, `.pth.tar`): read safely, every key mapped or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.stark.config import VARIANTS, StarkConfig
from stdtrack_ros.network.stark.foreign import read_weights
from stdtrack_ros.network.stark.model import Stark

TRAINING_OBJECTS = (
    "lib.train.admin.settings.Settings",
    "lib.train.admin.local.EnvironmentSettings",
    "lib.train.admin.stats.AverageMeter",
    "lib.train.admin.stats.StatValue",
)
"""Classes whose instances the official training code saves beside the weights. They come back as `Ignored`."""

RULES: tuple[tuple[str, str], ...] = (
    (r"(bottleneck\..+|box_head\.layers\..+)", r"\1"),
    (r"query", r"query_embed.weight"),
    (r"backbone\.(.+)", r"backbone.0.body.\1"),
    (r"score_head\.(.+)", r"cls_head.\1"),
    (r"transformer\.norm\.(.+)", r"transformer.decoder.norm.\1"),
    (r"transformer\.encoder\.(\d+)\.attention\.heads\.(.+)", r"transformer.encoder.layers.\1.self_attn.\2"),
    (r"transformer\.encoder\.(\d+)\.attention\.norm\.(.+)", r"transformer.encoder.layers.\1.norm1.\2"),
    (r"transformer\.encoder\.(\d+)\.feedforward\.norm\.(.+)", r"transformer.encoder.layers.\1.norm2.\2"),
    (r"transformer\.decoder\.(\d+)\.self_attention\.heads\.(.+)", r"transformer.decoder.layers.\1.self_attn.\2"),
    (r"transformer\.decoder\.(\d+)\.cross_attention\.heads\.(.+)", r"transformer.decoder.layers.\1.multihead_attn.\2"),
    (r"transformer\.decoder\.(\d+)\.self_attention\.norm\.(.+)", r"transformer.decoder.layers.\1.norm1.\2"),
    (r"transformer\.decoder\.(\d+)\.cross_attention\.norm\.(.+)", r"transformer.decoder.layers.\1.norm2.\2"),
    (r"transformer\.decoder\.(\d+)\.feedforward\.norm\.(.+)", r"transformer.decoder.layers.\1.norm3.\2"),
    (r"transformer\.(\w+)\.(\d+)\.feedforward\.(.+)", r"transformer.\1.layers.\2.\3"),
)
"""Our name to the official one; the first whole match counts. The corner head is mapped by `_corner_name`."""


class Ignored:
    """Stands for an object of the official training code; it keeps nothing and does nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


def import_official(path: Path, variant: str = "auto") -> Stark:
    """Return the network of an official checkpoint, in evaluation mode on the CPU.

    Args:
        path: `STARKS_ep0500.pth.tar`, `STARKST_ep0050.pth.tar` or alike.
        variant: a name of `VARIANTS`, or `auto` to tell it from the keys.

    Raises:
        ModelError: the file cannot be read as weights alone, or a key is missing, left over or of another shape.
    """
    weights = read_official(path)
    name = recognize(weights, path) if variant == "auto" else variant
    if name not in VARIANTS:
        raise ModelError(f"There is no STARK variant '{variant}'; allowed are auto, {', '.join(VARIANTS)}.")
    return build(weights, VARIANTS[name], f"{path} as {name}")


def read_official(path: Path) -> dict[str, Tensor]:
    """Return the `net` entry of an official checkpoint: tensors by their official names."""
    inert: list[Any] = [(Ignored, name) for name in TRAINING_OBJECTS]
    content = read_weights(path, torch.serialization.safe_globals(inert))
    weights = content.get("net")
    if not isinstance(weights, Mapping) or not weights:
        raise ModelError(f"{path} has no entry 'net' with weights, so it is no checkpoint of the official STARK code.")
    strange = [str(key) for key, value in weights.items() if not isinstance(value, Tensor)]
    if strange:
        raise ModelError(f"The entry 'net' of {path} holds what is not a tensor: {_listed(strange)}.")
    return {str(key): value for key, value in weights.items()}


def recognize(weights: Mapping[str, Tensor], path: Path) -> str:
    """Return the name of the variant whose depth and score head a checkpoint has."""
    found = [match for key in weights if (match := re.match(r"backbone\.0\.body\.layer3\.(\d+)\.", key))]
    depth = 1 + max((int(match[1]) for match in found), default=-1)
    scored = any(key.startswith("cls_head.") for key in weights)
    for name, config in VARIANTS.items():
        if config.blocks[2] == depth and config.score_head == scored:
            return name
    raise ModelError(
        f"{path} is none of {', '.join(VARIANTS)}: the third stage of its backbone has {depth} blocks (6 or 23 are "
        f"known) and it has {'a' if scored else 'no'} score head (cls_head.*). An ST checkpoint of the first stage "
        "lacks that head: take the one of the second stage."
    )


def build(weights: Mapping[str, Tensor], config: StarkConfig, source: str) -> Stark:
    """Build a network from official weights; every key must map and every parameter must be there.

    Args:
        weights: tensors under their official names.
        config: the network to fill.
        source: words for the file, for error messages.
    """
    network = Stark(config)
    wanted = {official_name(name): (name, value.shape) for name, value in network.state_dict().items()}
    misshapen = [
        f"{key} {tuple(weights[key].shape)} instead of {tuple(shape)}"
        for key, (_, shape) in wanted.items()
        if key in weights and weights[key].shape != shape
    ]
    faults = {
        "missing": [key for key in wanted if key not in weights],
        "not known": [key for key in weights if key not in wanted],
        "of another shape": misshapen,
    }
    problems = [f"{words}: {_listed(keys)}" for words, keys in faults.items() if keys]
    if problems:
        raise ModelError(f"Cannot import {source}. Weights {'; '.join(problems)}.")
    network.load_state_dict({name: weights[key] for key, (name, _) in wanted.items()})
    return network.eval()


def official_name(name: str) -> str:
    """Return the official name of one of our weights."""
    if name.startswith(("box_head.top_left.", "box_head.bottom_right.")):
        return _corner_name(name)
    for pattern, replacement in RULES:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(replacement)
    raise KeyError(name)


def _corner_name(name: str) -> str:
    """Return the official name: layer 7 of our `box_head.top_left`, a batch norm, is `box_head.conv3_tl.1` there."""
    _, branch, layer, leaf = name.split(".")
    stage, part = divmod(int(layer), 3)
    side = "tl" if branch == "top_left" else "br"
    inner = f"{part}." if stage < 4 else ""  # the fifth convolution stands alone
    return f"box_head.conv{stage + 1}_{side}.{inner}{leaf}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"
