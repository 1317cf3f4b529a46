# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our network beside outputs of the official code, recorded by record_official.py (see there for the command)."""

import os
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
import typer
from seeded_weights import seeded_weights
from typer.testing import CliRunner

from stdtrack_ros.cli.import_stark import import_stark
from stdtrack_ros.errors import ModelError
from stdtrack_ros.network.families import load_network
from stdtrack_ros.network.stark.config import VARIANTS, StarkConfig
from stdtrack_ros.network.stark.model import Stark, normalize
from stdtrack_ros.network.stark.official import build, import_official, official_name, read_official
from stdtrack_ros.settings import ModelSettings
from stdtrack_ros.tracker.backends.onnx import OnnxBackend

DATA = Path(__file__).parents[2] / "data" / "stark"
WINDOWS = ("search_inside", "search_beyond")
TINY = StarkConfig(blocks=(1, 1, 1), base_width=8, dimension=32, heads=4, feedforward=64, encoder_layers=1)
TINY_ST = TINY.model_copy(update={"score_head": True, "templates": 2})


@pytest.fixture(scope="module")
def record() -> dict[str, np.ndarray]:
    with np.load(DATA / "official.npz") as stored:
        return dict(stored)


def recorded_shapes(record: dict[str, np.ndarray], variant: str) -> dict[str, tuple[int, ...]]:
    shapes = [tuple(int(part) for part in str(text).split(",") if part) for text in record[f"{variant}/shapes"]]
    return dict(zip(map(str, record[f"{variant}/names"]), shapes, strict=True))


def locate(network: Stark, record: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (2, 4) as centre and size, and scores (2,), of both recorded windows in one batch."""
    config = network.config
    names = ["template", "dynamic"][: config.templates]
    templates = torch.stack([crop(name) for name in names])[None].expand(2, -1, -1, -1, -1)
    searches = torch.stack([crop(name) for name in WINDOWS])
    templates_outside = torch.stack([mask(record, name, config.template_size) for name in names])[None].expand(
        2, -1, -1, -1
    )
    search_outside = torch.stack([mask(record, name, config.search_size) for name in WINDOWS])
    with torch.no_grad():
        corners, logits, _ = network(templates, searches, templates_outside, search_outside)
    low, high = corners[:, :2], corners[:, 2:]
    return torch.cat([(low + high) / 2, high - low], dim=1).numpy(), logits.sigmoid().numpy()


def crop(name: str) -> torch.Tensor:
    pixels = torch.from_numpy(cv2.imread(str(DATA / f"{name}.png")))
    return normalize(pixels.permute(2, 0, 1)[None])[0]


def mask(record: dict[str, np.ndarray], name: str, size: int) -> torch.Tensor:
    pixels = np.unpackbits(record[f"{name}/mask"], count=size * size).reshape(size, size).astype(bool)
    return torch.from_numpy(pixels[::16, ::16])  # nearest-neighbour reduction takes the first pixel of each cell


@pytest.mark.parametrize("variant", VARIANTS)
def test_boxes_and_scores_are_those_of_the_official_code(variant: str, record: dict[str, np.ndarray]) -> None:
    weights = seeded_weights(recorded_shapes(record, variant))
    boxes, scores = locate(build(weights, VARIANTS[variant], variant), record)
    np.testing.assert_allclose(boxes, record[f"{variant}/boxes"], atol=1e-4, rtol=0)
    if VARIANTS[variant].score_head:
        np.testing.assert_allclose(scores, record[f"{variant}/scores"], atol=1e-4, rtol=0)


@pytest.mark.skipif("STARK_FRESH" not in os.environ, reason="STARK_FRESH names no folder of fresh official checkpoints")
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_checkpoint_of_the_official_trainer_gives_its_boxes(variant: str, record: dict[str, np.ndarray]) -> None:
    folder = Path(os.environ["STARK_FRESH"])
    network = import_official(folder / f"{variant}.pth.tar")
    assert network.config == VARIANTS[variant]
    boxes, scores = locate(network, record)
    with np.load(folder / f"{variant}.npz") as expected:
        np.testing.assert_allclose(boxes, expected["boxes"], atol=1e-4, rtol=0)
        if VARIANTS[variant].score_head:
            np.testing.assert_allclose(scores, expected["scores"], atol=1e-4, rtol=0)


def official_weights(config: StarkConfig) -> dict[str, torch.Tensor]:
    return {official_name(name): value for name, value in Stark(config).state_dict().items()}


def write(path: Path, weights: dict[str, torch.Tensor], **more: object) -> Path:
    torch.save({"epoch": 500, "net_type": "STARKST", "net": weights} | more, path)
    return path


def test_every_weight_survives_the_two_names() -> None:
    state = Stark(TINY_ST).state_dict()
    weights = {official_name(name): torch.randint(9, value.shape).to(value.dtype) for name, value in state.items()}
    built = build(weights, TINY_ST, "here").state_dict()
    assert all(torch.equal(built[name], weights[official_name(name)]) for name in built)
    assert len(weights) == len(state)


def test_missing_left_over_and_misshapen_weights_are_named() -> None:
    weights = official_weights(TINY)
    del weights["transformer.encoder.layers.0.norm2.bias"]
    weights["transformer.encoder.layers.9.norm2.bias"] = torch.zeros(32)
    weights["query_embed.weight"] = torch.zeros(10, 32)
    with pytest.raises(ModelError) as caught:
        build(weights, TINY, "file.pth.tar as stark_s50")
    assert str(caught.value) == (
        "Cannot import file.pth.tar as stark_s50. Weights missing: transformer.encoder.layers.0.norm2.bias; "
        "not known: transformer.encoder.layers.9.norm2.bias; "
        "of another shape: query_embed.weight (10, 32) instead of (1, 32)."
    )


def test_a_first_stage_checkpoint_of_the_101_says_that_its_score_head_is_missing(tmp_path: Path) -> None:
    config = TINY.model_copy(update={"blocks": (3, 4, 23)})
    with pytest.raises(ModelError, match=r"23 blocks .* has no score head .* second stage"):
        import_official(write(tmp_path / "st1.pth.tar", official_weights(config)))


def test_a_variant_that_is_asked_for_must_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "s50.pth.tar", official_weights(VARIANTS["stark_s50"]))
    with pytest.raises(ModelError, match=r"as stark_st50\. Weights missing: .*cls_head\.layers\.0\.weight"):
        import_official(path, "stark_st50")
    with pytest.raises(ModelError, match="no STARK variant 'stark_x'"):
        import_official(path, "stark_x")


class Trap:
    """Runs a command when an ordinary unpickler reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_would_run_code_is_refused_unrun(tmp_path: Path, zipped: bool) -> None:
    sprung = tmp_path / "sprung"
    content = {"net": official_weights(TINY), "settings": Trap(sprung)}
    torch.save(content, tmp_path / "trap.pth.tar", _use_new_zipfile_serialization=zipped)
    torch.load(tmp_path / "trap.pth.tar", weights_only=False)
    assert sprung.exists(), "the trap must work where nothing guards against it"
    sprung.unlink()
    with pytest.raises(ModelError, match=r"names the Python object posix\.system"):
        import_official(tmp_path / "trap.pth.tar")
    assert not sprung.exists()


def test_objects_of_the_official_trainer_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer saves its settings beside the weights; here a class of that name stands in for them."""
    names = ("lib", "lib.train", "lib.train.admin", "lib.train.admin.settings")
    module = ModuleType(names[-1])
    module.Settings = type("Settings", (), {"__module__": names[-1]})
    settings = module.Settings()
    settings.project_path = "train/stark_st2/baseline"
    with monkeypatch.context() as official_code:
        for name in names:
            official_code.setitem(sys.modules, name, module)
        path = write(tmp_path / "known.pth.tar", official_weights(TINY), settings=settings)
    assert read_official(path).keys() == official_weights(TINY).keys()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"\x80\x02}q\x00.", b"no checkpoint at all"])
def test_damaged_files_are_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.pth.tar"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged\.pth\.tar"):
        import_official(path)


def test_other_contents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model file"):
        import_official(tmp_path / "absent.pth.tar")
    torch.save([1, 2], tmp_path / "list.pth.tar")
    with pytest.raises(ModelError, match="holds a list"):
        import_official(tmp_path / "list.pth.tar")
    torch.save({"model": {}}, tmp_path / "other.pth.tar")
    with pytest.raises(ModelError, match="no entry 'net'"):
        import_official(tmp_path / "other.pth.tar")
    with pytest.raises(ModelError, match="not a tensor: epoch"):
        import_official(write(tmp_path / "mixed.pth.tar", {"epoch": 3}))


@pytest.mark.slow
def test_an_imported_checkpoint_exported_to_onnx_gives_the_official_boxes(
    tmp_path: Path, record: dict[str, np.ndarray]
) -> None:
    """The whole way of a user: official file, `stdtrack import-stark`, ONNX Runtime; templates encoded once."""
    weights = seeded_weights(recorded_shapes(record, "stark_st50"))
    app = typer.Typer()
    app.command()(import_stark)
    source, target = write(tmp_path / "STARKST_ep0050.pth.tar", weights), tmp_path / "stark.onnx"
    result = CliRunner().invoke(app, [str(source), str(target)], catch_exceptions=False)
    assert "stark_st50: all 466 tensors" in result.output
    backend = OnnxBackend(target, ModelSettings(threads=1))
    pixels = {name: cv2.imread(str(DATA / f"{name}.png"))[None] for name in ("template", "dynamic", *WINDOWS)}
    features = np.concatenate(
        [backend.run("start", {"template": pixels[name]})["features"] for name in ("template", "dynamic")]
    )
    for index, window in enumerate(WINDOWS):
        found = backend.run(
            "step",
            {
                "search": pixels[window],
                "features": features[None],
                "features_outside": np.zeros((1, 2, 8, 8), dtype=bool),
                "search_outside": mask(record, window, 320).numpy()[None],
            },
        )
        box = found["box"][0] / 320
        center = np.concatenate([box[:2] + box[2:] / 2, box[2:]])
        np.testing.assert_allclose(center, record["stark_st50/boxes"][index], atol=1e-4, rtol=0)
        assert found["score"][0] == pytest.approx(record["stark_st50/scores"][index], abs=1e-4)


def test_what_import_writes_is_read_back(tmp_path: Path, record: dict[str, np.ndarray]) -> None:
    weights = seeded_weights(recorded_shapes(record, "stark_s50"))
    import_stark(write(tmp_path / "STARKS_ep0500.pth.tar", weights), tmp_path / "s50.pt")
    network = load_network(tmp_path / "s50.pt").network
    assert network.config == VARIANTS["stark_s50"] and not network.training
    assert torch.equal(network.bottleneck.weight, weights["bottleneck.weight"])
