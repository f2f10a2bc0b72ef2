"""How good are the calls of each state: precision, recall, F1 and ranking, with their counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from basetag.report import measure_charts
from basetag.report.counted import counted, has_segments
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.figure_text import cell, units_sentence
from basetag.report.numbers import ratio
from basetag.report.page import Page

_PER_STATE = ("precision", "recall", "f1", "auroc", "auprc")


def measures_view(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    """Return the chart of all taggers and the tables per state, networks and exact first."""
    exact = dataset.reference("exact")
    first: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for label, result in named.items():
        place = first if label in networks or result is exact else others
        place.append({"tagger": label, "states": _state_rows(result.metrics)})
    words = counted(dataset.results[0].metrics)
    chart = measure_charts.measures_chart(
        {label: result.metrics for label, result in named.items()},
        words,
        description=f"Macro F1, Matthews correlation and AUROC of {len(named)} taggers on "
        f"{dataset.name}, with 95 % intervals.",
    )
    figure = page.figure(
        chart,
        dataset.name,
        "measures",
        f"{dataset.name}: macro F1 and AUROC are means over {words.labels}, each counting "
        "alike however rare; MCC is the Matthews correlation. Bars are 95 % intervals; "
        "dotted is what calls without looking reach. The table behind has the other measures, too.",
    )
    units = units_sentence(dataset.results[0].metrics)
    return {"units": units, "figure": figure, "first": first, "others": others}


def _state_rows(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    confusion = np.array(metrics["confusion"], dtype=np.int64)  # (states, states)
    counts = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    overlap = metrics["segments"]["overlap"]["classes"]
    return [
        {
            "state": f"{state} ({metrics['state_names'][state]})",
            "counts": [int(own[index]) for own in counts],
            "cells": [
                *(cell(metrics["classes"][state][name], ratio) for name in _PER_STATE),
                cell(overlap[state]["sov"] if has_segments(metrics) else None, ratio),
            ],
        }
        for index, state in enumerate(metrics["states"])
    ]
