# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The trackers that people would pick instead, behind the interface of evaluation: OpenCV's, and NanoTrack V3.

KCF, CSRT and MIL come with `opencv-contrib-python` (the `baselines` extra). The others need model files of the user:
`nano`, `vit`, `dasiamrpn` and `nanov3`, each with a folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike

from stdtrack_ros.errors import ModelError, SettingError
from stdtrack_ros.evaluation.trackers.tracker_interface import Estimate, TrackerSpec, TrackerUnderTest
from stdtrack_ros.geometry import Pixels
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.intensity import IntensityRange, held_range

NO_BOX = (float("nan"),) * 4


class OpenCvTracker:
    """A tracker of OpenCV; a new object for each target, since theirs are made for one."""

    def __init__(self, create: Callable[[], Any], threads: int = 0) -> None:
        """Keep how to create it; `threads` (0: all cores) is a setting of OpenCV as a whole."""
        cv2.setNumThreads(threads if threads > 0 else -1)
        self._create = create
        self._tracker = create()
        self._intensity: IntensityRange | None = None

    def initialize(self, image: Pixels, box: ArrayLike, stamp_s: float) -> None:
        """Start on the box, rounded to whole pixels as OpenCV asks."""
        self._tracker = self._create()
        x, y, width, height = (round(float(value)) for value in np.asarray(box))
        self._intensity = held_range(image, np.asarray(box, dtype=np.float64))
        self._tracker.init(to_bgr8(image, self._intensity), (x, y, max(width, 1), max(height, 1)))

    def track(self, image: Pixels, stamp_s: float) -> Estimate:
        """Return the box; NaN if OpenCV says that it found none."""
        found, box = self._tracker.update(to_bgr8(image, self._intensity))
        score = getattr(self._tracker, "getTrackingScore", None)
        return Estimate(box if found else NO_BOX, float(score()) if score else float("nan"))


def _kcf(detect_thresh: float) -> Any:
    parameters = cv2.TrackerKCF.Params()
    parameters.detect_thresh = detect_thresh
    return cv2.TrackerKCF.create(parameters)


def _nano(files: tuple[str, ...]) -> Any:
    parameters = cv2.TrackerNano.Params()
    parameters.backbone, parameters.neckhead = files
    return cv2.TrackerNano.create(parameters)


def _vit(files: tuple[str, ...]) -> Any:
    parameters = cv2.TrackerVit.Params()
    (parameters.net,) = files
    parameters.tracking_score_threshold = 0.0  # as KCF's: its default of 0.2 gives up early, and has no box then
    return cv2.TrackerVit.create(parameters)


def _dasiamrpn(files: tuple[str, ...]) -> Any:
    parameters = cv2.TrackerDaSiamRPN.Params()
    parameters.model, parameters.kernel_cls1, parameters.kernel_r1 = files
    return cv2.TrackerDaSiamRPN.create(parameters)


def _csrt() -> Any:
    return cv2.TrackerCSRT.create()


def _mil() -> Any:
    return cv2.TrackerMIL.create()


_CONTRIB: dict[str, tuple[str, Callable[[], Any], str]] = {
    "kcf": ("KCF", partial(_kcf, 0.0), "OpenCV, detect_thresh 0 (its default of 0.5 gives up early)"),
    "kcf-default": ("KCF-default", partial(_kcf, 0.5), "OpenCV, default settings (detect_thresh 0.5)"),
    "csrt": ("CSRT", _csrt, "OpenCV, default settings"),
    "mil": ("MIL", _mil, "OpenCV, default settings"),
}

_WITH_FILES: dict[str, tuple[str, Callable[[tuple[str, ...]], Any], tuple[str, ...]]] = {
    "nano": ("NanoTrackV2", _nano, ("*backbone*.onnx", "*head*.onnx")),
    "vit": ("VitTrack", _vit, ("*vit*.onnx",)),
    "dasiamrpn": ("DaSiamRPN", _dasiamrpn, ("*model*.onnx", "*cls1*.onnx", "*r1*.onnx")),
    "nanov3": ("NanoTrackV3", _nano, ("*backbone*.onnx", "*head*.onnx")),
}

BASELINES = (*_CONTRIB, *_WITH_FILES)
"""The names of the baselines."""


def baseline_spec(text: str) -> TrackerSpec:
    """Return a baseline from `NAME` (kcf, kcf-default, csrt, mil) or `NAME=FOLDER` (nano, vit, dasiamrpn, nanov3).

    Raises:
        SettingError: no baseline of that name, a folder that is missing or not wanted, OpenCV without contrib trackers.
        ModelError: the folder does not hold the model files.
    """
    name, _, folder = text.partition("=")
    if name in _CONTRIB:
        return _contrib(name, folder)
    if name in _WITH_FILES:
        return _with_files(name, folder)
    raise SettingError(f"There is no baseline named '{name}'; known are {', '.join(BASELINES)}.")


def _contrib(name: str, folder: str) -> TrackerSpec:
    if folder:
        raise SettingError(f"The baseline '{name}' comes with OpenCV and takes no folder, found '{folder}'.")
    if not hasattr(cv2, "TrackerKCF"):
        raise SettingError(
            f"This OpenCV has no tracker '{name}': install opencv-contrib-python in place of opencv-python "
            "(the extra `eval`), or leave the baseline out."
        )
    label, _, note = _CONTRIB[name]
    return TrackerSpec(label, partial(_make_contrib, name), note, f"opencv {cv2.__version__} {note}")


def _make_contrib(name: str, threads: int) -> TrackerUnderTest:
    return OpenCvTracker(_CONTRIB[name][1], threads)


def _with_files(name: str, folder: str) -> TrackerSpec:
    if not folder:
        raise SettingError(f"The baseline '{name}' needs a folder with its model files: {name}=FOLDER.")
    label, _, patterns = _WITH_FILES[name]
    files = tuple(_only_file(Path(folder), pattern, name) for pattern in patterns)
    digest = hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()[:12]
    runner = "ONNX Runtime" if name == "nanov3" else f"OpenCV {cv2.__version__}"
    return TrackerSpec(label, partial(_make_with_files, name, files), f"{runner}, files {digest}", f"{runner} {digest}")


def _make_with_files(name: str, files: tuple[str, ...], threads: int) -> TrackerUnderTest:
    if name == "nanov3":
        from stdtrack_ros.evaluation.trackers.nanotrack import NanoTrackV3

        backbone, head = files
        return NanoTrackV3(backbone, head, threads)
    try:
        return OpenCvTracker(partial(_WITH_FILES[name][1], files), threads)
    except cv2.error as error:
        raise ModelError(f"OpenCV cannot load the model files of '{name}' ({', '.join(files)}): {error.err}") from error


def _only_file(folder: Path, pattern: str, name: str) -> str:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise ModelError(
            f"The folder {folder} of the baseline '{name}' holds {len(found)} files like '{pattern}'; it needs one."
        )
    return str(found[0])
