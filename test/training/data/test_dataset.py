# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from painted_data import PaintedSequence, moving, painted_still

from stdtrack_ros.errors import SequenceError, SettingError
from stdtrack_ros.sequences.shards.packing import PackOptions, pack_stills, pack_videos
from stdtrack_ros.sequences.shards.shard_writer import ShardWriter
from stdtrack_ros.training.data.dataset import ClipDataset, build_dataset
from stdtrack_ros.training.data.settings import DataSettings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    videos = [
        PaintedSequence("car_1", moving()),
        PaintedSequence("skv_1", moving(step=2)),
        PaintedSequence("cup_1", moving(step=4), attributes=frozenset({"pseudo"})),
    ]
    with ShardWriter(folder, "videos") as writer:
        pack_videos(videos, writer, PackOptions())
    with ShardWriter(folder, "stills") as writer:
        pack_stills([painted_still(seed) for seed in range(6)], writer, PackOptions())
    return folder


def settings(data: Path, **values: object) -> DataSettings:
    return DataSettings(videos=(data / "videos_1.tar",), stills=(data,), **values)  # type: ignore[arg-type]


def test_clips_come_from_every_source_and_the_excluded_one_never(data: Path) -> None:
    dataset = build_dataset(settings(data), 1, seed=0, size=200)
    assert len(dataset) == 200
    sources = {dataset[index].source.split(":")[0] for index in range(60)}
    assert {"car_1", "cup_1", "cutout", "picture"} <= sources
    assert "skv_1" not in sources


def test_a_clip_depends_on_seed_and_index_alone(data: Path) -> None:
    one, other = (build_dataset(settings(data), 2, seed=4, size=50) for _ in range(2))
    _ = [other[index] for index in (9, 3)]
    for index in (0, 7):
        np.testing.assert_array_equal(one[index].canvases, other[index].canvases)
        np.testing.assert_array_equal(one[index].template, other[index].template)
    different = build_dataset(settings(data), 2, seed=5, size=50)
    assert not np.array_equal(one[0].canvases, different[0].canvases)


def test_a_pickled_data_set_gives_the_same_clips(data: Path) -> None:
    dataset = build_dataset(settings(data), 1, seed=1, size=20)
    copied = pickle.loads(pickle.dumps(dataset))
    for index in range(8):
        np.testing.assert_array_equal(copied[index].canvases, dataset[index].canvases)


def test_weights_decide_the_fractions(data: Path) -> None:
    only = settings(data, video_weight=3.0, pseudo_weight=1.0, cutout_weight=0.0, picture_weight=0.0)
    dataset = build_dataset(only, 1, seed=2, size=400)
    names = [dataset[index].source for index in range(160)]
    assert set(names) == {"car_1", "cup_1"}
    assert 0.6 < names.count("car_1") / len(names) < 0.88


def test_the_light_changes_at_once_where_the_settings_ask_for_it(data: Path) -> None:
    steady, shadowed = (build_dataset(settings(data, shadow_prob=p), 3, seed=4, size=12) for p in (0.0, 1.0))
    changed = [not np.array_equal(steady[index].canvases[-1], shadowed[index].canvases[-1]) for index in range(12)]
    assert all(changed)


def test_the_index_ends_as_a_list_does(data: Path) -> None:
    dataset = build_dataset(settings(data), 1, seed=0, size=3)
    assert len(list(dataset)) == 3
    with pytest.raises(IndexError):
        dataset[3]


def test_nothing_to_train_on_is_said(data: Path) -> None:
    with pytest.raises(SettingError, match="nothing to train on"):
        build_dataset(DataSettings(), 1, 0, 1)
    with pytest.raises(SettingError, match="nothing to train on"):
        build_dataset(settings(data, video_weight=0, pseudo_weight=0, cutout_weight=0, picture_weight=0), 1, 0, 1)
    with pytest.raises(SequenceError, match="nowhere"):
        build_dataset(DataSettings(videos=(data / "nowhere",)), 1, 0, 1)


def test_folders_of_a_benchmark_serve_as_video(tmp_path: Path) -> None:
    boxes, sequence = moving(12), PaintedSequence("x", moving(12))
    folder = tmp_path / "GOT-10k_Train_000001"
    folder.mkdir()
    for index in range(12):
        cv2.imwrite(str(folder / f"{index + 1:08d}.jpg"), sequence.frame(index))
    (folder / "groundtruth.txt").write_text("\n".join(",".join(f"{v:.1f}" for v in row) for row in boxes))
    (folder / "meta_info.ini").write_text("[METAINFO]\nroot_class: vehicle\n")
    dataset = build_dataset(DataSettings(videos=(tmp_path,)), 4, seed=0, size=4)
    assert dataset[0].source == "GOT-10k_Train_000001"
    assert dataset[0].canvases.shape == (4, 448, 448, 3)


def test_wider_canvases_show_more_at_the_same_scale(data: Path) -> None:
    wide, plain = (build_dataset(settings(data, canvas_factor=factor), 2, 3, 12) for factor in (10.5, 7.0))
    for index in range(12):
        more, clip = wide[index], plain[index]
        assert more.canvases.shape == (2, 672, 672, 3) and more.crop(0).size == 672
        np.testing.assert_allclose(more.windows[:, 2] / clip.windows[:, 2], 1.5, rtol=0.02)
        np.testing.assert_allclose(more.boxes[:, 2:], clip.boxes[:, 2:], rtol=1e-5)


def test_stills_without_any_mask_still_serve(tmp_path: Path) -> None:
    (tmp_path / "stills").mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        picture = cv2.resize(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), (160, 120))
        cv2.imwrite(str(tmp_path / "stills" / f"{number}.jpg"), picture)
    lines = [{"image": f"{number}.jpg"} for number in range(3)]
    (tmp_path / "stills_index.json").write_text(json.dumps(lines))
    dataset = build_dataset(DataSettings(stills=(tmp_path,)), 2, seed=0, size=5)
    assert all(isinstance(dataset, ClipDataset) and dataset[index].source == "patch" for index in range(5))
