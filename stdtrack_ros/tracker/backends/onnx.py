# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime: the robot's backend."""

from __future__ import annotations

import io
import json
import os
import tempfile
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stdtrack_ros.errors import ModelError
from stdtrack_ros.families import METADATA_KEY, graph_path
from stdtrack_ros.settings import ModelSettings
from stdtrack_ros.tracker.backends.backend import Arrays
from stdtrack_ros.tracker.backends.precision import ModelFile, choose_precision, file_sha256, replace_outdated
from stdtrack_ros.tracker.models.model import FloatArray

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
SLOW_ON_CPU = ["SkipLayerNormFusion"]
"""Optimizations that cost time on the CPU: its fused sum and LayerNorm of 145 tokens takes 160 us, the two apart 40."""
MOST = 16
"""Largest free axis (windows in one run, slots of the STM) that TensorRT builds its engine for."""
_CHAINS = {
    "auto": (TENSORRT, CUDA, CPU),
    "tensorrt": (TENSORRT, CUDA, CPU),
    "cuda": (CUDA, CPU),
    "cpu": (CPU,),
}
"""Providers by `model.provider`, each with those that take over the nodes it does not run."""


class OnnxBackend:
    """`NAME.onnx`, run for each frame, and the graphs that lie beside it, as `NAME.start.onnx`; or their 8-bit forms.

    Attributes:
        nodes_by_provider: how many nodes of all each provider runs; on the CPU alone they are not counted.
    """

    name = "onnx"

    def __init__(self, path: Path, settings: ModelSettings) -> None:
        """Load the files that suit the processor and run each once, so that the first frame finds them warm.

        Raises:
            ModelError: a file is missing, damaged, no model of ours, of another pair, or what `require_provider`
                insists on does not start.
        """
        for providers in _chains(settings):
            try:
                file = self._load(path, settings, providers)
                break
            except _DoesNotStart:
                continue
        step = self._graphs["step"]
        self.metadata, self.provider = step.metadata, step.provider
        self.path, self.precision, self.sha256 = file.path, file.precision, file_sha256(file.path)
        self.nodes_by_provider = sum((graph.nodes_by_provider for graph in self._graphs.values()), Counter[str]())
        shortfall = _shortfall(settings, providers[0], self.nodes_by_provider)
        self.note = " ".join(filter(None, (file.note, shortfall)))
        if self.note and settings.require_provider:
            raise ModelError(self.note)

    def _load(self, path: Path, settings: ModelSettings, providers: Sequence[str]) -> ModelFile:
        """Load all graphs in the form that suits the first of the providers; return which it is."""
        file = choose_precision(path, settings, on_cpu=providers[0] == CPU)
        step = _Graph(file.path, settings, providers)
        if newer := replace_outdated(file, path, step.metadata):
            file, step = newer, _Graph(path, settings, providers)
        others = graphs_beside(file.path, step.metadata, lambda each: _Graph(each, settings, providers))
        self._graphs = {"step": step, **others}
        return file

    def run(self, graph: str, inputs: Arrays) -> Mapping[str, FloatArray]:
        """See `Backend.run`."""
        return self._graphs[graph].run(inputs)


class LoadedGraph(Protocol):
    """A graph with its metadata."""

    metadata: dict[str, Any]


G = TypeVar("G", bound=LoadedGraph)


def graphs_beside(path: Path, step: Mapping[str, Any], load: Callable[[Path], G]) -> dict[str, G]:
    """Load the graphs beside a step graph, by name.

    Args:
        step: the step graph's metadata.
        load: loads a file.

    Raises:
        ModelError: one is missing, or comes from another export.
    """
    found = {}
    for name in step.get("graphs", []):
        beside = graph_path(path, name)
        found[name] = load(beside)
        if found[name].metadata != step:
            raise ModelError(f"{path} and {beside} come from different exports; export the model again.")
    return found


class _DoesNotStart(Exception):
    """The first of the providers asked for does not start on this machine, or not with this graph."""


def _chains(settings: ModelSettings) -> Iterator[list[str]]:
    """Yield providers to try, best first, each with those that take over what it does not run; the CPU comes last."""
    there = onnxruntime.get_available_providers()
    providers = [name for name in _CHAINS[settings.provider] if name in there]
    for first in range(len(providers)):
        yield providers[first:]


class _Graph:
    """A session on the first of the providers, with the device's copies of arrays that stay the same.

    Attributes:
        metadata: the JSON text that `stdtrack export` wrote.
        provider: what runs most of the nodes.
        nodes_by_provider: how many nodes each provider runs.
    """

    def __init__(self, path: Path, settings: ModelSettings, providers: Sequence[str]) -> None:
        if not path.is_file():
            raise ModelError(f"There is no model file {path}; give one that `stdtrack export` wrote.")
        self._device = "cpu" if providers[0] == CPU else "cuda"
        with tempfile.TemporaryDirectory(prefix="stdtrack_") as folder:
            self._session = _open(path, settings, providers, Path(folder))
            self._read(path)
            try:
                self.nodes_by_provider = self._warm_up()
            except Exception as error:  # a device for which there is no kernel, or without memory
                if self._device == "cpu":
                    raise ModelError(f"{path} does not run: {str(error).splitlines()[0]}") from None
                raise _DoesNotStart from None
        self.provider = max(self.nodes_by_provider, key=self.nodes_by_provider.__getitem__)

    def _read(self, path: Path) -> None:
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            raise ModelError(f"{path} is an ONNX model, but not one that `stdtrack export` wrote.")
        self.metadata: dict[str, Any] = json.loads(text)
        self._outputs = [output.name for output in self._session.get_outputs()]
        # A network without token or memory reads none: the export has dropped those inputs from its graph.
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._uploaded: dict[str, tuple[weakref.ref[Any], Any]] = {}

    def run(self, inputs: Arrays) -> dict[str, FloatArray]:
        """Run once on arrays in the host's memory."""
        if self._device == "cpu":
            found = self._session.run(self._outputs, {name: inputs[name] for name in self._inputs})
        else:
            binding = self._session.io_binding()
            for name in self._inputs:
                binding.bind_ortvalue_input(name, self._on_device(name, inputs[name]))
            for name in self._outputs:
                binding.bind_output(name, "cpu")
            self._session.run_with_iobinding(binding)
            found = binding.copy_outputs_to_cpu()
        return dict(zip(self._outputs, found, strict=True))

    def _on_device(self, name: str, array: NDArray[Any]) -> Any:
        """Return the array on the device; one that is the same object as in the run before is there already."""
        kept = self._uploaded.get(name)
        if kept is None or kept[0]() is not array:
            value = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), self._device, 0)
            kept = self._uploaded[name] = (weakref.ref(array), value)
        return kept[1]

    def _warm_up(self) -> Counter[str]:
        """Run once on zeros and count the nodes of each provider."""
        inputs = {one.name: _zeros(one) for one in self._session.get_inputs()}
        self.run(inputs)
        if self._device == "cpu":
            return Counter({CPU: 1})
        events = json.loads(Path(self._session.end_profiling()).read_text(encoding="utf-8"))
        return Counter(
            event["args"]["provider"] for event in events if event["cat"] == "Node" and event["args"].get("provider")
        )


def _open(path: Path, settings: ModelSettings, providers: Sequence[str], folder: Path) -> Any:
    """Open a session; on a device it writes a profile into the folder until that is ended.

    Raises:
        ModelError: the file cannot be read.
        _DoesNotStart: the first provider does not start; never for the CPU.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what a session did not get is reported by us, in one sentence
    # Threads that wait by spinning would take the robot's other programs' time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if providers[0] == CPU:
        try:
            return onnxruntime.InferenceSession(str(path), options, providers=[CPU], disabled_optimizers=SLOW_ON_CPU)
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise ModelError(f"{path} is not a readable ONNX model: {str(error).splitlines()[0]}") from None
    _find_libraries()
    options.enable_profiling = True  # for the warm-up alone: it tells which provider runs which node
    options.profile_file_prefix = str(folder / "profile")
    try:
        chosen = [(name, _provider_options(name, path)) for name in providers]
        session = onnxruntime.InferenceSession(str(path), options, providers=chosen, enable_fallback=0)
    except Exception:  # a damaged file, too, which the CPU's attempt names
        raise _DoesNotStart from None
    if session.get_providers()[0] != providers[0]:
        raise _DoesNotStart
    return session


def _find_libraries() -> None:
    """Load CUDA and cuDNN from Python packages, if they are there; what does not start is reported by us."""
    onnxruntime.set_default_logger_severity(4)
    if hasattr(onnxruntime, "preload_dlls"):
        with redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()


def _provider_options(name: str, path: Path) -> dict[str, Any]:
    if name == CUDA:
        # The exhaustive search takes seconds for each batch size; TF32 has 10 bits where fp32 has 23.
        return {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    if name != TENSORRT:
        return {}
    options: dict[str, Any] = {f"trt_profile_{key}_shapes": text for key, text in _profiles(path).items()}
    options |= {"trt_fp16_enable": True}
    cache = cache_folder(file_sha256(path))
    if cache is not None:
        options |= {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(cache)}
        options |= {"trt_timing_cache_enable": True, "trt_timing_cache_path": str(cache)}
    return options


def _profiles(path: Path) -> dict[str, str]:
    """Return the smallest, the usual and the largest shapes of all inputs as TensorRT's provider reads them.

    Usual is one window, and as many slots as the network was trained with: `search:1x192x192x3,looks:1x7x9x192`.
    """
    session = onnxruntime.InferenceSession(str(path), providers=[CPU])
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, "{}")
    slots = int(json.loads(text).get("network", {}).get("capacity", 1))
    return {
        key: ",".join(f"{one.name}:{'x'.join(map(str, _zeros(one, *free).shape))}" for one in session.get_inputs())
        for key, free in (("min", (1, 1)), ("opt", (1, slots)), ("max", (MOST, MOST)))
    }


def cache_folder(key: str) -> Path | None:
    """Make the folder for what a provider builds from a model, apart for each version of ONNX Runtime.

    Returns:
        None if it cannot be written: the engine is built at each start then.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "stdtrack_ros" / f"{key[:16]}-{onnxruntime.__version__}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _zeros(tensor: Any, batch: int = 1, slots: int = 1) -> NDArray[Any]:
    """Make zeros of an input's type and shape.

    Its free axes are the batch, the slots of the memory, and these with the template (`known`).
    """
    sizes = {"batch": batch, "slots": slots, "known": 1 + slots}
    shape = [size if isinstance(size, int) else sizes[size] for size in tensor.shape]
    kinds = {"tensor(uint8)": np.uint8, "tensor(bool)": np.bool_}
    return np.zeros(shape, kinds.get(tensor.type, np.float32))


def _shortfall(settings: ModelSettings, provider: str, nodes: Counter[str]) -> str:
    """Return a sentence if the network does not run, or not wholly, where it was asked to; else nothing.

    Args:
        provider: the one that started.
        nodes: how many nodes each provider runs.
    """
    there = onnxruntime.get_available_providers()
    wanted = _CHAINS[settings.provider][0]
    if settings.provider == "auto":  # TensorRT is worth no word: most machines with CUDA have none
        wanted = CUDA if provider == CPU and CUDA in there else provider
    if provider != wanted and wanted in there:
        return f"{wanted} does not start: a device or its libraries are missing; the network runs on {provider}."
    if provider != wanted:
        return (
            f"{wanted} was asked for, but this ONNX Runtime offers {', '.join(there)}; the network runs on {provider}."
        )
    others = ", ".join(f"{count} on {name}" for name, count in nodes.items() if name != wanted)
    if others:
        return f"{wanted} runs {nodes[wanted]} nodes of the network and leaves {others}: it is slower than it could be."
    return ""
