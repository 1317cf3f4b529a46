# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracker that runs on the robot: NumPy, OpenCV and ONNX Runtime; no ROS, and PyTorch only if asked for."""

from __future__ import annotations

from pathlib import Path

import cv2

from stdtrack_ros.errors import ModelError
from stdtrack_ros.families import family_of_tracker, tracker_in
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.backends.backend import Backend
from stdtrack_ros.tracker.models.model import Model
from stdtrack_ros.tracker.models.shipped import shipped_model
from stdtrack_ros.tracker.multi_tracker import MultiTargetTracker
from stdtrack_ros.tracker.result import Status, TrackResult
from stdtrack_ros.tracker.tracker import Tracker

__all__ = ["MultiTargetTracker", "Status", "TrackResult", "Tracker", "create_tracker", "load_model"]


def create_tracker(settings: TrackerSettings) -> Tracker:
    """Make a tracker with a model of its own.

        tracker = create_tracker(make_settings({"model.threads": 2}))
        tracker.initialize(first_image, (x, y, width, height))

    Raises:
        ModelError: the model cannot be loaded; the sentence says why.
    """
    return Tracker(load_model(settings), settings)


def load_model(settings: TrackerSettings) -> Model:
    """Load the model that the settings name; one model may serve several trackers.

    Raises:
        ModelError: a file that is missing, damaged or of another kind, or a provider that does not start.
    """
    if settings.model.threads:
        cv2.setNumThreads(settings.model.threads)  # the budget is the process's: it binds OpenCV's threads too
    family = family_of_tracker(settings.tracker)
    backend = _open_backend(settings)
    held = tracker_in(backend.metadata)
    if held != settings.tracker:
        raise ModelError(f"The model is a {held}, but the tracker is set to {settings.tracker}; set it to {held}.")
    model: Model = family.part("model")(backend, settings)
    return model


def _open_backend(settings: TrackerSettings) -> Backend:
    path = Path(settings.model.path).expanduser() if settings.model.path else shipped_model(settings.tracker)
    kind = settings.model.backend
    if kind == "torch" or (kind == "auto" and path.suffix in {".pt", ".pth"}):
        try:
            from stdtrack_ros.tracker.backends.torch import TorchBackend
        except ImportError:
            raise ModelError(
                f"{path} needs PyTorch, which is not installed; export it to ONNX, or pip install torch."
            ) from None
        return TorchBackend.from_file(path, settings.model)
    if kind == "openvino":
        try:
            from stdtrack_ros.tracker.backends.openvino import OpenVinoBackend
        except ImportError:
            return _instead_of_openvino(path, settings)
        return OpenVinoBackend(path, settings.model)
    from stdtrack_ros.tracker.backends.onnx import OnnxBackend

    return OnnxBackend(path, settings.model)


def _instead_of_openvino(path: Path, settings: TrackerSettings) -> Backend:
    from stdtrack_ros.tracker.backends.onnx import OnnxBackend

    missing = "model.backend is openvino, which is not installed (pip install openvino)"
    if settings.model.require_provider:
        raise ModelError(f"{missing}.")
    backend = OnnxBackend(path, settings.model)
    backend.note = f"{missing}; ONNX Runtime runs instead. {backend.note}".strip()
    return backend
