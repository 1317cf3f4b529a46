#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts a trained `lite_hybrid` network to a smaller one, as a start of its training.

    python tools/prune_network.py model/stdtrack_lite.pt small.pt --set dim=160 --set heads=5 --set mlp_ratio=2 \
        --videos DATA/videos_1.tar --clips 48

Channels of the residual stream, attention heads and channels of convolutions stay if they carry the most energy: the
mean square of what goes into a layer's weights, times the squares of these, over clips from training. Of the hidden
units of the transformer's feed-forward networks, the one whose loss changes the output least goes at a time, and the
others take over what they can (Optimal Brain Surgeon, Hassibi and Stork, 1993). What has no counterpart (a head with
fewer convolutions has another last one) stays as initialised. Train it for a while, unless hidden units alone went:
`stdtrack train runs/small --settings config/training/clips.yaml --set start=small.pt ...`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
import yaml
from torch import Tensor, nn
from torch.nn import functional

from stdtrack_ros.network.checkpoint import load_checkpoint, save_weights
from stdtrack_ros.network.families import describe
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.losses import LossWeights
from stdtrack_ros.network.stdtrack.model import STDTrack
from stdtrack_ros.training.data.clips import collate
from stdtrack_ros.training.data.dataset import build_dataset
from stdtrack_ros.training.data.settings import DataSettings
from stdtrack_ros.training.rollout import RolloutSettings, rollout

BRANCHES = ("score", "size", "offset")
READERS = ("attention.query", "attention.key_value", "mlp.0")
LENGTH, BATCH = 4, 6


def main(
    checkpoint: Path,
    out: Path,
    setting: Annotated[list[str], typer.Option("--set", help="Field of the network that changes, NAME=VALUE.")],
    videos: Annotated[list[Path], typer.Option(help="Annotated video, as data.videos of a training.")],
    clips: Annotated[int, typer.Option(min=1, help="Clips that the energies are taken from.")] = 48,
) -> None:
    """Write the smaller network, with the weights that it keeps."""
    content = load_checkpoint(checkpoint)
    large = STDTrack(NetworkConfig.model_validate(content["network"])).eval()
    large.load_state_dict(content["ema"])
    changes = {name: yaml.safe_load(value) for name, value in (text.split("=", 1) for text in setting)}
    small = STDTrack(NetworkConfig.model_validate({**content["network"], **changes}))
    for name in ("dim", "heads", "depth", "mlp_ratio", "head_stem", "cnn_early_width"):
        before, after = getattr(large.config, name), getattr(small.config, name)
        if after > before:
            raise typer.BadParameter(
                f"{name} would be larger: {after:g}, not {before:g}; only smaller networks are cut."
            )
    Pruning(large, small, measure(large, DataSettings(videos=tuple(videos)), clips)).run()
    save_weights({**describe(small), "ema": small.state_dict()}, out, content.get("calibration"))
    count = sum(parameter.numel() for parameter in small.parameters())
    typer.echo(
        f"{count / 1e6:.2f} M of {sum(value.numel() for value in large.parameters()) / 1e6:.2f} M weights: {out}"
    )


class Measured(NamedTuple):
    """What goes into the layers of a network, by module name.

    Attributes:
        energy: (I,) what each input channel of a convolution or linear layer adds, as a fraction.
        moments: (I + 1, I + 1) float64 mean products of what goes into a feed-forward network's last layer, and of 1.
    """

    energy: dict[str, Tensor]
    moments: dict[str, Tensor]


@torch.no_grad()
def measure(network: STDTrack, data: DataSettings, clips: int) -> Measured:
    """Run the network over clips from training."""
    sums: dict[str, Tensor] = {}
    products: dict[str, Tensor] = {}
    rows: Counter[str] = Counter()
    modules = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)}

    def watch(name: str) -> None:
        def note(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
            square = inputs[0].float().square()
            mean = square.mean(dim=(0, 2, 3)) if square.dim() == 4 else square.flatten(0, -2).mean(dim=0)
            sums[name] = sums.get(name, torch.zeros(())) + mean
            if name.startswith("layers.") and name.endswith(".mlp.2"):
                flat = functional.pad(inputs[0].flatten(0, -2).double(), (0, 1), value=1.0)
                products[name] = products.get(name, torch.zeros(())) + flat.T @ flat
                rows[name] += len(flat)

        modules[name].register_forward_hook(note)

    for name in modules:
        watch(name)
    dataset = build_dataset(data, LENGTH, 5, clips)
    for first in range(0, clips, BATCH):
        arrays = collate([dataset[index] for index in range(first, min(first + BATCH, clips))])
        batch = {name: torch.from_numpy(value) for name, value in arrays.items()}
        rollout(network, batch, RolloutSettings(), LossWeights(), torch.Generator().manual_seed(first))
    found = {}
    for name, value in sums.items():
        weight = modules[name].weight
        if weight.shape[1] == len(value):  # not those that work on each channel alone
            found[name] = value * weight.square().sum(dim=[axis for axis in range(weight.dim()) if axis != 1])
    energy = {name: value / value.sum() for name, value in found.items()}
    return Measured(energy, {name: value / rows[name] for name, value in products.items()})


def without_inputs(weight: Tensor, bias: Tensor, moment: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Take inputs away from a linear layer, one at a time, until `count` are left.

    Args:
        weight: (O, I). bias: (O,). moment: (I + 1, I + 1) mean products of the inputs, and of 1.

    Returns:
        Indices (count,) of the inputs that are left, in order, and their weight (O, count) and bias (O,), with which
        the outputs are closest to the old ones (least squares).
    """
    inputs = weight.shape[1]
    extended = torch.cat((weight, bias[:, None]), dim=1).double()
    inverse = torch.linalg.inv(moment + 1e-6 * moment.diag()[:-1].mean() * torch.eye(inputs + 1, dtype=moment.dtype))
    left = torch.ones(inputs, dtype=torch.bool)
    for _ in range(inputs - count):
        cost = extended[:, :-1].square().sum(dim=0) / inverse.diag()[:-1]
        worst = int(torch.where(left, cost, torch.inf).argmin())
        column, pivot = inverse[:, worst].clone(), float(inverse[worst, worst])
        extended = extended - torch.outer(extended[:, worst], column / pivot)
        inverse = inverse - torch.outer(column, column / pivot)
        left[worst] = False
        inverse[worst, worst] = 1.0  # not asked for again
    kept = left.nonzero()[:, 0]
    return kept, extended[:, kept].to(weight.dtype), extended[:, -1].to(bias.dtype)


class Pruning:
    """Copies the weights that are kept from one network to a smaller one, a part at a time."""

    def __init__(self, large: STDTrack, small: STDTrack, measured: Measured) -> None:
        self.old, self.new = large.state_dict(), small.state_dict()
        self.energy, self.moments = measured
        self.large, self.small, self.network = large.config, small.config, small
        readers = [f"layers.layers.{layer}.{part}" for layer in range(self.large.depth) for part in READERS]
        self.residual = self._most(
            self.small.dim, *readers, *["head.stem.branches.0.0"] * 2, "fusion.cross_attention.key_value"
        )

    def run(self) -> None:
        """Copy everything."""
        self._embedding()
        for layer in range(self.small.depth):
            self._layer(f"layers.layers.{layer}.")
        self._memory()
        self._confidence()
        self._head()
        self.network.load_state_dict(self.new)

    def _most(self, count: int, *readers: str) -> Tensor:
        """Return the indices, in order, of the `count` channels of most energy for modules that read the same."""
        total = torch.stack([self.energy[name] for name in readers]).sum(dim=0)
        return total.topk(count).indices.sort().values

    def _put(self, name: str, *kept: Tensor | None) -> None:
        """Copy a parameter; along each axis the given indices stay, or all."""
        value = self.old[name]
        for axis, indices in enumerate(kept):
            value = value if indices is None else value.index_select(axis, indices)
        if value.shape != self.new[name].shape:
            raise typer.BadParameter(f"{name} would be {tuple(value.shape)}, not {tuple(self.new[name].shape)}.")
        self.new[name] = value.clone()

    def _linear(self, name: str, rows: Tensor | None, columns: Tensor | None) -> None:
        self._put(f"{name}.weight", rows, columns)
        self._put(f"{name}.bias", rows)

    def _embedding(self) -> None:
        channels = self.residual
        for index in range(len(self.network.embedding.cells.cnn.blocks)):
            block = f"embedding.cells.cnn.blocks.{index}."
            kept = self._most(len(self.new[f"{block}depthwise.bias"]), f"{block}project")
            if f"{block}expand.weight" in self.old:
                self._linear(f"{block}expand", kept, None)
            self._linear(f"{block}depthwise", kept, None)
            self._linear(f"{block}project", None, kept)
        self._linear("embedding.cells.cnn.stem", None, None)
        self._linear("embedding.cells.project", channels, None)
        self._linear("embedding.prior.project", channels, None)
        for name in ("embedding.cells.norm", "layers.norm"):
            self._linear(name, channels, None)
        for name in ("embedding.template_position", "embedding.search_position", "base_token"):
            self._put(name, None, None, channels)
        self._put("carry", channels)

    def _layer(self, layer: str) -> None:
        channels, side = self.residual, self.large.dim // self.large.heads
        last, count = f"{layer}mlp.2", len(self.new[f"{layer}mlp.0.bias"])
        hidden, weight, bias = without_inputs(
            self.old[f"{last}.weight"], self.old[f"{last}.bias"], self.moments[last], count
        )
        energy = self.energy[f"{layer}attention.output"].view(-1, side).sum(dim=1)
        heads = energy.topk(self.small.heads).indices.sort().values
        rows = (heads[:, None] * side + torch.arange(side)).flatten()
        for norm in ("norm1", "norm2"):
            self._linear(f"{layer}{norm}", channels, None)
        self._linear(f"{layer}attention.query", rows, channels)
        self._linear(f"{layer}attention.key_value", torch.cat((rows, rows + self.large.dim)), channels)
        self._linear(f"{layer}attention.output", channels, rows)
        self._linear(f"{layer}mlp.0", hidden, channels)
        self.new[f"{last}.weight"], self.new[f"{last}.bias"] = weight[channels], bias[channels]

    def _memory(self) -> None:
        channels, heads = self.residual, torch.arange(self.small.heads)
        hidden = self._most(len(self.new["fusion.mlp.0.bias"]), "fusion.mlp.2")
        self._linear("fusion.mlp.0", hidden, channels)
        self._linear("fusion.mlp.2", channels, hidden)
        self._put("fusion.kind", None, None, channels)
        self._put("fusion.scale", None, channels)
        self._put("fusion.token_scale", channels)
        for attention in ("fusion.self_attention", "fusion.cross_attention"):
            self._linear(f"{attention}.query", channels, channels)
            self._linear(f"{attention}.key_value", torch.cat((channels, channels + self.large.dim)), channels)
            self._linear(f"{attention}.output", channels, channels)
            self._put(f"{attention}.gain", heads)
        for norm in ("norm_self", "norm_query", "norm_memory", "norm_mlp", "norm"):
            self._linear(f"fusion.{norm}", channels, None)
        for linear in ("fusion.appearance", "mask.query", "mask.key"):
            self._linear(linear, channels, channels)
        self._linear("mask.norm", channels, None)
        for name in ("mask.bias", "mask.score_gain"):
            self._put(name)

    def _confidence(self) -> None:
        inputs, dim = self.old["confidence.mlp.0.weight"].shape[1], self.large.dim
        kept = torch.cat([*(self.residual + part * dim for part in range(3)), torch.arange(3 * dim, inputs)])
        hidden = self._most(len(self.new["confidence.mlp.0.bias"]), "confidence.mlp.2")
        self._linear("confidence.mlp.0", hidden, kept)
        self._linear("confidence.mlp.2", None, hidden)

    def _head(self) -> None:
        def convolutions(name: str) -> list[str]:
            return sorted(module for module in self.energy if module.startswith(f"{name}.branches."))

        stem = self._most(self.small.head_stem, *(each for one in BRANCHES for each in convolutions(f"head.{one}.0")))
        self._rep("head.stem", stem, self.residual)
        last = len(self.large.head_channels)
        for branch in BRANCHES:
            inputs = stem
            for index, count in enumerate(self.small.head_channels):
                following = f"head.{branch}.{index + 1}"
                kept = self._most(count, *(convolutions(following) or [following]))
                self._rep(f"head.{branch}.{index}", kept, inputs)
                inputs = kept
            if len(self.small.head_channels) == last:
                self._linear(f"head.{branch}.{last}", None, inputs)

    def _rep(self, name: str, rows: Tensor, columns: Tensor) -> None:
        for parameter in [each for each in self.new if each.startswith(f"{name}.branches.")]:
            shape = self.new[parameter].dim()
            self._put(parameter, *((rows, columns) if shape == 4 else (rows,) if shape == 1 else ()))


if __name__ == "__main__":
    typer.run(main)
