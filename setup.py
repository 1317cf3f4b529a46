# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Python package for pip. The messages come from CMake (colcon), which does not read this file."""

from pathlib import Path

from setuptools import find_packages, setup


def requirements(name: str) -> list[str]:
    """The lines of one file of requirements, without comments and includes."""
    lines = Path(__file__).with_name("requirements").joinpath(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in map(str.strip, lines) if line and not line.startswith(("#", "-"))]


EXTRAS = ("demo", "train", "eval", "cluster", "dev")

setup(
    name="stdtrack_ros",
    version="0.1.0",
    description="Single-object visual tracking for ROS 2: STDTrack and STARK on ONNX Runtime",
    license="Apache-2.0",
    python_requires=">=3.10,<3.13",
    package_dir={"": "."},
    packages=find_packages(include=["stdtrack_ros", "stdtrack_ros.*"]),
    package_data={"": ["*.yaml", "*.j2"]},
    install_requires=requirements("run"),
    extras_require={name: requirements(name) for name in EXTRAS},
    entry_points={"console_scripts": ["stdtrack = stdtrack_ros.cli.main:main"]},
)
