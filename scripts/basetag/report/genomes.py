"""The annotated genomes of the report: segments along each record, and how far taggers agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from basetag.report import numbers, sequence_charts
from basetag.report.annotation_data import DRAWN_RECORDS, Annotation
from basetag.report.compositions import composition_view
from basetag.report.data import ReportData
from basetag.report.genome_charts import Bin, distribution_chart
from basetag.report.page import Page
from basetag.report.regions import region_figures

# Segments of one record that are drawn and listed one by one; beyond, windows stand for them.
_DRAWN_SEGMENTS = 3000


def genome_views(page: Page, data: ReportData) -> list[dict[str, Any]]:
    genomes: dict[str, list[Annotation]] = {}
    for annotation in data.annotations:
        genomes.setdefault(annotation.genome, []).append(annotation)
    return [
        {
            "name": genome,
            "figures": _annotation_figures(page, genome, annotations),
            "distributions": _distribution_figure(page, genome, annotations),
            "regions": region_figures(page, [r for r in data.regions if r.genome == genome]),
            "composition": composition_view(page, genome, annotations),
            "summary": [
                {"tagger": a.name, "cells": _summary_cells(row)}
                for a in annotations
                for row in a.summary
            ],
            "agreement": _agreement_view(
                [a.name for a in annotations],
                [row for row in data.agreements if row["genome"] == genome],
            ),
        }
        for genome, annotations in genomes.items()
    ]


def _annotation_figures(
    page: Page, genome: str, annotations: Sequence[Annotation]
) -> list[dict[str, Any]]:
    """Return a figure for each of the longest records of a genome."""
    states = _states(annotations)
    lengths = {
        record: max(int(a.records[record].ends[-1]) for a in annotations if record in a.records)
        for a in annotations
        for record in a.records
    }
    drawn = sorted(lengths, key=lambda record: -lengths[record])[:DRAWN_RECORDS]
    n_records = max(a.n_records for a in annotations)
    figures = []
    for index, record in enumerate(drawn):
        spans: list[sequence_charts.Span] = []
        counts = []
        windowed = False
        for annotation in annotations:
            own = _spans(annotation, record)
            counts.append(f"{annotation.name} {numbers.count(len(own))}")
            if len(own) > _DRAWN_SEGMENTS:
                own, windowed = window_spans(own, lengths[record], states), True
            spans += own
        chart = sequence_charts.annotation_chart(
            spans,
            [annotation.name for annotation in annotations],
            states,
            record=record,
            length=lengths[record],
            description=f"Segments along {record} of {genome}, a row for each tagger. Number of "
            f"segments: {', '.join(counts)}.",
        )
        caption = (
            f"{record} ({numbers.count(lengths[record])} bp). Number of segments: "
            f"{', '.join(counts)}."
        )
        if windowed:
            caption += (
                f" Where there are more than {numbers.count(_DRAWN_SEGMENTS)}, each window shows "
                "the state that most of its bases have; the BED files hold them all."
            )
        if n_records > len(drawn) and index == len(drawn) - 1:
            left_out = numbers.count(n_records - len(drawn))
            caption += f" {left_out} shorter records are not drawn."
        figures.append(page.figure(chart, genome, f"annotation-{index + 1}", caption, zoom=True))
    return figures


def _states(annotations: Sequence[Annotation]) -> list[str]:
    """Return the states of all annotations, in state order, so that colours are those of others."""
    return list(dict.fromkeys(state for a in annotations for state in a.states))


def _spans(annotation: Annotation, record: str) -> list[sequence_charts.Span]:
    runs = annotation.records.get(record)
    if runs is None:
        return []
    columns = (runs.starts.tolist(), runs.ends.tolist(), runs.labels.tolist())
    return [
        sequence_charts.Span(annotation.name, start, end, annotation.states[label])
        for start, end, label in zip(*columns, strict=True)
    ]


def _distribution_figure(
    page: Page, genome: str, annotations: Sequence[Annotation]
) -> dict[str, Any]:
    """Return the figure of lengths, confidence and GC of the segments of each state."""
    bins = [
        Bin(
            a.name, "_".join(row["name"].split()), row["measure"], float(row["low"]),
            float(row["high"]), int(row["segments"]),
        )
        for a in annotations
        for row in a.distributions
    ]  # fmt: skip
    told = any(one.measure == "gc" for one in bins)
    what = "length, mean posterior and share of G and C" if told else "length and mean posterior"
    chart = distribution_chart(
        bins,
        [a.name for a in annotations],
        _states(annotations),
        description=f"Histograms of the {what} of the segments of {genome}, for each state, a row "
        "for each tagger. The table below holds the same counts.",
    )
    caption = (
        f"Segments of {genome} by {what}: of the segments of each state, the share in each bin. "
        "Lengths are binned by powers of ten; the rest in steps of 0.02."
    )
    return page.figure(chart, genome, "distributions", caption)


def _summary_cells(row: Mapping[str, str]) -> list[str]:
    """Return what the page says of one state: words and numbers with their units in the head."""
    if row["segments"] == "0":
        return [row["name"], "0", "0", numbers.percent(0), *[""] * 5]
    return [
        row["name"],
        numbers.count(int(row["segments"])),
        numbers.count(int(row["bases"])),
        numbers.percent(float(row["fraction"])),
        numbers.count(int(row["median_length"])),
        f"{numbers.count(int(row['length_q05']))} to {numbers.count(int(row['length_q95']))}",
        numbers.count(int(row["longest"])),
        f"{float(row['mean_posterior']):.3f}",
        numbers.percent(float(row["gc"])) if row["gc"] else "",
    ]


def window_spans(
    spans: Sequence[sequence_charts.Span], length: int, states: Sequence[str], windows: int = 1500
) -> list[sequence_charts.Span]:
    """Return spans that show, for each of `windows` windows, the state of most of its bases."""
    edges = np.linspace(0, length, windows + 1)
    covered = np.zeros((len(states), windows))
    for span in spans:
        first = min(int(span.start * windows / length), windows - 1)
        last = min(math.ceil(span.end * windows / length), windows)
        overlap = np.minimum(edges[first + 1 : last + 1], span.end) - np.maximum(
            edges[first:last], span.start
        )
        covered[states.index(span.state), first:last] += np.maximum(overlap, 0)
    most = covered.argmax(axis=0)
    merged: list[sequence_charts.Span] = []
    for window in range(windows):
        if not covered[:, window].any():
            continue
        start, end = round(edges[window]), round(edges[window + 1])
        state = states[int(most[window])]
        if merged and merged[-1].state == state and merged[-1].end == start:
            merged[-1] = merged[-1]._replace(end=end)
        else:
            merged.append(sequence_charts.Span(spans[0].row, start, end, state))
    return merged


def _agreement_view(
    names: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> dict[str, Any] | None:
    """Return the fraction of bases with the same call, for each pair of taggers."""
    if not rows:
        return None
    fractions = {(row["first"], row["second"]): row for row in rows}
    matrix = []
    for first in names:
        cells = []
        for second in names:
            row = fractions.get((first, second)) or fractions.get((second, first))
            same = first == second
            cells.append(
                {
                    "same": same,
                    "fraction": None if same or row is None else float(row["fraction"]),
                    "bases": None if same or row is None else int(row["bases"]),
                }
            )
        matrix.append({"name": first, "cells": cells})
    return {"names": list(names), "rows": matrix}
