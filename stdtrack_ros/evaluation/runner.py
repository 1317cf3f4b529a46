# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs trackers over sequences, in parallel processes or on a cluster; what is done already is not done again."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from stdtrack_ros.evaluation.jobs import Job, Outcome, identity_of, run_job, time_alone
from stdtrack_ros.evaluation.protocols import Track, run_one_pass
from stdtrack_ros.evaluation.results import PROTOCOLS, ResultsFolder, Run
from stdtrack_ros.evaluation.trackers.tracker_interface import TrackerFactory, TrackerSpec
from stdtrack_ros.sequences.catalog import SequenceHandle
from stdtrack_ros.sequences.sequence import Sequence

Item = TypeVar("Item", Job, Outcome)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate, and with how much of the machine.

    Attributes:
        protocols: names out of `results.PROTOCOLS`; one pass is always among them.
        workers: processes at once.
        threads: CPU threads of each tracker; 0: the cores, shared among the workers.
        start_box: (4,) where to start sequences without ground truth.
        cluster: address of a Dask scheduler, "local" for a cluster of this machine's processes, empty for none.
    """

    specs: tuple[TrackerSpec, ...]
    handles: tuple[SequenceHandle, ...]
    protocols: tuple[str, ...] = ("ope",)
    workers: int = 1
    threads: int = 0
    start_box: tuple[float, ...] | None = None
    cluster: str = ""


def run_ope(make_tracker: TrackerFactory, sequences: Iterable[Sequence]) -> dict[str, Track]:
    """Run one tracker over sequences, one pass each, in this process; return the track of each sequence by its name."""
    tracker = make_tracker()
    return {sequence.name: run_one_pass(tracker, sequence) for sequence in sequences}


def run_plan(plan: Plan, folder: ResultsFolder, console: Console | None = None) -> int:
    """Run what the folder lacks of a plan, and write each result as it comes; errors are written, too.

    Returns how many one passes of the plan keep the step times of an earlier run.

    Raises:
        SettingError: a cluster was asked for and its engine is not installed, or it cannot be reached.
    """
    jobs = pending_jobs(plan, folder)
    untimed = [job for job in jobs if _needs_times(plan, job)]
    if untimed:
        timed = list(_tracked(_timed(untimed), "timing alone", console, len(untimed)))
        jobs = [*(job for job in jobs if not _needs_times(plan, job)), *timed]
    for outcome in _tracked(_outcomes(plan, jobs), "tracking", console, len(jobs)):
        _write(outcome, folder)
    measured = sum("ope" in job.protocols or job.step_s is not None for job in jobs)
    return len(plan.handles) * len(plan.specs) - measured


def pending_jobs(plan: Plan, folder: ResultsFolder) -> list[Job]:
    """Return the jobs of a plan without what the folder holds already under the same identity."""
    jobs, threads = [], threads_of(plan)
    for handle in plan.handles:
        for spec in plan.specs:
            identity = identity_of(spec, handle, plan.start_box)
            done: dict[str, Run] = {}
            for protocol in plan.protocols:
                run = folder.load(spec.name, handle.name, protocol, identity)
                if run is not None:
                    done[protocol] = run
            missing = tuple(name for name in PROTOCOLS if name in plan.protocols and name not in done)
            if missing or folder.load_facts(handle.name) is None:
                jobs.append(Job(spec, handle, missing, threads, plan.start_box, done=done, identity=identity))
    return jobs


def threads_of(plan: Plan) -> int:
    """Return the number of CPU threads that each tracker gets."""
    cores = os.cpu_count() or 1
    return plan.threads or max(cores // plan.workers, 1)


def _outcomes(plan: Plan, jobs: list[Job]) -> Iterator[Outcome]:
    if plan.cluster:
        from stdtrack_ros.evaluation.cluster import run_on_cluster

        return run_on_cluster(plan.cluster, jobs, plan.workers)
    return run_in_processes(jobs, plan.workers)


def run_in_processes(jobs: Iterable[Job], workers: int) -> Iterator[Outcome]:
    """Yield the outcomes of jobs as they come; a job that kills its process loses itself and no other."""
    waiting = list(jobs)[::-1]
    while waiting:
        running: dict[Future[Outcome], Job] = {}
        with _pool(workers) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < workers:
                        future = pool.submit(run_job, waiting[-1])  # raises when the pool is broken; the job waits on
                        running[future] = waiting.pop()
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        yield future.result()
                        del running[future]
            except BrokenProcessPool:
                pass
        # The pool broke under one of these; each runs once more, alone, so that the guilty one is known.
        for job in running.values():
            yield _run_alone(job)


def _needs_times(plan: Plan, job: Job) -> bool:
    """Return whether step times must be measured apart: other jobs run beside it, or its pass is an earlier run's."""
    if plan.cluster or "realtime" not in plan.protocols:
        return False
    return ("ope" in job.protocols and plan.workers > 1) or ("ope" in job.done and "realtime" in job.protocols)


def _timed(jobs: Iterable[Job]) -> Iterator[Job]:
    """Yield the jobs with their step times, measured one after the other in a process of its own.

    One that kills that process goes on without times: it will do so again, and be named then.
    """
    waiting = list(jobs)[::-1]
    while waiting:
        with _pool(1) as pool, suppress(BrokenProcessPool):
            while waiting:
                future = pool.submit(time_alone, waiting[-1])  # raises when the pool is broken; the job waits on
                job = waiting.pop()
                yield job if future.exception() is not None else future.result()


def _run_alone(job: Job) -> Outcome:
    with _pool(1) as pool:
        try:
            return pool.submit(run_job, job).result()
        except BrokenProcessPool:
            message = f"{job.spec.name} killed its process on {job.handle.name} (a crash, or out of memory)."
            return Outcome(job, {}, None, message)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, not forked: OpenCV's and ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """End this worker when the parent ends, however it does; a pool's workers would wait for it forever."""
    Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _write(outcome: Outcome, folder: ResultsFolder) -> None:
    tracker, sequence = outcome.job.spec.name, outcome.job.handle.name
    if outcome.facts is not None:
        folder.save_facts(outcome.facts)
    for protocol, run in outcome.runs.items():
        folder.save(tracker, sequence, protocol, run, outcome.job.identity)
    if outcome.error:
        for protocol in set(outcome.job.protocols) - set(outcome.runs):
            folder.remove(tracker, sequence, protocol)  # what lies there is of an older identity
        folder.save_error(tracker, sequence, outcome.error)


def _tracked(items: Iterable[Item], title: str, console: Console | None, total: int) -> Iterator[Item]:
    """Yield the items as they come, under a progress bar if there is a console to draw it on."""
    told = TextColumn(f"{title} {{task.fields[last]}}", markup=False)
    columns = (told, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=console is None) as progress:
        task = progress.add_task(title, total=total, last="")
        for item in items:
            job = item.job if isinstance(item, Outcome) else item
            progress.update(task, advance=1, last=f"{job.spec.name} · {job.handle.name}")
            yield item
