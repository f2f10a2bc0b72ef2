"""The tables that compare taggers: comparison.tsv, differences.tsv, variance.tsv.

The first is made from the taggers' metrics.json alone, a row for each, and from what a clock said
of training and prediction; nothing is computed here but means over seeds. What is computed from
units.npz for the others lies in `differences` and `variance_split`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from basetag.errors import InputError
from basetag.files import written_whole
from basetag.judgement import differences, variance_split
from basetag.judgement.figure_places import (
    FIGURES,
    NUMBERS,
    OF_UNMATCHED,
    UNMATCHED,
    figures_of,
    found_at,
    found_of_head,
    head_columns,
    heads_of,
    unmatched_measures,
)
from basetag.judgement.unit_sums import UnitSums

#: The first columns of comparison.tsv, which other programs read.
FIRST_COLUMNS = (
    "dataset",
    "tagger",
    "seed",
    "kind",
    "decoding",
    "parameters",
    "test_bases",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "mcc",
    "cross_entropy",
    "brier",
    "ece",
    "kl_exact",
    "attained",
    "attained_filtered",
    "segment_f1",
    "chance_accuracy",
    "p_chance",
    "p_shift",
    "p_resimulated",
    "effective_sample_size",
    "false_segments_per_mb_homogeneous",
    "false_segments_per_mb_shuffled",
    "flagged",
    "train_seconds",
    "train_bases_per_second",
    "predict_bases_per_second",
    "train_peak_mb",
    "train_peak_gpu_mb",
    "predict_peak_mb",
    "predict_peak_gpu_mb",
    "device",
)
#: Columns of means over the seeds of a tagger, and of what; empty where it has one seed.
SEED_MEANS = {
    f"{name}_seed_mean": name
    for name in (
        "accuracy",
        "cross_entropy",
        "kl_exact",
        "attained",
        "attained_filtered",
        "false_segments_per_mb_homogeneous",
        "false_segments_per_mb_shuffled",
    )
}
#: The columns of comparison.tsv.
COLUMNS = (
    *FIRST_COLUMNS,
    *(name for name in FIGURES if name not in FIRST_COLUMNS),
    *(name for name in NUMBERS if name not in FIRST_COLUMNS),
    *(f"{name}_{end}" for name in FIGURES for end in ("low", "high")),
    *(UNMATCHED + name for name in OF_UNMATCHED),
    *(f"{UNMATCHED}{name}_{end}" for name in OF_UNMATCHED for end in ("low", "high")),
    *SEED_MEANS,
)

AnyPath = str | os.PathLike[str]


def comparison_row(
    metrics: dict[str, Any], timing: dict[str, Any], predict_timing: dict[str, Any]
) -> dict[str, Any]:
    """Return a tagger's row of the comparison; None where a column does not apply.

    Parameters
    ----------
    metrics, timing, predict_timing : dict
        The content of metrics.json, timing.json and predict_timing.json; an empty dict where
        there is no such file.
    """
    row = dict.fromkeys(COLUMNS)
    told = ("dataset", "tagger", "seed", "kind", "decoding", "parameters")
    row |= {name: metrics[name] for name in told}
    row |= {name: found_at(metrics, place) for name, place in NUMBERS.items()}
    places: list[tuple[str, Mapping[str, Any], tuple[str | int, ...]]]
    figures = figures_of(metrics)
    places = [(name, metrics, place) for name, place in figures.items()]
    if elsewhere := unmatched_measures(metrics):
        places += [
            (UNMATCHED + name, elsewhere, figures[name]) for name in OF_UNMATCHED if name in figures
        ]
    for name, measures, place in places:
        figure = found_at(measures, place)
        if figure is not None:
            row |= {name: figure["value"]}
            row |= {f"{name}_{end}": figure[end] for end in ("low", "high")}
    controls = {name: found for name, found in (metrics["controls"] or {}).items() if found}
    for name, found in controls.items():
        row[f"false_segments_per_mb_{name}"] = found["per_mb"]["value"]
    row["flagged"] = ",".join(name for name, found in controls.items() if found["flagged"])
    row["train_seconds"] = timing.get("train_seconds")
    row["train_bases_per_second"] = timing.get("train_bases_per_second")
    row["predict_bases_per_second"] = predict_timing.get("predict_bases_per_second")
    for stage, clock in (("train", timing), ("predict", predict_timing)):
        row[f"{stage}_peak_mb"] = _megabytes(clock.get("peak_memory_bytes"))
        row[f"{stage}_peak_gpu_mb"] = _megabytes(clock.get("peak_gpu_memory_bytes"))
    row["device"] = timing.get("device")
    return row


def add_seed_means(rows: Sequence[dict[str, Any]]) -> None:
    """Fill in the means over seeds, those of `SEED_MEANS`, of taggers that have several rows."""
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["dataset"], row["tagger"]), []).append(row)
    for group in groups.values():
        for column, name in SEED_MEANS.items():
            values = [row[name] for row in group if row[name] is not None]
            if len(values) > 1:
                for row in group:
                    row[column] = sum(values) / len(values)


def write_comparison(
    path: AnyPath,
    taggers: Iterable[tuple[AnyPath, AnyPath | None, AnyPath | None]],
) -> None:
    """Write comparison.tsv: a row for each tagger, in the order given.

    Parameters
    ----------
    path : path-like
        The target.
    taggers : iterable of (path-like, path-like or None, path-like or None)
        metrics.json, timing.json and predict_timing.json of each.
    """
    rows, every = [], []
    for files in taggers:
        contents = [read_json(file) if file is not None else {} for file in files]
        rows.append(comparison_row(*contents))
        every.append(contents[0])
    add_seed_means(rows)
    # A column of its own for each head that some tagger has.
    places = head_columns(sorted({head for metrics in every for head in heads_of(metrics)}))
    for row, metrics in zip(rows, every, strict=True):
        row |= {name: found_of_head(metrics, place) for name, place in places.items()}
    _write_rows(path, (*COLUMNS, *places), rows)


def write_differences(
    differences_path: AnyPath,
    variance_path: AnyPath,
    taggers: Iterable[tuple[AnyPath, AnyPath]],
    replicates: Sequence[Sequence[str]],
    *,
    seed: int,
) -> None:
    """Write differences.tsv, how taggers differ, and variance.tsv, where variance comes from.

    Parameters
    ----------
    differences_path, variance_path : path-like
        The targets.
    taggers : iterable of (path-like, path-like)
        metrics.json, which says whose they are, and units.npz of each.
    replicates : sequence of sequences of str
        Names of datasets that are draws of the same.
    seed : int
        Seed of the draws of intervals.

    Raises
    ------
    InputError
        Where two taggers of a dataset were scored on other bases.
    """
    runs = []
    for metrics_path, units_path in taggers:
        metrics = read_json(metrics_path)
        dataset, tagger, number = (metrics[key] for key in ("dataset", "tagger", "seed"))
        sums = UnitSums.read(units_path)
        runs.append(differences.Run(dataset, tagger, number, sums, units_path))
    rows = differences.difference_rows(runs, seed=seed)
    _write_rows(differences_path, differences.COLUMNS, rows)
    rows = variance_split.variance_rows(runs, replicates)
    _write_rows(variance_path, variance_split.COLUMNS, rows)


def _write_rows(path: AnyPath, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    lines = ["\t".join(columns)]
    lines += ["\t".join(cell(row[column]) for column in columns) for row in rows]
    with written_whole(path) as (place,):
        place.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_json(path: AnyPath) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read as JSON ({error})", file=Path(path)) from None
    return dict(content)


def _megabytes(size: int | None) -> float | None:
    return None if size is None else round(size / 1e6, 1)


def cell(value: Any) -> str:
    """Return a number with ten digits, a text as it is, nothing for None."""
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
