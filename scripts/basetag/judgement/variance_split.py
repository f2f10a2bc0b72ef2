"""Where the variance of a figure comes from: test sampling, initialisation, data; variance.tsv.

A figure would be another one on other test records, with another seed of the training, and on data
drawn anew. Here each part is estimated by the method of moments, as in a nested analysis of
variance (Searle, Casella and McCulloch 1992, Variance Components, 3): what the parts below it leave
in the spread that is seen is taken off, and what is below 0 then is 0.

Seeds of one tagger are judged on the same test records, so that most of the luck of these is theirs
together: what it leaves in their spread is told from the units, not from each one's own error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.judgement.differences import MEASURES, Run, by_tagger
from basetag.judgement.figure_places import FEWEST_UNITS
from basetag.judgement.unit_sums import UnitSums

#: The columns of variance.tsv.
COLUMNS = (
    "datasets",
    "tagger",
    "measure",
    "test_sampling",
    "initialisation",
    "data",
    "n_datasets",
    "n_seeds",
    "sd_test_sampling",
    "sd_initialisation",
    "sd_data",
    "sd_total",
    "share_test_sampling",
    "share_initialisation",
    "share_data",
)
SOURCES = ("test_sampling", "initialisation", "data")

Floats = NDArray[np.float64]


def variance_rows(runs: list[Run], replicates: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Return the rows of variance.tsv.

    Parameters
    ----------
    runs : list of Run
        All runs, in the order of the config.
    replicates : sequence of sequences of str
        Names of datasets that are draws of the same, in the order of the config; each once.

    Returns
    -------
    list of dict
        For each group, tagger and measure: the variance of the figure by `test_sampling`, by
        `initialisation` and by `data`, each None where it is not measured (fewer than ten units;
        one seed; one dataset). `datasets` are the names of the group, with commas; `sd_` are the
        square roots, also of the sum of what is measured, and `share_` the parts of that sum.
    """
    found = by_tagger(runs)
    rows = []
    for names in replicates:
        group = [found[name] for name in names if name in found]
        for tagger in group[0] if group else ():
            own = [[run.sums for run in taggers[tagger]] for taggers in group]
            for measure in MEASURES:
                parts = [_figures(measure, sums) for sums in own]
                if all(part is not None for part in parts):
                    split = variance_split([part for part in parts if part is not None])
                    rows.append(
                        {
                            "datasets": ",".join(names),
                            "tagger": tagger,
                            "measure": measure,
                            **split,
                            "n_datasets": len(own),
                            "n_seeds": min(len(sums) for sums in own),
                            **_in_words(split),
                        }
                    )
    return rows


def _in_words(split: dict[str, float | None]) -> dict[str, float | None]:
    """Return standard deviations and shares of the parts that are measured."""
    known = {name: part for name, part in split.items() if part is not None}
    total = sum(known.values())
    roots = {f"sd_{name}": math.sqrt(part) for name, part in known.items()}
    shares = {f"share_{name}": part / total for name, part in known.items()} if total else {}
    empty: dict[str, float | None] = dict.fromkeys(
        f"{what}_{name}" for what in ("sd", "share") for name in SOURCES
    )
    return empty | roots | shares | {"sd_total": math.sqrt(total) if known else None}


def variance_split(parts: Sequence[tuple[Floats, Floats]]) -> dict[str, float | None]:
    """Return the variance of a figure by each of its sources.

    Parameters
    ----------
    parts : sequence of (ndarray, ndarray)
        For each dataset the figures of the seeds, (seeds,), and what each unit has to do with each
        of them, (seeds, units): its influence, so that their squares add up to the variance.

    Returns
    -------
    dict
        `test_sampling`, `initialisation`, `data`: variances of the figure of one seed on one
        dataset, or None where they cannot be told.
    """
    n_datasets = len(parts)
    n_seeds = min(len(figures) for figures, _ in parts)
    covariances = []
    for _, influence in parts:
        n_units = influence.shape[1]
        if n_units < FEWEST_UNITS:
            return {"test_sampling": None, "initialisation": None, "data": None}
        covariances.append(np.einsum("su,tu->st", influence, influence) * n_units / (n_units - 1))
    sampling = float(np.mean([np.diag(covariance).mean() for covariance in covariances]))
    initialisation = data = None
    if n_seeds > 1:
        seen = np.mean([figures.var(ddof=1) for figures, _ in parts])
        # Of a spread over seeds, what the units do to each apart from what they do to all.
        of_units = np.mean([_own_variance(covariance) for covariance in covariances])
        initialisation = max(0.0, float(seen - of_units))
    if n_datasets > 1:
        seen = np.var([figures.mean() for figures, _ in parts], ddof=1)
        of_units = np.mean([covariance.mean() for covariance in covariances])
        # A single seed's luck cannot be told from that of the data, and stays in it.
        of_seeds = np.mean([(initialisation or 0.0) / len(figures) for figures, _ in parts])
        data = max(0.0, float(seen - of_units - of_seeds))
    return {"test_sampling": sampling, "initialisation": initialisation, "data": data}


def _own_variance(covariance: Floats) -> float:
    """Return the expected variance over seeds of what has this covariance, (seeds, seeds)."""
    n = len(covariance)
    apart = (covariance.sum() - np.trace(covariance)) / (n * (n - 1))
    return float(np.trace(covariance) / n - apart)


def _figures(measure: str, sums: Sequence[UnitSums]) -> tuple[Floats, Floats] | None:
    """Return the figures of the seeds and the influence of each unit; None where not defined."""
    ratios = [_ratio(measure, own) for own in sums]
    known = [ratio for ratio in ratios if ratio is not None and ratio[1].any()]
    if len(known) < len(ratios):
        return None
    values, influences = [], []
    for numerator, denominator in known:
        value = numerator.sum() / denominator.sum()
        values.append(value)
        influences.append((numerator - value * denominator) / denominator.sum())
    return np.array(values), np.stack(influences)


def _ratio(measure: str, sums: UnitSums) -> tuple[Floats, Floats] | None:
    """Return numerator and denominator of a measure in each unit, or None where it has none."""
    if measure == "segment_f1":
        total = sums.segments_true.sum(axis=1) + sums.segments_called.sum(axis=1)
        return 2 * sums.segments_matched.sum(axis=1), total
    if measure == "mean_squared_error":
        if sums.squared_error is None or sums.numbers is None:
            return None
        return sums.squared_error, sums.numbers
    name = "correct" if measure == "accuracy" else measure
    numerator: Floats | None = getattr(sums, name)
    return None if numerator is None else (numerator, sums.bases)
