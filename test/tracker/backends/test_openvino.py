# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO gives what ONNX Runtime gives, says in which numbers, and is no more than an option."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import write_tiny_model

from stdtrack_ros.errors import ModelError
from stdtrack_ros.families import graph_path
from stdtrack_ros.settings import ModelSettings, make_settings
from stdtrack_ros.tracker import load_model
from stdtrack_ros.tracker.backends import precision
from stdtrack_ros.tracker.backends.onnx import OnnxBackend
from stdtrack_ros.tracker.models.shipped import shipped_model

MODULE = "stdtrack_ros.tracker.backends.openvino"


def backend(path: Path, **settings: Any) -> Any:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    from stdtrack_ros.tracker.backends.openvino import OpenVinoBackend

    return OpenVinoBackend(path, ModelSettings.model_validate({"threads": 1, **settings}))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("batch", [1, 3])
def test_it_gives_what_onnx_runtime_gives(home: Path, batch: int) -> None:
    settings = ModelSettings(threads=1, provider="cpu", precision="fp32")
    expected, found = (
        OnnxBackend(shipped_model("stdtrack"), settings),
        backend(shipped_model("stdtrack"), precision="fp32"),
    )
    assert (found.metadata, found.sha256, found.precision) == (expected.metadata, expected.sha256, "fp32")
    random, network = np.random.default_rng(0), expected.metadata["network"]
    shape = (batch, network["template_size"], network["template_size"], 3)
    state = expected.run("start", {"template": random.integers(0, 256, shape, dtype=np.uint8)})
    side, dim, slots = network["search_size"], network["dim"], network["capacity"]
    inputs = {
        **state,
        "search": random.integers(0, 256, (batch, side, side, 3), dtype=np.uint8),
        "token": random.standard_normal((batch, 1, dim)).astype(np.float32),
        "tokens": random.standard_normal((batch, slots, dim)).astype(np.float32),
        "valid": np.ones((batch, slots), np.float32),
        "looks": random.standard_normal((batch, 1 + slots, 9, dim)).astype(np.float32) / dim**0.5,
        "weights": np.ones((batch, 1 + slots), np.float32),
    }
    inputs |= expected.run("memory", inputs)
    np.testing.assert_allclose(found.run("memory", inputs)["memory"], inputs["memory"], rtol=1e-2, atol=2e-3)
    right, seen = expected.run("step", inputs), found.run("step", inputs)
    assert right.keys() == seen.keys()
    for name, array in right.items():
        np.testing.assert_allclose(seen[name], array, rtol=1e-2, atol=2e-3, err_msg=name)
    kept = {name: array.copy() for name, array in seen.items()}
    found.run("step", {**inputs, "search": 255 - inputs["search"]})
    assert all((kept[name] == array).all() for name, array in seen.items()), "results outlive the next run"


def test_its_numbers_are_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "processor_features", lambda: frozenset({"avx512_vnni"}))
    found = backend(shipped_model("stdtrack"))
    assert (found.name, found.provider) == ("openvino", "CPU")
    assert found.precision in ("u8s8 and fp32", "u8s8 and bf16", "u8s8 and fp16")
    assert found.path.name.endswith(".u8s8.onnx")


def test_a_cache_that_is_damaged_is_made_again(home: Path) -> None:
    path = write_tiny_model(home / "net.onnx")
    backend(path)
    blobs = list((home / "cache").rglob("*.blob"))
    assert blobs
    for blob in blobs:
        blob.write_bytes(b"nothing")
    assert backend(path).provider == "CPU"


def test_what_cannot_be_used_is_named(home: Path) -> None:
    with pytest.raises(ModelError, match=r"no model file .*nothing\.onnx"):
        backend(home / "nothing.onnx")
    (home / "half.onnx").write_bytes(shipped_model("stdtrack").read_bytes()[:5000])
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        backend(home / "half.onnx")
    one, other = write_tiny_model(home / "one.onnx"), shipped_model("stdtrack")
    graph_path(one, "start").write_bytes(graph_path(other, "start").read_bytes())
    with pytest.raises(ModelError, match="different exports"):
        backend(one, precision="fp32")


def test_a_device_that_it_has_not_is_told_and_can_be_refused(home: Path) -> None:
    path = write_tiny_model(home / "net.onnx")
    assert "cuda was asked for" in backend(path, provider="cuda").note
    with pytest.raises(ModelError, match="cuda was asked for"):
        backend(path, provider="cuda", require_provider=True)


def test_without_it_onnx_runtime_runs_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, None)
    info = load_model(make_settings({"model.backend": "openvino", "model.provider": "cpu"})).info
    assert info.backend == "onnx" and info.note.startswith("model.backend is openvino, which is not installed")
    with pytest.raises(ModelError, match="not installed"):
        load_model(make_settings({"model.backend": "openvino", "model.require_provider": True}))
