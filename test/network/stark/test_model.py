# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of STARK: values that can be computed by hand, the published variants, and every ablation switch."""

import pytest
import torch
from tiny_stark import tiny_stark

from stdtrack_ros.network.stark.backbone import FrozenBatchNorm
from stdtrack_ros.network.stark.config import VARIANTS, StarkConfig
from stdtrack_ros.network.stark.model import Stark, normalize
from stdtrack_ros.network.stark.positions import sine_positions

SWITCHES: dict[str, dict[str, object]] = {
    "all parts": {},
    "no encoder": {"encoder_layers": 0},
    "no decoder": {"decoder_layers": 0},
    "no positions": {"positions": False},
    "perceptron box head": {"box_head": "perceptron"},
    "no score head": {"score_head": False},
    "one template": {"templates": 1},
}


def tiny(**changes: object) -> StarkConfig:
    layers = {"encoder_layers": 2, "decoder_layers": 2, "template_size": 32, "search_size": 80}
    return tiny_stark(**layers | changes)


def inputs(config: StarkConfig, batch: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    m, n = config.template_size, config.search_size
    return [
        torch.randn(batch, config.templates, 3, m, m, generator=generator),
        torch.randn(batch, 3, n, n, generator=generator),
        torch.zeros(batch, config.templates, config.template_cells, config.template_cells, dtype=torch.bool),
        torch.zeros(batch, config.search_cells, config.search_cells, dtype=torch.bool),
    ]


@pytest.mark.parametrize("changes", SWITCHES.values(), ids=SWITCHES.keys())
def test_each_switch_keeps_shapes_and_reaches_every_weight_with_gradient(changes: dict[str, object]) -> None:
    torch.manual_seed(1)
    network = Stark(tiny(**changes)).train()
    for weight in network.parameters():
        weight.data += 0.1 * torch.randn_like(weight)  # biases that are 0 would keep gradients from others
    corners, logits, concentration = network(*inputs(network.config))
    assert corners.shape == (3, 4) and logits.shape == concentration.shape == (3,)
    assert ((concentration >= 0) & (concentration <= 1)).all()
    (corners * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().add(logits.sum()).backward()
    without = {name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()}
    assert without <= BLIND


BLIND = {
    "transformer.decoder.0.self_attention.heads.in_proj_weight",  # multiplied with the decoder's first target, 0
    "box_head.top_left.12.bias",  # a softmax does not see what is added to all of its logits
    "box_head.bottom_right.12.bias",
}


@pytest.mark.parametrize("changes", SWITCHES.values(), ids=SWITCHES.keys())
def test_each_switch_takes_its_part_out(changes: dict[str, object]) -> None:
    names = " ".join(name for name, _ in Stark(tiny(**changes)).named_parameters())
    assert ("transformer.encoder" in names) == (changes.get("encoder_layers") != 0)
    assert ("transformer.decoder" in names) == (changes.get("decoder_layers") != 0)
    assert ("box_head.top_left" in names) == (changes.get("box_head") != "perceptron")
    assert ("score_head" in names) == changes.get("score_head", True)


def test_positions_matter_unless_switched_off() -> None:
    """Without positions the encoder cannot tell cells apart: tokens come out in the order they go in."""
    order = torch.randperm(25, generator=torch.Generator().manual_seed(3))
    for positions in (True, False):
        network = Stark(tiny(positions=positions)).eval()
        search, templates = torch.randn(1, 25, 32), torch.randn(1, 2, 4, 32)
        masks = torch.zeros(1, 5, 5, dtype=torch.bool), torch.zeros(1, 2, 2, 2, dtype=torch.bool)
        with torch.no_grad():
            score = network.locate(search, templates, *masks)[1]
            shuffled = network.locate(search[:, order], templates, *masks)[1]
        assert torch.allclose(score, shuffled, atol=1e-5) != positions


def test_positions_count_from_the_edge_of_the_image() -> None:
    outside = torch.zeros(1, 4, 4, dtype=torch.bool)
    outside[:, :, :2] = True
    shifted = sine_positions(outside, 8).reshape(4, 4, 8)[:, 2:]
    plain = sine_positions(torch.zeros(1, 4, 2, dtype=torch.bool), 8).reshape(4, 2, 8)
    torch.testing.assert_close(shifted, plain)


def test_cells_outside_the_image_have_no_influence() -> None:
    network = Stark(tiny()).eval()
    search, templates = torch.randn(1, 25, 32) * 100, torch.randn(1, 2, 4, 32)
    outside, inside = torch.zeros(1, 5, 5, dtype=torch.bool), torch.zeros(1, 2, 2, 2, dtype=torch.bool)
    outside[:, 4] = True
    other = search.clone()
    other[:, 20:] = torch.randn(1, 5, 32) * 1e4
    with torch.no_grad():
        first = network.locate(search, templates, outside, inside)[1]
        second = network.locate(other, templates, outside, inside)[1]
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_a_window_that_lies_outside_altogether_gives_numbers() -> None:
    network = Stark(tiny()).eval()
    images = inputs(tiny(), batch=1)
    with torch.no_grad():
        corners, logits, _ = network(*images[:2], torch.ones_like(images[2]), torch.ones_like(images[3]))
    assert corners.isfinite().all() and logits.isfinite().all()


def test_frozen_norms_are_constants() -> None:
    norm = FrozenBatchNorm(2)
    norm.running_mean.copy_(torch.tensor([1.0, 0.0]))
    norm.running_var.copy_(torch.tensor([4.0, 1.0]))
    norm.weight.copy_(torch.tensor([3.0, 1.0]))
    norm.bias.copy_(torch.tensor([0.5, 0.0]))
    images = torch.tensor([5.0, 7.0]).view(1, 2, 1, 1)
    expected = torch.tensor([3.0 * (5.0 - 1.0) / 2.0 + 0.5, 7.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(norm.train()(images), expected, atol=1e-3, rtol=0)
    assert not list(norm.parameters()) and norm.running_mean[0] == 1.0


def test_normalize_turns_bgr_into_imagenet_rgb() -> None:
    bgr = torch.tensor([0, 128, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    expected = torch.tensor([(1 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, -0.406 / 0.225]).view(1, 3, 1, 1)
    torch.testing.assert_close(normalize(bgr), expected)


def test_the_searched_window_has_the_published_shape() -> None:
    config = VARIANTS["stark_st101"]
    assert (config.search_cells, config.template_cells, config.templates) == (20, 8, 2)
    with torch.device("meta"):
        network = Stark(config)
        features = network.encode(torch.zeros(1, 3, 320, 320))
    assert features.shape == (1, 400, 256) and network.backbone.channels == 1024
