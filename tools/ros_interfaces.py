# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Check the ROS names that this package uses against recorded interfaces of every supported distribution.

    python tools/ros_interfaces.py check
    python tools/ros_interfaces.py record humble SOURCES

`check` resolves each name and keyword argument of rclpy, launch and launch_ros. `record` writes
`tools/ros_interfaces/DISTRO.json`, which holds facts alone: names, parameter names, base classes. It reads the folders
`rclpy`, `launch` and `launch_ros` in SOURCES, checked out from the release repositories at the tag of a release:

    git clone --depth 1 --branch release/humble/rclpy/3.3.21-1 https://github.com/ros2-gbp/rclpy-release SOURCES/rclpy
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

import typer

ROOT = Path(__file__).resolve().parents[1]
RECORDS = Path(__file__).with_suffix("")
PACKAGES = ("rclpy", "launch", "launch_ros")
CHECKED = ("stdtrack_ros/nodes", "launch", "examples")
REFERENCE = "jazzy"
"""The distribution on whose members the untyped uses (`node.name`) are read."""
ANY_KEYWORD = "**"
C_NAMES = "rclpy.impl.implementation_singleton.rclpy_implementation"
"""Where rclpy's compiled part is found, whose names are recorded as one list."""

Members = dict[str, Any]
app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)


# Recording


@app.command()
def record(distro: str, sources: Annotated[Path, typer.Argument(exists=True, file_okay=False)]) -> None:
    """Record a distribution's interfaces from the sources of its three packages."""
    versions, modules = {}, {}
    for package in PACKAGES:
        versions[package] = ElementTree.parse(sources / package / "package.xml").getroot().findtext("version")
        folder = sources / package / package
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            modules[name] = module_interface(tree, name, is_package=parts[-1] == "__init__")
    module, _, name = C_NAMES.rpartition(".")
    modules[module][name] = {"members": dict.fromkeys(_c_names(sources / "rclpy" / "src"))}
    RECORDS.mkdir(exist_ok=True)
    lines = [f"{json.dumps(name)}: {json.dumps(content, sort_keys=True)}" for name, content in sorted(modules.items())]
    text = f'{{"versions": {json.dumps(versions)},\n"modules": {{\n' + ",\n".join(lines) + "\n}}\n"
    (RECORDS / f"{distro}.json").write_text(text, encoding="utf-8")


def module_interface(tree: ast.Module, name: str, *, is_package: bool = False) -> Members:
    """Return what a module defines: functions and classes with their parameters, imports with their origin."""
    found: Members = {}
    for node in _statements(tree.body):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.name] = {"call": _parameters(node)}
        elif isinstance(node, ast.ClassDef):
            found[node.name] = _class_interface(node)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, name, is_package)
            found |= {alias.asname or alias.name: {"from": f"{origin}.{alias.name}"} for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = ast.unparse(node.value) if node.value else ""
            entry = {"from": value.replace("_rclpy", C_NAMES, 1)} if value.startswith("_rclpy.") else {}
            found |= {target.id: entry for target in targets if isinstance(target, ast.Name)}
    return {name: entry for name, entry in found.items() if _is_ros(entry.get("from", PACKAGES[0]))}


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements at module level, those in `if` and `try` included."""
    for node in body:
        yield node
        for block in ("body", "orelse", "finalbody"):
            if isinstance(node, (ast.If, ast.Try)):
                yield from _statements(getattr(node, block, []))


def _class_interface(node: ast.ClassDef) -> Members:
    members: Members = {}
    call = None
    fields = []
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            call = _parameters(item)[1:] if item.name == "__init__" else call
            is_property = any(isinstance(part, ast.Name) and part.id == "property" for part in item.decorator_list)
            if not item.name.startswith("__"):
                members[item.name] = None if is_property else _parameters(item)[1:]
            members |= dict.fromkeys(_own_attributes(item))
        elif isinstance(item, ast.Assign):
            members |= dict.fromkeys(target.id for target in item.targets if isinstance(target, ast.Name))
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            members[item.target.id] = None
            fields.append(item.target.id)
    bases = [ast.unparse(base).partition("[")[0] for base in node.bases]
    if call is None and (node.decorator_list or "NamedTuple" in bases):
        call = fields
    return {"bases": bases, "call": call, "members": members}


def _own_attributes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return names + ([ANY_KEYWORD] if given.kwarg else [])


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".") + ([""] if is_package else [])
    return ".".join([*parts[: -node.level], *([node.module] if node.module else [])])


def _c_names(sources: Path) -> list[str]:
    """Return the names that pybind11 is told, whatever they belong to: exceptions, functions, attributes."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(sources.rglob("*.cpp")))
    return sorted(set(re.findall(r'(?:\(|,)\s*"([A-Za-z_]\w*)"\s*[,)]', text)))


# Checking


@dataclass
class Interfaces:
    """The recorded interfaces of one distribution."""

    versions: dict[str, str]
    modules: dict[str, Members]
    members: dict[str, list[list[str]]] = field(default_factory=dict)
    """Every member of every class, with the parameters of each method of that name."""

    def __post_init__(self) -> None:
        for module in self.modules.values():
            for entry in module.values():
                for name, parameters in entry.get("members", {}).items():
                    self.members.setdefault(name, []).extend([] if parameters is None else [parameters])

    def find(self, dotted: str) -> tuple[str, Members] | None:
        """Return the module and the entry of a dotted name, imports followed; None if there is none."""
        if dotted in self.modules:
            return dotted, {}
        if dotted.startswith(f"{C_NAMES}."):  # an enumeration and its values stand in one list
            return (C_NAMES, {"from": dotted}) if dotted.rpartition(".")[2] in self.members else None
        module, _, name = dotted.rpartition(".")
        entry = self.modules.get(module, {}).get(name)
        if entry is None:
            owner = self.find(module) if module else None
            if owner and "from" in owner[1]:
                return self.find(f"{owner[1]['from']}.{name}")
            return (module, {}) if owner and name in owner[1].get("members", {}) else None
        return self.find(entry["from"]) if "from" in entry and _is_ros(entry["from"]) else (module, entry)

    def accepts(self, dotted: str, keyword: str) -> bool:
        """Return whether the function or class takes the keyword, through `**kwargs` to its base classes."""
        found = self.find(dotted)
        if found is None:
            return False
        module, entry = found
        call = entry.get("call")
        if call is not None and keyword in call:
            return True
        bases = [f"{module}.{base}" for base in entry.get("bases", []) if self.find(f"{module}.{base}")]
        if call is None or ANY_KEYWORD in call:
            return any(self.accepts(base, keyword) for base in bases) or (call is not None and not bases)
        return False


@cache
def load(distro: str) -> Interfaces:
    """Return the recorded interfaces of a distribution."""
    return Interfaces(**json.loads((RECORDS / f"{distro}.json").read_text(encoding="utf-8")))


def distributions() -> list[str]:
    """Return the distributions of which there is a record."""
    return sorted(path.stem for path in RECORDS.glob("*.json"))


def checked_files() -> list[Path]:
    """Return the package's files that use ROS's Python modules."""
    return sorted(path for folder in CHECKED for path in (ROOT / folder).rglob("*.py"))


@cache
def own_members() -> frozenset[str]:
    """Return the members of all classes of this package, and the parts of message types."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "stdtrack_ros").rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return frozenset({"Request", "Response"}.union(*(_class_interface(node)["members"] for node in classes)))


def problems(source: str, interfaces: Interfaces, reference: Interfaces) -> list[str]:
    """Return what a module uses and a distribution does not have.

    Members of objects (`node.create_timer`) are checked by name alone, if the reference has a class with a member of
    that name and this package has none: the types of objects are not inferred.
    """
    tree = ast.parse(source)
    imports, missing = _imports(tree, interfaces)
    found = list(missing)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            dotted = _dotted(node, imports)
            if dotted and interfaces.find(dotted) is None:
                found.append(f"{dotted} does not exist")
            elif dotted is None and node.attr in reference.members.keys() - interfaces.members.keys() - own_members():
                found.append(f"no class has a member {node.attr}")
        elif isinstance(node, ast.Call):
            found += _wrong_keywords(node, imports, interfaces, reference)
    return sorted(set(found))


def _imports(tree: ast.Module, interfaces: Interfaces) -> tuple[dict[str, str], list[str]]:
    """Return the ROS names that a module imports, and those that do not exist; of a `try` one is enough."""
    spared = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any("ImportError" in ast.unparse(h.type or node) for h in node.handlers):
            branches = [node.body, *(handler.body for handler in node.handlers)]
            failing = [branch for branch in branches if any(_missing(item, interfaces) for item in branch)]
            if len(failing) < len(branches):
                spared |= {id(item) for branch in failing for item in branch}
    names: dict[str, str] = {}
    missing: list[str] = []
    for node in ast.walk(tree):
        if id(node) in spared:
            continue
        missing += _missing(node, interfaces)
        if isinstance(node, ast.Import):
            names |= {(alias.asname or alias.name.split(".")[0]): alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and _is_ros(node.module or ""):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {name: dotted for name, dotted in names.items() if _is_ros(dotted)}, missing


def _missing(node: ast.AST, interfaces: Interfaces) -> list[str]:
    if isinstance(node, ast.Import):
        wanted = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        wanted = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return []
    return [f"{name} does not exist" for name in wanted if _is_ros(name) and interfaces.find(name) is None]


def _is_ros(dotted: str) -> bool:
    return dotted.split(".")[0] in PACKAGES


def _dotted(node: ast.expr, imports: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return imports.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, imports)
        return f"{owner}.{node.attr}" if owner else None
    return None


def _wrong_keywords(
    call: ast.Call, imports: dict[str, str], interfaces: Interfaces, reference: Interfaces
) -> Iterator[str]:
    keywords = [keyword.arg for keyword in call.keywords if keyword.arg]
    dotted = _dotted(call.func, imports)
    if dotted:
        # What the record knows nothing of (an enumeration, a name from C++) cannot be checked.
        known = (interfaces.find(dotted) or ("", {}))[1].get("call") is not None
        yield from (f"{dotted} takes no {name}" for name in keywords if known and not interfaces.accepts(dotted, name))
    elif isinstance(call.func, ast.Attribute):
        method = call.func.attr
        for name in keywords:
            if _some_method_takes(reference, method, name) and not _some_method_takes(interfaces, method, name):
                yield f"no method {method} takes {name}"


def _some_method_takes(interfaces: Interfaces, method: str, keyword: str) -> bool:
    return any(keyword in parameters for parameters in interfaces.members.get(method, []))


@app.command()
def check() -> None:
    """Print what some recorded distribution lacks of what the package uses, and exit with 1 if there is anything."""
    reference, failed = load(REFERENCE), False
    for distro in distributions():
        interfaces = load(distro)
        found = [
            f"  {path.relative_to(ROOT)}: {problem}"
            for path in checked_files()
            for problem in problems(path.read_text(encoding="utf-8"), interfaces, reference)
        ]
        versions = ", ".join(f"{name} {version}" for name, version in interfaces.versions.items())
        print(f"{distro} ({versions}): {'everything resolves' if not found else f'{len(found)} names do not resolve'}")
        print(*found, sep="\n", end="\n" if found else "")
        failed |= bool(found)
    sys.exit(int(failed))


if __name__ == "__main__":
    app()
