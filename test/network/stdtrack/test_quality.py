# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The quality of a token, from score maps whose statistics are worked out by hand."""

from __future__ import annotations

import pytest
import torch

from stdtrack_ros.network.stdtrack.quality import FORMS, peak_neighbourhood, peak_statistics, token_quality


def peaked(value: float, second: float = 0.0) -> torch.Tensor:
    score = torch.full((1, 1, 16, 16), 0.01)
    score[0, 0, 8, 8], score[0, 0, 2, 2] = value, max(second, 0.01)
    return score


@pytest.mark.parametrize("form", ["saliency", "peak", "psr", "margin"])
def test_quality_rises_with_the_peak(form: str) -> None:
    values = [float(token_quality(peaked(value), form)) for value in (0.1, 0.3, 0.6, 0.9)]
    assert values == sorted(values)
    assert 0 <= values[0] < values[-1] < 1


@pytest.mark.parametrize("form", ["saliency", "margin"])
def test_quality_falls_when_a_distractor_lights_up_far_from_the_peak(form: str) -> None:
    alone, beside = (float(token_quality(peaked(0.9, second), form)) for second in (0.0, 0.8))
    assert beside < alone


def test_saliency_by_hand() -> None:
    """Peak 0.9 over a background of 0.01 without spread: PSR = 0.89 / (1e-4 + 0.02)."""
    ratio = 0.89 / (1e-4 + 0.02)
    assert float(token_quality(peaked(0.9))) == pytest.approx(0.9 * ratio / (ratio + 5), rel=1e-4)


def test_all_statistics_of_two_maps_by_hand() -> None:
    score = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(3))
    score[0, 0, 4, 1], score[1, 0, 8, 8] = 1.5, 1.5
    cells = torch.randn(2, 81, 4, generator=torch.Generator().manual_seed(4))
    found = peak_statistics(score)
    for index, (row, column) in enumerate(((4, 1), (8, 8))):
        plain, near = score[index, 0], torch.zeros(9, 9, dtype=torch.bool)
        near[row - 2 : row + 3, max(column - 2, 0) : column + 3] = True
        ratio = [(1.5 - part.mean()) / (part.std(correction=0) + 0.02) for part in (plain[~near], plain.flatten())]
        saliency, psr = (1.5 * value / (value + 5) for value in ratio)
        expected = {"peak": 1.5, "saliency": saliency, "psr": psr, "margin": 1.5 - plain[~near].max()}
        for form in FORMS:
            assert float(found.quality(form)[index]) == pytest.approx(float(expected[form]), rel=1e-5)
        pooled = (cells[index] * (plain * near).flatten()[:, None]).sum(0) / plain[near].sum()
        torch.testing.assert_close(found.pool(cells)[index], pooled)


def test_the_peaks_neighbourhood_is_cut_at_the_border() -> None:
    score = torch.zeros(1, 1, 16, 16)
    score[0, 0, 0, 15] = 1.0
    assert float(peak_neighbourhood(score).sum()) == 9.0
    assert float(peak_neighbourhood(peaked(0.9)).sum()) == 25.0
