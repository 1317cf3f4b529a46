# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which folder may import which: there are no cycles, and heavy libraries stay in their folders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "stdtrack_ros"
GROUND = {
    "errors",
    "families",
    "geometry",
    "images",
    "intensity",
    "jpeg_image",
    "look_weights",
    "raw_image",
    "settings",
    "outputs",
    "shipped_files",
    "system_info",
    "video_packets",
}
ALLOWED = {
    **{name: GROUND for name in GROUND},
    "tracker": GROUND | {"tracker"},
    "network": GROUND | {"network"},
    "sequences": GROUND | {"tracker", "sequences"},
    "evaluation": GROUND | {"tracker", "sequences", "evaluation"},
    "benchmark": GROUND | {"tracker", "sequences", "evaluation", "benchmark"},
    "training": GROUND | {"tracker", "network", "sequences", "evaluation", "training"},
    "nodes": GROUND | {"tracker", "sequences", "nodes", "msg", "srv"},
    "cli": GROUND | {"tracker", "network", "sequences", "evaluation", "benchmark", "training", "nodes", "cli"},
}
TORCH_BACKEND = "tracker/backends/torch.py"  # runs the network itself, where PyTorch is installed
FAMILY_FILES = {"config.py", "family.py", "graphs.py", "heads.py", "losses.py", "model.py", "transformer.py"}
"""What the folder of each family of networks holds under the same name; parts that one alone has stand beside them."""
HEAVY_FOLDERS = {"network", "training", "nodes"}
ROS = {"rclpy", "rcl_interfaces", "sensor_msgs", "std_msgs", "std_srvs", "diagnostic_msgs", "lifecycle_msgs"}


def _files() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path != PACKAGE / "__init__.py":
            yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _modules(nodes: Iterator[ast.AST] | list[ast.stmt]) -> set[str]:
    modules = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def _folders(modules: set[str]) -> set[str]:
    return {module.split(".")[1] for module in modules if module.startswith("stdtrack_ros.")}


def _libraries(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules}


def test_the_test_sees_the_package() -> None:
    names = [name for name, _ in _files()]
    assert len(names) > 50
    assert TORCH_BACKEND in names


def test_every_file_imports_only_its_own_folder_and_those_below() -> None:
    wrong = []
    for name, tree in _files():
        allowed = ALLOWED[name.split("/")[0].removesuffix(".py")] | ({"network"} if name == TORCH_BACKEND else set())
        wrong += [f"{name} imports {folder}" for folder in _folders(_modules(ast.walk(tree))) - allowed]
    assert not wrong


def test_torch_and_ros_stay_in_their_folders() -> None:
    wrong = []
    for name, tree in _files():
        if name.startswith("cli/"):  # see the next test
            continue
        libraries = _libraries(_modules(ast.walk(tree)))
        if "torch" in libraries and not name.startswith(("network/", "training/", TORCH_BACKEND)):
            wrong.append(f"{name} imports torch")
        if libraries & ROS and not name.startswith("nodes/"):
            wrong.append(f"{name} imports {libraries & ROS}")
    assert not wrong


def test_a_verb_loads_nothing_heavy_before_it_runs() -> None:
    wrong = []
    for name, tree in _files():
        if name.startswith("cli/"):
            modules = _modules(tree.body)
            heavy = _folders(modules) & HEAVY_FOLDERS | _libraries(modules) & (
                ROS | {"torch", "onnxruntime", "matplotlib"}
            )
            wrong += [f"{name} imports {what}" for what in heavy]
    assert not wrong


def test_the_families_have_files_of_the_same_names() -> None:
    folders = [path.parent for path in (PACKAGE / "network").glob("*/family.py")]
    assert {folder.name for folder in folders} == {"stdtrack", "stark"}
    for folder in folders:
        assert FAMILY_FILES - {path.name for path in folder.iterdir()} == set(), folder.name
        assert (PACKAGE / "tracker" / "models" / f"{folder.name}.py").exists()
        assert (PACKAGE / "training" / f"{folder.name}.py").exists()
