# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the paths that a user names (bags, videos, benchmark folders, folders of any of them) to sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from stdtrack_ros.sequences.sequence import Sequence


@dataclass(frozen=True, slots=True)
class SequenceHandle:
    """A sequence that is known but not opened: cheap, and picklable, so that a worker process opens its own.

    Attributes:
        name: unique among the handles of one `open_sequences` call, fit for a file name.
        path: the bag, video or sequence folder.
        layout: "bag", "video", or the benchmark layout's name ("got10k", "otb", ...; `folders.LAYOUTS`).
        reader: makes the sequence; a module's own function or a `functools.partial` of one.
    """

    name: str
    path: Path
    layout: str
    reader: Callable[[], Sequence]

    def open(self) -> Sequence:
        """Open it.

        Raises:
            SequenceError: it cannot be read, in one sentence with the path and the reason.
        """
        return self.reader()


def open_sequences(
    paths: Iterable[Path],
    *,
    topic: str | None = None,
    truth_topic: str | None = None,
    truth_csv: Path | None = None,
    layout: str = "auto",
) -> list[SequenceHandle]:
    """Handles of all sequences under the paths, in a fixed order; nothing is decoded yet.

    Args:
        paths: bags, videos, benchmark folders, sequence folders, folders of bags, or glob patterns of these.
        topic: image topic of the bags; None: the only one there is.
        truth_topic: topic of the bags with the true boxes; None: the only topic with boxes, where there is one.
        truth_csv: file with the true boxes (bags and videos), or a folder with one `<sequence name>.csv` each.
        layout: benchmark layout of the folders, one of `folders.LAYOUTS`, or "auto".

    Raises:
        SequenceError: a path that is not there, that is in no known layout, or under which nothing was found. What is
            wrong inside a single bag or sequence is raised by its handle's `open`, so that one bad one loses no other.
    """
    raise NotImplementedError
