# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: batches that overflow."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stdtrack_ros.errors import TrainingError
from stdtrack_ros.network.checkpoint import load_checkpoint
from stdtrack_ros.training.loop import MOST_SKIPPED, Budget, Trainer
from stdtrack_ros.training.settings import OptimizerSettings


def test_batches_that_overflow_are_skipped_and_a_run_of_them_is_the_end(tmp_path: Path) -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    trainer = Trainer(network, None, OptimizerSettings(learning_rate=0.1, warmup=0.0), tmp_path, {}, seed=0)

    def run(factors: list[float]) -> None:
        batches = ({"factor": torch.tensor([factor])} for factor in factors)

        def objective(network: torch.nn.Module, batch: dict[str, torch.Tensor], _: torch.Generator) -> tuple:
            return (network(torch.ones(1, 1)) * batch["factor"]).sum(), {}

        trainer.run(batches, objective, Budget(1000, 0), torch.float32, log_every=100, save_minutes=9)

    start = network.weight.item()
    run([float("nan"), float("inf")])
    assert network.weight.item() == start and trainer.step == 2
    run([1.0])
    learned = network.weight.item()
    assert learned < start
    run([float("nan")] * (MOST_SKIPPED - 1) + [1.0])  # counted in a row
    learned = network.weight.item()
    with pytest.raises(
        TrainingError, match=rf"{MOST_SKIPPED} batches in a row .* lower optimizer.learning_rate \(it is 0.1\)"
    ):
        run([float("nan")] * 2 * MOST_SKIPPED)
    assert network.weight.item() == learned
    assert load_checkpoint(tmp_path / "last.pt")["step"] == trainer.step == 2 + 1 + MOST_SKIPPED + MOST_SKIPPED - 1
