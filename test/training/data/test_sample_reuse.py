# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pool of clips: what is drawn, how often, and that the pictures stay where they were."""

from collections import Counter
from collections.abc import Iterator

import torch

from stdtrack_ros.training.data.sample_reuse import reuse_samples, shrink

CPU = torch.device("cpu")


def numbered(size: int, made: list[int]) -> Iterator[dict[str, torch.Tensor]]:
    """Batches whose clips carry their number; `made` counts the batches."""
    while True:
        numbers = torch.arange(len(made) * size, (len(made) + 1) * size)
        made.append(size)
        canvases = torch.zeros(size, 1, 8, 8, 3, dtype=torch.uint8)
        yield {"boxes": numbers[:, None, None].expand(size, 1, 4).float(), "canvases": canvases}


def drawn(batch: dict[str, torch.Tensor]) -> list[int]:
    return batch["boxes"][:, 0, 0].int().tolist()


def test_a_batch_is_drawn_from_the_whole_pool_without_repeats() -> None:
    made: list[int] = []
    batches = reuse_samples(numbered(4, made), pool_size=20, draws_per_clip=8, canvas_size=8, seed=0, device=CPU)
    seen = set()
    for _ in range(8):
        numbers = drawn(next(batches))
        assert len(set(numbers)) == 4
        seen.update(numbers)
    assert len(made) == 5 and max(seen) > 3 and seen <= set(range(20))


def test_a_clip_is_drawn_as_often_as_asked_and_then_given_up() -> None:
    made: list[int] = []
    batches = reuse_samples(numbered(4, made), pool_size=12, draws_per_clip=5, canvas_size=8, seed=0, device=CPU)
    counts: Counter[int] = Counter()
    for _ in range(600):
        counts.update(drawn(next(batches)))
    assert len(made) == 3 + 600 // 5 - 1
    settled = [counts[number] for number in range(12, 400)]
    assert abs(sum(settled) / len(settled) - 5) < 0.3
    assert max(drawn(next(batches))) >= 480 and min(drawn(next(batches))) > 400


def test_the_same_seed_draws_the_same() -> None:
    first, second = (reuse_samples(numbered(3, []), 9, 2, 8, seed=5, device=CPU) for _ in range(2))
    assert [drawn(next(first)) for _ in range(9)] == [drawn(next(second)) for _ in range(9)]


def test_shrunk_canvases_keep_the_picture_in_its_place() -> None:
    canvases = torch.zeros(2, 2, 32, 32, 3, dtype=torch.uint8)
    canvases[1, 0, 8:16, 16:24] = 200
    boxes = torch.zeros(2, 2, 4)
    small = shrink({"canvases": canvases, "boxes": boxes}, 16)
    assert small["canvases"].shape == (2, 2, 16, 16, 3) and small["boxes"] is boxes
    expected = torch.zeros(2, 2, 16, 16, 3, dtype=torch.uint8)
    expected[1, 0, 4:8, 8:12] = 200
    assert torch.equal(small["canvases"], expected)


def test_small_canvases_stay_as_they_are() -> None:
    clips = {"canvases": torch.ones(1, 1, 8, 8, 3, dtype=torch.uint8)}
    assert shrink(clips, 8) is clips
