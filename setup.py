# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Python package for pip, with model and parameters; CMake, which builds the messages, does not read this file."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = ("config", "model", "package.xml")
"""What `stdtrack_ros.shipped_files` finds; an ament workspace has it in `share/stdtrack_ros`."""
EXTRAS = ("operator", "train", "cluster", "mavlink", "openvino", "dev")


def requirements(name: str) -> list[str]:
    """Return the lines of one file of requirements, without comments."""
    lines = ROOT.joinpath("requirements", f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in map(str.strip, lines) if line and not line.startswith("#")]


class BuildWithShippedFiles(build_py):
    """Copies the shipped files into the package."""

    def run(self) -> None:
        """Build the package, then add `stdtrack_ros/share`; an editable installation finds them in the checkout."""
        super().run()
        if self.editable_mode:
            return
        for name in SHIPPED:
            paths = [ROOT / name] if (ROOT / name).is_file() else (p for p in (ROOT / name).rglob("*") if p.is_file())
            for path in paths:
                target = Path(self.build_lib, "stdtrack_ros", "share", path.relative_to(ROOT))
                self.mkpath(str(target.parent))
                self.copy_file(str(path), str(target))


setup(
    name="stdtrack_ros",
    version=ElementTree.parse(ROOT / "package.xml").getroot().findtext("version"),
    description="Single-object visual tracking for ROS 2: STDTrack and STARK on ONNX Runtime",
    long_description=ROOT.joinpath("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    url="https://github.com/stdtrack_ros/stdtrack_ros",
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["stdtrack_ros", "stdtrack_ros.*"]),
    package_dir={"": "."},
    package_data={"stdtrack_ros": ["**/*"]},
    exclude_package_data={"": ["*.pyc", "**/__pycache__/*"]},
    install_requires=[*requirements("run"), *requirements("tools")],
    extras_require={
        "opencv": ["opencv-python>=4.5"],
        "opencv-headless": ["opencv-python-headless>=4.5"],
        # KCF, CSRT and MIL come with the contrib build, which takes the place of opencv-python.
        "baselines": ["opencv-contrib-python>=4.10"],
        **{name: requirements(name) for name in EXTRAS},
    },
    entry_points={"console_scripts": ["stdtrack = stdtrack_ros.cli.main:main"]},
    cmdclass={"build_py": BuildWithShippedFiles},
)
