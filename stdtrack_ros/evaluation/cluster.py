# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs on several machines, through Dask (the extra `cluster`).

Start `dask scheduler` on one machine and `dask worker ADDRESS --nworkers N --nthreads 1` on each; every machine needs
this package and the sequences under the same paths. Results travel back to where the evaluation was started.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from stdtrack_ros.errors import SettingError
from stdtrack_ros.evaluation.jobs import Job, Outcome, run_job

LOCAL = "local"
"""Address of a cluster made of this machine's own processes, for trying it out."""
CONNECT_S = 10
"""Longest wait for a scheduler elsewhere; one's own has as long as Dask gives it, for the machine may be busy."""
PATIENCE = {"distributed.deploy.lost-worker-timeout": "10 minutes"}
"""A process of this machine that a job has killed may take so long to come back; Dask takes it away after 15 s."""


def run_on_cluster(address: str, jobs: list[Job], workers: int) -> Iterator[Outcome]:
    """Yield the outcomes of jobs as they come; a job that kills its worker loses itself and no other.

    Args:
        address: of a running Dask scheduler (`tcp://host:8786`), or LOCAL: `workers` processes of this machine.

    Raises:
        SettingError: Dask is not installed, or no scheduler answers there.
    """
    try:
        import dask
        from distributed import Client, LocalCluster, as_completed
    except ImportError:
        raise SettingError("A cluster needs Dask: pip install distributed.") from None
    local = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) if address == LOCAL else None
    try:
        client = Client(local) if local is not None else Client(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise SettingError(f"No Dask scheduler answers at '{address}': {error}.") from None
    try:
        suspects = []
        with dask.config.set(PATIENCE):
            futures = {client.submit(run_job, job, pure=False): job for job in jobs}
            for future in as_completed(futures):
                job = futures.pop(future)
                try:
                    yield _outcome(future, job)
                except Exception:  # Dask has classes of its own for what killed a worker; it blames its neighbours, too
                    suspects.append(job)
            for job in suspects:
                yield _alone(client, job)
    finally:
        client.close()
        if local is not None:
            local.close()


def _alone(client: Any, job: Job) -> Outcome:
    """Run a job once more with nothing beside it, so that the guilty one is known."""
    try:
        return _outcome(client.submit(run_job, job, pure=False), job)
    except Exception as error:  # see above
        message = f"{job.spec.name} killed its worker on {job.handle.name} ({type(error).__name__})."
        return Outcome(job, {}, None, message)


def _outcome(future: Any, job: Job) -> Outcome:
    outcome: Outcome = future.result()
    future.release()
    return replace(outcome, job=job)
