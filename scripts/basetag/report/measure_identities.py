"""Each measure of a metrics.json, recomputed from the counts that stand beside it.

Plain arithmetic, and nothing of what made the figures: what differs is a damaged or an edited file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

#: Called with a name, the stored number and the recomputed one; raises where they differ.
Check = Callable[[str, float, float], None]


def check_measures(metrics: Mapping[str, Any], check: Check) -> None:
    """Hold the measures of calls, ranking, calibration and segments against their counts."""
    bases = int(metrics["test"]["bases"])
    check("the bases of all units", metrics["units"]["bases"] * metrics["units"]["count"], bases)
    majority = metrics["majority_accuracy"]
    nearest = min(metrics["label_counts"], key=lambda count: abs(count / bases - majority))
    check("majority_accuracy", majority, nearest / bases)
    _check_confusion(metrics, check)
    _check_ranking(metrics, check)
    _check_reliability("ece", metrics["ece"]["value"], metrics["reliability"], bases, check)
    ceiling, scaled = metrics["ceiling"], metrics["calibration"]
    if ceiling is not None:
        table = ceiling["reliability"]
        _check_reliability("ece of the ceiling", ceiling["ece"], table, bases, check)
        right = sum(
            n * share for n, share in zip(table["counts"], table["accuracy"], strict=True) if n
        )
        check("accuracy of the ceiling", ceiling["accuracy"], right / bases)
        above = metrics["cross_entropy"]["value"] - ceiling["cross_entropy"]
        check("excess over the ceiling", metrics["excess"][ceiling["of"]]["value"], above)
    if scaled is not None:
        name, table = "ece at the fitted temperature", scaled["reliability"]
        _check_reliability(name, scaled["ece"]["value"], table, bases, check)
        check(
            "cross_entropy at the fitted temperature",
            scaled["cross_entropy"]["value"],
            scaled["cross_entropy_sum"] / bases,
        )
    _check_segments(metrics["segments"], check)
    _check_certainty(metrics, check)


def _check_confusion(metrics: Mapping[str, Any], check: Check) -> None:
    confusion = np.array(metrics["confusion"], dtype=np.int64)  # (states, states)
    matches, true, called = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    shares = confusion / np.maximum(true, 1)[:, None]
    for state, row, recomputed in zip(
        metrics["states"], metrics["confusion_shares"], shares, strict=True
    ):
        for called_state, share, value in zip(metrics["states"], row, recomputed, strict=True):
            check(f"the share of {state} that is called {called_state}", share, float(value))
    recalls, f1s = [], []
    for state, own, n_true, n_called in zip(metrics["states"], matches, true, called, strict=True):
        figures = metrics["classes"][state]
        _check_overlap(f"of {state}", figures, own, n_true, n_called, check)
        if n_true:
            recalls.append(own / n_true)
        if n_true + n_called:
            f1s.append(2 * own / (n_true + n_called))
    check("balanced_accuracy", metrics["balanced_accuracy"]["value"], float(np.mean(recalls)))
    check("macro_f1", metrics["macro_f1"]["value"], float(np.mean(f1s)))


def _check_certainty(metrics: Mapping[str, Any], check: Check) -> None:
    stored = metrics["certainty"]
    if stored is None:
        return
    matches = int(np.trace(np.array(metrics["confusion"], dtype=np.int64)))
    counts = {"matches": matches, "mismatches": int(metrics["test"]["bases"]) - matches}
    means = {name: stored["sums"][name] / count for name, count in counts.items()}
    for name, mean in means.items():
        check(f"the mean certainty on {name}", stored[f"on_{name}"]["value"], mean)
    difference = means["matches"] - means["mismatches"]
    check("the difference in certainty", stored["difference"]["value"], difference)


def _check_ranking(metrics: Mapping[str, Any], check: Check) -> None:
    bases = int(metrics["test"]["bases"])
    areas, precisions = [], []
    for state, count in zip(metrics["states"], metrics["label_counts"], strict=True):
        own, others = (
            np.array(metrics["scores"][state][name].split(), dtype=np.int64)
            for name in ("own", "others")
        )
        check(f"the sum of the scores of {state}", int(own.sum()), count)
        check(f"the sum of the scores of all but {state}", int(others.sum()), bases - count)
        if not 0 < count < bases:
            continue
        # From the surest base down: bases without the state above each with it, ties half.
        own, others = own[::-1], others[::-1]
        above = np.cumsum(others) - others / 2
        areas.append(1 - float((own * above).sum()) / (count * (bases - count)))
        precision = np.cumsum(own) / np.maximum(np.cumsum(own + others), 1)
        precisions.append(float((own * precision).sum()) / count)
        figures = metrics["classes"][state]
        check(f"auroc of {state}", figures["auroc"]["value"], areas[-1])
        check(f"auprc of {state}", figures["auprc"]["value"], precisions[-1])
    for name, values in (("auroc", areas), ("auprc", precisions)):
        if values:
            check(name, metrics[name]["value"], float(np.mean(values)))


def _check_reliability(
    name: str, stored: float, table: Mapping[str, Sequence[Any]], bases: int, check: Check
) -> None:
    check(f"the sum of the reliability counts of {name}", sum(table["counts"]), bases)
    gaps = [
        count * abs(accuracy - confidence)
        for count, accuracy, confidence in zip(
            table["counts"], table["accuracy"], table["confidence"], strict=True
        )
        if count
    ]
    check(name, stored, sum(gaps) / bases)


def _check_segments(segments: Mapping[str, Any], check: Check) -> None:
    bases = int(segments["bases"])
    matched, true, called = (segments[side] for side in ("matched", "true", "called"))
    _check_overlap("of segments", segments, matched, true, called, check)
    for side in ("true", "called"):
        if bases:
            rate = 1e6 * segments[side] / bases
            check(f"{side} segments per Mb", segments["per_mb"][side]["value"], rate)
        for state, own in segments["classes"].items():
            lengths = sum(segments["lengths"][side][state])
            check(f"the lengths of {side} segments of {state}", lengths, own[side])
    for side in ("matched", "true", "called"):
        of_states = sum(own[side] for own in segments["classes"].values())
        check(f"the {side} segments of all states", of_states, segments[side])
    boundaries = segments["boundaries"]
    found = zip(boundaries["tolerances"], boundaries["matched"], boundaries["f1"], strict=True)
    ends = boundaries["true"] + boundaries["called"]
    for tolerance, n_found, figure in found:
        if ends:
            name = f"f1 of boundaries within {tolerance} bases"
            check(name, figure["value"], 2 * n_found / ends)
    distances = boundaries["distances"]
    check(
        "the sum of the distances of boundaries",
        sum(distances["counts"]) + distances["farther"],
        boundaries["true"],
    )
    check("the boundaries without an error", distances["counts"][0], boundaries["matched"][0])


def _check_overlap(
    of: str,
    figures: Mapping[str, Any],
    matched: int | np.int64,
    true: int | np.int64,
    called: int | np.int64,
    check: Check,
) -> None:
    parts = {
        "precision": (matched, called),
        "recall": (matched, true),
        "f1": (2 * matched, true + called),
    }
    for name, (above, below) in parts.items():
        if below:
            check(f"{name} {of}", figures[name]["value"], float(above / below))
