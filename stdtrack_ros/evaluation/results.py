# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Raw results on disk, one small file per tracker, sequence and protocol, written as they come and read when resuming.

<folder>/sequences/<sequence>.npz               ground truth, stamps, attributes, notes
<folder>/raw/<tracker>/<sequence>/<protocol>.npz
<folder>/raw/<tracker>/<sequence>/error.json    why there is none
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.evaluation.metrics.accuracy import FloatArray
from stdtrack_ros.evaluation.protocols import MultiStartRun, RestartRun, Track
from stdtrack_ros.evaluation.realtime import RealTimeRun
from stdtrack_ros.outputs import beside, write_text
from stdtrack_ros.sequences.catalog import file_name
from stdtrack_ros.sequences.sequence import Sequence

Run = Track | RealTimeRun | RestartRun | MultiStartRun
PROTOCOLS: Mapping[str, type[Run]] = {
    "ope": Track,
    "realtime": RealTimeRun,
    "restart": RestartRun,
    "multistart": MultiStartRun,
}
"""Protocols by the names that users type, and the kind of raw result that each gives."""


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """What scoring and reporting need of a sequence, without its frames.

    Attributes:
        ground_truth: (N, 4) px, NaN where not known.
        stamps_s: (N,).
        attributes: the benchmark's tags.
        notes: what was odd in the source.
    """

    name: str
    ground_truth: FloatArray
    stamps_s: FloatArray
    attributes: tuple[str, ...]
    notes: tuple[str, ...]


def facts_of(sequence: Sequence, name: str) -> SequenceFacts:
    """Return the facts of an open sequence, under the name of its handle."""
    return SequenceFacts(
        name,
        np.asarray(sequence.boxes, dtype=np.float64),
        np.asarray(sequence.stamps_s, dtype=np.float64),
        tuple(sorted(sequence.attributes)),
        tuple(sequence.notes),
    )


class ResultsFolder:
    """The folder of one evaluation."""

    def __init__(self, path: Path) -> None:
        """Make the folder if it is missing.

        Raises:
            SequenceError: the folder cannot be written.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SequenceError(f"The results cannot be written to {path}: {error.strerror}.") from None

    def save(self, tracker: str, sequence: str, protocol: str, run: Run, identity: str) -> None:
        """Write one raw result; a reader never sees half of it."""
        values = {field.name: getattr(run, field.name) for field in fields(run)}
        self._write_arrays(self._run_file(tracker, sequence, protocol), {**values, "identity": identity})
        self._error_file(tracker, sequence).unlink(missing_ok=True)

    def load(self, tracker: str, sequence: str, protocol: str, identity: str | None = None) -> Run | None:
        """Load a raw result; None if it is missing, damaged, or of another identity (other settings or frames)."""
        values = self._read_arrays(self._run_file(tracker, sequence, protocol))
        if values is None or (identity is not None and str(values.get("identity")) != identity):
            return None
        kind = PROTOCOLS[protocol]
        try:
            parts: dict[str, Any] = {field.name: values[field.name] for field in fields(kind)}
        except KeyError:
            return None
        if "start" in parts:
            parts["start"] = int(parts["start"])
        return kind(**parts)

    def remove(self, tracker: str, sequence: str, protocol: str) -> None:
        """Delete a raw result, if there is one."""
        self._run_file(tracker, sequence, protocol).unlink(missing_ok=True)

    def save_facts(self, facts: SequenceFacts) -> None:
        """Write what is known of a sequence."""
        values = asdict(facts)
        values["attributes"] = json.dumps(facts.attributes)
        values["notes"] = json.dumps(facts.notes)
        self._write_arrays(self.path / "sequences" / f"{file_name(facts.name)}.npz", values)

    def load_facts(self, sequence: str) -> SequenceFacts | None:
        """Return what is known of a sequence; None if nothing was written yet."""
        values = self._read_arrays(self.path / "sequences" / f"{file_name(sequence)}.npz")
        if values is None:
            return None
        attributes, notes = (tuple(json.loads(str(values[key]))) for key in ("attributes", "notes"))
        return SequenceFacts(sequence, values["ground_truth"], values["stamps_s"], attributes, notes)

    def save_error(self, tracker: str, sequence: str, message: str) -> None:
        """Write why a tracker has no result on a sequence."""
        file = self._error_file(tracker, sequence)
        write_text(file, json.dumps({"error": message}))

    def load_error(self, tracker: str, sequence: str) -> str | None:
        """Return why a tracker has no result on a sequence; None if nothing went wrong."""
        try:
            return str(json.loads(self._error_file(tracker, sequence).read_text(encoding="utf-8"))["error"])
        except (OSError, ValueError, KeyError):
            return None

    def _run_file(self, tracker: str, sequence: str, protocol: str) -> Path:
        return self.path / "raw" / file_name(tracker) / file_name(sequence) / f"{protocol}.npz"

    def _error_file(self, tracker: str, sequence: str) -> Path:
        return self.path / "raw" / file_name(tracker) / file_name(sequence) / "error.json"

    @staticmethod
    def _write_arrays(file: Path, values: Mapping[str, Any]) -> None:
        with beside(file) as part:
            np.savez_compressed(part, **values)

    @staticmethod
    def _read_arrays(file: Path) -> dict[str, Any] | None:
        try:
            with np.load(file, allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        except Exception:  # a damaged file makes NumPy and the decompressor raise nearly anything
            return None
