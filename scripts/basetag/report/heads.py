"""Further labels that networks learn jointly with the main ones: how good the calls of each are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from basetag.judgement.figure_places import heads_of
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.figure_text import cell, units_sentence
from basetag.report.numbers import nats, percent, ratio
from basetag.report.wording import listed

_SHOWN = (
    ("accuracy", "accuracy", percent),
    ("balanced_accuracy", "balanced accuracy", percent),
    ("macro_f1", "macro F1", ratio),
    ("mcc", "MCC", ratio),
    ("cross_entropy", "cross-entropy (nats)", nats),
    ("auroc", "AUROC", ratio),
)
_PER_STATE = (
    ("precision", "precision"),
    ("recall", "recall"),
    ("f1", "F1"),
    ("auroc", "AUROC"),
    ("auprc", "AUPRC"),
)


def heads_view(dataset: DatasetResult, named: Mapping[str, TaggerResult]) -> dict[str, Any] | None:
    """Return two tables for each further head, and a sentence on training; None without heads.

    Returns
    -------
    dict
        `heads`, each with `name`, `sentence`, `units`, `header`, `rows` of cells for each tagger,
        `floors` (what needs no look: a name and an accuracy), `state_header`, `taggers` with a row
        for each state; `training`, a sentence.
    """
    told = {label: heads_of(result.metrics) for label, result in named.items()}
    names = list(dict.fromkeys(name for own in told.values() for name in own))
    if not names:
        return None
    views = []
    for name in names:
        judged = {label: own[name] for label, own in told.items() if own.get(name) is not None}
        views.append(_head_view(name, judged))
    learnt = [
        f"{label} learns {listed([f'{name}{_weight(head)}' for name, head in own.items()])}"
        for label, own in told.items()
        if own
    ]
    return {
        "heads": views,
        "training": f"Beside the main labels, {'; '.join(learnt)}. The losses are those of the "
        "main labels alone, by which weights are chosen.",
    }


def _head_view(name: str, judged: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if not judged:
        return {"name": name, "sentence": "No base of the test split has a label.", "rows": []}
    one = next(iter(judged.values()))
    states = listed([f"{state} ({one['state_names'][state]})" for state in one["states"]])
    return {
        "name": name,
        "sentence": f"Its states are {states}. Each base is called its likeliest state.",
        "units": units_sentence(one),
        "header": [heading for _, heading, _ in _SHOWN],
        "rows": [
            {"tagger": label, "cells": [cell(own[key], form) for key, _, form in _SHOWN]}
            for label, own in judged.items()
        ],
        "floors": [
            ("the state that is commonest in training", percent(one["majority_accuracy"])),
            ("chance, each state as likely", percent(one["chance_accuracy"])),
        ],
        "state_header": [heading for _, heading in _PER_STATE],
        "taggers": [{"tagger": label, "states": _state_rows(own)} for label, own in judged.items()],
    }


def _state_rows(head: Mapping[str, Any]) -> list[dict[str, Any]]:
    confusion = np.array(head["confusion"], dtype=np.int64)  # (states, states)
    counts = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    return [
        {
            "state": f"{state} ({head['state_names'][state]})",
            "counts": [int(own[index]) for own in counts],
            "cells": [cell(head["classes"][state][key], ratio) for key, _ in _PER_STATE],
        }
        for index, state in enumerate(head["states"])
    ]


def _weight(head: Mapping[str, Any] | None) -> str:
    if head is None or head["weight"] == 1:
        return ""
    return f" (its loss times {head['weight']:g})" if head["weight"] else " (not trained)"
