"""Are mismatches less certain? Reliability and the certainty of matches and mismatches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from basetag.corpus import UNLABELLED
from basetag.report import charts, numbers
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.page import Page

# Bases of a block that the interval of the certainty difference leaves out at a time, at least; and
# how many correlation lengths of the labels it has, so that one says next to nothing of the next.
_JACKKNIFE_BASES = 100
_CORRELATION_LENGTHS = 10
_FEWEST_BLOCKS = 10


def reliability_figure(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    exact = dataset.reference("exact")
    shown = {label: r for label, r in named.items() if label in networks or r is exact}
    errors = ", ".join(
        f"{label} {float(result.metrics['ece']['value']):.4f}" for label, result in shown.items()
    )
    chart = charts.reliability_chart(
        {label: result.metrics["reliability"] for label, result in shown.items()},
        description=f"How often calls on {dataset.name} are right against how sure the tagger "
        f"was. Expected calibration error: {errors}.",
    )
    return page.figure(
        chart,
        dataset.name,
        "reliability",
        f"{dataset.name}: on the dotted diagonal, a call made with 80 % certainty is right in "
        f"80 % of the cases. Expected calibration error: {errors}.",
    )


def certainty_view(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any] | None:
    """Return the figure and the sentences on whether mismatches are less certain."""
    exact = dataset.reference("exact")
    points: list[tuple[str, str, float, int]] = []
    sentences = []
    bases = 0
    for label, result in named.items():
        if result.tracks is None or not (label in networks or result is exact):
            continue
        labels = np.concatenate(result.tracks.labels)
        posterior = np.concatenate(result.tracks.posteriors)
        scored = labels != UNLABELLED
        calls = np.concatenate(result.tracks.calls)
        match = (calls == labels)[scored]
        sure = posterior[np.arange(len(calls)), calls][scored].astype(np.float64)
        if match.all() or not match.any():
            continue
        bases = len(match)
        means = float(sure[match].mean()), float(sure[~match].mean())
        points.append((label, "matches", means[0], int(match.sum())))
        points.append((label, "mismatches", means[1], int((~match).sum())))
        low, high = certainty_interval(sure, match)
        sentences.append(certainty_sentence(label, *means, low, high))
    if not points:
        return None
    chart = charts.certainty_chart(
        points,
        description=f"Mean probability of the called state on matches and on mismatches of the "
        f"shown records of {dataset.name}. {' '.join(sentences)}",
    )
    figure = page.figure(
        chart,
        dataset.name,
        "certainty",
        f"{dataset.name}: how sure the tagger was of its calls that match and of those that do "
        f"not, over the {numbers.count(bases)} labelled bases of the shown records.",
    )
    return {"figure": figure, "sentences": sentences}


def certainty_interval(
    sure: NDArray[np.float64], match: NDArray[np.bool_], correlation_length: float = 1.0
) -> tuple[float, float]:
    """Return a 95 % interval of the difference in certainty between matches and mismatches.

    Block jackknife (Künsch 1989): blocks of neighbouring bases are left out one at a time, because
    certainty is alike in neighbours; Student's t tells how many errors to go to each side.

    Parameters
    ----------
    sure : ndarray of float64, (bases,)
        Probability of the called state.
    match : ndarray of bool, (bases,)
        Whether the call is right; both kinds must occur.
    correlation_length : float
        Of the labels, in bases. A block has at least ten of it, and at least 100 bases.

    Returns
    -------
    low, high : float
        The whole line where fewer than ten blocks can be left out.
    """
    size = max(_JACKKNIFE_BASES, math.ceil(_CORRELATION_LENGTHS * correlation_length))
    n_blocks = len(sure) // size
    if n_blocks < _FEWEST_BLOCKS:
        return -math.inf, math.inf
    block = np.arange(len(sure)) * n_blocks // len(sure)
    parts = np.stack(
        [
            np.bincount(block, weights, minlength=n_blocks)
            for weights in (sure * match, match, sure * ~match, ~match)
        ]
    ).astype(np.float64)  # (sums and counts, blocks)
    left = parts.sum(axis=1, keepdims=True) - parts
    if not (left[1] > 0).all() or not (left[3] > 0).all():
        return -math.inf, math.inf
    differences = left[0] / left[1] - left[2] / left[3]
    spread = differences - differences.mean()
    error = math.sqrt((n_blocks - 1) / n_blocks * float((spread**2).sum()))
    whole = float(sure[match].mean() - sure[~match].mean())
    return whole - 1.96 * error, whole + 1.96 * error


def certainty_sentence(
    tagger: str, on_matches: float, on_mismatches: float, low: float, high: float
) -> str:
    """Answer in words whether mismatches are less certain.

    Parameters
    ----------
    tagger : str
        Name.
    on_matches, on_mismatches : float
        Mean probability of the called state where the call is right, and where it is not.
    low, high : float
        95 % interval of their difference.
    """
    answer = (
        "Yes, mismatches are less certain"
        if low > 0
        else "No, mismatches are more certain"
        if high < 0
        else "It cannot be told from these bases whether mismatches are less certain"
    )
    difference = f"difference {numbers.points(on_matches - on_mismatches)} points"
    if math.isfinite(low) and math.isfinite(high):
        difference += f", 95 % interval {numbers.points(low)} to {numbers.points(high)}"
    else:
        difference += "; too few bases for an interval"
    return (
        f"{tagger}: {answer}. The called state has a mean probability of "
        f"{numbers.percent(on_matches)} where it is right and {numbers.percent(on_mismatches)} "
        f"where it is wrong ({difference})."
    )
