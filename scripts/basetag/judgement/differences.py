"""How two taggers differ on one test split, unit by unit: differences.tsv.

Taggers make their mistakes on the same bases, so that a difference is far surer than either figure:
what both find hard cancels in each unit. A network trained with several seeds counts as one tagger,
by the mean over its seeds in each unit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError
from basetag.judgement.intervals import Figure, SmoothMeasure, ratio_figures, smooth_figures
from basetag.judgement.unit_sums import UnitSums, mean_over

#: What taggers are compared in.
MEASURES = ("accuracy", "cross_entropy", "mean_squared_error", "kl_exact", "segment_f1")
#: The columns of differences.tsv.
COLUMNS = ("dataset", "tagger", "other", "measure", "difference", "low", "high", "units")

AnyPath = str | os.PathLike[str]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """A tagger of the config on a dataset, with one seed, and its sums.

    Parameters
    ----------
    dataset, tagger : str
    seed : int
    sums : UnitSums
    file : path-like
        Where the sums come from.
    """

    dataset: str
    tagger: str
    seed: int
    sums: UnitSums
    file: AnyPath


def difference_rows(runs: list[Run], *, seed: int) -> list[dict[str, Any]]:
    """Return the rows of differences.tsv.

    Parameters
    ----------
    runs : list of Run
        All runs, in the order of the config.
    seed : int
        Seed of the draws, which all differences on a dataset share.

    Returns
    -------
    list of dict
        For each pair of taggers of a dataset and each measure that both have: `difference`, that
        of the first less that of the second, its 95 % interval or None, and the `units` of it.

    Raises
    ------
    InputError
        Where two taggers of a dataset were scored on other bases.
    """
    rows = []
    for dataset, taggers in by_tagger(runs).items():
        means = {name: mean_over([run.sums for run in seeds]) for name, seeds in taggers.items()}
        names = list(means)
        for index, name in enumerate(names):
            for other in names[index + 1 :]:
                found = differences(means[name], means[other], seed=seed)
                for measure, figure in found.items():
                    rows.append(
                        {
                            "dataset": dataset,
                            "tagger": name,
                            "other": other,
                            "measure": measure,
                            "difference": figure.value,
                            "low": figure.low,
                            "high": figure.high,
                            "units": len(means[name].bases),
                        }
                    )
    return rows


def differences(first: UnitSums, second: UnitSums, *, seed: int) -> dict[str, Figure]:
    """Return what the first tagger's figures are above the second's, by measure.

    Parameters
    ----------
    first, second : UnitSums
        Over the same units.
    seed : int
        Seed of the draws.
    """
    bases = first.bases
    ratios = {
        "accuracy": (first.correct - second.correct, bases),
        "cross_entropy": (first.cross_entropy - second.cross_entropy, bases),
    }
    if first.kl_exact is not None and second.kl_exact is not None:
        ratios["kl_exact"] = first.kl_exact - second.kl_exact, bases
    if first.squared_error is not None and second.squared_error is not None:
        assert first.numbers is not None  # noqa: S101 - the two come together
        error = first.squared_error - second.squared_error
        ratios["mean_squared_error"] = error, first.numbers
    # Taggers that are the same on all units are so by identity.
    same = [name for name, (numerator, _) in ratios.items() if not numerator.any()]
    figures: dict[str, Figure | None] = {}
    figures |= ratio_figures(ratios, seed=seed, identities=same)
    rows = np.stack([*_segments(first), *_segments(second)], axis=1)
    if np.array_equal(rows[:, :2], rows[:, 2:]):
        figures["segment_f1"] = Figure(0.0, 0.0, 0.0)
    else:
        figures |= smooth_figures({"segment_f1": SmoothMeasure(rows, _f1_difference)}, seed=seed)
    shares = ("accuracy", "segment_f1")
    return {
        name: figure.within(-1.0, 1.0) if name in shares else figure
        for name in MEASURES
        if (figure := figures.get(name)) is not None
    }


def by_tagger(runs: list[Run]) -> dict[str, dict[str, list[Run]]]:
    """Return the runs of each tagger of each dataset.

    Raises
    ------
    InputError
        Where two taggers of a dataset were scored on other bases.
    """
    datasets: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        taggers = datasets.setdefault(run.dataset, {})
        first = next((seeds[0] for seeds in taggers.values()), run)
        _check_units(first, run)
        taggers.setdefault(run.tagger, []).append(run)
    return datasets


def _check_units(first: Run, run: Run) -> None:
    """Raise InputError where two runs do not have the same labelled bases in the same units."""
    labels, others = (own.sums.confusion.sum(axis=2) for own in (first, run))
    if labels.shape != others.shape or not np.array_equal(labels, others):
        raise InputError(
            f"{run.tagger} was scored on {others.sum():.0f} bases in {len(others)} units, and "
            f"{first.tagger} on {labels.sum():.0f} in {len(labels)}, or with other labels",
            file=Path(run.file),
            advice=f"taggers of {run.dataset!r} can only be compared on the same test bases: "
            "delete both files and run again",
        )


def _segments(sums: UnitSums) -> tuple[Floats, Floats]:
    """Return twice the matched segments of each unit, and those of truth and calls."""
    total = sums.segments_true.sum(axis=1) + sums.segments_called.sum(axis=1)
    return 2 * sums.segments_matched.sum(axis=1), total


def _f1_difference(sums: Floats) -> tuple[Floats, Floats]:
    """Return the difference of two F1, and its derivatives; sums are those of `_segments`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]
        gradient = [1 / sums[:, 1], -first / sums[:, 1], -1 / sums[:, 3], second / sums[:, 3]]
    return first - second, np.stack(gradient, axis=1)
