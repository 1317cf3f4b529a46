# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The documents' tables of parameters are those of the declarations, and all links lead somewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("stdtrack_ros.msg", reason="the messages are not built")

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *(ROOT / "docs").glob("*.md")]
DOCUMENTS = sorted({page.relative_to(ROOT).as_posix() for page in PAGES})


def test_the_tables_are_current() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    import parameter_table

    for page, nodes in parameter_table.PAGES.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert parameter_table.with_tables(text, nodes) == text, "run `python tools/parameter_table.py`"
    assert "| `memory.capacity` \\* | `0` | 0 … 16 frames |" in (ROOT / "docs" / "parameters.md").read_text()


def test_a_document_without_the_marks_is_refused() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    import parameter_table

    with pytest.raises(SystemExit, match="no place for the parameters of tracker_node"):
        parameter_table.with_tables("# nothing\n", parameter_table.PAGES["docs/parameters.md"])


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_links_to_is_there(name: str) -> None:
    page = ROOT / name
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "://" in link:
            continue
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            missing.append(link)
    assert missing == []


def test_every_document_stands_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| \[(\w+\.md)\]", index, re.MULTILINE))
    assert listed == {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180


def test_the_launch_arguments_in_the_docs_are_those_of_the_launch_file() -> None:
    declared = re.findall(r'^        \("(\w+)", ', (ROOT / "launch" / "tracker.launch.py").read_text(), re.MULTILINE)
    page = (ROOT / "docs" / "nodes.md").read_text(encoding="utf-8")
    assert len(declared) > 10
    assert [name for name in declared if f"`{name}`" not in page] == []


def test_the_commands_in_the_docs_name_nodes_launch_files_and_arguments_that_are_there() -> None:
    nodes = {path.name for path in (ROOT / "scripts").iterdir()}
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "launch").glob("*.py")}
    declared = {name: set(re.findall(r'\(\s*"(\w+)"', text)) for name, text in files.items()}
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES).replace("\\\n", " ")
    run = re.findall(r"ros2 run stdtrack_ros (\w+)", text)
    assert len(run) > 5
    assert set(run) <= nodes
    launched = re.findall(r"ros2 launch stdtrack_ros ([\w.]+)(.*)", text)
    assert len(launched) > 5
    for name, line in launched:
        asked = set(re.findall(r"(\w+):=", line))
        assert asked <= declared[name] | declared["tracker.launch.py"], f"{name} {line}"
