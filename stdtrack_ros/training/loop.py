# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: steps, averaged weights, checkpoints, log; one process or several (torchrun)."""

from __future__ import annotations

import csv
import math
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, distributed, nn

from stdtrack_ros.errors import TrainingError
from stdtrack_ros.network.checkpoint import save_checkpoint
from stdtrack_ros.training.learning_curves import draw_curves
from stdtrack_ros.training.settings import OptimizerSettings

MOST_SKIPPED = 20
"""Batches in a row without a finite gradient that end a run: the weights are damaged, not the batches."""
Objective = Callable[[nn.Module, dict[str, Tensor], torch.Generator], tuple[Tensor, dict[str, float]]]
"""The loss of a batch and its named parts; draws its random numbers from the generator alone."""


@dataclass
class Budget:
    """How long to train: steps, minutes, or both (whichever ends first); the schedule follows what is spent of it.

    Attributes:
        spent_s: seconds trained before this process, as the checkpoint tells.
    """

    steps: int
    minutes: float
    spent_s: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        """Seconds trained, over all resumptions."""
        return self.spent_s + time.monotonic() - self.started

    def progress(self, step: int) -> float:
        """Return the fraction of the budget that is spent, 0..1."""
        fractions = [
            step / self.steps if self.steps else 0.0,
            self.elapsed_s / (60 * self.minutes) if self.minutes else 0.0,
        ]
        return min(max(fractions), 1.0)


class Trainer:
    """Network, averaged network, optimiser and log of one run, in one folder.

    The folder holds `last.pt` (resumed from), `best.pt` (highest validation score) and `log.csv`.
    """

    def __init__(
        self,
        network: nn.Module,
        extra: nn.Module | None,
        settings: OptimizerSettings,
        folder: Path,
        description: dict[str, Any],
        seed: int,
        pretrained: str = "",
    ) -> None:
        """
        Args:
            network: trained and saved. extra: trained beside it and saved for resuming only (a distillation's map).
            pretrained: prefix of the names of the parameters that learn at `settings.backbone_factor`; empty: none.
            description: JSON-like facts that go into each checkpoint (the network's configuration under `network`).
        """
        self.network, self.extra, self.settings, self.folder = network, extra, settings, folder
        self.description, self.pretrained = description, pretrained
        self.device = next(network.parameters()).device
        self.ema = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self._groups(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.generator = torch.Generator().manual_seed(seed + 1000 * _rank())
        self.step, self.samples, self.best = 0, 0, float("-inf")
        self.spent_s = 0.0
        self.skipped = 0

    def resume(self, content: dict[str, Any]) -> None:
        """Go on exactly where the checkpoint was written."""
        self.network.load_state_dict(content["weights"])
        self.ema = {name: value.to(self.device) for name, value in content["ema"].items()}
        self.optimizer.load_state_dict(content["optimizer"])
        if self.extra is not None and content["extra"] is not None:
            self.extra.load_state_dict(content["extra"])
        self.generator.set_state(content["generator"])
        self.step, self.samples, self.best = content["step"], content["samples"], content["best"]
        self.spent_s = content["spent_s"]

    def run(
        self,
        batches: Iterator[dict[str, Tensor]],
        objective: Objective,
        budget: Budget,
        precision: torch.dtype,
        log_every: int,
        save_minutes: float,
        validate: Callable[[], dict[str, float]] | None = None,
        validate_minutes: float = 20.0,
    ) -> None:
        """Train until the budget is spent or the batches end; a checkpoint is written in any case.

        Ctrl-C and SIGTERM end the run in order: the step is finished and the checkpoint written.

        Raises:
            TrainingError: the gradients of MOST_SKIPPED batches in a row were not finite.
        """
        last_save = last_validation = time.monotonic()
        means: dict[str, list[float]] = defaultdict(list)
        with _progress_bar() as (progress, task), _stop_signals() as stopped:
            try:
                for batch in batches:
                    if self._agree(budget.progress(self.step) >= 1.0 or stopped.is_set()):
                        break
                    parts = self._train_step(batch, objective, budget, precision)
                    for name, value in parts.items():
                        means[name].append(value)
                    progress.update(task, completed=budget.progress(self.step) * 1000, text=_summary(parts, self))
                    if self.step % log_every == 0:
                        self._log("log.csv", {name: _mean(all_) for name, all_ in means.items()}, budget)
                        means.clear()
                    now = time.monotonic()
                    if now - last_save > 60 * save_minutes:
                        self.save("last.pt", budget)
                        last_save = now
                    if validate is not None and self._agree(now - last_validation > 60 * validate_minutes):
                        self._validate(validate, budget)
                        last_validation = time.monotonic()
            finally:
                self.save("last.pt", budget)
        if validate is not None and not stopped.is_set():
            self._validate(validate, budget)

    def save(self, name: str, budget: Budget) -> None:
        """Write a checkpoint into the run's folder (the first process only)."""
        if _rank() != 0:
            return
        save_checkpoint(
            self.folder / name,
            {
                **self.description,
                "weights": self.network.state_dict(),
                "ema": self.ema,
                "optimizer": self.optimizer.state_dict(),
                "extra": self.extra.state_dict() if self.extra is not None else None,
                "generator": self.generator.get_state(),
                "step": self.step,
                "samples": self.samples,
                "best": self.best,
                "spent_s": budget.elapsed_s,
            },
        )

    def _train_step(
        self, batch: dict[str, Tensor], objective: Objective, budget: Budget, precision: torch.dtype
    ) -> dict[str, float]:
        self._schedule(budget.progress(self.step))
        batch = {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}
        with torch.autocast(self.device.type, dtype=precision, enabled=precision != torch.float32):
            loss, parts = objective(self.network, batch, self.generator)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        trained = [value for group in self.optimizer.param_groups for value in group["params"]]
        _average_gradients(trained)
        norm = nn.utils.clip_grad_norm_(trained, self.settings.clip_norm)
        if torch.isfinite(norm):  # a batch that overflows is skipped, not learned from
            self.optimizer.step()
            self.skipped = 0
        else:
            self._skip()
        self.step += 1
        self.samples += len(next(iter(batch.values()))) * _world()
        self._average()
        return {**parts, "norm": float(norm), "learning_rate": self.optimizer.param_groups[0]["lr"]}

    def _skip(self) -> None:
        self.skipped += 1
        if self.skipped == MOST_SKIPPED:
            raise TrainingError(
                f"The gradients of {self.skipped} batches in a row are not finite, so nothing is learned any more at "
                f"step {self.step}. Begin again with a lower optimizer.learning_rate (it is "
                f"{self.settings.learning_rate:g})."
            )

    def _schedule(self, progress: float) -> None:
        settings = self.settings
        if progress < settings.warmup:
            factor = max(progress / settings.warmup, 0.01)
        elif settings.drop_at:
            factor = 1.0 if progress < settings.drop_at else 0.1
        else:
            angle = torch.pi * (progress - settings.warmup) / max(1.0 - settings.warmup, 1e-9)
            factor = settings.floor + (1 - settings.floor) * 0.5 * (1 + float(torch.cos(torch.tensor(angle))))
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * group["factor"] * factor

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))
        state = self.network.state_dict()
        smooth = [name for name, value in state.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.ema[name] for name in smooth], [state[name] for name in smooth], 1 - decay)
        for name in state.keys() - set(smooth):
            self.ema[name].copy_(state[name])

    def _groups(self) -> list[dict[str, Any]]:
        groups: dict[float, list[nn.Parameter]] = {1.0: [], self.settings.backbone_factor: []}
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                slow = bool(self.pretrained) and name.startswith(self.pretrained)
                groups[self.settings.backbone_factor if slow else 1.0].append(parameter)
        if self.extra is not None:
            groups[1.0].extend(self.extra.parameters())
        return [{"params": group, "factor": factor} for factor, group in groups.items() if group]

    def _validate(self, validate: Callable[[], dict[str, float]], budget: Budget) -> None:
        if _rank() == 0:
            scores = validate()
            self._log("validation.csv", scores, budget)
            if scores["auc"] > self.best:
                self.best = scores["auc"]
                self.save("best.pt", budget)

    def _log(self, name: str, values: dict[str, float], budget: Budget) -> None:
        if _rank() != 0:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        row = {"step": self.step, "samples": self.samples, "minutes": budget.elapsed_s / 60, **values}
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row), extrasaction="ignore")
            if fresh:
                writer.writeheader()
            writer.writerow({name: f"{value:.6g}" for name, value in row.items()})
        draw_curves(self.folder)

    def _agree(self, decision: bool) -> bool:
        """Let the first process decide for all, so that none waits for a gradient that never comes."""
        if not distributed.is_initialized():
            return decision
        flag = torch.tensor([float(decision)], device=self.device)
        distributed.broadcast(flag, 0)
        return bool(flag.item())


def _average_gradients(parameters: list[nn.Parameter]) -> None:
    """Average gradients over all processes, in one exchange."""
    if not distributed.is_initialized():
        return
    gradients = [torch.zeros_like(value) if value.grad is None else value.grad for value in parameters]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= _world()
    for value, part in zip(parameters, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        value.grad = part.view_as(value)


def _mean(values: list[float]) -> float:
    """Mean of those that are not NaN; NaN if there is none."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def _world() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def _summary(parts: dict[str, float], trainer: Trainer) -> str:
    return f"step {trainer.step}  loss {parts.get('loss', 0):.3f}  IoU {parts.get('iou', 0):.3f}"


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set while the context lasts (in a main thread; elsewhere nothing does)."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress_bar() -> Iterator[tuple[Progress, TaskID]]:
    """Show a bar over the budget (of 1000), in the first process only."""
    columns = (TextColumn("{task.fields[text]}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=_rank() != 0)) as progress:
        yield progress, progress.add_task("train", total=1000, text="starting")
