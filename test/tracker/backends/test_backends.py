# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch and ONNX Runtime agree, with the state fed back; model files that cannot be used are named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from tiny_stdtrack import SMALL

from stdtrack_ros.errors import ModelError
from stdtrack_ros.families import graph_path
from stdtrack_ros.network.families import export_onnx
from stdtrack_ros.network.onnx_export import replace_facts
from stdtrack_ros.network.stdtrack.model import STDTrack
from stdtrack_ros.settings import ModelSettings, make_settings
from stdtrack_ros.tracker import load_model
from stdtrack_ros.tracker.backends.onnx import OnnxBackend, _profiles
from stdtrack_ros.tracker.backends.torch import TorchBackend
from stdtrack_ros.tracker.frame_view import FrameView
from stdtrack_ros.tracker.models.shipped import shipped_model
from stdtrack_ros.tracker.models.stdtrack import StdtrackModel, StdtrackState

CPU = ModelSettings(threads=1, provider="cpu")


@pytest.fixture(scope="module", params=["lite_hybrid", "vit_tiny"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[OnnxBackend, TorchBackend]:
    torch.manual_seed(4)
    attention = "cached" if request.param == "lite_hybrid" else "joint"
    change = {"backbone": request.param, "attention": attention, "matching_prior": attention == "cached"}
    network = STDTrack(SMALL.model_copy(update=change)).eval()
    # Untrained scores are below 1e-3, where ONNX Runtime's sigmoid has few digits: let them be as trained ones.
    torch.nn.init.zeros_(network.head.score[-1].bias)
    path = tmp_path_factory.mktemp("models") / "net.onnx"
    export_onnx(network, path, {"calibration": {"slope": 2.0, "intercept": -0.5}})
    return OnnxBackend(path, CPU), TorchBackend(network, CPU)


def test_backends_agree_over_100_frames_with_the_state_fed_back(pair: tuple[OnnxBackend, TorchBackend]) -> None:
    """Each backend runs on its own token and memory, so that a difference would add up."""
    # A capacity of 4, not the 6 that the network was exported with: the slots are free.
    settings = make_settings({"memory.capacity": 4, "memory.spacing": 1, "memory.store_quality": 0.0})
    models = [StdtrackModel(backend, settings) for backend in pair]
    rng = np.random.default_rng(0)
    template = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    states = [started(model, template) for model in models]
    for _ in range(100):
        search = rng.integers(0, 256, (1, 96, 96, 3), dtype=np.uint8)
        found = [model.step([state], search, [0.5])[0] for model, state in zip(models, states, strict=True)]
        np.testing.assert_allclose(found[0].box, found[1].box, atol=2e-3)
        np.testing.assert_allclose(found[0].score_map, found[1].score_map, atol=1e-4)
        np.testing.assert_allclose(found[0].token_quality, found[1].token_quality, atol=1e-4)
        states = [
            model.remember(state, one, FrameView(search[0]), one.box)
            for model, state, one in zip(models, states, found, strict=True)
        ]


def test_a_trusted_frame_is_compared_with_the_known_looks_and_the_network_hears_of_it(
    pair: tuple[OnnxBackend, TorchBackend],
) -> None:
    model = StdtrackModel(pair[0], make_settings({"memory.store_quality": 0.0}))
    rng = np.random.default_rng(0)
    state = started(model, rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    search = rng.integers(0, 256, (1, 96, 96, 3), dtype=np.uint8)
    (found,) = model.step([state], search, [0.5])
    state = model.remember(state, found, FrameView(search[0]), found.box)
    cosine = float((state.template["template_look"][0] * found.output[2]).sum() / 9)
    assert state.memory.agreement[:3].tolist() == pytest.approx([0.9 + 0.1 * cosine, 1.0, 0.0], abs=1e-3)
    changed = state.memory.agreement - np.eye(1, len(state.memory.agreement), dtype=np.float32)[0]
    changed = replace(state, memory=replace(state.memory, agreement=changed))
    same, other = (model.step([each], search, [0.5])[0].score_map for each in (state, changed))
    assert not np.allclose(same, other, rtol=1e-4, atol=0.0)


def started(model: StdtrackModel, template: np.ndarray) -> StdtrackState:
    """Return the state whose template is exactly this (64, 64, 3) crop."""
    return model.start(FrameView(template), np.array([16.0, 16.0, 32.0, 32.0]))


@pytest.mark.parametrize("batch", [1, 3])
def test_exported_graphs_equal_the_network(pair: tuple[OnnxBackend, TorchBackend], batch: int) -> None:
    rng = np.random.default_rng(batch)
    for run, graph in pair[1].graphs.items():
        inputs: dict[str, np.ndarray] = {}
        for name, example in zip(graph.inputs, graph.example(batch), strict=True):
            values = rng.integers(0, 256, example.shape) if example.dtype == torch.uint8 else rng.random(example.shape)
            inputs[name] = (values.round() if name in ("weights", "valid") else values).astype(example.numpy().dtype)
        found, expected = (backend.run(run, inputs) for backend in pair)
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-5, err_msg=name)


def test_exported_nodes_are_named_by_module_and_hold_nothing_of_the_source(
    pair: tuple[OnnxBackend, TorchBackend],
) -> None:
    model = onnx.load_model_from_string(pair[0].path.read_bytes())
    operators = {node.op_type for node in model.graph.node}
    assert "Pad" not in operators, "the padding of strided convolutions belongs into them"
    parts = {node.name.split("/")[1] for node in model.graph.node}
    assert parts == {"graph", "embedding", "layers", "fusion", "mask", "recall", "head", "peak", "confidence"}
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert [entry.key for entry in model.metadata_props] == ["stdtrack"]


def model_of(backend: OnnxBackend | TorchBackend, **memory: float) -> StdtrackModel:
    return StdtrackModel(backend, make_settings({f"memory.{name}": value for name, value in memory.items()}))


def test_the_linear_layers_of_the_transformer_are_one_node_each(pair: tuple[OnnxBackend, TorchBackend]) -> None:
    graph = onnx.load(str(pair[0].path)).graph
    matrices = {one.name for one in graph.initializer if len(one.dims) == 2}
    transformer = [node for node in graph.node if node.name.startswith("/layers")]
    assert not [node.name for node in transformer if node.op_type == "MatMul" and node.input[1] in matrices]
    assert sum(node.op_type == "Gemm" for node in transformer) > 4


def test_nothing_is_reshaped_twice_in_a_row_nor_around_an_activation(pair: tuple[OnnxBackend, TorchBackend]) -> None:
    graph = onnx.load(str(pair[0].path)).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    before = {node.name: makers.get(node.input[0], "") for node in graph.node if node.op_type == "Reshape"}
    assert before and not [name for name, maker in before.items() if maker in ("Reshape", "Gelu")]


def test_good_frames_are_stored_at_intervals(pair: tuple[OnnxBackend, TorchBackend]) -> None:
    model = model_of(pair[0], spacing=2, store_quality=0.7)
    rng = np.random.default_rng(2)
    frame = FrameView(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8))
    box = np.array([40.0, 30.0, 24.0, 20.0])
    first = started(model, rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    good = replace(model.step([first], rng.integers(0, 256, (1, 96, 96, 3), dtype=np.uint8), [0.0])[0], quality=0.7)
    poor = model.remember(first, replace(good, quality=0.69), frame, box)
    assert not poor.memory.valid.any()
    np.testing.assert_array_equal(poor.token, good.output[1])  # E_t is carried on all the same
    one = model.remember(poor, good, frame, box)
    two = model.remember(one, good, frame, box + 9)
    three = model.remember(two, good, frame, box + 9)
    assert [int(state.memory.valid.sum()) for state in (one, two, three)] == [1, 1, 2]
    assert three.template is first.template
    np.testing.assert_array_equal(one.memory.contents["token"][0], good.output[0][0])
    np.testing.assert_array_equal(one.memory.contents["appearance"][0], good.embedding)
    np.testing.assert_array_equal(one.memory.contents["look"][0], good.output[2])


def test_a_network_without_some_of_the_parts_runs_exported(tmp_path: Path) -> None:
    """Inputs that nothing reads are no inputs of the exported graph."""
    torch.manual_seed(4)
    network = STDTrack(SMALL.model_copy(update={"token": False, "memory": False, "mask": "off"})).eval()
    export_onnx(network, tmp_path / "net.onnx")
    rng = np.random.default_rng(3)
    template, search = (rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((64, 64, 3), (1, 96, 96, 3)))
    maps = []
    for backend in (OnnxBackend(tmp_path / "net.onnx", CPU), TorchBackend(network, CPU)):
        model = model_of(backend)
        state = started(model, template)
        for _ in range(3):
            found = model.step([state], search, [0.5])[0]
            state = model.remember(state, found, FrameView(search[0]), found.box)
        maps.append(found.score_map)
    np.testing.assert_allclose(maps[0], maps[1], atol=1e-4)


def test_a_batch_gives_what_each_target_gives_alone(pair: tuple[OnnxBackend, TorchBackend]) -> None:
    model = model_of(pair[0])
    rng = np.random.default_rng(1)
    states = [started(model, rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for _ in range(3)]
    searches = rng.integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
    together = model.step(states, searches, [0.5, 0.0, 1.0])
    for index, influence in enumerate((0.5, 0.0, 1.0)):
        alone = model.step([states[index]], searches[index : index + 1], [influence])[0]
        np.testing.assert_allclose(together[index].box, alone.box, atol=1e-3)
        assert together[index].quality == pytest.approx(alone.quality, abs=1e-5)


def test_the_export_carries_its_calibration(pair: tuple[OnnxBackend, TorchBackend]) -> None:
    onnx_model, torch_model = (model_of(backend) for backend in pair)
    template = np.full((64, 64, 3), 90, np.uint8)
    search = np.full((1, 96, 96, 3), 120, np.uint8)
    calibrated, raw = (model.step([started(model, template)], search, [0.0])[0] for model in (onnx_model, torch_model))
    logit = np.log(raw.quality / (1 - raw.quality))
    assert calibrated.quality == pytest.approx(1 / (1 + np.exp(-(2 * logit - 0.5))), abs=1e-4)


def test_the_session_reports_what_it_got() -> None:
    path = shipped_model("stdtrack")
    model = load_model(make_settings({"model.path": str(path), "model.provider": "cpu"}))
    assert (model.info.provider, model.info.note) == ("CPUExecutionProvider", "")
    assert len(model.info.sha256) == 64


def test_a_provider_that_is_not_there_is_told_and_can_be_refused() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    path = str(shipped_model("stdtrack"))
    model = load_model(make_settings({"model.path": path, "model.provider": "cuda"}))
    assert model.info.provider == "CPUExecutionProvider"
    assert "CUDAExecutionProvider was asked for" in model.info.note
    with pytest.raises(ModelError, match="asked for"):
        load_model(make_settings({"model.path": path, "model.provider": "cuda", "model.require_provider": True}))


def test_tensorrt_builds_for_what_comes() -> None:
    """One window to 16, and 1 to 16 slots; fastest for one window and the slots that the network was trained with."""
    path = shipped_model("stdtrack")
    network = OnnxBackend(path, CPU).metadata["network"]
    side, dim, heads = network["search_size"], network["dim"], network["heads"]
    for key, batch, slots in (("min", 1, 1), ("opt", 1, network["capacity"]), ("max", 16, 16)):
        shapes = dict(one.split(":") for one in _profiles(path)[key].split(","))
        assert shapes["search"] == f"{batch}x{side}x{side}x3" and shapes["token"] == f"{batch}x1x{dim}"
        assert shapes["memory"] == f"{batch}x2x{heads}x{1 + slots}x{dim // heads}"
        assert shapes["weights"] == f"{batch}x{1 + slots}" and shapes["looks"] == f"{batch}x{1 + slots}x9x{dim}"
        stored = dict(one.split(":") for one in _profiles(graph_path(path, "memory"))[key].split(","))
        assert stored["tokens"] == f"{batch}x{slots}x{dim}" and stored["valid"] == f"{batch}x{slots}"
    side = network["template_size"]
    assert _profiles(graph_path(path, "start"))["max"] == f"template:16x{side}x{side}x3"


@pytest.mark.parametrize("provider", ["auto", "cuda", "tensorrt"])
def test_a_provider_that_is_there_but_does_not_start_gives_way(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build for GPUs on a machine without one runs as the CPU's build does, in 8 bits too, and says so."""
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    on_cpu = OnnxBackend(shipped_model("stdtrack"), CPU)
    names = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    found = OnnxBackend(shipped_model("stdtrack"), ModelSettings(threads=1, provider=provider))
    assert (found.provider, found.precision, found.path) == ("CPUExecutionProvider", on_cpu.precision, on_cpu.path)
    asked = "TensorrtExecutionProvider" if provider == "tensorrt" else "CUDAExecutionProvider"
    assert found.note.startswith(f"{asked} does not start")
    with pytest.raises(ModelError, match="does not start"):
        OnnxBackend(shipped_model("stdtrack"), ModelSettings(provider=provider, require_provider=True))


def test_the_templates_of_the_same_targets_are_the_same_arrays(pair: tuple[OnnxBackend, TorchBackend]) -> None:
    """A device keeps them from frame to frame by their identity; other targets bring other ones."""
    model = model_of(pair[0])
    given: list[dict[str, np.ndarray]] = []
    model.backend = Listening(pair[0], given)
    rng = np.random.default_rng(6)
    states = [started(model, rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for _ in range(3)]
    search = rng.integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)
    for pick in ((0, 1), (0, 1), (0, 2), (2, 0)):
        found = model.step([states[index] for index in pick], search, [0.0, 0.0])
        for place, index in enumerate(pick):
            template = states[index].template["template_tokens"][0]
            np.testing.assert_array_equal(given[-1]["template_tokens"][place], template)
        states[pick[0]] = replace(states[pick[0]], token=found[0].output[1])  # memory does not change the template
    tokens = [arrays["template_tokens"] for arrays in given]
    assert tokens[1] is tokens[0]
    assert tokens[2] is not tokens[1] and tokens[3] is not tokens[2]


class Listening:
    """A backend that keeps what each step was given."""

    def __init__(self, inner: OnnxBackend, given: list[dict[str, np.ndarray]]) -> None:
        self.inner, self.given = inner, given

    def run(self, graph: str, inputs: dict[str, np.ndarray]) -> Any:
        if graph == "step":
            self.given.append(dict(inputs))
        return self.inner.run(graph, inputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    shipped = shipped_model("stdtrack")
    for path in (graph_path(shipped, graph) for graph in ("start", "memory", "step")):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path / shipped.name


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model file .*nothing\.onnx"):
        OnnxBackend(tmp_path / "nothing.onnx", CPU)


def test_a_truncated_file_is_named(files: Path) -> None:
    files.write_bytes(files.read_bytes()[: files.stat().st_size // 2])
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        OnnxBackend(files, CPU)


@pytest.mark.parametrize("graph", ["start", "memory"])
def test_a_missing_graph_is_named(files: Path, graph: str) -> None:
    graph_path(files, graph).unlink()
    with pytest.raises(ModelError, match=rf"stdtrack_lite\.{graph}\.onnx"):
        OnnxBackend(files, CPU)


def test_a_foreign_onnx_model_is_refused(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", value[:1], value[1:]), opset_imports=[onnx.helper.make_opsetid("", 18)]
    )
    model.ir_version = 9
    onnx.save(model, str(tmp_path / "relu.onnx"))
    with pytest.raises(ModelError, match="not one that `stdtrack export` wrote"):
        OnnxBackend(tmp_path / "relu.onnx", CPU)


@pytest.mark.parametrize("graph", ["start", "memory"])
def test_graphs_of_two_exports_are_not_mixed(files: Path, graph: str) -> None:
    replace_facts(graph_path(files, graph), {"network": SMALL.model_dump(mode="json")})
    with pytest.raises(ModelError, match="different exports"):
        OnnxBackend(files, CPU)


def test_a_model_of_another_kind_is_refused(files: Path) -> None:
    with pytest.raises(ModelError, match="The model is a stdtrack, but the tracker is set to stark_s50"):
        load_model(make_settings({"tracker": "stark_s50", "model.path": str(files)}))
    with pytest.raises(ModelError, match="not a readable checkpoint"):
        load_model(make_settings({"model.path": str(files), "model.backend": "torch"}))


def test_the_thread_budget_binds_the_whole_process() -> None:
    """One thread: none beside the caller's. Three: two more for each of the three graphs."""
    program = (
        "import os, sys, cv2, onnxruntime\n"
        "from stdtrack_ros.settings import make_settings\n"
        "from stdtrack_ros.tracker import load_model\n"
        "def threads(): return len(os.listdir('/proc/self/task'))\n"
        "begin, models = threads(), []\n"
        "for budget in (1, 3):\n"
        "    models.append(load_model(make_settings({'model.threads': budget, 'model.provider': 'cpu'})))\n"
        "    print(threads() - begin, cv2.getNumThreads())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "1", "6", "3"]
