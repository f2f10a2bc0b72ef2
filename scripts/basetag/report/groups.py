"""States judged in groups, such as eight classes of secondary structure as three."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.figure_text import cell
from basetag.report.numbers import nats, percent, ratio

_SHOWN = (
    ("accuracy", "accuracy", percent),
    ("balanced_accuracy", "balanced accuracy", percent),
    ("macro_f1", "macro F1", ratio),
    ("mcc", "MCC", ratio),
    ("cross_entropy", "cross-entropy (nats)", nats),
)
_PER_GROUP = (("precision", "precision"), ("recall", "recall"), ("f1", "F1"))


def groups_views(
    dataset: DatasetResult, named: Mapping[str, TaggerResult], networks: Mapping[str, TaggerResult]
) -> list[dict[str, Any]]:
    """Return two tables for each way to group the states: of all bases, and of each group."""
    exact = dataset.reference("exact")
    views = []
    for name in dataset.results[0].metrics["groups"]:
        judged = {label: result.metrics["groups"][name] for label, result in named.items()}
        one = next(iter(judged.values()))
        members = [f"{group} is {_listed(one['members'][group])}" for group in one["groups"]]
        views.append(
            {
                "name": name,
                "sentence": f"In {name}, {'; '.join(members)}. To call the group that is commonest "
                f"in training everywhere matches {percent(one['majority_accuracy'])}.",
                "header": [*(heading for _, heading, _ in _SHOWN), "SOV"],
                "rows": [
                    {"tagger": label, "cells": _headline_cells(own)}
                    for label, own in judged.items()
                ],
                "group_header": [*(heading for _, heading in _PER_GROUP), "SOV"],
                "taggers": [
                    {"tagger": label, "groups": _group_rows(own)}
                    for label, own in judged.items()
                    if label in networks or named[label] is exact
                ],
            }
        )
    return views


def _headline_cells(grouped: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        *(cell(grouped[key], form) for key, _, form in _SHOWN),
        cell(grouped["overlap"]["sov"], ratio),
    ]


def _listed(states: list[str]) -> str:
    return states[0] if len(states) == 1 else f"{', '.join(states[:-1])} or {states[-1]}"


def _group_rows(grouped: Mapping[str, Any]) -> list[dict[str, Any]]:
    confusion = np.array(grouped["confusion"], dtype=np.int64)  # (groups, groups)
    counts = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    return [
        {
            "group": group,
            "counts": [int(own[index]) for own in counts],
            "cells": [
                *(cell(grouped["classes"][group][key], ratio) for key, _ in _PER_GROUP),
                cell(grouped["overlap"]["classes"][group]["sov"], ratio),
            ],
        }
        for index, group in enumerate(grouped["groups"])
    ]
