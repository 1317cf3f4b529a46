# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of a ViT: at full width nothing is lost, at half the width whole heads and the same channels remain."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.stdtrack.backbones.vit_weights import load_sliced_vit, read_vit, resize_kernel
from stdtrack_ros.network.stdtrack.config import NetworkConfig
from stdtrack_ros.network.stdtrack.model import STDTrack

DIM, HEAD, DEPTH, PATCH, SIZE = 32, 8, 3, 14, 56


class SelfAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(DIM, DIM) for _ in range(3))

    def forward(self, tokens: Tensor) -> Tensor:
        parts = (layer(tokens) for layer in (self.query, self.key, self.value))
        query, key, value = (part.unflatten(2, (-1, HEAD)).transpose(1, 2) for part in parts)
        return ((query @ key.transpose(-1, -2) / HEAD**0.5).softmax(-1) @ value).transpose(1, 2).flatten(2)


class Output(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(DIM, DIM)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.dense(tokens)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.output = SelfAttention(), Output()

    def forward(self, tokens: Tensor) -> Tensor:
        return self.output(self.attention(tokens))


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lambda1 = nn.Parameter(torch.rand(DIM) + 0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.lambda1


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(DIM, 2 * DIM), nn.Linear(2 * DIM, DIM)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(nn.functional.gelu(self.fc1(tokens)))


class Block(nn.Module):
    """A layer with the names that DINOv2 has in the transformers library."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.attention, self.mlp = Attention(), Mlp()
        self.layer_scale1, self.layer_scale2 = Scale(), Scale()

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.layer_scale1(self.attention(self.norm1(tokens)))
        return tokens + self.layer_scale2(self.mlp(self.norm2(tokens)))


class Patches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, DIM, PATCH, PATCH)

    def forward(self, image: Tensor) -> Tensor:
        return self.projection(image).flatten(2).transpose(1, 2)


class Embeddings(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embeddings = Patches()
        self.grid = nn.Parameter(torch.randn(1, (SIZE // PATCH) ** 2, DIM))

    def forward(self, image: Tensor) -> Tensor:
        return self.patch_embeddings(image) + self.grid


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Block() for _ in range(DEPTH))

    def forward(self, tokens: Tensor) -> Tensor:
        for layer in self.layer:
            tokens = layer(tokens)
        return tokens


class Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings, self.encoder, self.layernorm = Embeddings(), Encoder(), nn.LayerNorm(DIM)

    def forward(self, image: Tensor) -> Tensor:
        return self.layernorm(self.encoder(self.embeddings(image)))


class Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()

    def forward(self, image: Tensor) -> Tensor:
        return self.backbone(image)


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Vit, Path]:
    torch.manual_seed(0)
    network, path = Vit().eval(), tmp_path_factory.mktemp("vit") / "vit.onnx"
    for value in network.parameters():  # as trained: no two alike, which the exporter would store once
        value.data += 0.1 * torch.randn(value.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.zeros(1, 3, SIZE, SIZE),), str(path), dynamo=False, opset_version=17)
    return network, path


def ours(dim: int, heads: int, depth: int) -> STDTrack:
    config = NetworkConfig(
        backbone="vit_tiny",
        dim=dim,
        heads=heads,
        depth=depth,
        mlp_ratio=2.0,
        attention="joint",
        matching_prior=False,
        template_size=64,
        search_size=64,
        head_stem=8,
        head_channels=(8,),
    )
    return STDTrack(config).eval()


def test_at_full_width_the_layers_compute_what_the_vit_computes(vit: tuple[Vit, Path]) -> None:
    theirs, path = vit
    network = ours(DIM, DIM // HEAD, DEPTH)
    load_sliced_vit(network, read_vit(path))
    tokens = torch.randn(2, 16, DIM)
    found = network.layers(tokens, torch.zeros(2, 0, DIM))
    expected = theirs.backbone.layernorm(theirs.backbone.encoder(tokens))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(network.embedding.search_position, theirs.backbone.embeddings.grid)


def test_patches_answer_to_resized_images_as_before(vit: tuple[Vit, Path]) -> None:
    kernel, patch = torch.randn(5, 3, PATCH, PATCH), torch.randn(2, 3, PATCH, PATCH)
    larger = nn.functional.interpolate(patch, (16, 16), mode="bicubic", align_corners=False)
    before = torch.einsum("dchw,bchw->bd", kernel, patch)
    after = torch.einsum("dchw,bchw->bd", resize_kernel(kernel, 16), larger)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    assert resize_kernel(kernel, PATCH) is kernel
    network = ours(DIM, DIM // HEAD, DEPTH)
    load_sliced_vit(network, read_vit(vit[1]))
    theirs = vit[0].backbone.embeddings.patch_embeddings.projection.weight
    red = network.embedding.cells.project.weight[:, 2]  # BGR against RGB
    torch.testing.assert_close(red, resize_kernel(theirs, 16)[:, 0])


def test_at_half_the_width_whole_heads_and_the_same_channels_remain(vit: tuple[Vit, Path]) -> None:
    theirs, path = vit
    network = ours(DIM // 2, DIM // HEAD // 2, 2)
    load_sliced_vit(network, read_vit(path))
    channels = np.linspace(0, DIM - 1, DIM // 2).round().astype(int)
    rows = [*range(HEAD), *range(DIM - HEAD, DIM)]  # the first and the last of four heads
    last = theirs.backbone.encoder.layer[DEPTH - 1]
    query = network.layers.layers[1].attention.query.weight
    torch.testing.assert_close(query, last.attention.attention.query.weight[rows][:, channels])
    torch.testing.assert_close(network.layers.norm.weight, theirs.backbone.layernorm.weight[channels])


def test_what_does_not_fit_is_named(vit: tuple[Vit, Path], tmp_path: Path) -> None:
    weights = read_vit(vit[1])
    with pytest.raises(ModelError, match="3 layers of width 32; 4 of 32"):
        load_sliced_vit(ours(DIM, 4, 4), weights)
    (tmp_path / "text.onnx").write_bytes(b"text")
    with pytest.raises(ModelError, match="not an ONNX model"):
        read_vit(tmp_path / "text.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(nn.Linear(2, 2), (torch.zeros(1, 2),), str(tmp_path / "linear.onnx"), dynamo=False)
    with pytest.raises(ModelError, match="not one of a DINOv2-like ViT"):
        read_vit(tmp_path / "linear.onnx")
