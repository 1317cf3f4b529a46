# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Record what the official STARK code puts out, so that `test_official.py` runs without it.

Made test/data/stark/official.npz and the images beside it:

    git clone https://github.com/researchmm/Stark STARK
    pip install torchvision easydict pyyaml opencv-python
    python test/network/stark/record_official.py STARK SEQUENCE test/data/stark

STARK was at commit 162e1d3. SEQUENCE is a folder of frames with a groundtruth.txt; it was the clip
"fruit-and-vegetable-detection" of intel-iot-devkit/sample-videos (CC BY 4.0), of which the images show parts. The
official code wants a GPU and downloads ImageNet weights; both are patched out. It cuts the crops itself; the second
search window reaches beyond the image and comes with its attention mask.

With `--fresh FOLDER` it also saves its own random initialisation of each variant as a checkpoint in its own format,
with what it puts out for the same crops: too large to keep, but `test_official.py` reads them where the environment
variable STARK_FRESH names FOLDER.
"""

import argparse
import importlib
import importlib.util
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import torch
from seeded_weights import seeded_weights

VARIANTS = {
    "stark_s50": ("stark_s", "baseline.yaml"),
    "stark_st50": ("stark_st2", "baseline.yaml"),
    "stark_st101": ("stark_st2", "baseline_R101.yaml"),
}


def main() -> None:
    """Run the official networks on crops of a clip and write crops, masks, weight names and outputs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stark", type=Path)
    parser.add_argument("sequence", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fresh", type=Path)
    options = parser.parse_args()
    prepare_official(options.stark)
    crops = cut(options.stark, options.sequence)
    options.out.mkdir(parents=True, exist_ok=True)
    record = {}
    for name, (crop, mask) in crops.items():
        cv2.imwrite(str(options.out / f"{name}.png"), crop)
        record[f"{name}/mask"] = np.packbits(mask)
    for variant, (script, config) in VARIANTS.items():
        network = build(options.stark / "experiments" / script / config, script)
        if options.fresh:
            save_fresh(network, options.fresh, variant, run(network, crops, script))
        shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        network.load_state_dict(seeded_weights(shapes))
        record[f"{variant}/names"] = np.array(list(shapes))
        record[f"{variant}/shapes"] = np.array([",".join(map(str, shape)) for shape in shapes.values()])
        record |= {f"{variant}/{key}": value for key, value in run(network, crops, script).items()}
    np.savez_compressed(options.out / "official.npz", **record)


def prepare_official(checkout: Path) -> None:
    """Make the official code importable, on the CPU, without downloads."""
    sys.path.insert(0, str(checkout))
    sys.modules["torchvision.models.utils"] = types.SimpleNamespace(load_state_dict_from_url=None)
    torch.Tensor.cuda = lambda self, *_, **__: self
    torch.set_num_threads(1)
    importlib.import_module("lib.utils.misc").is_main_process = lambda: False


def build(config_file: Path, script: str) -> torch.nn.Module:
    """Build an official network in evaluation mode."""
    config = importlib.import_module(f"lib.config.{script}.config")
    config.update_config_from_file(str(config_file))
    torch.manual_seed(0)
    models = importlib.import_module("lib.models.stark")
    return (models.build_starks if script == "stark_s" else models.build_starkst)(config.cfg).eval()


def cut(checkout: Path, sequence: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Crops (S, S, 3) uint8 BGR and masks (S, S) bool, true outside the image."""
    # Loaded by its path: the package around it wants a PyTorch of 2021.
    source = importlib.util.spec_from_file_location("official_crops", checkout / "lib/train/data/processing_utils.py")
    crops = importlib.util.module_from_spec(source)
    source.loader.exec_module(crops)
    frames = [cv2.imread(str(path)) for path in sorted(sequence.glob("*.jpg"))]
    ground_truth = np.loadtxt(next(sequence.glob("groundtruth*.txt")), delimiter=",")
    x, y, width, height = ground_truth[1]
    small = np.array([x + width / 2 - 14, y + height / 2 - 14, 28.0, 28.0])
    asked = {
        "template": (frames[0], ground_truth[0], 2, 128),
        "dynamic": (frames[1], ground_truth[1], 2, 128),
        "search_inside": (frames[2], small, 5, 320),
        "search_beyond": (frames[9], ground_truth[8], 5, 320),
    }
    cuts = {name: crops.sample_target(*values[:3], output_sz=values[3]) for name, values in asked.items()}
    return {name: (crop, mask) for name, (crop, _, mask) in cuts.items()}


def run(
    network: torch.nn.Module, crops: dict[str, tuple[np.ndarray, np.ndarray]], script: str
) -> dict[str, np.ndarray]:
    """Boxes (2, 4) as centre and size in units of the window, scores (2,), for the two search windows."""
    process = importlib.import_module("lib.test.tracker.stark_utils").Preprocessor().process
    merge = importlib.import_module("lib.utils.merge").merge_template_search
    has_score = script != "stark_s"
    templates = ["template", "dynamic"] if has_score else ["template"]
    boxes, scores = [], []
    with torch.no_grad():
        encoded = {
            name: network.forward_backbone(process(np.ascontiguousarray(crop[:, :, ::-1]), mask))
            for name, (crop, mask) in crops.items()
        }
        for window in ("search_inside", "search_beyond"):
            merged = merge([encoded[name] for name in [*templates, window]])
            out, _, _ = network.forward_transformer(merged, run_box_head=True, run_cls_head=has_score)
            boxes.append(out["pred_boxes"].view(4).numpy())
            scores.append(out["pred_logits"].view(1).sigmoid().numpy()[0] if has_score else np.nan)
    return {"boxes": np.array(boxes), "scores": np.array(scores, dtype=np.float32)}


def save_fresh(network: torch.nn.Module, folder: Path, variant: str, outputs: dict[str, np.ndarray]) -> None:
    """Save a checkpoint with the entries and objects of the official trainer."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    meter = importlib.import_module("lib.train.admin.stats").AverageMeter()
    meter.update(1.0)
    state = {
        "epoch": 500,
        "actor_type": "STARKSTActor",
        "net_type": type(network).__name__,
        "net": network.state_dict(),
        "net_info": None,
        "constructor": None,
        "optimizer": optimizer.state_dict(),
        "stats": {"train": {"Loss/total": meter}},
        "settings": importlib.import_module("lib.train.admin.settings").Settings(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / f"{variant}.pth.tar", _use_new_zipfile_serialization=variant != "stark_s50")
    np.savez(folder / f"{variant}.npz", **outputs)


if __name__ == "__main__":
    main()
