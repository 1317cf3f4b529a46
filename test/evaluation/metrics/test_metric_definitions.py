# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures as readers want them: with the digits and the unit of their definition."""

from __future__ import annotations

from stdtrack_ros.evaluation.report.html_report import as_text


def test_figures_as_readers_want_them() -> None:
    assert as_text("auc", 0.12345) == "12.3"
    assert as_text("failures", 3.0) == "3"
    assert as_text("ms_p50", 3.456) == "3.46" and as_text("ms_p50", 34.56) == "34.6"
    assert as_text("auc", None) == as_text("auc", float("nan")) == "–"
