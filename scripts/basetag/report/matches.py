"""All test bases beside those that training does not have: a sentence and a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.judgement.figure_places import FIGURES, found_at, unmatched_measures
from basetag.report import numbers
from basetag.report.counted import classifies, has_segments
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.figure_text import cell
from basetag.report.match_wording import match_length

_SHOWN = (
    ("accuracy", "accuracy", numbers.percent),
    ("balanced_accuracy", "balanced accuracy", numbers.percent),
    ("macro_f1", "macro F1", numbers.ratio),
    ("mcc", "MCC", numbers.ratio),
    ("cross_entropy", "CE (nats)", numbers.nats),
    ("kl_exact", "KL (nats)", numbers.nats),
    ("segment_f1", "segment F1", numbers.ratio),
)


def matches_view(
    dataset: DatasetResult, named: Mapping[str, TaggerResult]
) -> dict[str, Any] | None:
    """Return what to say of matches to training; None where no test base is in one.

    Returns
    -------
    dict or None
        `sentence`; `header`, the measures; `rows` of each tagger, with its name, the bases that are
        counted, and a cell for each measure.
    """
    test = dataset.results[0].metrics["test"]
    if not test["matched_bases"]:
        return None
    shown = [
        (FIGURES[name], heading, form)
        for name, heading, form in _SHOWN
        if (name != "segment_f1" or has_segments(dataset.results[0].metrics))
        and any(found_at(result.metrics, FIGURES[name]) for result in named.values())
    ]
    taggers = []
    for label, result in named.items():
        measures = {"all": result.metrics, "unmatched": unmatched_measures(result.metrics)}
        rows = [
            {"of": of, "cells": [cell(found_at(own, place), form) for place, _, form in shown]}
            for of, own in measures.items()
            if own is not None
        ]
        taggers.append({"tagger": label, "rows": rows})
    share = numbers.percent(test["matched_bases"] / test["bases"])
    of = f"{numbers.count(test['matched_bases'])} of the {numbers.count(test['bases'])} test"
    strands = ", on either strand" if test["match_strands"] == 2 else ""
    length = match_length(dataset.results[0].metrics)
    known = f"a stretch of {length} that training has, too{strands}, so that"
    return {
        "sentence": f"{of} sequences ({share}) have {known} they can be known by heart."
        if classifies(dataset.results[0].metrics)
        else f"{of} bases ({share}) lie inside {known} it can be known by heart.",
        "header": [heading for _, heading, _ in shown],
        "taggers": taggers,
    }
