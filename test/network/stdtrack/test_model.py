# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The merged convolution does what its branches did, and each part of the network can be left out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.network.stdtrack.backbones.efficientnet_lite import EfficientNetLite
from stdtrack_ros.network.stdtrack.config import NetworkConfig, preset
from stdtrack_ros.network.stdtrack.mask_enhancement import MaskEnhancement
from stdtrack_ros.network.stdtrack.mfifm import MultiFrameFusion
from stdtrack_ros.network.stdtrack.model import STDTrack
from stdtrack_ros.network.stdtrack.reparameterize import RepConv, merge_all

SMALL = NetworkConfig(dim=32, heads=2, depth=2, head_stem=16, head_channels=(8, 8), template_size=64, search_size=96)


def shaken(module: torch.nn.Module) -> torch.nn.Module:
    """Give the module batch statistics and weights as after some training."""
    generator = torch.Generator().manual_seed(3)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.copy_(torch.randn(part.running_mean.shape, generator=generator))
            part.running_var.copy_(torch.rand(part.running_var.shape, generator=generator) * 3 + 0.1)
            part.weight.data.copy_(torch.randn(part.weight.shape, generator=generator))
            part.bias.data.copy_(torch.randn(part.bias.shape, generator=generator))
    return module.eval()


@given(
    inputs=st.integers(1, 9),
    outputs=st.integers(1, 9),
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    kernels=st.sampled_from([(1, 3, 5), (3,), (1,), (1, 5)]),
)
@settings(max_examples=40, deadline=None)
def test_merging_is_exact_at_every_size_and_border(
    inputs: int, outputs: int, height: int, width: int, kernels: tuple[int, ...]
) -> None:
    convolution = shaken(RepConv(inputs, outputs, kernels)).double()
    features = torch.randn(2, inputs, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    before = convolution(features)
    convolution.merge()
    assert len(convolution.branches) == 0
    torch.testing.assert_close(convolution(features), before, rtol=0, atol=1e-10)


def test_the_merged_network_agrees_in_single_precision() -> None:
    network = shaken(STDTrack(SMALL))
    inputs = sample(network)
    before = network.step(*inputs)
    merge_all(network)
    after = network.step(*inputs)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())
    for one, other in zip(before.maps, after.maps, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def sample(network: STDTrack, batch: int = 2) -> tuple[object, ...]:
    generator = torch.Generator().manual_seed(0)
    config = network.config
    template = 255 * torch.rand(batch, 3, config.template_size, config.template_size, generator=generator)
    search = 255 * torch.rand(batch, 3, config.search_size, config.search_size, generator=generator)
    token = torch.randn(batch, 1, config.dim, generator=generator)
    memory = torch.randn(batch, config.capacity, config.dim, generator=generator)
    return network.start(template), search, token, memory, torch.ones(batch, config.capacity)


SWITCHES = [
    {},
    {"token": False},
    {"memory": False},
    {"pooled_keys": False},
    {"mask": "off"},
    {"mask": "product"},
    {"mask": "dot"},
    {"head": "plain"},
    {"attention": "joint"},
    {"matching_prior": False},
    {"propagate": "token"},
    {"backbone": "vit_tiny"},
    {"quality": "peak"},
    {"quality": "psr"},
    {"quality": "margin"},
    {"token": False, "memory": False, "mask": "off", "head": "plain", "matching_prior": False},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda one: ",".join(f"{k}={v}" for k, v in one.items()) or "all")
def test_every_part_can_be_switched_off(switches: dict[str, object]) -> None:
    """Shapes stay, and every weight that is left takes part in the result."""
    network = STDTrack(SMALL.model_copy(update=switches)).train()
    output = network.step(*sample(network))
    side = SMALL.search_cells
    assert output.maps.score.shape == (2, 1, side, side)
    assert output.maps.size.shape == output.maps.offset.shape == (2, 2, side, side)
    assert output.token.shape == output.enhanced.shape == (2, 1, SMALL.dim)
    assert output.quality.shape == output.confidence.shape == (2,)
    assert ((output.quality >= 0) & (output.quality < 1)).all()
    parts = (*output.maps, output.confidence, output.enhanced, output.token, output.mask)
    sum(part.square().sum() for part in parts).backward()
    assert [name for name, value in network.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize(
    ("switches", "matters"), [({}, True), ({"token": False, "memory": False}, False), ({"token": False}, True)]
)
def test_token_and_memory_reach_the_result_only_where_they_are_on(switches: dict[str, bool], matters: bool) -> None:
    network = STDTrack(SMALL.model_copy(update=switches)).eval()
    if network.carry is not None:
        torch.nn.init.normal_(network.carry)
    template, search, token, memory, valid = sample(network)
    first = network.step(template, search, token, memory, valid).maps.score
    other = network.step(template, search, token + 1.0, memory.flip(-1), valid).maps.score
    assert torch.equal(first, other) is not matters


def test_with_a_memory_the_token_that_is_carried_on_comes_from_it_alone() -> None:
    """E_t is an answer of the memory: without the template's appearance, equal memories leave no other difference."""
    network = STDTrack(SMALL).eval()
    template, search, token, memory, valid = sample(network)
    same = memory[:, :1].expand_as(memory)
    none = torch.zeros(2)
    first = network.step(template, search, token, same, valid, none).enhanced
    other = network.step(template, search.flip(-1), token, same, valid, none).enhanced
    torch.testing.assert_close(first, other, rtol=1e-4, atol=1e-5)
    empty = torch.zeros_like(valid)
    alone = network.step(template, search, token, memory, empty, none).enhanced
    torch.testing.assert_close(alone, network.step(template, search, token, memory * 2, empty).enhanced)


def test_the_paper_like_preset_attends_jointly_and_the_light_one_caches_the_template() -> None:
    paper, light = preset("vit_tiny"), preset("lite_hybrid")
    assert (paper.attention, paper.depth, paper.capacity) == ("joint", 12, 6)
    assert light.attention == "cached"
    network = STDTrack(SMALL)
    state = network.start(torch.zeros(3, 3, 64, 64))
    assert state.tokens.shape == (3, SMALL.depth, 2, SMALL.template_cells**2, SMALL.dim)
    with pytest.raises(SettingError, match="lite_hybrid"):
        preset("resnet")


def fusion() -> MultiFrameFusion:
    torch.manual_seed(5)
    return MultiFrameFusion(SMALL).eval()


def test_fusion_does_not_see_invalid_slots_nor_the_order_of_the_stored() -> None:
    module = fusion()
    token, initial, memory = torch.randn(1, 1, 32), torch.randn(1, 32), torch.randn(1, 6, 32)
    valid = torch.tensor([[1.0, 1, 1, 1, 0, 0, 0]])  # the template's, then the stored
    first = module(token, initial, memory, valid)
    changed = memory.clone()
    changed[:, 3:] = 100.0
    torch.testing.assert_close(module(token, initial, changed, valid), first)
    order = [2, 0, 1, 3, 4, 5]
    torch.testing.assert_close(module(token, initial, memory[:, order], valid), first, rtol=1e-4, atol=1e-5)
    changed = memory.clone()
    changed[:, 0] *= -1.0
    assert not torch.allclose(module(token, initial, changed, valid), first)
    without = torch.tensor([[0.0, 1, 1, 1, 0, 0, 0]])
    torch.testing.assert_close(module(token, initial, memory, without), module(token, -initial, memory, without))


def test_an_empty_memory_leaves_the_templates_appearance() -> None:
    module = fusion()
    token, none, valid = torch.randn(2, 1, 32), torch.zeros(2, 6, 32), torch.zeros(2, 7)
    valid[:, 0] = 1.0
    found = module(token, torch.randn(2, 32), none, valid)
    assert torch.isfinite(found).all()
    assert not torch.allclose(module(token, torch.randn(2, 32), none, valid), found)


def test_the_carried_token_stays_bounded_over_thousands_of_frames() -> None:
    """E_t is fed back as it is; its final norm keeps it from growing (or dying) on a static picture."""
    torch.manual_seed(0)
    module = fusion()
    mix = torch.nn.Linear(32, 32)
    token, initial, norms = torch.zeros(1, 1, 32), torch.randn(1, 32), []
    with torch.no_grad():
        for _ in range(5000):
            token = module(mix(token) + 1.0, initial, token.expand(1, 6, 32), torch.ones(1, 7))
            norms.append(float(token.norm()))
    assert max(norms[10:]) / min(norms[10:]) < 1.5


@pytest.mark.parametrize(("form", "gain"), [("gate", 2.0), ("product", 1.0)])
def test_the_bounded_masks_scale_each_token_by_the_agreement_of_its_cell(form: str, gain: float) -> None:
    module = MaskEnhancement(SMALL.model_copy(update={"mask": form})).eval()
    search, cells, token = torch.randn(1, 9, 32), torch.randn(1, 9, 32), torch.randn(1, 1, 32)
    enhanced, logits = module(search, cells, token)
    plain = (module.query(module.norm(cells)) @ module.key(token).transpose(1, 2)) / 32**0.5 + module.bias
    torch.testing.assert_close(logits, plain, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(enhanced, search * logits.sigmoid() * gain)


def test_untrained_the_mask_finds_the_cells_that_resemble_what_was_read() -> None:
    """The short way: an appearance goes into the memory, is read as it is, and meets the cells that it came from."""
    torch.manual_seed(1)
    fuse, mask = MultiFrameFusion(SMALL).eval(), MaskEnhancement(SMALL).eval()
    target, other = torch.randn(2, 32)
    token, unknown = torch.randn(1, 1, 32), torch.randn(1, 32)
    stored = fuse.stored(0.1 * token, target[None] / target.norm())
    enhanced = fuse(token, unknown, stored, torch.tensor([[0.0, 1.0]]))
    logits = mask(torch.zeros(1, 2, 32), torch.stack((target, other))[None], enhanced)[1][0, :, 0]
    assert float(logits[0]) > float(logits[1]) + 1.0


def test_imagenet_weights_are_folded_exactly() -> None:
    """The first block against convolution and batch norm computed apart, on weights as the package names them."""
    torch.manual_seed(2)
    network = EfficientNetLite()
    weights: dict[str, torch.Tensor] = {}

    def norm(name: str, channels: int) -> None:
        weights.update({f"{name}.weight": torch.rand(channels) + 0.5, f"{name}.bias": torch.randn(channels)})
        weights.update({f"{name}.running_mean": torch.randn(channels), f"{name}.running_var": torch.rand(channels)})

    weights["_conv_stem.weight"] = torch.randn(32, 3, 3, 3)
    norm("_bn0", 32)
    for index, block in enumerate(network.blocks):
        name = f"_blocks.{index}"
        if block.expand is not None:
            weights[f"{name}._expand_conv.weight"] = torch.randn_like(block.expand.weight)
            norm(f"{name}._bn0", block.expand.out_channels)
        weights[f"{name}._depthwise_conv.weight"] = torch.randn_like(block.depthwise.weight)
        norm(f"{name}._bn1", block.depthwise.out_channels)
        weights[f"{name}._project_conv.weight"] = torch.randn_like(block.project.weight)
        norm(f"{name}._bn2", block.project.out_channels)
    network.load_imagenet(weights)
    bgr = torch.randn(1, 3, 32, 32)
    rgb = torch.nn.functional.pad(bgr.flip(1), (0, 1, 0, 1))  # TensorFlow's "same" padding at stride 2
    expected = torch.nn.functional.batch_norm(
        torch.nn.functional.conv2d(rgb, weights["_conv_stem.weight"], stride=2),
        weights["_bn0.running_mean"],
        weights["_bn0.running_var"],
        weights["_bn0.weight"],
        weights["_bn0.bias"],
        eps=1e-3,
    )
    torch.testing.assert_close(network.stem(bgr), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ModelError, match="_conv_stem"):
        EfficientNetLite().load_imagenet({})


def test_freezing_keeps_blocks_and_trains_the_rest() -> None:
    network = EfficientNetLite()
    network.freeze(5)
    network(torch.randn(1, 3, 32, 32)).sum().backward()
    trained = {name for name, value in network.named_parameters() if value.grad is not None}
    assert not any(name.startswith(("stem", "blocks.0.", "blocks.4.")) or "depthwise" in name for name in trained)
    assert any(name.startswith("blocks.5.") for name in trained)
    network.freeze(0, depthwise=False)
    assert all(value.requires_grad for value in network.parameters())
