# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags: every storage and transport read back equal, and every kind of bad bag named in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mcap.writer import CompressionType, IndexType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import CompressionMode
from sample_sequences import (
    HEIGHT,
    START_NS,
    STEP_NS,
    WIDTH,
    BagMaker,
    index_of,
    picture,
    stamp,
    write_bag,
    write_lines,
)

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.catalog import open_sequences
from stdtrack_ros.sequences.recordings.bag_copy import BagCopy
from stdtrack_ros.sequences.recordings.bag_file import BagFile
from stdtrack_ros.sequences.recordings.bags import BagSequence


def truth_of(count: int) -> np.ndarray:
    return np.array([[10 + index, 8, 12, 9] for index in range(count)], dtype=np.float64)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("compressed", [False, True])
def test_reads_frames_stamps_and_ground_truth(tmp_path: Path, storage: str, compressed: bool) -> None:
    path = write_bag(tmp_path / "flight", storage=storage, compressed=compressed)
    sequence = BagSequence("flight", path, ground_truth_topic="/ground_truth")
    assert sequence.name == "flight"
    assert len(sequence) == 5
    np.testing.assert_array_equal(sequence.boxes, truth_of(5))
    np.testing.assert_allclose(sequence.stamps_s, (START_NS + STEP_NS * np.arange(5)) * 1e-9, rtol=0, atol=1e-6)
    assert [index_of(sequence.frame(index)) for index in range(5)] == [0, 1, 2, 3, 4]
    assert sequence.frame(0).shape == (HEIGHT, WIDTH, 3)
    assert sequence.notes == ()


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_frames_come_in_any_order(tmp_path: Path, storage: str) -> None:
    sequence = BagSequence("flight", write_bag(tmp_path / "flight", count=12, storage=storage))
    order = [11, 0, 1, 5, 4, 4, 10, 11, 2]
    assert [index_of(sequence.frame(index)) for index in order] == order


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_single_storage_file_without_its_folder(tmp_path: Path, storage: str) -> None:
    path = write_bag(tmp_path / "flight", storage=storage)
    file = next(each for each in path.iterdir() if each.suffix in (".mcap", ".db3"))
    sequence = BagSequence("flight", file.rename(tmp_path / f"alone{file.suffix}"), ground_truth_topic="/ground_truth")
    assert index_of(sequence.frame(4)) == 4
    np.testing.assert_array_equal(sequence.boxes, truth_of(5))


@pytest.mark.parametrize(
    ("storage", "compression"),
    [
        ("mcap", CompressionMode.STORAGE),
        ("mcap", CompressionMode.MESSAGE),
        ("sqlite3", CompressionMode.MESSAGE),
        ("sqlite3", CompressionMode.FILE),
    ],
)
def test_compressed_bags(tmp_path: Path, storage: str, compression: CompressionMode) -> None:
    with BagMaker(tmp_path / "packed", storage, compression=compression) as bag:
        for index in range(4):
            bag.image(picture(index), stamp(index))
    sequence = BagSequence("packed", tmp_path / "packed")
    assert [index_of(sequence.frame(index)) for index in (0, 3, 1, 2)] == [0, 3, 1, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"use_chunking": False},
        {"compression": CompressionType.LZ4},
        {"chunk_size": 100},
        {"use_chunking": False, "index_types": IndexType.NONE, "use_statistics": False},
    ],
)
def test_mcap_files_of_another_writer(tmp_path: Path, options: dict[str, object]) -> None:
    source = BagFile(write_bag(tmp_path / "flight", count=6))
    with (tmp_path / "other.mcap").open("wb") as file:
        writer = McapWriter(file, **options)
        writer.start(profile="ros2")
        channels = {}
        for connection in source.reader.connections:
            schema = writer.register_schema(connection.msgtype, "ros2msg", connection.msgdef.data.encode())
            channels[connection.topic] = writer.register_channel(connection.topic, "cdr", schema)
        for connection, recorded_ns, data in source.messages(source.reader.connections):
            writer.add_message(channels[connection.topic], recorded_ns, bytes(data), recorded_ns)
        writer.finish()
    sequence = BagSequence("other", tmp_path / "other.mcap", ground_truth_topic="/ground_truth")
    np.testing.assert_array_equal(sequence.boxes, truth_of(6))
    assert [index_of(sequence.frame(index)) for index in (0, 1, 5, 2, 2)] == [0, 1, 5, 2, 2]


SERVICE_EVENT = "bool a\n---\nbool b\n" + "=" * 80 + "\nMSG: example/srv/Event_Request\nbool a\n---\nbool b\n"


def test_definitions_that_cannot_be_parsed_do_not_spoil_the_images(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "robot") as bag:
        fields = {"msgdef": SERVICE_EVENT, "rihs01": "RIHS01_" + "0" * 64}
        service = bag.writer.add_connection("/service/_service_event", "example/srv/Event", **fields)
        bag.writer.write(service, stamp(0), b"\x00\x01\x00\x00\x01")
        for index in range(2):
            bag.image(picture(index), stamp(index))
    assert index_of(BagSequence("robot", tmp_path / "robot").frame(1)) == 1
    with pytest.raises(SequenceError, match=r"its topics are /camera/image .*, /service/_service_event \(example/srv"):
        BagSequence("robot", tmp_path / "robot", topic="/front")
    source = BagFile(tmp_path / "robot")
    with BagCopy(source, tmp_path / "copy", {}) as copy:
        assert len(list(copy.copied())) == 3
    assert len(BagSequence("copy", tmp_path / "copy")) == 2


def test_images_recorded_at_the_same_time_stay_apart(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "burst") as bag:
        for index in range(4):
            bag.image(picture(index), stamp(index), late_ns=stamp(9) - stamp(index))
    sequence = BagSequence("burst", tmp_path / "burst")
    assert [index_of(sequence.frame(index)) for index in (3, 1, 2, 0)] == [3, 1, 2, 0]


def test_topic_may_lack_its_slash(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "flight")
    assert len(BagSequence("flight", path, topic="camera/image", ground_truth_topic="ground_truth")) == 5


def test_missing_topic_lists_the_topics(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "flight")
    with pytest.raises(
        SequenceError, match=r"no topic /front; its topics are /camera/image \(sensor_msgs.*/ground_truth"
    ):
        BagSequence("flight", path, topic="/front")


def test_topic_of_another_type(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "flight")
    with pytest.raises(
        SequenceError, match=r"/ground_truth of .* is stdtrack_ros/msg/TrackedBox; images are sensor_msgs"
    ):
        BagSequence("flight", path, topic="/ground_truth")


def test_several_image_topics_ask_for_a_choice(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "two") as bag:
        bag.image(picture(0), stamp(0), "/left")
        bag.image(picture(1), stamp(0), "/right")
    with pytest.raises(SequenceError, match="2 image topics; choose one of /left, /right"):
        BagSequence("two", tmp_path / "two")
    assert index_of(BagSequence("two", tmp_path / "two", topic="/right").frame(0)) == 1


def test_bag_without_images(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "blind") as bag:
        bag.tracked_box((1, 2, 3, 4), stamp(0))
    with pytest.raises(SequenceError, match="no image topic; its topics are /ground_truth"):
        BagSequence("blind", tmp_path / "blind")


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("alone", [False, True])
def test_truncated_bag_is_named(tmp_path: Path, storage: str, keep: float, alone: bool) -> None:
    path = write_bag(tmp_path / "cut", count=40, storage=storage)
    file = next(each for each in path.iterdir() if each.suffix in (".mcap", ".db3"))
    data = file.read_bytes()
    file.write_bytes(data[: int(keep * len(data))])
    words = r"(cannot be read \(.+\); .*repair it .*|is empty: nothing was recorded into )"
    with pytest.raises(SequenceError, match=rf"The bag .*cut.* {words}{file.name}"):
        BagSequence("cut", file if alone else path)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_damaged_bag_never_ends_in_another_error(tmp_path: Path, storage: str) -> None:
    path = write_bag(tmp_path / "hurt", count=4, storage=storage)
    file = next(each for each in path.iterdir() if each.suffix in (".mcap", ".db3"))
    data = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    random = np.random.default_rng(7)
    for _ in range(60):
        hurt = data.copy()
        start = int(random.integers(0, len(hurt)))
        hurt[start : start + 16] = random.integers(0, 256, len(hurt[start : start + 16]))
        file.write_bytes(hurt.tobytes())
        try:
            sequence = BagSequence("hurt", path, topic="/camera/image", ground_truth_topic="/ground_truth")
            for index in range(len(sequence)):
                assert sequence.frame(index).ndim == 3
        except SequenceError as error:
            assert str(error).endswith(".")


def test_missing_bag_and_ros1_bag(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"none\.mcap does not exist"):
        BagSequence("none", tmp_path / "none.mcap")
    with pytest.raises(SequenceError, match="ROS 1; convert it with `rosbags-convert"):
        BagSequence("old", tmp_path / "old.bag")


@pytest.mark.parametrize("compressed", [False, True])
def test_mixed_sizes_are_refused_with_the_frame(tmp_path: Path, compressed: bool) -> None:
    with BagMaker(tmp_path / "zoom") as bag:
        write = bag.compressed if compressed else bag.image
        write(picture(0), stamp(0))
        write(picture(1), stamp(1))
        write(picture(2, width=32, height=24), stamp(2))
    with pytest.raises(SequenceError, match=r"Frame 2 of /camera/image.* has 32x24 px, .* 64x48 px"):
        sequence = BagSequence("zoom", tmp_path / "zoom")
        for index in range(3):
            sequence.frame(index)


def test_mixed_encodings_are_read_each_in_its_own_and_noted(tmp_path: Path) -> None:
    red = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    red[..., 2] = 200
    with BagMaker(tmp_path / "mixed") as bag:
        bag.image(red, stamp(0))
        bag.image(np.ascontiguousarray(red[..., ::-1]), stamp(1), encoding="rgb8")
        bag.image(red[..., 2], stamp(2), encoding="mono8")
    sequence = BagSequence("mixed", tmp_path / "mixed")
    np.testing.assert_array_equal(sequence.frame(0), red)
    np.testing.assert_array_equal(sequence.frame(1), red)
    np.testing.assert_array_equal(sequence.frame(2), np.full_like(red, 200))
    assert "changes its encoding ('bgr8' from frame 0, 'rgb8' from frame 1, 'mono8' from frame 2)" in sequence.notes[0]


@pytest.mark.parametrize("encoding", ["sepia", ""])
def test_unknown_encoding_names_the_frame_and_the_allowed(tmp_path: Path, encoding: str) -> None:
    with BagMaker(tmp_path / "odd") as bag:
        bag.image(picture(0), stamp(0), encoding=encoding)
    with pytest.raises(SequenceError, match=rf"Frame 0 of /camera/image .* '{encoding}' cannot be read; .*bgr8"):
        BagSequence("odd", tmp_path / "odd").frame(0)


def test_stamps_going_back_are_left_out_and_noted(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "back") as bag:
        for index in range(20):
            back = index == 7
            bag.image(picture(index), stamp(index) - (10 * STEP_NS if back else 0), late_ns=10 * STEP_NS if back else 0)
            bag.tracked_box((10 + index, 8, 12, 9), stamp(index))
    rows = [f"{10 + index},8,12,9" for index in range(20)]
    kept = [index for index in range(20) if index != 7]
    for ground_truth in (
        {"ground_truth_topic": "/ground_truth"},
        {"ground_truth_csv": write_lines(tmp_path / "rows.csv", rows)},
    ):
        sequence = BagSequence("back", tmp_path / "back", **ground_truth)
        assert [index_of(sequence.frame(index)) for index in range(19)] == kept
        assert (np.diff(sequence.stamps_s) >= 0).all()
        assert any(note.startswith("1 frames are left out because their stamps go back") for note in sequence.notes)
        np.testing.assert_array_equal(sequence.boxes, truth_of(20)[kept])


def test_clock_set_back_is_refused(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "reset") as bag:
        for index in range(10):
            bag.image(picture(index), stamp(index % 5), late_ns=STEP_NS * 5 * (index // 5))
    with pytest.raises(SequenceError, match="go back at frame 5 and 4 of 10 frames"):
        BagSequence("reset", tmp_path / "reset")


def test_images_without_stamps_take_the_times_of_recording(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "bare") as bag:
        for index in range(3):
            bag.image(picture(index), 0, late_ns=stamp(index))
    sequence = BagSequence("bare", tmp_path / "bare")
    np.testing.assert_allclose(np.diff(sequence.stamps_s), STEP_NS * 1e-9, atol=1e-6)
    assert "The images carry no stamps: the times of recording are used." in sequence.notes


def test_jump_of_the_stamps_is_noted(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "pause") as bag:
        for index in range(6):
            bag.image(picture(index), stamp(index) + (60 * 10**9 if index >= 4 else 0))
    assert "The stamps jump by 60.0 s after frame 3." in BagSequence("pause", tmp_path / "pause").notes


def test_without_ground_truth_nothing_is_scored_and_boxes_are_not_taken_unasked(tmp_path: Path) -> None:
    sequence = BagSequence("flight", write_bag(tmp_path / "flight"))
    assert np.isnan(sequence.boxes).all()
    assert "There is no ground truth: nothing can be scored." in sequence.notes
    assert "The bag has boxes on /ground_truth; name the topic that is the ground truth to score." in sequence.notes


def test_missing_ground_truth_topic_lists_the_topics(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "flight", ground_truth=False)
    with pytest.raises(SequenceError, match="no topic /ground_truth; its topics are /camera/image"):
        BagSequence("flight", path, ground_truth_topic="/ground_truth")
    with pytest.raises(
        SequenceError, match="is sensor_msgs/msg/Image; ground-truth boxes can be read from stdtrack_ros/msg"
    ):
        BagSequence("flight", path, ground_truth_topic="/camera/image")


def test_ground_truth_that_is_shorter_longer_and_lost(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "some") as bag:
        for index in range(6):
            bag.image(picture(index), stamp(index))
        bag.tracked_box((11, 8, 12, 9), stamp(1))
        bag.tracked_box((12, 8, 12, 9), stamp(2), status=3)  # LOST
        bag.tracked_box((13, 8, np.nan, 9), stamp(3))
        bag.tracked_box((14, 8, 12, 0), stamp(4))
        bag.tracked_box((19, 8, 12, 9), stamp(9))
    sequence = BagSequence("some", tmp_path / "some", ground_truth_topic="/ground_truth")
    expected = np.full((6, 4), np.nan)
    expected[1] = 11, 8, 12, 9
    np.testing.assert_array_equal(sequence.boxes, expected)
    assert sequence.notes == (
        "1 of 5 rows of /ground_truth have no frame near them and are left out.",
        "1 boxes have no width or height: they count as absent.",
        "The first frame has no box: tracking can start at frame 1 (counted from 0).",
        "5 of 6 frames have no ground-truth box (absent or not known): not scored.",
    )


def test_ground_truth_of_another_clock_is_refused(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "clocks") as bag:
        bag.image(picture(0), stamp(0))
        bag.image(picture(1), stamp(1))
        bag.tracked_box((1, 2, 3, 4), 5 * 10**9)
    with pytest.raises(SequenceError, match=r"1 of 1 stamps of /ground_truth \(5.000 to 5.000 s\) lie near no"):
        BagSequence("clocks", tmp_path / "clocks", ground_truth_topic="/ground_truth")


def test_ground_truth_of_several_targets_takes_the_first_and_says_so(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "pair") as bag:
        for index in range(2):
            bag.image(picture(index), stamp(index))
            bag.tracked_box((10 + index, 8, 12, 9), stamp(index), target_id="a")
            bag.tracked_box((30, 30, 5, 5), stamp(index), target_id="b")
    sequence = BagSequence("pair", tmp_path / "pair", ground_truth_topic="/ground_truth")
    np.testing.assert_array_equal(sequence.boxes, truth_of(2))
    assert "/ground_truth shows several targets; 'a' is taken, ['b'] left out." in sequence.notes


def test_vision_msgs_detection_and_its_turn(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "vision") as bag:
        for index in range(2):
            bag.image(picture(index), stamp(index))
        bag.write("/ground_truth", bag.detection((10, 8, 12, 9), stamp(0)), stamp(0))
        bag.write("/ground_truth", bag.detection((10, 8, 12, 9), stamp(1), theta=np.pi / 2), stamp(1))
    sequence = BagSequence("vision", tmp_path / "vision", ground_truth_topic="/ground_truth")
    # Turned by a right angle about its centre (16, 12.5), the box is 9 wide and 12 high.
    np.testing.assert_allclose(sequence.boxes, [[10, 8, 12, 9], [11.5, 6.5, 9, 12]], atol=1e-9)


def test_vision_msgs_of_foxy_has_its_centre_elsewhere(tmp_path: Path) -> None:
    definitions = {
        "vision_msgs/msg/BoundingBox2D": "geometry_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y\n",
        "vision_msgs/msg/Detection2D": "std_msgs/Header header\nvision_msgs/BoundingBox2D bbox\nstring tracking_id\n",
    }
    with BagMaker(tmp_path / "foxy", definitions=definitions) as bag:
        bag.image(picture(0), stamp(0))
        center = bag.make("geometry_msgs/msg/Pose2D", x=16.0, y=12.5, theta=0.0)
        box = bag.make("vision_msgs/msg/BoundingBox2D", center=center, size_x=12.0, size_y=9.0)
        fields = {"header": bag.header(stamp(0)), "bbox": box, "tracking_id": "7"}
        bag.write("/ground_truth", bag.make("vision_msgs/msg/Detection2D", **fields), stamp(0))
    sequence = BagSequence("foxy", tmp_path / "foxy", ground_truth_topic="/ground_truth")
    np.testing.assert_array_equal(sequence.boxes, [[10, 8, 12, 9]])


def test_vision_msgs_array_follows_one_id(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "vision") as bag:
        for index in range(3):
            bag.image(picture(index), stamp(index))
        mine, other = bag.detection((10, 8, 12, 9), stamp(0), "7"), bag.detection((1, 1, 2, 2), stamp(0), "8")
        bag.write("/ground_truth", bag.detections([mine, other], stamp(0)), stamp(0))
        bag.write("/ground_truth", bag.detections([other, mine], stamp(1)), stamp(1))
        bag.write("/ground_truth", bag.detections([other], stamp(2)), stamp(2))
    sequence = BagSequence("vision", tmp_path / "vision", ground_truth_topic="/ground_truth")
    np.testing.assert_array_equal(sequence.boxes, [[10, 8, 12, 9], [10, 8, 12, 9], [np.nan] * 4])


def test_vision_msgs_array_without_ids_is_refused(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "vision") as bag:
        bag.image(picture(0), stamp(0))
        boxes = [bag.detection((10, 8, 12, 9), stamp(0)), bag.detection((1, 1, 2, 2), stamp(0))]
        bag.write("/ground_truth", bag.detections(boxes, stamp(0)), stamp(0))
    with pytest.raises(
        SequenceError, match="holds 2 boxes of the id '', and which one is the ground truth cannot be told"
    ):
        BagSequence("vision", tmp_path / "vision", ground_truth_topic="/ground_truth")


def test_boxes_without_stamps_are_matched_by_the_times_of_recording(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "bare") as bag:
        for index in range(2):
            bag.image(picture(index), 1000 * 10**9 + stamp(index), late_ns=-1000 * 10**9)
            bag.write("/ground_truth", bag.bounding_box((10 + index, 8, 12, 9)), stamp(index))
    sequence = BagSequence("bare", tmp_path / "bare", ground_truth_topic="/ground_truth")
    np.testing.assert_array_equal(sequence.boxes, truth_of(2))
    assert "The boxes of /ground_truth carry no stamp; they are matched by the times of recording." in sequence.notes


def test_memory_does_not_grow_with_the_bag(tmp_path: Path) -> None:
    import tracemalloc

    frame = np.zeros((480, 640, 3), dtype=np.uint8)  # 0.9 MB; 60 of them are 55 MB
    with BagMaker(tmp_path / "long") as bag:
        for index in range(60):
            bag.image(frame, stamp(index))
    tracemalloc.start()
    sequence = BagSequence("long", tmp_path / "long")
    for index in range(len(sequence)):
        sequence.frame(index)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15e6


def _mcap(path: Path) -> Path:
    return next(path.glob("*.mcap"))


def _rewrite(path: Path, *changes: tuple[bytes, bytes]) -> Path:
    """Change bytes of an MCAP wherever they stand; the lengths stay, so that it is whole."""
    data = path.read_bytes()
    for old, new in changes:
        assert len(old) == len(new) and old in data
        data = data.replace(old, new)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("profile", [b"rec9", b"\0\0\0\0"])
def test_an_mcap_of_another_recorder_is_read(tmp_path: Path, profile: bytes) -> None:
    path = _mcap(write_bag(tmp_path / "other"))
    data = path.read_bytes()
    at = data.index(b"ros2")
    assert at < 40  # in the header
    path.write_bytes(data[:at] + profile + data[at + 4 :])
    sequence = BagSequence("other", path)
    assert [index_of(sequence.frame(index)) for index in range(5)] == list(range(5))


def test_channels_of_another_kind_beside_the_images_do_not_matter(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "mixed") as bag:
        string = bag.make("std_msgs/msg/String", data='{"a": 1}')
        for index in range(5):
            bag.image(picture(index), stamp(index))
            bag.write("/log", string, stamp(index))
    path = _mcap(tmp_path / "mixed")
    definition = b"std_msgs/msg/String" + (7).to_bytes(4, "little") + b"ros2msg"
    _rewrite(path, (definition, definition.replace(b"ros2msg", b"jsonsch")))
    sequence = BagSequence("mixed", path)
    assert len(sequence) == 5 and index_of(sequence.frame(4)) == 4


@pytest.mark.parametrize("gone", [b"uint32 height", b"std_msgs/Header header", b"string frame_id"])
def test_images_are_read_by_the_standard_definition_if_the_bags_own_is_incomplete(tmp_path: Path, gone: bytes) -> None:
    path = _rewrite(_mcap(write_bag(tmp_path / "short", ground_truth=False)), (gone, b" " * len(gone)))
    sequence = BagSequence("short", path)
    assert [index_of(sequence.frame(index)) for index in range(5)] == list(range(5))


def test_a_video_is_no_bag(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"frames")
    with pytest.raises(SequenceError, match=r"clip\.mp4 is no bag: .* videos and .* `stdtrack track`"):
        BagSequence("clip", tmp_path / "clip.mp4")


def test_what_helps_is_said_for_each_cause(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag")
    metadata = bag / "metadata.yaml"
    text = metadata.read_text()
    metadata.write_text(text.replace("version: 9", "version: 10"))
    with pytest.raises(SequenceError, match=rf"name the recording in it itself: {_mcap(bag)}"):
        BagSequence("bag", bag)
    metadata.write_text(text)
    packed = bag.with_name("bag_0.mcap.zstd")
    packed.write_bytes(b"any")
    (handle,) = open_sequences([packed])
    with pytest.raises(SequenceError, match=r"compressed as a whole; unpack it first: `zstd -d bag_0\.mcap\.zstd`"):
        handle.open()
    _mcap(bag).rename(tmp_path / "elsewhere.mcap")
    with pytest.raises(SequenceError, match=r"files are missing: .*put the missing files back"):
        BagSequence("bag", bag)
