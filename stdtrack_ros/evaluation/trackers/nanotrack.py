# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NanoTrack V3 (HonglinChu/SiamTrackers) on ONNX Runtime: `cv2.TrackerNano` does not take its 15x15 output.

Written from the published description of anchor-free Siamese tracking (SiamBAN): a 127 px template, a 255 px search
window, one foreground score and four distances to the box's sides for each of 15x15 points with a stride of 16 px;
the peak is chosen under a penalty on change of size and a cosine window. The constants are those of its configuration.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from numpy.typing import ArrayLike, NDArray

from stdtrack_ros.errors import ModelError
from stdtrack_ros.evaluation.trackers.tracker_interface import Estimate
from stdtrack_ros.geometry import Box, Crop, Image, Pixels, box_from_center
from stdtrack_ros.images import to_bgr8
from stdtrack_ros.intensity import IntensityRange, held_range

TEMPLATE_PX, SEARCH_PX, POINTS, STRIDE_PX = 127, 255, 15, 16
CONTEXT, PENALTY, WINDOW_INFLUENCE, SIZE_RATE = 0.5, 0.138, 0.455, 0.348
MIN_SIDE_PX = 10.0


class NanoTrackV3:
    """The two networks, and the state of one target."""

    def __init__(self, backbone: str, head: str, threads: int = 0) -> None:
        """Load both networks.

        Raises:
            ModelError: a file that ONNX Runtime does not take.
        """
        try:
            self._backbone = _session(_free_size(backbone), threads)
            self._head = _session(onnx.load(head), threads)
        except Exception as error:  # onnx and ONNX Runtime raise many kinds; each means a file that is no such model
            raise ModelError(f"NanoTrack V3 cannot be loaded from {backbone} and {head}: {error}") from error
        offsets = (np.arange(POINTS) - POINTS // 2) * STRIDE_PX
        self._points = np.stack([grid.ravel() for grid in np.meshgrid(offsets, offsets)]).astype(np.float64)
        self._window = np.outer(np.hanning(POINTS), np.hanning(POINTS)).ravel()
        self._center: Box = np.zeros(2)
        self._intensity: IntensityRange | None = None
        self._size: Box = np.ones(2)
        self._template: NDArray[np.float32] = np.zeros((1, 96, 8, 8), np.float32)

    def initialize(self, image: Pixels, box: ArrayLike, stamp_s: float) -> None:
        """See `TrackerUnderTest`."""
        x, y, width, height = np.asarray(box, dtype=np.float64)
        self._center, self._size = np.array([x + width / 2, y + height / 2]), np.array([width, height])
        self._intensity = held_range(image, np.asarray(box, dtype=np.float64))
        self._template = self._features(to_bgr8(self._crop(TEMPLATE_PX).extract(image), self._intensity))

    def track(self, image: Pixels, stamp_s: float) -> Estimate:
        """See `TrackerUnderTest`; the quality is the foreground score of the chosen point."""
        crop = self._crop(SEARCH_PX)
        inputs = {"input1": self._template, "input2": self._features(to_bgr8(crop.extract(image), self._intensity))}
        scores, distances = self._head.run(None, inputs)
        score = _foreground(scores)
        center, size = self._boxes(distances.reshape(4, -1).astype(np.float64))
        penalty = self._penalty(size, self._size * crop.scale)
        best = int(np.argmax(penalty * score * (1 - WINDOW_INFLUENCE) + self._window * WINDOW_INFLUENCE))
        rate = penalty[best] * score[best] * SIZE_RATE
        height_px, width_px = image.shape[:2]
        self._center = np.clip(self._center + center[:, best] / crop.scale, 0.0, [width_px, height_px])
        blended = self._size * (1 - rate) + size[:, best] / crop.scale * rate
        self._size = np.clip(blended, MIN_SIDE_PX, np.maximum([width_px, height_px], MIN_SIDE_PX))
        return Estimate(self._box(), float(score[best]))

    def _box(self) -> Box:
        return box_from_center(self._center[0], self._center[1], self._size[0], self._size[1])

    def _crop(self, size: int) -> Crop:
        """Return the window around the target with its context, scaled so that the template would fill 127 px."""
        padded = self._size + CONTEXT * self._size.sum()
        side = float(np.sqrt(padded.prod())) * size / TEMPLATE_PX
        return Crop(float(self._center[0]), float(self._center[1]), side, size)

    def _features(self, crop: Image) -> NDArray[np.float32]:
        """Map BGR in 0..255 to (1, 96, h, w) features."""
        features: NDArray[np.float32] = self._backbone.run(None, {"input": _planes(crop)})[0]
        return features

    def _boxes(self, distances: Box) -> tuple[Box, Box]:
        """Convert (4, POINTS²) distances to centres and sizes (2, POINTS²), in search px from the window's centre."""
        low, high = self._points - distances[:2], self._points + distances[2:]
        return (low + high) / 2, high - low

    @staticmethod
    def _penalty(size: Box, previous: Box) -> NDArray[np.float64]:
        """Return (POINTS²,) in 0..1, falling with the change of scale and of aspect ratio."""
        scale = _ratio(_context_side(size) / _context_side(previous))
        aspect = _ratio((previous[0] / previous[1]) / (size[0] / size[1]))
        return np.asarray(np.exp(-(scale * aspect - 1) * PENALTY))


def _planes(crop: Image) -> NDArray[np.float32]:
    return np.ascontiguousarray(crop.transpose(2, 0, 1)[None], dtype=np.float32)


def _context_side(size: Box) -> NDArray[np.float64]:
    pad = CONTEXT * (size[0] + size[1])
    return np.asarray(np.sqrt((size[0] + pad) * (size[1] + pad)))


def _ratio(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(value, 1.0 / value)


def _foreground(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (POINTS²,) softmax probability of the second of two channels."""
    background, foreground = scores.reshape(2, -1).astype(np.float64)
    return np.asarray(1.0 / (1.0 + np.exp(background - foreground)))


def _free_size(path: str) -> onnx.ModelProto:
    """Return the backbone with its height and width left open: the file fixes 255 px, the template has 127."""
    model = onnx.load(path)
    for value in (*model.graph.input, *model.graph.output):
        for axis in (2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}_{axis}"
    del model.graph.value_info[:]
    return model


def _session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
