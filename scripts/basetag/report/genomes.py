"""The annotated genomes of the report: segments along each record, and how far taggers agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from basetag.report import numbers, sequence_charts
from basetag.report.data import Annotation, ReportData
from basetag.report.page import Page

# Segments of one record that are drawn and listed one by one; beyond, windows stand for them.
_DRAWN_SEGMENTS = 3000
_DRAWN_RECORDS = 6


def genome_views(page: Page, data: ReportData) -> list[dict[str, Any]]:
    genomes: dict[str, list[Annotation]] = {}
    for annotation in data.annotations:
        genomes.setdefault(annotation.genome, []).append(annotation)
    return [
        {
            "name": genome,
            "figures": _annotation_figures(page, genome, annotations),
            "summaries": [
                {
                    "tagger": a.name,
                    "segments": len(a.segments),
                    "header": list(a.summary[0]) if a.summary else [],
                    "rows": [list(row.values()) for row in a.summary],
                }
                for a in annotations
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
    lengths: dict[str, int] = {}
    states: dict[str, None] = {}
    for annotation in annotations:
        # The summary has a row per state in state order, so colours are those of other charts.
        states |= dict.fromkeys("_".join(row["name"].split()) for row in annotation.summary)
        for segment in annotation.segments:
            lengths[segment.record] = max(lengths.get(segment.record, 0), segment.end)
            states[segment.state] = None
    drawn = sorted(lengths, key=lambda record: (-lengths[record], record))[:_DRAWN_RECORDS]
    figures = []
    for index, record in enumerate(drawn):
        spans: list[sequence_charts.Span] = []
        counts = []
        windowed = False
        for annotation in annotations:
            own = [
                sequence_charts.Span(annotation.name, s.start, s.end, s.state)
                for s in annotation.segments
                if s.record == record
            ]
            counts.append(f"{annotation.name} {numbers.count(len(own))}")
            if len(own) > _DRAWN_SEGMENTS:
                own, windowed = window_spans(own, lengths[record], list(states)), True
            spans += own
        chart = sequence_charts.annotation_chart(
            spans,
            [annotation.name for annotation in annotations],
            list(states),
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
        if len(lengths) > len(drawn) and index == len(drawn) - 1:
            caption += f" {len(lengths) - len(drawn)} shorter records are not drawn."
        figures.append(page.figure(chart, genome, f"annotation-{index + 1}", caption, zoom=True))
    return figures


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
