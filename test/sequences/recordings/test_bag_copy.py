# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Copies of bags: original bytes and times kept, other tools read them, and nothing half-made is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from sample_sequences import BagMaker, picture, stamp, write_bag

from stdtrack_ros.errors import SequenceError
from stdtrack_ros.sequences.recordings.bag_copy import BagCopy
from stdtrack_ros.sequences.recordings.bag_file import TRACKED_BOX, TRACKED_BOX_TYPE, BagFile
from stdtrack_ros.sequences.recordings.bags import COMPRESSED
from stdtrack_ros.sequences.recordings.box_messages import BoxMessages, given_result

ADDED = {"/boxes": TRACKED_BOX_TYPE, "/pictures": COMPRESSED}


def content(path: Path) -> list[tuple[str, str, int, bytes]]:
    bag = BagFile(path)
    found = [(c.topic, c.msgtype, at, bytes(data)) for c, at, data in bag.messages(bag.reader.connections)]
    bag.close()
    return found


@pytest.mark.parametrize("source_storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_every_original_message_keeps_its_bytes_and_time(tmp_path: Path, source_storage: str, storage: str) -> None:
    path = write_bag(tmp_path / "flight", storage=source_storage)
    source = BagFile(path)
    with BagCopy(source, tmp_path / "copy", ADDED, storage) as copy:
        messages = BoxMessages(copy.types)
        for connection, recorded_ns, data in copy.copied():
            if connection.topic == "/camera/image":
                header = messages.header(source.decode(data, connection.msgtype))
                copy.add("/boxes", messages.no_target(header, picture(0)), recorded_ns)
    written = content(tmp_path / "copy")
    original = content(path)
    assert [message for message in written if message[0] not in ADDED] == original
    assert [message[2] for message in written if message[0] == "/boxes"] == [stamp(index) for index in range(5)]


def test_qos_and_definitions_are_kept(tmp_path: Path) -> None:
    source = BagFile(write_bag(tmp_path / "flight", storage="sqlite3"))
    with BagCopy(source, tmp_path / "copy", ADDED) as copy:
        list(copy.copied())
    copied = BagFile(tmp_path / "copy")
    before = {c.topic: (c.msgtype, c.digest, c.ext, c.msgdef.data) for c in source.reader.connections}
    after = {c.topic: (c.msgtype, c.digest, c.ext, c.msgdef.data) for c in copied.reader.connections}
    for topic, described in before.items():
        assert after[topic][:3] == described[:3]
        assert after[topic][3] == described[3]


def test_a_reader_of_other_authors_understands_the_boxes(tmp_path: Path) -> None:
    source = BagFile(write_bag(tmp_path / "flight", count=1))
    with BagCopy(source, tmp_path / "copy", ADDED) as copy:
        messages = BoxMessages(copy.types)
        for connection, recorded_ns, data in copy.copied():
            if connection.topic == "/camera/image":
                header = messages.header(source.decode(data, connection.msgtype))
                box = messages.tracked_box(header, picture(0), "target-1", given_result([1.5, 2.5, 3.5, 4.5]))
                copy.add("/boxes", box, recorded_ns)
                copy.add("/pictures", messages.jpeg(header, picture(0), 90), recorded_ns)
    with next((tmp_path / "copy").glob("*.mcap")).open("rb") as file:
        decoded = make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages()
        read = {channel.topic: message for _, channel, _, message in decoded}
    box = read["/boxes"]
    assert (box.x, box.y, box.width, box.height, box.status, box.target_id) == (1.5, 2.5, 3.5, 4.5, 1, "target-1")
    assert (box.header.frame_id, box.image_width, box.image_height) == ("camera_optical", 64, 48)
    assert box.header.stamp.sec * 10**9 + box.header.stamp.nanosec == stamp(0)
    assert read["/pictures"].format == "bgr8; jpeg compressed bgr8"


def test_topics_and_folders_that_are_taken(tmp_path: Path) -> None:
    source = BagFile(write_bag(tmp_path / "flight"))
    with pytest.raises(SequenceError, match="has /ground_truth already; name other topics"):
        BagCopy(source, tmp_path / "copy", {"/ground_truth": TRACKED_BOX_TYPE})
    with pytest.raises(SequenceError, match=r"There is something at .*flight already"):
        BagCopy(source, tmp_path / "flight", ADDED)
    with pytest.raises(SequenceError, match="'rosbag1' cannot be written; it may be mcap, sqlite3"):
        BagCopy(source, tmp_path / "copy", ADDED, "rosbag1")


def test_an_error_leaves_nothing_and_an_interruption_leaves_a_whole_bag(tmp_path: Path) -> None:
    source = BagFile(write_bag(tmp_path / "flight"))
    with pytest.raises(ZeroDivisionError), BagCopy(source, tmp_path / "error", ADDED) as copy:
        next(copy.copied())
        raise ZeroDivisionError
    assert not (tmp_path / "error").exists()
    with pytest.raises(KeyboardInterrupt), BagCopy(source, tmp_path / "ended", ADDED) as copy:
        next(copy.copied())
        raise KeyboardInterrupt
    assert len(content(tmp_path / "ended")) == 1


def test_a_copy_that_was_killed_leaves_nothing_at_its_place_and_none_in_the_way(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "flight")
    killed = BagCopy(BagFile(path), tmp_path / "copy", ADDED).__enter__()
    next(killed.copied())
    assert not (tmp_path / "copy").exists()
    with BagCopy(BagFile(path), tmp_path / "copy", ADDED) as copy:
        assert not (tmp_path / "copy").exists()
        list(copy.copied())
    assert content(tmp_path / "copy") == content(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy", "flight"]


def test_two_publishers_of_one_topic_become_one(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "pair") as bag:
        bag.image(picture(0), stamp(0))
        first = bag.connections[("/camera/image", "sensor_msgs/msg/Image")]
        bag.connections.clear()
        bag.writer.connections.clear()  # the writer refuses a second one, other recorders do not
        bag.image(picture(1), stamp(1))
        bag.writer.connections.insert(0, first)
    source = BagFile(tmp_path / "pair")
    with BagCopy(source, tmp_path / "copy", ADDED) as copy:
        assert len(list(copy.copied())) == 2
    assert len(content(tmp_path / "copy")) == 2


def test_the_definition_is_that_of_the_message_file() -> None:
    text = (Path(__file__).parents[3] / "msg" / "TrackedBox.msg").read_text(encoding="utf-8")
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    assert [line for line in lines if line] == TRACKED_BOX.split("\n")[:-1]
