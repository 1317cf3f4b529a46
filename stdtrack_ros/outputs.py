# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs that cannot do harm: never an input, checked before any work, written beside their place and moved there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stdtrack_ros.errors import SettingError


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path | str | None]) -> None:
    """Refuse outputs that would destroy an input or that cannot be written; nothing is opened or made.

    Args:
        outputs: files and folders to write, by the option that names them; None: not asked for.
        inputs: what is read; what does not exist (a stream's address) is left out.

    Raises:
        SettingError: an output is an input (also through a link), lies over a file inside an input folder, is named
            twice, or has no place where it can be written.
    """
    sources = [Path(source) for source in inputs if source is not None and os.path.lexists(source)]
    named: dict[Path, str] = {}
    for option, out in outputs.items():
        if out is None:
            continue
        for source in sources:
            _check_against(option, out, source)
        place = out.resolve()
        if place in named:
            raise SettingError(f"{option} and {named[place]} name the same file {out}; give each its own.")
        named[place] = option
        _check_place(option, out)


def _check_against(option: str, out: Path, source: Path) -> None:
    if _same(out, source):
        through = f" (through the link {out})" if out.is_symlink() or source.is_symlink() else ""
        raise SettingError(f"{option} is the input {source} itself{through}; name another place, or it would be lost.")
    if source.is_dir() and out.is_file() and source.resolve() in out.resolve().parents:
        raise SettingError(f"{option} names {out}, a file that lies in the input {source}; name a place outside it.")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except OSError:  # one of them is not there
        return False


def _check_place(option: str, out: Path) -> None:
    """Refuse a place that cannot be written, as far as can be told without writing."""
    parent = out.resolve()
    while not parent.exists():
        parent = parent.parent
    folder = parent if parent.is_dir() else parent.parent
    if parent != out.resolve() and not parent.is_dir():
        raise SettingError(f"{option} names {out}, but {parent} is a file and no folder; name another place.")
    if not os.access(folder, os.W_OK) or (parent.is_file() and not os.access(parent, os.W_OK)):
        raise SettingError(f"{option} names {out}, which may not be written here; name another place.")


def check_file(option: str, out: Path | None) -> None:
    """Refuse a folder where a file is to be written.

    Raises:
        SettingError: there is a folder of that name.
    """
    if out is not None and out.is_dir():
        raise SettingError(f"{option} names {out}, which is a folder; name a file in it.")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a file beside `path` to write to; it is moved onto `path` at the end, and removed if the body fails.

    A reader never sees half of a file, and what was at `path` stays until its successor is whole.

    Raises:
        SettingError: the file cannot be written.
    """
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> SettingError:
    """Return the error of a file that cannot be written: a full disk, a folder that is read-only."""
    reason = error.strerror or error
    return SettingError(f"The file {path} cannot be written: {reason}; make room, or name another one.")


def write_text(path: Path, text: str) -> None:
    """Write a text file in one move.

    Raises:
        SettingError: the file cannot be written.
    """
    with beside(path) as part:
        part.write_text(text, encoding="utf-8")
