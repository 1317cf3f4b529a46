# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files in a tar: the same frames in any order, from any process, with the facts of the index beside them."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import av
import numpy as np
import pytest
from sample_sequences import index_of, picture

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.annotated import open_annotated
from stdtrack_ros.sequences.catalog import open_sequences
from stdtrack_ros.sequences.origin import Origin, origin_of
from stdtrack_ros.sequences.shards import video_tar
from stdtrack_ros.sequences.shards.opening import read_shard

FRAMES = 20


def mp4(count: int, group: int = 8) -> bytes:
    """Encode a video of `count` pictures, with a key frame every `group` frames."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": str(group), "bf": "0", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="bgr24")))
        container.mux(stream.encode())
    return file.getvalue()


def lines(count: int) -> bytes:
    rows = [f"{10 + index},8,12,9" for index in range(count)]
    rows[-1] = "nan,nan,nan,nan"
    return "\n".join(rows).encode()


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    files = {"car_0.mp4": mp4(FRAMES), "car_0.txt": lines(FRAMES), "dog.mp4": mp4(3), "dog.txt": lines(3), "x.mp4": b""}
    return write_tar(tmp_path / "videos_1.tar", files)


def test_any_order_of_frames_gives_the_same_pictures(shard: Path) -> None:
    car, dog = read_shard(shard)
    assert [car.name, dog.name, len(car), len(dog)] == ["car_0", "dog", FRAMES, 3]
    np.testing.assert_array_equal(car.boxes[:-1, 0], 10 + np.arange(FRAMES - 1))
    assert np.isnan(car.boxes[-1]).all()
    for order in (range(FRAMES), reversed(range(FRAMES)), np.random.default_rng(0).permutation(FRAMES)):
        for index in map(int, order):
            assert index_of(car.frame(index)) == index
            assert index_of(dog.frame(index % 3)) == index % 3
    with pytest.raises(IndexError):
        car.frame(FRAMES)


def test_a_random_frame_costs_no_more_than_its_group_of_pictures(shard: Path) -> None:
    car = pickle.loads(pickle.dumps(read_shard(shard)[0]))
    decoder = video_tar._decoder_of(car.file)
    for index in (19, 2, 12, 7):
        decoder._recent.clear()
        decoder._decode_to(index)
        assert min(decoder._recent) >= index // 8 * 8
        assert max(decoder._recent) == index


def test_few_videos_stay_open(tmp_path: Path) -> None:
    content = mp4(2)
    files = {f"clip{n:02d}{end}": part for n in range(20) for end, part in ((".mp4", content), (".txt", lines(2)))}
    sequences = read_shard(write_tar(tmp_path / "many.tar", files))
    for _ in range(2):
        assert [index_of(sequence.frame(1)) for sequence in sequences] == [1] * 20
    assert len(video_tar._decoders) <= video_tar._OPEN_DECODERS


def test_the_index_beside_the_tar_tells_group_video_label_and_rate(shard: Path) -> None:
    (shard.parent / "index.csv").write_text("shard,sequence\nvideos_1.tar,other\n")  # of another kind: left alone
    (shard.parent / "index2.csv").write_text(
        "clip,fps,group,video,label,tags\ncar_0,12.5,street,drive,pseudo,fast|tiny\nelse,1,a,b,c,d\n"
    )
    car, dog = open_annotated(shard)
    assert origin_of(car) == Origin("drive", "street", "pseudo")
    assert car.attributes == {"fast", "tiny", "pseudo"}
    assert car.stamps_s[1] == pytest.approx(0.08)
    assert origin_of(dog) == Origin("dog", "dog")
    assert dog.stamps_s[1] == pytest.approx(1 / 30)


def test_a_name_suggests_its_origin(shard: Path) -> None:
    assert origin_of(read_shard(shard)[0]) == Origin("car", "car")


def test_shards_open_as_any_other_path(shard: Path, tmp_path: Path) -> None:
    handles = pickle.loads(pickle.dumps(open_sequences([shard])))
    assert [(handle.name, handle.layout) for handle in handles] == [("car_0", "shard"), ("dog", "shard")]
    assert [index_of(handle.open().frame(1)) for handle in handles] == [1, 1]
    assert [handle.name for handle in open_sequences([tmp_path])] == ["car_0", "dog"]
    twice = open_sequences([shard, shard])
    assert len({handle.name for handle in twice}) == 4
    assert [handle.open().name for handle in twice] == [handle.name for handle in twice]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    files = {"a.mp4": b"no video", "a.txt": lines(2), "b.mp4": mp4(3), "b.txt": lines(2)}
    damaged, short = read_shard(write_tar(tmp_path / "bad.tar", files))
    with pytest.raises(SequenceError, match=r"bad\.tar:a\.mp4 is damaged or no video"):
        damaged.frame(0)
    with pytest.raises(SequenceError, match=r"b\.mp4 has 3 frames, but 2 boxes"):
        short.frame(0)
    with pytest.raises(SequenceError, match="holds no sequence"):
        read_shard(write_tar(tmp_path / "none.tar", {"a.txt": b""}))
