"""Cross-validation: a sweep over the folds of a split, its test splits taken together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scipy.stats import binomtest

from basetag.report import numbers
from basetag.report.counted import classifies, counted
from basetag.report.data import Axis, ReportData, SweepResult
from basetag.report.sweep_rows import Row, texts_of

#: The axis along which test splits change, and nothing else does.
FOLDS = "dataset.split.fold"


def cross_validation_view(data: ReportData, sweep: SweepResult) -> dict[str, Any] | None:
    """Return the table of what is right over all folds together; None without folds.

    Where sequences are classified, each is judged once, by a tagger that has not seen it, and the
    interval is Clopper and Pearson's (1934, Biometrika 26:404): that of so many independent trials.
    Bases of a fold are not independent, and have none.
    """
    folds = next((axis for axis in sweep.axes if axis.column == FOLDS), None)
    if folds is None or len(folds.values) < 2:
        return None
    others = [axis for axis in sweep.axes if axis is not folds and len(axis.values) > 1]
    metrics = {result.name: result.results[0].metrics for result in data.datasets}
    bases = {row["dataset_base"] for row in sweep.rows}
    words = counted(metrics[next(iter(bases))])
    independent = all(classifies(metrics[name]) for name in bases)
    rows = [
        _row(key, group, others, len(folds.values), independent=independent)
        for key, group in _groups(sweep, others).items()
    ]
    header = ["tagger", *(axis.key for axis in others), "folds", words.many, "errors", "accuracy"]
    header += ["95 % interval", "cross-entropy"] if independent else ["cross-entropy"]
    note = f"Each of {len(folds.values)} folds was the test split once, of a training without it."
    return {"header": header, "rows": rows, "note": note}


def _groups(sweep: SweepResult, others: Sequence[Axis]) -> dict[tuple[str, ...], list[Row]]:
    """Return the rows that differ in the fold alone, by tagger, values, seed and dataset."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in sweep.rows:
        whose = (row["tagger_base"], row["dataset_base"], row["seed"])
        key = (*whose, *(row[axis.column] for axis in others))
        groups.setdefault(key, []).append(row)
    return groups


def _row(
    key: tuple[str, ...], rows: Sequence[Row], others: Sequence[Axis], n_folds: int, *,
    independent: bool,
) -> list[str]:  # fmt: skip
    tagger, _, seed, *values = key
    tested = [int(row["test_bases"]) for row in rows]
    right = [float(row["accuracy"]) * n for row, n in zip(rows, tested, strict=True)]
    total, errors = sum(tested), sum(tested) - round(sum(right))
    loss = sum(float(row["cross_entropy"]) * n for row, n in zip(rows, tested, strict=True))
    texts = [
        dict(zip(axis.values, texts_of(axis), strict=True)).get(value, "")
        for axis, value in zip(others, values, strict=True)
    ]
    name = f"{tagger}, seed {seed}" if seed != "0" else tagger
    folds = f"{len(rows)} of {n_folds}" if len(rows) < n_folds else str(n_folds)
    cells = [name, *texts, folds, numbers.count(total), numbers.count(errors)]
    cells.append(numbers.percent(1 - errors / total))
    if independent:
        ends = binomtest(total - errors, total).proportion_ci(0.95, "exact")
        cells.append(f"{numbers.percent(ends.low)} to {numbers.percent(ends.high)}")
    return [*cells, numbers.nats(loss / total)]
