"""Each difference of differences.tsv, recomputed from the taggers' figures.

A difference of means over the same bases is that of the means, so that what can be recomputed is.
Segment F1 over several seeds is of the mean counts, and is held against the figures for one alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from basetag.errors import InputError

# Tables are written with ten significant digits, of a difference of figures near 1.
_TOLERANCE = 1e-8

Key = tuple[str, str, int]


def check_differences(
    rows: Iterable[Mapping[str, str]], metrics: Mapping[Key, Mapping[str, Any]], path: Path
) -> None:
    """Hold each row of differences.tsv against the metrics of both taggers.

    Raises
    ------
    InputError
        At a row that the metrics contradict, or whose taggers are not there.
    """
    figures: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for (dataset, tagger, _), own in metrics.items():
        figures.setdefault((dataset, tagger), []).append(own)
    for line, row in enumerate(rows, start=2):
        means = []
        for side in ("tagger", "other"):
            seeds = figures.get((row["dataset"], row[side]))
            if seeds is None:
                raise InputError(
                    f"no metrics.json was given for {row['dataset']}/{row[side]}",
                    file=path,
                    line=line,
                )
            means.append(_mean(seeds, row["measure"]))
        stored = float(row["difference"])
        if None in means:
            continue
        recomputed = float(means[0] or 0) - float(means[1] or 0)
        if not math.isclose(stored, recomputed, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
            raise InputError(
                f"the difference in {row['measure']} of {row['tagger']} and {row['other']} is "
                f"{stored!r}, and their metrics.json give {recomputed!r}",
                file=path,
                line=line,
                advice="delete the table and run again",
            )


def _mean(seeds: list[Mapping[str, Any]], measure: str) -> float | None:
    """Return the mean over seeds, or None where it does not determine the difference."""
    if measure == "segment_f1" and len(seeds) > 1:
        return None
    if measure == "mean_squared_error":
        every = [own["regression"]["sums"] for own in seeds]
        errors = [float(sums["squared_error"] / sums["records"]) for sums in every]
        return sum(errors) / len(errors)
    figures = [own["segments"]["f1"] if measure == "segment_f1" else own[measure] for own in seeds]
    known = [float(figure["value"]) for figure in figures if figure is not None]
    return sum(known) / len(known) if len(known) == len(seeds) else None


def check_seed_means(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    """Hold each mean over seeds in the comparison against the rows that it is the mean of.

    Raises
    ------
    InputError
        At the first that is another one.
    """
    groups: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["dataset"], row["tagger"]), []).append(row)
    for (dataset, tagger), group in groups.items():
        for column in group[0]:
            name = column.removesuffix("_seed_mean")
            if name == column or not group[0][column]:
                continue
            values = [float(row[name]) for row in group if row[name]]
            mean = sum(values) / len(values)
            for row in group:
                if not math.isclose(float(row[column]), mean, rel_tol=_TOLERANCE, abs_tol=1e-9):
                    raise InputError(
                        f"{column} of {tagger} on {dataset} is {row[column]}, and its rows give "
                        f"{mean:.10g}",
                        file=path,
                        advice="delete the table and run again",
                    )
