# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag annotated: a box and a picture for each image, with its stamp, as the tracker itself gives them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from sample_sequences import BagMaker, stamp, write_lines
from template_matching import TemplateMatching
from video_packets_made import encoded

from stdtrack_ros.errors import InputError, SequenceError
from stdtrack_ros.evaluation.annotated_bag import Start, Topics, annotate_bag, start_on_ground_truth
from stdtrack_ros.sequences.recordings.bag_file import BagFile
from stdtrack_ros.sequences.recordings.bags import BagSequence
from stdtrack_ros.settings import TrackerSettings
from stdtrack_ros.tracker.result import Status
from stdtrack_ros.tracker.tracker import Tracker

RANDOM = np.random.default_rng(1)
GROUND = cv2.resize(RANDOM.integers(0, 255, (24, 32, 3), dtype=np.uint8), (256, 192), interpolation=cv2.INTER_CUBIC)
PATCH = cv2.resize(RANDOM.integers(0, 255, (8, 8, 3), dtype=np.uint8), (32, 32), interpolation=cv2.INTER_NEAREST)
TOPICS = Topics("/camera/image")


def box_at(index: int) -> list[float]:
    return [40.0 + 4 * index, 60.0 + 2 * index, 32.0, 32.0]


def scene(index: int) -> np.ndarray:
    image = GROUND.copy()
    x, y, width, height = map(int, box_at(index))
    image[y : y + height, x : x + width] = PATCH
    return image


def new_tracker() -> Tracker:
    return Tracker(TemplateMatching(), TrackerSettings())


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    with BagMaker(tmp_path / "flight") as maker:
        for index in range(10):
            maker.image(scene(index), stamp(index), late_ns=5_000_000)
            if index >= 3:
                maker.tracked_box(box_at(index), stamp(index))
    return tmp_path / "flight"


def read(path: Path, topic: str) -> list[tuple[int, object]]:
    opened = BagFile(path)
    return [(at, opened.decode(data, c.msgtype)) for c, at, data in opened.messages(opened.connections(topic))]


def test_boxes_and_pictures_carry_the_images_stamps(tmp_path: Path, bag: Path) -> None:
    outcome = annotate_bag(BagFile(bag), tmp_path / "out", new_tracker(), Start(np.array(box_at(0))), TOPICS)
    assert outcome.images == 10
    assert outcome.statuses[Status.TRACKING] == 10
    boxes, pictures = read(tmp_path / "out", TOPICS.boxes), read(tmp_path / "out", TOPICS.pictures)
    for messages in (boxes, pictures):
        assert [at for at, _ in messages] == [stamp(index) + 5_000_000 for index in range(10)]
        assert [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for _, m in messages] == [
            stamp(i) for i in range(10)
        ]
        assert {m.header.frame_id for _, m in messages} == {"camera_optical"}
    for index, (_, message) in enumerate(boxes):
        assert [message.x, message.y, message.width, message.height] == pytest.approx(box_at(index), abs=2.0)
        assert message.frame_number == index
        assert (message.image_width, message.image_height) == (256, 192)
    for index, (_, message) in enumerate(pictures):
        picture = cv2.imdecode(message.data, cv2.IMREAD_COLOR)
        assert picture.shape == (192, 256, 3)
        assert np.abs(picture.astype(int) - scene(index)).max() > 60  # something is drawn


def test_boxes_are_those_of_the_tracker_alone(tmp_path: Path, bag: Path) -> None:
    annotate_bag(BagFile(bag), tmp_path / "out", new_tracker(), Start(np.array(box_at(0))), TOPICS)
    sequence, tracker = BagSequence("flight", bag), new_tracker()
    tracker.initialize(sequence.frame(0), box_at(0), sequence.stamps_s[0])
    for index, (_, message) in enumerate(read(tmp_path / "out", TOPICS.boxes)[1:], start=1):
        result = tracker.track(sequence.frame(index), sequence.stamps_s[index])
        written = np.array([message.x, message.y, message.width, message.height, message.quality], dtype=np.float32)
        np.testing.assert_array_equal(written, np.array([*result.box, result.quality], dtype=np.float32))


def test_start_on_the_first_true_box(tmp_path: Path, bag: Path) -> None:
    start = start_on_ground_truth(BagSequence("flight", bag, ground_truth_topic="/ground_truth"))
    assert start.box.tolist() == box_at(3)
    outcome = annotate_bag(
        BagFile(bag), tmp_path / "out", new_tracker(), start, Topics("/camera/image", pictures="", annotations="")
    )
    assert (outcome.statuses[Status.NONE], outcome.statuses[Status.TRACKING]) == (3, 7)
    boxes = [message for _, message in read(tmp_path / "out", TOPICS.boxes)]
    assert [message.status for message in boxes[:4]] == [0, 0, 0, 1]
    assert np.isnan(boxes[0].x)
    assert boxes[3].x == box_at(3)[0]
    assert read(tmp_path / "out", TOPICS.pictures) == read(tmp_path / "out", TOPICS.annotations) == []


def test_foxglove_finds_boxes_with_their_schema_in_the_file(tmp_path: Path, bag: Path) -> None:
    reader = pytest.importorskip("mcap.reader")
    decoder = pytest.importorskip("mcap_ros2.decoder")
    start = start_on_ground_truth(BagSequence("flight", bag, ground_truth_topic="/ground_truth"))
    annotate_bag(BagFile(bag), tmp_path / "out", new_tracker(), start, TOPICS)
    boxes = [message for _, message in read(tmp_path / "out", TOPICS.boxes)]
    (file,) = (tmp_path / "out").glob("*.mcap")
    with file.open("rb") as stream:
        messages = list(
            reader.make_reader(stream, decoder_factories=[decoder.DecoderFactory()]).iter_decoded_messages(
                topics=[TOPICS.annotations]
            )
        )
    assert {schema.name for schema, *_ in messages} == {"foxglove_msgs/msg/ImageAnnotations"}
    assert [len(found.points) for *_, found in messages] == [0, 0, 0, *[1] * 7]
    for box, (_, _, _, found) in list(zip(boxes, messages, strict=True))[3:]:
        (outline,), (words,) = found.points, found.texts
        assert (outline.timestamp.sec, outline.timestamp.nanosec) == (box.header.stamp.sec, box.header.stamp.nanosec)
        np.testing.assert_allclose(
            [(p.x, p.y) for p in outline.points[::2]],
            [(box.x, box.y), (box.x + box.width, box.y + box.height)],
            rtol=1e-6,
        )
        assert outline.type == 2 and words.text.startswith("target-1 TRACKING")


def test_images_without_stamps_start_where_their_ground_truth_does(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "bare") as maker:
        for index in range(6):
            maker.image(scene(index), 0, late_ns=stamp(index))
    ground_truth = write_lines(tmp_path / "truth.csv", ["frame,x,y,width,height", "3," + ",".join(map(str, box_at(3)))])
    start = start_on_ground_truth(BagSequence("bare", tmp_path / "bare", ground_truth_csv=ground_truth))
    annotate_bag(BagFile(tmp_path / "bare"), tmp_path / "out", new_tracker(), start, TOPICS)
    boxes = [message for _, message in read(tmp_path / "out", TOPICS.boxes)]
    assert [message.status for message in boxes] == [0, 0, 0, 1, 1, 1]


def test_no_true_box_to_start_on(bag: Path) -> None:
    with pytest.raises(SequenceError, match=r"No frame of /camera/image in .* has a ground-truth box to start on"):
        start_on_ground_truth(BagSequence("flight", bag))


def test_images_that_cannot_be_used_have_no_box_and_are_told(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "odd") as maker:
        for index in range(4):
            maker.image(scene(index), stamp(index), encoding="sepia" if index == 2 else "bgr8")
    outcome = annotate_bag(
        BagFile(tmp_path / "odd"), tmp_path / "out", new_tracker(), Start(np.array(box_at(0))), TOPICS
    )
    assert outcome.images == 4
    (sentence,) = outcome.unreadable
    assert sentence.startswith("Image 2: The image encoding 'sepia' cannot be read")
    assert len(read(tmp_path / "out", TOPICS.boxes)) == 3
    assert len(read(tmp_path / "out", TOPICS.image)) == 4


def test_a_box_that_no_target_can_start_on_leaves_nothing(tmp_path: Path, bag: Path) -> None:
    with pytest.raises(InputError, match="lies outside the image"):
        annotate_bag(BagFile(bag), tmp_path / "out", new_tracker(), Start(np.array([900.0, 900, 10, 10])), TOPICS)
    assert not (tmp_path / "out").exists()


def test_no_image_to_start_on(tmp_path: Path, bag: Path) -> None:
    with pytest.raises(SequenceError, match=r"No image of /camera/image in .* was the one to start on"):
        annotate_bag(BagFile(bag), tmp_path / "out", new_tracker(), Start(np.array(box_at(0)), stamp_ns=5), TOPICS)


def test_an_interruption_leaves_a_whole_bag(tmp_path: Path, bag: Path) -> None:
    seen = []

    def interrupt() -> None:
        seen.append(1)
        if len(seen) == 9:
            raise KeyboardInterrupt

    start = Start(np.array(box_at(0)))
    outcome = annotate_bag(BagFile(bag), tmp_path / "out", new_tracker(), start, TOPICS, progress=interrupt)
    assert outcome.interrupted
    assert 3 <= len(read(tmp_path / "out", TOPICS.boxes)) < 10


def test_a_bag_of_video_packets_is_annotated_like_one_of_images(tmp_path: Path) -> None:
    definition = "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format\n"
    with BagMaker(tmp_path / "video", definitions={"foxglove_msgs/msg/CompressedVideo": definition}) as maker:
        for index, packet in enumerate(encoded([scene(index) for index in range(6)])):
            fields = {"timestamp": maker.header(stamp(index)).stamp, "frame_id": "camera", "format": "h264"}
            data = np.frombuffer(packet, dtype=np.uint8)
            message = maker.make("foxglove_msgs/msg/CompressedVideo", data=data, **fields)
            maker.write("/camera/video", message, stamp(index))
    source = BagFile(tmp_path / "video")
    annotate_bag(source, tmp_path / "out", new_tracker(), Start(np.array(box_at(0))), Topics("/camera/video"))
    boxes = [message for _, message in read(tmp_path / "out", Topics("").boxes)]
    assert [message.x for message in boxes] == pytest.approx([box_at(index)[0] for index in range(6)], abs=3.0)
    assert boxes[3].header.stamp.sec * 10**9 + boxes[3].header.stamp.nanosec == stamp(3)


def test_damage_after_the_start_keeps_what_was_tracked(tmp_path: Path) -> None:
    with BagMaker(tmp_path / "long", definitions={}) as maker:
        for index in range(60):
            maker.image(scene(index % 10), stamp(index))
    source = BagFile(tmp_path / "long")
    original = source.messages

    def breaking(connections: object, start_ns: int | None = None) -> Iterator[object]:
        for number, message in enumerate(original(connections, start_ns)):
            if number == 30:
                raise SequenceError("The bag is damaged.")
            yield message

    source.messages = breaking  # type: ignore[method-assign, assignment]
    outcome = annotate_bag(source, tmp_path / "out", new_tracker(), Start(np.array(box_at(0))), TOPICS)
    assert outcome.broken_off.startswith("The bag is damaged") and outcome.images == 30
    assert len(read(tmp_path / "out", TOPICS.boxes)) == 30
