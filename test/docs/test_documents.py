# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The documents name only what exists: files, headings, tests, verbs and their options, launch arguments."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import typer

from stdtrack_ros.cli.main import VERBS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "model/README.md", "examples/README.md")),
]
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def commands(text: str) -> list[str]:
    """Return the lines of code blocks, continued ones joined and without comments, and what stands in backticks."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    outside = re.sub(r"^```[a-z]*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    inline = [words.replace("\n", " ") for words in re.findall(r"`([^`]+)`", outside)]
    return [re.split(r"(?:^|\s)#\s|\s&&\s", line)[0] for line in [*lines, *inline]]


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def options() -> dict[str, set[str]]:
    """Return the options of each verb of `stdtrack`."""
    app = typer.Typer()
    for verb in VERBS:
        name = verb.replace("-", "_")
        app.command(verb)(getattr(importlib.import_module(f"stdtrack_ros.cli.{name}"), name))
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return {
        name: {word for each in verb.params for word in each.opts + each.secondary_opts} for name, verb in verbs.items()
    }


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


@each_document
def test_tests_and_files_that_are_named_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    tests = {path.stem for path in (ROOT / "test").rglob("test_*.py")}
    assert set(re.findall(r"\btest_[a-z0-9_]+(?![\w/<])", text)) - tests == set()
    paths = set(
        re.findall(
            r"(?<!share/)\b(?:tools|test|examples|config|launch|stdtrack_ros)/[\w/.]*\w\.(?:py|yaml|xml|json)\b", text
        )
    )
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@each_document
def test_commands_have_the_options_that_are_named(document: Path) -> None:
    known, wrong = options(), []
    for line in commands(document.read_text(encoding="utf-8")):
        for verb, words in re.findall(r"\bstdtrack ([a-z][a-z-]*)((?: .*)?)$", line):
            if verb not in known:
                wrong.append(line)
                continue
            given = set(re.findall(r"(?<=\s)--[a-z0-9-]+", words))
            wrong += [f"{verb} {option}" for option in sorted(given - known[verb] - {"--help"})]
    assert wrong == []


@each_document
def test_launch_files_have_the_arguments_that_are_named(document: Path) -> None:
    declared = set(re.findall(r'"(\w+)"', "".join(path.read_text() for path in (ROOT / "launch").glob("*.py"))))
    wrong = []
    for line in commands(document.read_text(encoding="utf-8")):
        for file, words in re.findall(r"ros2 launch stdtrack_ros (\S+)(.*)$", line):
            wrong += [] if (ROOT / "launch" / file).exists() else [file]
            wrong += [name for name in re.findall(r"(\w+):=", words) if name not in declared]
    assert wrong == []


def test_the_tests_see_the_documents() -> None:
    text = "a `stdtrack track x --json y`\n```\nstdtrack pack \\\n    out --videos in  # shards\n```\n"
    assert [line.split() for line in commands(text)] == [
        ["stdtrack", "pack", "out", "--videos", "in"],
        ["stdtrack", "track", "x", "--json", "y"],
    ]
    assert "--json" in options()["track"] and "--no-baselines" in options()["evaluate"]
    assert len(DOCUMENTS) > 15
