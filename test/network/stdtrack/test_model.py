# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Each part of the network can be left out, and token and memory reach the result only where they are on."""

from __future__ import annotations

import pytest
import torch
from tiny_stdtrack import SMALL, sample, step

from stdtrack_ros.errors import SettingError
from stdtrack_ros.network.stdtrack.config import preset
from stdtrack_ros.network.stdtrack.model import STDTrack

SWITCHES = [
    {},
    {"token": False},
    {"memory": False},
    {"pooled_keys": False},
    {"recall": False},
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
    output = step(network, sample(network))
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
    given = sample(network)
    memory = given.memory._replace(tokens=given.memory.tokens.flip(-1), looks=given.memory.looks.flip(-1))
    first = step(network, given).maps.score
    other = step(network, given._replace(token=given.token + 1.0, memory=memory)).maps.score
    assert torch.equal(first, other) is not matters


@pytest.mark.parametrize("on", [True, False])
def test_what_was_stored_is_recalled_in_the_score_if_recall_is_on(on: bool) -> None:
    network = STDTrack(SMALL.model_copy(update={"recall": on})).eval()
    given = sample(network)
    seen = step(network, given)
    looks = seen.look[:, None].expand_as(given.memory.looks)
    other = step(network, given._replace(memory=given.memory._replace(looks=looks)))
    assert torch.equal(seen.maps.score, other.maps.score) is not on
    assert torch.equal(seen.maps.size, other.maps.size) and torch.equal(seen.enhanced, other.enhanced)


def test_with_a_memory_the_token_that_is_carried_on_comes_from_it_alone() -> None:
    """E_t is an answer of the memory: without the template's appearance, equal memories leave no other difference."""
    network = STDTrack(SMALL).eval()
    given, none = sample(network), torch.zeros(2)
    memory = given.memory
    equal = given._replace(memory=memory._replace(tokens=memory.tokens[:, :1].expand_as(memory.tokens)))
    first = step(network, equal, none).enhanced
    other = step(network, equal._replace(search=given.search.flip(-1)), none).enhanced
    torch.testing.assert_close(first, other, rtol=1e-4, atol=1e-5)
    empty = memory._replace(valid=torch.zeros_like(memory.valid))
    changed = empty._replace(tokens=2 * memory.tokens, looks=-memory.looks)
    alone = step(network, given._replace(memory=empty), none).enhanced
    torch.testing.assert_close(alone, step(network, given._replace(memory=changed)).enhanced)


def test_the_paper_like_preset_attends_jointly_and_the_light_one_caches_the_template() -> None:
    paper, light = preset("vit_tiny"), preset("lite_hybrid")
    assert (paper.attention, paper.depth, paper.capacity) == ("joint", 12, 6)
    assert light.attention == "cached"
    network = STDTrack(SMALL)
    state = network.start(torch.zeros(3, 3, 64, 64))
    assert state.tokens.shape == (3, SMALL.depth, 2, SMALL.heads, SMALL.template_cells**2, SMALL.dim // SMALL.heads)
    with pytest.raises(SettingError, match="lite_hybrid"):
        preset("resnet")
