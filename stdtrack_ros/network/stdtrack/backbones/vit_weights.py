# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An initialisation for `vit_tiny`: the weights of a DINOv2-like ViT-S in ONNX, cut to our width.

Evenly spaced channels, the same in every layer and norm; whole heads; LayerScale folded into the projections; the patch
kernel resized from 14 to 16 px by pseudo-inverse, the grid of positions by interpolation. At full width nothing is
lost, which a test makes use of; at half the width it is a starting point, no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.stdtrack.model import STDTrack

Weights = Mapping[str, NDArray[np.float32]]
_LAYER = "backbone.encoder.layer"
_EMBEDDINGS = "backbone.embeddings"
_ATTENTION = ("attention.attention.query", "attention.attention.key", "attention.attention.value")


def read_vit(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the named weights of a ViT exported to ONNX; matrices as (out, in), by the names of their modules.

    Raises:
        ModelError: no ONNX file, or one without such a ViT.
    """
    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:  # onnx's errors share no base class
        raise ModelError(f"{path} is not an ONNX model: {error}") from None
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = {name: value for name, value in tensors.items() if name.startswith("backbone.")}
    for node in graph.node:
        stored = [name for name in node.input if name in tensors]
        if node.op_type == "MatMul" and stored:  # the exporter transposes them and drops their names
            name = re.sub("/MatMul$", "", node.name).strip("/").replace("/", ".")
            weights[f"{name}.weight"] = tensors[stored[0]].T
    grids = [value for name, value in tensors.items() if value.ndim == 3 and value.shape[0] == 1 and value.shape[1] > 1]
    if not grids or f"{_LAYER}.0.norm1.weight" not in weights:
        raise ModelError(f"{path} is an ONNX model, but not one of a DINOv2-like ViT.")
    weights[f"{_EMBEDDINGS}.positions"] = max(grids, key=lambda value: value.shape[1])[0]
    return weights


@torch.no_grad()
def load_sliced_vit(network: STDTrack, weights: Weights) -> None:
    """Start a `vit_tiny` network's patches, positions and layers from a wider ViT of at least as many layers.

    Raises:
        ModelError: the network is wider or deeper than the weights, or its heads are of another width.
    """
    config = network.config
    width = len(weights[f"{_LAYER}.0.norm1.weight"])
    depth = len({name.split(".")[3] for name in weights if name.startswith(f"{_LAYER}.")})
    if config.dim > width or config.depth > depth:
        raise ModelError(f"The ViT has {depth} layers of width {width}; {config.depth} of {config.dim} were asked for.")
    channels = np.linspace(0, width - 1, config.dim).round().astype(int)
    _load_embedding(network, weights, channels)
    for index, layer in enumerate(network.layers.layers):
        _load_layer(layer, f"{_LAYER}.{round(index * (depth - 1) / max(config.depth - 1, 1))}", weights, channels)
    _copy(network.layers.norm.weight, weights["backbone.layernorm.weight"][channels])
    _copy(network.layers.norm.bias, weights["backbone.layernorm.bias"][channels])


def _load_embedding(network: STDTrack, weights: Weights, channels: NDArray[np.int_]) -> None:
    project = network.embedding.cells.project
    kernel = weights[f"{_EMBEDDINGS}.patch_embeddings.projection.weight"][channels]
    # The network reads BGR, the weights were trained on RGB.
    _copy(project.weight, resize_kernel(torch.from_numpy(kernel[:, ::-1].copy()), project.kernel_size[0]))
    _copy(project.bias, weights[f"{_EMBEDDINGS}.patch_embeddings.projection.bias"][channels])
    grid = torch.from_numpy(weights[f"{_EMBEDDINGS}.positions"][:, channels].copy())
    side = round(len(grid) ** 0.5)
    square = grid.T.reshape(1, len(channels), side, side)
    for position in (network.embedding.template_position, network.embedding.search_position):
        cells = round(position.shape[1] ** 0.5)
        resized = functional.interpolate(square, (cells, cells), mode="bicubic", align_corners=False)
        position.copy_(resized.flatten(2).transpose(1, 2))


def _load_layer(layer: nn.Module, name: str, weights: Weights, channels: NDArray[np.int_]) -> None:
    dim, heads = len(channels), layer.attention.heads
    rows = _head_rows(len(weights[f"{name}.norm1.weight"]), dim, dim // heads)
    hidden = np.linspace(0, len(weights[f"{name}.mlp.fc1.bias"]) - 1, layer.mlp[0].out_features).round().astype(int)
    for ours, theirs in ((layer.norm1, "norm1"), (layer.norm2, "norm2")):
        _copy(ours.weight, weights[f"{name}.{theirs}.weight"][channels])
        _copy(ours.bias, weights[f"{name}.{theirs}.bias"][channels])
    query, *key_value = (
        [weights[f"{name}.{part}.weight"][rows], weights[f"{name}.{part}.bias"][rows]] for part in _ATTENTION
    )
    for ours, parts in ((layer.attention.query, [query]), (layer.attention.key_value, key_value)):
        _copy(ours.weight, np.concatenate([weight[:, channels] for weight, _ in parts]))
        _copy(ours.bias, np.concatenate([bias for _, bias in parts]))
    _copy(layer.mlp[0].weight, weights[f"{name}.mlp.fc1.weight"][np.ix_(hidden, channels)])
    _copy(layer.mlp[0].bias, weights[f"{name}.mlp.fc1.bias"][hidden])
    _load_scaled(
        layer.attention.output, weights, f"{name}.attention.output.dense", f"{name}.layer_scale1", channels, rows
    )
    _load_scaled(layer.mlp[2], weights, f"{name}.mlp.fc2", f"{name}.layer_scale2", channels, hidden)


def _load_scaled(
    ours: nn.Linear, weights: Weights, name: str, scale: str, outputs: NDArray[np.int_], inputs: NDArray[np.int_]
) -> None:
    gain = weights[f"{scale}.lambda1"][outputs]
    _copy(ours.weight, gain[:, None] * weights[f"{name}.weight"][np.ix_(outputs, inputs)])
    _copy(ours.bias, gain * weights[f"{name}.bias"][outputs])


def _head_rows(width: int, dim: int, head: int) -> NDArray[np.int_]:
    """Return the rows of evenly spaced whole heads."""
    if width % head:
        raise ModelError(f"Heads of {head} channels do not fit a ViT of width {width}.")
    chosen = np.linspace(0, width // head - 1, dim // head).round().astype(int)
    return (chosen[:, None] * head + np.arange(head)).ravel()


def resize_kernel(kernel: Tensor, size: int) -> Tensor:
    """Resize a patch kernel (d, 3, p, p) to `size` px, so that it answers to resized patches as to the old ones."""
    old = kernel.shape[-1]
    if old == size:
        return kernel
    basis = torch.eye(old * old).view(old * old, 1, old, old)
    # (p², size²): what each pixel of a patch becomes in the resized patch.
    resize = functional.interpolate(basis, (size, size), mode="bicubic", align_corners=False).flatten(1)
    return (kernel.flatten(2) @ torch.linalg.pinv(resize).T).unflatten(2, (size, size))


def _copy(target: nn.Parameter, value: NDArray[np.float32] | Tensor) -> None:
    target.copy_(torch.as_tensor(np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value))
