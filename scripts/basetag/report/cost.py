"""What each tagger cost: time, speed and memory, and what that bought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.report import numbers, wording
from basetag.report.cost_charts import Costed, cost_chart
from basetag.report.counted import counted
from basetag.report.data import DatasetResult, ReportData
from basetag.report.page import Page

# Column of comparison.tsv: its heading, and how a cell is written.
_COLUMNS = {
    "parameters": ("parameters", numbers.count),
    "train_seconds": ("training", numbers.duration),
    "train_bases_per_second": ("training speed", numbers.speed),
    "train_peak_mb": ("training memory", numbers.megabytes),
    "train_peak_gpu_mb": ("training memory, GPU", numbers.megabytes),
    "predict_bases_per_second": ("prediction speed", numbers.speed),
    "predict_peak_mb": ("prediction memory", numbers.megabytes),
    "predict_peak_gpu_mb": ("prediction memory, GPU", numbers.megabytes),
}


def cost_view(page: Page, dataset: DatasetResult, data: ReportData) -> dict[str, Any]:
    """Return the table of costs, and the chart of what they bought where a clock was read."""
    labels = wording.tagger_labels([result.metrics for result in dataset.results])
    every = {
        (row["tagger"], row["seed"]): row
        for row in data.comparison
        if row["dataset"] == dataset.name
    }
    rows = [every[result.tagger, str(result.seed)] for result in dataset.results]
    filled = [column for column in _COLUMNS if any(row.get(column) for row in rows)]
    devices = {row.get("device", "") for row in rows} - {""}
    return {
        "header": [_COLUMNS[column][0] for column in filled],
        "rows": [
            {
                "label": label,
                "cells": [
                    _COLUMNS[column][1](float(row[column])) if row[column] else ""
                    for column in filled
                ],
                "device": row.get("device", ""),
            }
            for label, row in zip(labels, rows, strict=True)
        ],
        "devices": sorted(devices),
        "figure": _cost_figure(page, dataset, every),
    }


def _cost_figure(
    page: Page, dataset: DatasetResult, every: Mapping[tuple[str, str], Mapping[str, str]]
) -> dict[str, Any] | None:
    known = dataset.ceiling("exact") is not None
    column, score = (
        ("attained", "Information attained")
        if known
        else ("accuracy", counted(dataset.results[0].metrics).right_axis)
    )
    runs = [
        Costed(
            result.tagger,
            str(result.metrics["kind"]),
            result.seed,
            float(row["train_seconds"]),
            float(row[column]),
        )
        for result in dataset.results
        for row in [every[result.tagger, str(result.seed)]]
        if row["train_seconds"] and float(row["train_seconds"]) > 0 and row[column]
    ]
    if not runs:
        return None
    below = list(dict.fromkeys(run.tagger for run in runs if run.score < 0))
    trained = [run for run in runs if run.kind == "network"] or runs
    best = max(trained, key=lambda run: run.score)
    cheapest = min(trained, key=lambda run: run.seconds)
    told = (
        f"{best.tagger} came farthest, to {numbers.percent(best.score)} after "
        f"{numbers.duration(best.seconds)}; the shortest training, of {cheapest.tagger}, took "
        f"{numbers.duration(cheapest.seconds)} and came to {numbers.percent(cheapest.score)}."
    )
    if trained is not runs:
        told = f"Of the networks, {told}"
    chart = cost_chart(
        runs,
        score=score,
        lowest=0.0,
        description=f"{score} on {dataset.name} against the seconds of the training. {told}",
    )
    notes = [
        f"{dataset.name}: what the time of a training bought, a mark for each seed (hover for "
        f"its name). {told}"
    ]
    if below:
        notes.append(
            f"What {wording.listed(below)} attained is below 0, and drawn at the lower edge "
            "(triangles)."
        )
    return page.figure(chart, dataset.name, "cost", " ".join(notes))
