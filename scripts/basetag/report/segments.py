"""Are the segments right: how many are called and found, how long they are, where they end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.report import numbers, segment_charts
from basetag.report.counted import counted
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.figure_text import cell, interval, with_interval
from basetag.report.numbers import rate, ratio
from basetag.report.page import Page


def segments_view(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    """Return a sentence on each network, a table of all taggers, and the charts of each."""
    exact = dataset.reference("exact")
    judged = {label: result.metrics["segments"] for label, result in named.items()}
    best = None if exact is None else exact.metrics["segments"]
    sentences = [segment_sentence(label, judged[label]) for label in networks]
    if exact is not None and exact not in networks.values():
        sentences.append(segment_sentence("The exact posterior", exact.metrics["segments"]))
    tolerances = next(iter(judged.values()))["boundaries"]["tolerances"]
    return {
        "sentences": sentences,
        "note": decoding_note([result.metrics for result in networks.values()]),
        "tolerances": [numbers.count(tolerance) for tolerance in tolerances],
        "rows": [
            {"tagger": label, "first": label in networks, "cells": _cells(segments)}
            for label, segments in judged.items()
        ],
        "true": true_sentence(next(iter(judged.values()))),
        "panels": [
            {
                "id": f"{index}",
                "tagger": label,
                "shown": label == next(iter(networks), None),
                "figures": _figures(
                    page, dataset, label, result.metrics, None if result is exact else best
                ),
            }
            for index, (label, result) in enumerate(named.items())
        ],
    }


def true_sentence(segments: Mapping[str, Any]) -> str:
    """Say how many true segments there are, with the interval of their number per Mb."""
    true = segments["per_mb"]["true"]
    between = interval(true, rate)
    return (
        f"{numbers.count(segments['true'])} true segments, {rate(true['value'])} per Mb"
        f"{f' (95 % interval {between})' if between else ''}."
    )


def segment_sentence(label: str, segments: Mapping[str, Any]) -> str:
    """Say how many segments a tagger calls and finds.

    Parameters
    ----------
    label : str
        Who calls.
    segments : mapping
        The part `segments` of its metrics.json.
    """
    rates = segments["per_mb"]
    text = (
        f"{label} calls {with_interval(rates['called'], rate)} segments per Mb where there are "
        f"{rate(rates['true']['value'])}"
    )
    found, right = segments["recall"], segments["precision"]
    if found is not None:
        text += (
            f"; {with_interval(found, numbers.percent)} of the {numbers.count(segments['true'])} "
            "true ones are found (intersection over union of 0.5 or more)"
        )
    if right is not None:
        text += (
            f", and {with_interval(right, numbers.percent)} of the "
            f"{numbers.count(segments['called'])} called ones are true"
        )
    return f"{text}."


def decoding_note(networks: list[Mapping[str, Any]]) -> str:
    """Say what to do where calls of each base alone break segments into pieces, or nothing."""
    broken = [
        str(metrics["tagger"])
        for metrics in networks
        if metrics["decoding"] == "argmax"
        and metrics["segments"]["called"] > 1.5 * metrics["segments"]["true"]
    ]
    if not broken:
        return ""
    names = " and ".join(dict.fromkeys(broken))
    return (
        f"Calls of {names} take each base alone, and break segments into pieces. For whole "
        "segments, call the most probable path: “decoding: viterbi”."
    )


def _cells(segments: Mapping[str, Any]) -> list[dict[str, str]]:
    counts = [
        {"text": numbers.count(segments["called"]), "interval": ""},
        {"text": numbers.count(segments["matched"]), "interval": ""},
    ]
    return [
        cell(segments["per_mb"]["called"], rate),
        *counts,
        *(cell(segments[name], ratio) for name in ("precision", "recall", "f1")),
        cell(segments["overlap"]["sov"], ratio),
        *(cell(figure, ratio) for figure in segments["boundaries"]["f1"]),
    ]


def _figures(
    page: Page,
    dataset: DatasetResult,
    label: str,
    metrics: Mapping[str, Any],
    exact: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    """Return the charts of one tagger, the exact posterior beside it where it is another."""
    segments, ends = metrics["segments"], metrics["segments"]["boundaries"]
    beside = "" if exact is None else ", and those that the exact posterior calls (dashed)"
    lengths = segment_charts.length_chart(
        label,
        segments,
        exact,
        dataset.state_names,
        many=counted(metrics).many,
        description=f"Lengths of the true segments of {dataset.name}, of those that {label} "
        f"calls{beside}, for each state.",
    )
    farther = numbers.count(ends["distances"]["farther"])
    within = [
        f"{numbers.count(n)} within {tolerance}"
        for tolerance, n in zip(ends["tolerances"], ends["matched"], strict=True)
    ]
    of = f"Of {numbers.count(ends['true'])} true and {numbers.count(ends['called'])} called ones"
    boundaries = segment_charts.boundary_chart(
        label,
        ends,
        None if exact is None else exact["boundaries"],
        description=f"How far the true boundaries of {dataset.name} are from the nearest one that "
        f"{label} calls, and F1 of boundaries within tolerances.",
    )
    widest = ends["f1"][-1]
    known = interval(widest, ratio)
    run = f"{metrics['tagger']}-seed{metrics['seed']}"
    return [
        page.figure(
            lengths,
            dataset.name,
            f"lengths-{run}",
            f"{dataset.name}: lengths of the {numbers.count(segments['true'])} true segments and "
            f"of the {numbers.count(segments['called'])} that {label} calls{beside}. Each bin is "
            "twice as wide as the one before.",
        ),
        page.figure(
            boundaries,
            dataset.name,
            f"boundaries-{run}",
            f"{dataset.name}: how far boundaries are off, and how many are found by {label}. {of}, "
            f"{', '.join(within)} bases are found, each called one counted once; {farther} have "
            f"none of their kind near.{' Bars are 95 % intervals.' if known else ''}",
        ),
    ]
