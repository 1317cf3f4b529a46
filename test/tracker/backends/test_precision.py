# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which file runs: by the setting, by the processor's features, by what lies beside the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import write_tiny_model

from stdtrack_ros.errors import ModelError
from stdtrack_ros.families import graph_path
from stdtrack_ros.settings import ModelSettings
from stdtrack_ros.tracker.backends import precision
from stdtrack_ros.tracker.backends.onnx import OnnxBackend, cache_folder
from stdtrack_ros.tracker.backends.precision import choose_precision, int8_format, quantized_path


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ("avx2 avx512_vnni", "u8s8"),
        ("avx2 avx_vnni", "u8s8"),
        ("sse4_2 avx2", "u8s7"),
        ("sse4_2", ""),
        ("asimd asimddp", "s8s8"),
        ("asimd", ""),
        ("", ""),
    ],
)
def test_the_format_fits_the_instructions(features: str, expected: str) -> None:
    assert int8_format(frozenset(features.split())) == expected


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(precision, "processor_features", lambda: frozenset({"avx512_vnni"}))
    return write_tiny_model(tmp_path / "net.onnx")


def settings(choice: str, **more: object) -> ModelSettings:
    return ModelSettings.model_validate({"provider": "cpu", "threads": 1, "precision": choice, **more})


def test_a_model_without_an_8_bit_form_runs_as_it_is(model: Path) -> None:
    assert choose_precision(model, settings("auto"), on_cpu=True) == (model, "fp32", "")
    chosen = choose_precision(model, settings("int8"), on_cpu=True)
    assert chosen[:2] == (model, "fp32") and "net.u8s8.onnx is missing" in chosen.note
    with pytest.raises(ModelError, match=r"model\.precision is int8, but .* is missing"):
        choose_precision(model, settings("int8", require_provider=True), on_cpu=True)


def test_other_devices_take_the_32_bit_model(model: Path) -> None:
    quantized_path(model, "u8s8").touch()
    assert choose_precision(model, settings("auto"), on_cpu=False).path == model
    assert "for the CPU" in choose_precision(model, settings("int8"), on_cpu=False).note


def test_a_processor_without_such_instructions_is_told_so(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "processor_features", lambda: frozenset({"asimd"}))
    assert choose_precision(model, settings("auto"), on_cpu=True) == (model, "fp32", "")
    assert "this processor gains nothing" in choose_precision(model, settings("int8"), on_cpu=True).note


def test_a_form_named_in_the_settings_is_taken_as_it_is(model: Path) -> None:
    named = quantized_path(model, "s8s8")
    assert choose_precision(named, settings("auto"), on_cpu=True) == (named, "s8s8", "")


def test_a_quantized_form_of_another_export_does_not_run(model: Path) -> None:
    from stdtrack_ros.training.quantization import quantize

    image = {"image": np.full((1, 3, 8, 8), 7, np.uint8)}
    quantize(model, {"start": [image], "step": [image]}, [])
    assert OnnxBackend(model, settings("auto")).precision == "u8s8"
    assert OnnxBackend(model, settings("fp32")).precision == "fp32"
    write_tiny_model(model, seed=1)
    backend = OnnxBackend(model, settings("auto"))
    assert (backend.precision, backend.path) == ("fp32", model)
    assert "net.u8s8.onnx was not made from" in backend.note
    with pytest.raises(ModelError, match="was not made from"):
        OnnxBackend(model, settings("auto", require_provider=True))
    graph_path(model, "start").unlink()
    with pytest.raises(ModelError, match=r"net\.start\.onnx"):
        OnnxBackend(model, settings("auto"))


def test_the_cache_of_engines_is_apart_for_each_model_and_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = cache_folder("a" * 64), cache_folder("b" * 64)
    assert first is not None and second is not None and first != second and first.is_dir()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache_folder("a" * 64) is None, "a folder that cannot be made is no reason not to start"
