# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of STARK: values that can be computed by hand, the published variants, and every ablation switch."""

import math

import pytest
import torch
from pydantic import ValidationError

from stdtrack_ros.network.stark.backbone import FrozenBatchNorm
from stdtrack_ros.network.stark.complexity import count
from stdtrack_ros.network.stark.config import VARIANTS, StarkConfig
from stdtrack_ros.network.stark.heads import CornerHead
from stdtrack_ros.network.stark.model import Stark, normalize
from stdtrack_ros.network.stark.positions import sine_positions

TINY = StarkConfig(
    blocks=(1, 1, 1),
    base_width=8,
    dimension=32,
    heads=4,
    feedforward=64,
    encoder_layers=2,
    decoder_layers=2,
    template_size=32,
    search_size=80,
    score_head=True,
    templates=2,
)
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
    return StarkConfig.model_validate(TINY.model_dump() | changes)


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


def test_the_corner_is_the_expectation_of_its_map() -> None:
    """Equation 2 with two cells of equal probability: the corner lies half way between them."""
    head = CornerHead(StarkConfig(search_size=80, dimension=32))
    logits = torch.full((1, 1, 5, 5), -1e9)
    logits[0, 0, 1, 0] = logits[0, 0, 3, 4] = 0.0
    corner, share = head._expect(logits)
    torch.testing.assert_close(corner, torch.tensor([[0.4, 0.4]]))  # column (0 + 4) / 2, row (1 + 3) / 2, of 5 cells
    assert share.item() == pytest.approx(1.0)  # both lie within two cells of (2, 2)
    logits[0, 0, 3, 4], logits[0, 0, 4, 4] = -1e9, math.log(3.0)
    corner, share = head._expect(logits)
    torch.testing.assert_close(corner, torch.tensor([[3.0 / 5, 3.25 / 5]]))
    assert share.item() == pytest.approx(0.75)  # the cell at column 0 lies three columns away


def test_sine_positions_by_hand() -> None:
    """Rows in the first half of the channels, columns in the second; sine and cosine of each period side by side."""
    embedded = sine_positions(torch.zeros(1, 4, 2, dtype=torch.bool), 8).reshape(4, 2, 8)
    row, column = 2 * math.pi * 3 / 4, 2 * math.pi * 1 / 2  # cell (2, 0): third of four rows, first of two columns
    slow = 10000 ** (2 / 4)
    expected = [f(angle / period) for angle in (row, column) for period in (1, slow) for f in (math.sin, math.cos)]
    torch.testing.assert_close(embedded[2, 0], torch.tensor(expected), atol=1e-5, rtol=0)


def test_positions_count_from_the_edge_of_the_image() -> None:
    outside = torch.zeros(1, 4, 4, dtype=torch.bool)
    outside[:, :, :2] = True
    shifted = sine_positions(outside, 8).reshape(4, 4, 8)[:, 2:]
    plain = sine_positions(torch.zeros(1, 4, 2, dtype=torch.bool), 8).reshape(4, 2, 8)
    torch.testing.assert_close(shifted, plain)


def test_cells_outside_the_image_have_no_influence() -> None:
    network = Stark(TINY).eval()
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
    network = Stark(TINY).eval()
    images = inputs(TINY, batch=1)
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


def test_the_variants_have_the_published_sizes() -> None:
    """Against the paper: SiamRPN++ (54 M, 48.9 G) has twice STARK-S50's parameters and four times its FLOPs."""
    costs = {name: count(config) for name, config in VARIANTS.items()}
    assert costs["stark_s50"].parameters == pytest.approx(28.10, abs=0.01)
    assert costs["stark_st50"].parameters == pytest.approx(28.23, abs=0.01)
    assert costs["stark_st101"].parameters == pytest.approx(47.17, abs=0.01)
    assert costs["stark_s50"].parameters < 54.0 / 1.9
    assert costs["stark_s50"].step_gmacs < 48.9 / 3.9
    assert costs["stark_st50"].step_gmacs < 1.07 * costs["stark_s50"].step_gmacs, "the second template costs little"
    assert costs["stark_st101"].step_gmacs == pytest.approx(20.59, abs=0.05)


def test_the_searched_window_has_the_published_shape() -> None:
    config = VARIANTS["stark_st101"]
    assert (config.search_cells, config.template_cells, config.templates) == (20, 8, 2)
    with torch.device("meta"):
        network = Stark(config)
        features = network.encode(torch.zeros(1, 3, 320, 320))
    assert features.shape == (1, 400, 256) and network.backbone.channels == 1024


@pytest.mark.parametrize(
    "changes",
    [{"search_size": 321}, {"heads": 5}, {"templates": 3}, {"box_head": "perceptron", "decoder_layers": 0}, {"x": 1}],
)
def test_impossible_configurations_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        tiny(**changes)
