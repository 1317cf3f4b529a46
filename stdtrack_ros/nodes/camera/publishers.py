# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who publishes on a topic, and why nothing comes from there."""

from __future__ import annotations

from typing import Protocol

from rclpy.node import Node

UNKNOWN_NODE = "_NODE_NAME_UNKNOWN_"
"""What rmw says if it knows no name."""


class Endpoint(Protocol):
    """A publisher or subscription as rclpy describes it; the class has another place in Lyrical than before."""

    node_name: str
    node_namespace: str


def publisher_name(publisher: Endpoint) -> str:
    """Return the publisher's node with its namespace; DDS may not know it: not yet, or because it is no ROS node."""
    if publisher.node_name == UNKNOWN_NODE:
        return "a publisher that names no node"
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"


def why_missing(node: Node, topic: str, type_name: str, what: str) -> str:
    """Return why no message has come on a topic so far, as part of a sentence.

    Args:
        type_name: of the messages that are waited for, such as sensor_msgs/msg/CameraInfo.
        what: what is waited for, in a word.
    """
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        return f"nobody publishes {what} on {topic}"
    who = ", ".join(publisher_name(publisher) for publisher in publishers)
    kinds = sorted({publisher.topic_type for publisher in publishers if publisher.topic_type != type_name})
    if kinds:
        return f"{who} publishes {', '.join(kinds)} on {topic}"
    return f"no {what} has come from {who} on {topic} yet"
