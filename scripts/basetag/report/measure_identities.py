"""Each measure of a metrics.json, recomputed from the counts that stand beside it.

Plain arithmetic, and nothing of what made the figures: what differs is a damaged or an edited file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    if metrics.get("next_token") is not None:
        for end, bits in metrics["next_token"]["bits"].items():
            if bits is not None:
                nats = metrics["cross_entropy"][end]
                check(f"bits a letter, {end}", bits, nats / math.log(2))
    _check_segments(metrics["segments"], check)
    for name, grouped in metrics["groups"].items():
        _check_groups(name, grouped, metrics, check)
    _check_certainty(metrics, check)


def check_regression(regression: Mapping[str, Any], bases: int, check: Check) -> None:
    """Recompute the figures of numbers from the sums over records, each less the centre."""
    sums = regression["sums"]
    n = sums["records"]
    check("the records with a number", n, bases)
    squares = {name: sums[f"{name}_squared"] - sums[name] ** 2 / n for name in ("true", "told")}
    product = sums["product"] - sums["true"] * sums["told"] / n
    recomputed = {
        "rmse": math.sqrt(sums["squared_error"] / n),
        "mae": sums["absolute_error"] / n,
    }
    if regression["r2"] is not None:
        recomputed["r2"] = 1 - sums["squared_error"] / squares["true"]
    if regression["pearson"] is not None:
        recomputed["pearson"] = product / math.sqrt(squares["true"] * squares["told"])
    for name, value in recomputed.items():
        check(f"{name} of the numbers", regression[name]["value"], value)
    left = (sums["told"] - sums["true"]) / n
    check("the mean of what is left over", regression["residuals"]["mean"], left)
    if regression["grid"] is not None:
        drawn = sum(sum(row) for row in regression["grid"]["counts"])
        check("the sum of the grid of numbers", drawn, n)
    else:
        check("the points of numbers", len(regression["points"]), n)


def _check_confusion(metrics: Mapping[str, Any], check: Check) -> None:
    confusion = np.array(metrics["confusion"], dtype=np.int64)  # (states, states)
    shares = confusion / np.maximum(confusion.sum(axis=1), 1)[:, None]
    for state, row, recomputed in zip(
        metrics["states"], metrics["confusion_shares"], shares, strict=True
    ):
        for called_state, share, value in zip(metrics["states"], row, recomputed, strict=True):
            check(f"the share of {state} that is called {called_state}", share, float(value))
    check_means("", metrics, metrics["states"], confusion, check)


def check_means(
    of: str,
    measures: Mapping[str, Any],
    classes: Sequence[str],
    confusion: NDArray[np.int64],
    check: Check,
) -> None:
    """Hold the measures of each class, and their means, against a confusion matrix."""
    matches, true, called = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    recalls, f1s = [], []
    for name, own, n_true, n_called in zip(classes, matches, true, called, strict=True):
        figures = measures["classes"][name]
        _check_overlap(f"of {name}{of}", figures, own, n_true, n_called, check)
        if n_true:
            recalls.append(own / n_true)
        if n_true + n_called:
            f1s.append(2 * own / (n_true + n_called))
    check(f"balanced_accuracy{of}", measures["balanced_accuracy"]["value"], float(np.mean(recalls)))
    check(f"macro_f1{of}", measures["macro_f1"]["value"], float(np.mean(f1s)))


def _check_groups(
    name: str, grouped: Mapping[str, Any], metrics: Mapping[str, Any], check: Check
) -> None:
    """Hold the measures of groups of states against their counts, and these against the states'."""
    members = [grouped["members"][group] for group in grouped["groups"]]
    of = {state: index for index, own in enumerate(members) for state in own}
    group = [of[state] for state in metrics["states"]]
    expected = np.zeros((len(grouped["groups"]),) * 2, dtype=np.int64)
    np.add.at(expected, np.ix_(group, group), np.array(metrics["confusion"], dtype=np.int64))
    confusion = np.array(grouped["confusion"], dtype=np.int64)  # (groups, groups)
    bases = int(expected.sum())
    counts = expected.sum(axis=1)
    if grouped["called_by"] == "state":
        check(f"the confusion of {name}", int(np.abs(confusion - expected).sum()), 0)
    else:  # the likeliest group can be another one, of as many bases
        check(f"the confusion of {name}", int(np.abs(confusion.sum(axis=1) - counts).sum()), 0)
    check(f"accuracy of {name}", grouped["accuracy"]["value"], int(np.trace(confusion)) / bases)
    for measure, total in grouped["sums"].items():
        check(f"{measure} of {name}", grouped[measure]["value"], total / bases)
    majority = grouped["majority_accuracy"]
    check(f"the label counts of {name}", int(np.abs(counts - grouped["label_counts"]).sum()), 0)
    nearest = min(counts, key=lambda count: abs(count / bases - majority))
    check(f"majority_accuracy of {name}", majority, float(nearest / bases))
    _check_overlaps(f" of {name}", grouped["overlap"], check)
    check(f"mcc of {name}", grouped["mcc"]["value"], matthews(confusion))
    check_means(f" of {name}", grouped, grouped["groups"], confusion, check)


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
    _check_overlaps("", segments["overlap"], check)
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


def _check_overlaps(of: str, overlap: Mapping[str, Any], check: Check) -> None:
    """Hold the segment overlap, and that of each state, against the sums."""
    parts = {"": overlap} | {f" of {state}": own for state, own in overlap["classes"].items()}
    for name, part in parts.items():
        if part["sov"] is not None:
            check(f"segment overlap{name}{of}", part["sov"]["value"], part["sum"] / part["bases"])
    of_states = sum(own["bases"] for own in overlap["classes"].values())
    check(f"the bases of the segment overlap{of}", of_states, overlap["bases"])


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


def matthews(confusion: NDArray[np.int64]) -> float:
    """Matthews correlation of K classes (Gorodkin 2004), 0 where it is not defined."""
    counts = [[int(value) for value in row] for row in confusion]  # exact at any size
    n = sum(map(sum, counts))
    true = [sum(row) for row in counts]
    called = [sum(column) for column in zip(*counts, strict=True)]
    agreement = n * sum(counts[i][i] for i in range(len(counts))) - sum(
        a * b for a, b in zip(true, called, strict=True)
    )
    spread = (n * n - sum(a * a for a in called)) * (n * n - sum(a * a for a in true))
    return agreement / math.sqrt(spread) if spread else 0.0
