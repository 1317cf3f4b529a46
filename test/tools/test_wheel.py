# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The package that pip installs: a wheel built of the source distribution, run where there is no ROS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from sample_sequences import BagMaker, stamp, write_lines

ROOT = Path(__file__).resolve().parents[2]
OURS = ("AMENT_PREFIX_PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "_ROS_WHEELS_BOOTSTRAP_COMPLETE")
"""What a process of this environment hands to its children, and a fresh one does not know."""
INSTALL = ("install", "--quiet", "--no-compile", "--constraint", ROOT / "requirements" / "constraints.txt")
BOX, COUNT, SIZE = (60, 40, 40, 30), 6, (160, 120)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in OURS}


def _run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=_environment(), capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution from a copy, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("sdist")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    copy = folder / "copy"
    for name in filter(None, files.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        os.link((ROOT / name).resolve(), copy / name)
    _run(sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", folder, cwd=copy)
    (path,) = folder.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    command = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    _run(*command, "--wheel-dir", sdist.parent, sdist, cwd=sdist.parent)
    (path,) = sdist.parent.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of programs of a fresh environment with the wheel and without OpenCV."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    _run(folder / "bin" / "pip", *INSTALL, wheel, cwd=folder)
    return folder / "bin"


@pytest.fixture(scope="module")
def stdtrack(commands: Path) -> Path:
    """Return the command once its user has chosen a build of OpenCV."""
    assert "pip install opencv-python" in _run(commands / "stdtrack", "--help", cwd=commands, code=2)
    _run(commands / "pip", *INSTALL, "opencv-python-headless", cwd=commands)
    return commands / "stdtrack"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a benchmark's folder: noise that stands still, and the box in it."""
    folder = tmp_path_factory.mktemp("data") / "clip"
    folder.mkdir()
    noise = np.random.default_rng(2).integers(0, 256, (*SIZE[::-1], 3), dtype=np.uint8)
    for index in range(COUNT):
        cv2.imwrite(str(folder / f"{index:08d}.png"), noise)
    write_lines(folder / "groundtruth.txt", [",".join(map(str, BOX))] * COUNT)
    return folder


def test_sources_and_wheel_carry_what_they_need(sdist: Path, wheel: Path) -> None:
    with tarfile.open(sdist) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    built = set(zipfile.ZipFile(wheel).namelist())
    shipped = [path for folder in ("config", "model") for path in (ROOT / folder).rglob("*") if path.is_file()]
    names = {path.relative_to(ROOT).as_posix() for path in shipped} | {"package.xml"}
    assert names | {"README.md", "LICENSE", "requirements/run.txt", "CMakeLists.txt", "CHANGELOG.rst"} <= sources
    assert {f"stdtrack_ros/share/{name}" for name in names} <= built
    inside = subprocess.run(
        ["git", "ls-files", "stdtrack_ros"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(inside) <= built & sources
    assert not any(name.startswith(("test/", "tools/")) for name in built)


@pytest.mark.slow
def test_the_wheel_tracks_evaluates_annotates_and_measures_without_ros(
    stdtrack: Path, images: Path, tmp_path: Path
) -> None:
    """In a fresh environment: nothing of the checkout, of ROS or of PyTorch is there."""
    python = stdtrack.parent / "python"
    found = "import importlib.util as u; print([n for n in ('rclpy', 'torch', 'launch') if u.find_spec(n)])"
    assert _run(python, "-c", found, cwd=tmp_path).strip() == "[]"

    init = ",".join(map(str, BOX))
    _run(stdtrack, "track", images, "--init", init, "--json", "boxes.json", "--out", "tracked.mp4", cwd=tmp_path)
    assert json.loads((tmp_path / "boxes.json").read_text())["summary"]["frames"] >= COUNT - 1
    assert (tmp_path / "tracked.mp4").stat().st_size > 1000

    _run(stdtrack, "evaluate", images, "--no-baselines", "--protocol", "ope", "--out", "report", cwd=tmp_path)
    assert list((tmp_path / "report").glob("*.html"))

    with BagMaker(tmp_path / "flight", "mcap") as bag:
        for index in range(COUNT):
            bag.image(cv2.imread(str(images / "00000000.png")), stamp(index))
    _run(stdtrack, "annotate", "flight", "--init", init, "--out", "annotated", cwd=tmp_path)
    assert list((tmp_path / "annotated").glob("*.mcap"))

    size = f"{SIZE[0]}x{SIZE[1]}"
    _run(stdtrack, "benchmark", "--frames", "20", "--size", size, "--threads", "1", "--no-baselines", cwd=tmp_path)
    assert (tmp_path / "benchmark" / "benchmark.json").exists()

    assert "'torch'" in _run(stdtrack, "train", "run", cwd=tmp_path, code=2)
