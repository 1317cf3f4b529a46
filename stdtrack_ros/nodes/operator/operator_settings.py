# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters of `operator_page`."""

from __future__ import annotations

from typing import Literal

from stdtrack_ros.settings import SettingGroup, setting


class PictureSettings(SettingGroup):
    """How a camera image that is not a JPEG or PNG yet is shown."""

    width: int = setting(1280, "Largest width of a picture that is encoded here.", unit="px", ge=64, le=8192)
    jpeg_quality: int = setting(75, "JPEG quality of a picture that is encoded here.", ge=1, le=100)


class OperatorSettings(SettingGroup):
    """All parameters of `operator_page`."""

    host: str = setting(
        "127.0.0.1", "Address to listen on; 0.0.0.0: every network, and then only with a token.", read_only=True
    )
    port: int = setting(8088, "TCP port; 0: any free one.", ge=0, le=65535, read_only=True)
    token: str = setting(
        "", "What every viewer has to know; empty: none on this machine alone, a new one beyond it.", read_only=True
    )
    tracker: str = setting("tracker_node", "Name of the node that is steered, in the same namespace.", read_only=True)
    image_transport: Literal["auto", "raw", "compressed", "ffmpeg", "foxglove"] = setting(
        "auto",
        "Which image is shown; auto: compressed ones if the camera publishes them, else raw ones, else a video.",
        read_only=True,
    )
    image_reliability: Literal["best_effort", "reliable"] = setting(
        "best_effort", "Reliability asked of the camera.", read_only=True
    )
    max_viewers: int = setting(8, "Most pages that are open at a time.", ge=1, le=100)
    picture: PictureSettings = PictureSettings()
