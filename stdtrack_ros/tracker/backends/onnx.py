# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime: the robot's backend."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime

from stdtrack_ros.errors import ModelError
from stdtrack_ros.families import METADATA_KEY
from stdtrack_ros.settings import ModelSettings
from stdtrack_ros.tracker.backends.backend import Arrays
from stdtrack_ros.tracker.models.model import FloatArray

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}


class OnnxBackend:
    """Two sessions, `NAME.onnx` for each frame and `NAME.start.onnx` for the template."""

    name = "onnx"

    def __init__(self, path: Path, settings: ModelSettings) -> None:
        """Open both files.

        Raises:
            ModelError: a file is missing, damaged, no model of ours, of another pair, or the provider that
                `require_provider` insists on does not start.
        """
        self._step, self.metadata = _open(path, settings)
        self._start, start_metadata = _open(start_path(path), settings)
        if start_metadata != self.metadata:
            raise ModelError(f"{path} and {start_path(path)} come from different exports; export the model again.")
        self.provider = str(self._step.get_providers()[0])
        self.note = _note(settings, self.provider)
        if self.note and settings.require_provider:
            raise ModelError(self.note)
        self.path, self.sha256 = path, hashlib.sha256(path.read_bytes()).hexdigest()

    def start(self, inputs: Arrays) -> Mapping[str, FloatArray]:
        """See `Backend.start`."""
        return _run(self._start, inputs)

    def step(self, inputs: Arrays) -> Mapping[str, FloatArray]:
        """See `Backend.step`."""
        return _run(self._step, inputs)


def start_path(path: Path) -> Path:
    """Where the template's graph lies: `NAME.start.onnx` beside `NAME.onnx`."""
    return path.with_suffix(".start.onnx")


def _run(session: Any, inputs: Arrays) -> dict[str, FloatArray]:
    names = [output.name for output in session.get_outputs()]
    # A network without token or memory reads none: the export has dropped those inputs from its graph.
    read = {one.name: inputs[one.name] for one in session.get_inputs()}
    return dict(zip(names, session.run(names, read), strict=True))


def _open(path: Path, settings: ModelSettings) -> tuple[Any, dict[str, Any]]:
    if not path.is_file():
        raise ModelError(f"There is no model file {path}; give one that `stdtrack export` wrote.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what a session did not get is reported by us, in one sentence
    # Threads that wait by spinning would take the robot's other programs' time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=_wanted(settings))
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise ModelError(f"{path} is not a readable ONNX model: {str(error).splitlines()[0]}") from None
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ModelError(f"{path} is an ONNX model, but not one that `stdtrack export` wrote.")
    return session, json.loads(text)


def _wanted(settings: ModelSettings) -> list[str]:
    available = onnxruntime.get_available_providers()
    order = ("tensorrt", "cuda", "cpu") if settings.provider == "auto" else (settings.provider, "cpu")
    wanted = [_PROVIDERS[name] for name in order if _PROVIDERS[name] in available]
    return list(dict.fromkeys(wanted))


def _note(settings: ModelSettings, provider: str) -> str:
    asked = _PROVIDERS.get(settings.provider)
    if asked is None or asked == provider:
        return ""
    there = ", ".join(onnxruntime.get_available_providers())
    return f"{asked} was asked for, but the session runs on {provider}; this ONNX Runtime offers {there}."
