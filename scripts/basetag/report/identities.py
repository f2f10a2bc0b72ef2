"""Every figure of a metrics.json held against its counts, and the comparison against those.

A measure is computed anew from stored counts, and only to see that the stored figure is the same.
A figure that its counts do not give stops the report, because a page that contradicts itself is
worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError
from basetag.judgement.chance import binomial_log10_tail
from basetag.judgement.figure_places import (
    NUMBERS,
    UNMATCHED,
    figures_of,
    found_at,
    found_of_head,
    head_columns,
    heads_of,
    unmatched_measures,
)
from basetag.report.head_identities import check_head
from basetag.report.measure_identities import Check, check_measures, check_regression, matthews

# A sum over 1e9 bases in another order moves the last digits of a float64 by about this much.
_JSON_TOLERANCE = 1e-9
# Tables may be written with six significant digits.
_TABLE_TOLERANCE = 5e-6


def check_identities(metrics: Mapping[str, Any], path: str | Path) -> None:
    """Recompute each figure of a metrics.json that its own counts and sums determine.

    Raises
    ------
    InputError
        At the first figure that differs from what the counts give.
    """

    def check(name: str, stored: float, recomputed: float) -> None:
        if not math.isclose(stored, recomputed, rel_tol=_JSON_TOLERANCE, abs_tol=_JSON_TOLERANCE):
            raise InputError(
                f"{name} is {stored!r}, and the counts beside it give {recomputed!r}",
                file=path,
                advice="the file is damaged or was edited: delete it and run again",
            )

    confusion = _check_bases(metrics, check)
    _check_unmatched(metrics, confusion, check)
    for name, head in heads_of(metrics).items():
        if head is not None:
            check_head(name, head, check)
    bases = int(metrics["test"]["bases"])
    if metrics["regression"] is not None:
        check_regression(metrics["regression"], bases, check)
    beside = metrics.get("next_value")
    if beside is not None and beside["to_noise"] is not None:
        own = metrics["regression"]["rmse"]["value"] / beside["noise"]
        check("the error in terms of the noise", beside["to_noise"]["value"], own)
    check("the bases in which segments are counted", metrics["segments"]["bases"], bases)
    matches = int(np.trace(confusion))
    shares = confusion.sum(axis=1) / bases, confusion.sum(axis=0) / bases
    independent = {"uniform": 1 / len(confusion), "frequencies": float(shares[0] @ shares[1])}
    for name, null in metrics["chance"].items():
        if null is not None:
            check(f"observed_matches of the null {name}", null["observed_matches"], matches)
            check(f"length of the null {name}", null["length"], bases)
            _check_null(name, null, independent.get(name), check)
    for name, control in (metrics["controls"] or {}).items():
        if control is not None:
            _check_control(check, f"of the {name} control", control)


def _check_bases(metrics: Mapping[str, Any], check: Check) -> NDArray[np.int64]:
    """Recompute the measures of calls and posteriors; return the confusion matrix."""
    confusion = np.array(metrics["confusion"], dtype=np.int64)  # (states, states)
    bases = int(metrics["test"]["bases"])
    sums = metrics["sums"]
    check("the sum of the confusion matrix", int(confusion.sum()), bases)
    for state, count, row in zip(
        metrics["states"], metrics["label_counts"], confusion.sum(axis=1), strict=True
    ):
        check(f"the label count of {state}", count, int(row))
    check("accuracy", metrics["accuracy"]["value"], int(np.trace(confusion)) / bases)
    check("cross_entropy", metrics["cross_entropy"]["value"], sums["cross_entropy"] / bases)
    check("brier", metrics["brier"]["value"], sums["brier"] / bases)
    check("mcc", metrics["mcc"]["value"], matthews(confusion))
    check_measures(metrics, check)
    for of, attained in (("exact", "attained"), ("filtered", "attained_filtered")):
        if metrics[f"kl_{of}"] is not None:
            check(f"kl_{of}", metrics[f"kl_{of}"]["value"], sums[f"kl_{of}"] / bases)
        if metrics[attained] is not None:
            share = 1 - sums[f"kl_{of}"] / sums[f"kl_{of}_prior"]
            check(attained, metrics[attained]["value"], share)
    return confusion


def _check_unmatched(
    metrics: Mapping[str, Any], confusion: NDArray[np.int64], check: Check
) -> None:
    """Hold the measures of unmatched bases against their own counts, and these against all."""
    matched, unmatched = metrics["test"]["matched_bases"], metrics["unmatched"]
    if matched is None:
        return
    bases = int(metrics["test"]["bases"])
    same = unmatched is not None and bool(unmatched["same"])
    check("whether all bases are unmatched", same, matched == 0)
    check("whether no base is unmatched", unmatched is None, matched == bases)
    if unmatched is None or same:
        return

    def check_unmatched(name: str, stored: float, recomputed: float) -> None:
        check(f"of unmatched bases, {name}", stored, recomputed)

    check("the sum of matched and unmatched bases", matched + unmatched["test"]["bases"], bases)
    # Bits of the next letter are told of all bases alone.
    elsewhere = _check_bases({**metrics, **unmatched, "next_token": None}, check_unmatched)
    check("unmatched bases beyond all", int(np.maximum(elsewhere - confusion, 0).sum()), 0)


def _check_null(
    name: str,
    null: Mapping[str, Any],
    probability: float | None,
    check: Callable[[str, float, float], None],
) -> None:
    """Recompute what the other figures of a null distribution of matches determine.

    `probability` is that of a match where all bases are independent.
    """
    observed, mean, sd = (null[key] for key in ("observed_matches", "mean_matches", "sd_matches"))
    m, length = null["pairs"], null["length"]
    smallest = 1 / (m + 1)
    if null["log10_effective_shifts"] is not None:
        smallest = max(smallest, 10 ** -min(null["log10_effective_shifts"], 300))
    figures = {
        "accuracy": mean / length,
        "smallest_p": smallest,
        "p": max((null["at_least_observed"] + 1) / (m + 1), smallest),
        "z": (observed - mean) / sd if sd else math.nan,
        "effect": (observed - mean) / (length - mean) if mean < length else math.nan,
        "effective_sample_size": mean * (length - mean) / sd**2 if sd else math.nan,
    }
    if probability is not None:
        figures["accuracy"] = probability
    if null["binomial_log10_p"] is not None and probability is not None:
        figures["binomial_log10_p"] = binomial_log10_tail(observed, length, probability)
    check(f"the sum of the histogram of the null {name}", sum(null["counts"]), m)
    tested = not (null["too_short"] or null["constant"])
    check(f"the number of p-values of the null {name}", null["p"] is not None, tested)
    for figure, recomputed in figures.items():
        if null[figure] is not None:
            check(f"{figure} of the null {name}", null[figure], recomputed)


def _check_control(
    check: Callable[[str, float, float], None], where: str, control: Mapping[str, Any]
) -> None:
    """Recompute the figures of one negative control from its counts."""
    n, false = int(control["bases"]), int(control["false_segments"])
    rate = false / n * 1e6
    check(f"false_segments {where}", false, control["segments"] - control["records"])
    check(f"per_mb {where}", control["per_mb"]["value"], rate)
    check(f"the sum of the called bases {where}", sum(control["called"]), n)
    check(f"other_share {where}", control["other_share"], 1 - max(control["called"]) / n)
    if control["reference"] is not None:
        beside = control["reference_false_segments"] / n * 1e6
        check(f"reference_per_mb {where}", control["reference_per_mb"]["value"], beside)
        if control["ratio"] is not None and beside:
            check(f"ratio {where}", control["ratio"]["value"], rate / beside)
    above = control["ratio"] is not None and (control["ratio"]["low"] or 0) > 1
    check(f"flagged {where}", control["flagged"], above)


def check_row(row: Mapping[str, str], metrics: Mapping[str, Any], path: Path, line: int) -> None:
    """Raise InputError where a row of the comparison contradicts the tagger's metrics."""
    controls = (metrics["controls"] or {}).items()
    rates = {
        f"false_segments_per_mb_{name}": found["per_mb"]["value"]
        for name, found in controls
        if found
    }
    elsewhere = unmatched_measures(metrics) or {}
    places, figures = head_columns(list(heads_of(metrics))), figures_of(metrics)
    for column, text in row.items():
        if column in places:
            _check_cell(column, text, found_of_head(metrics, places[column]), row, path, line)
            continue
        figure = column.removeprefix(UNMATCHED)
        measures = metrics if figure == column else elsewhere
        name, _, end = figure.rpartition("_")
        place = NUMBERS.get(figure, (figure,))
        if figure in figures:
            place = (*figures[figure], "value")
        elif name in figures and end in ("low", "high"):
            place = (*figures[name], end)
        known = figure != column or place[0] in measures
        value = found_at(measures, place) if place[0] in measures else rates.get(column)
        _check_cell(column, text, value, row, path, line, known=known)


def _check_cell(
    column: str,
    text: str,
    value: Any,
    row: Mapping[str, str],
    path: Path,
    line: int,
    *,
    known: bool = True,
) -> None:
    if known and (text == "") != (value is None or value == ""):
        same = False
    elif text and isinstance(value, int | float):
        same = math.isclose(float(text), value, rel_tol=_TABLE_TOLERANCE, abs_tol=1e-12)
    else:
        same = True
    if not same:
        raise InputError(
            f"{column} is {text or 'empty'}, and metrics.json of "
            f"{row['dataset']}/{row['tagger']} says {value!r}",
            file=path,
            line=line,
            advice="delete the table and run again",
        )
