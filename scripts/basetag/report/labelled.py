"""What a start from another tagger's weights is worth, by how many labels there are to learn from.

Two taggers that differ in nothing but the weights that they start from are held against each other
at each number of labels, seed by seed: the seeds of both share their labels and their test split.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scipy.special import stdtrit

from basetag.report import labelled_charts, numbers
from basetag.report.data import ReportData
from basetag.report.labelled_charts import Mean
from basetag.report.page import Page

# Axes of datasets along which these have more or less of the same.
_SIZES = ("dataset.simulate.records", "dataset.simulate.length")
_COVERAGE = 0.95

Row = Mapping[str, str]


class _Measure(NamedTuple):
    column: str
    title: str
    in_percent: bool

    def text(self, value: float) -> str:
        return numbers.percent(value) if self.in_percent else numbers.ratio(value)

    def difference(self, value: float) -> str:
        size = numbers.points(value) if self.in_percent else numbers.ratio(value)
        return f"+{size}" if value > 0 else size


_ATTAINED = {
    True: _Measure("attained_filtered", "Attained of what one direction can", True),
    False: _Measure("attained", "Information attained", True),
}
_OTHERS = (_Measure("r2", "R²", False), _Measure("accuracy", "Accuracy", True))


class _Pair(NamedTuple):
    """Two taggers of one line each, at one number of labels: a value for each seed of both."""

    labels: int
    fresh: dict[int, float]
    started: dict[int, float]


class _Comparison(NamedTuple):
    """One kind of tagger on one kind of dataset, with and without a start."""

    dataset: str
    fresh: str
    started: str
    draws_labels: bool
    one_way: bool
    frozen: bool


def labelled_views(page: Page, data: ReportData) -> list[dict[str, Any]]:
    """Return the sentences, the table and the figures of each comparison; none without any."""
    rows = list(_rows(data))
    found: dict[_Comparison, list[tuple[Row, Row]]] = {}
    for start in data.starts:
        fresh, started = start["fresh_line"], start["line"]
        if fresh == started:
            started = f"{started}, started"
        by_run = {
            (dataset, row["dataset"], row["seed"]): row
            for dataset, row in rows
            if row["tagger"] == start["fresh"]
        }
        for dataset, row in rows:
            if row["tagger"] != start["tagger"]:
                continue
            other = by_run.get((dataset, row["dataset"], row["seed"]))
            if other is not None:
                comparison = _Comparison(
                    dataset,
                    fresh,
                    started,
                    start["draws_labels"],
                    start["one_way"],
                    start["frozen"],
                )
                found.setdefault(comparison, []).append((other, row))
    found = _joined(found)
    return [
        _view(page, number, comparison, pairs)
        for number, (comparison, pairs) in enumerate(found.items(), start=1)
    ]


def _joined(
    found: Mapping[_Comparison, list[tuple[Row, Row]]],
) -> dict[_Comparison, list[tuple[Row, Row]]]:
    """Return comparisons of the same lines as one, whether or not all of them draw labels."""
    joined: dict[_Comparison, list[tuple[Row, Row]]] = {}
    for comparison, pairs in found.items():
        same = next(
            (
                other
                for other in joined
                if other._replace(draws_labels=comparison.draws_labels) == comparison
            ),
            None,
        )
        if same is None:
            joined[comparison] = list(pairs)
        else:
            own = joined.pop(same)
            draws = same.draws_labels or comparison.draws_labels
            joined[same._replace(draws_labels=draws)] = own + list(pairs)
    return joined


def _rows(data: ReportData) -> Iterator[tuple[str, Row]]:
    """Yield each run's row once, with what its dataset is called, its size apart.

    Where letters tell the next ones there are no labels to be few.
    """
    seen = set()
    own = [(row, row["dataset"]) for row in data.comparison]
    for sweep in data.sweeps:
        axes = [axis.column for axis in sweep.axes if axis.of_dataset and axis.column not in _SIZES]
        for row in sweep.rows:
            varied = [f"{key.rpartition('.')[2]} {row[key]}" for key in axes if row[key]]
            own.append((row, ", ".join([row["dataset_base"], *varied])))
    for row, dataset in own:
        run = row["dataset"], row["tagger"], row["seed"]
        if run not in seen and row.get("learnt_labels") and not row.get("bits_per_token"):
            seen.add(run)
            yield dataset, row


def _view(
    page: Page, number: int, comparison: _Comparison, rows: Sequence[tuple[Row, Row]]
) -> dict[str, Any]:
    measure = _measure_of(comparison, rows)
    pairs = _pairs_of(measure.column, rows)
    means = [
        _below_one(Mean(name, pair.labels, *mean_over_seeds(own), own))
        for name, side in ((comparison.fresh, "fresh"), (comparison.started, "started"))
        for pair in pairs
        for own in (list(getattr(pair, side).values()),)
    ]
    differences = [
        Mean(comparison.started, pair.labels, *mean_over_seeds(own), own)
        for pair in pairs
        for own in ([pair.started[seed] - pair.fresh[seed] for seed in pair.fresh],)
    ]
    sentences = [_sentence(comparison, measure, found) for found in differences]
    seeds = (
        "weights, windows and which labels it has"
        if comparison.draws_labels
        else ("weights and windows")
    )
    kept = ", but some of its layers stay as they were" if comparison.frozen else ""
    note = (
        f"{comparison.started} starts from another tagger's weights, {comparison.fresh} does not; "
        f"architecture, training and labels are the same{kept}. A point is a seed, of both the "
        f"same: each draws its own {seeds}. Intervals are 95 % ones over seeds, by Student's t, "
        "each for itself. What is started from is the same in all seeds, and so is the test split: "
        "what chance has in those is not in the intervals. Labels of the validation split, by "
        "which weights are chosen, are not counted."
    )
    name = f"labelled-{number}"
    chart = labelled_charts.labelled_chart(
        means,
        measure.title,
        in_percent=measure.in_percent,
        description=f"{measure.title} on {comparison.dataset} by labels. {' '.join(sentences)}",
    )
    of_differences = labelled_charts.gain_chart(
        differences,
        [comparison.fresh, comparison.started],
        f"Difference ({'percentage points' if measure.in_percent else measure.title})",
        in_percent=measure.in_percent,
        description=f"{comparison.started} less {comparison.fresh} on {comparison.dataset}. "
        f"{' '.join(sentences)}",
    )
    key = page_key(comparison.dataset)
    return {
        "title": f"{comparison.dataset}: {comparison.started} and {comparison.fresh}",
        "sentences": sentences,
        "note": note,
        "header": ["labels", comparison.fresh, comparison.started, "difference", "seeds"],
        "rows": [
            [
                numbers.count(pair.labels),
                *(_cell(measure.text, _mean_at(means, name, pair.labels))
                  for name in (comparison.fresh, comparison.started)),
                _cell(measure.difference, difference),
                str(len(difference.values)),
            ]
            for pair, difference in zip(pairs, differences, strict=True)
        ],
        "figures": [
            page.figure(
                chart,
                key,
                name,
                f"{comparison.dataset}: {measure.title.lower()} on the test split by the labels "
                "that there were to learn from. Points are seeds, lines their means, bars 95 % "
                "intervals over seeds.",
            ),
            page.figure(
                of_differences,
                key,
                f"{name}-gain",
                f"{comparison.dataset}: {comparison.started} less {comparison.fresh}, seed by "
                "seed; above 0 the start is worth something. Bars are 95 % intervals over seeds.",
            ),
        ],
    }  # fmt: skip


def _below_one(mean: Mean) -> Mean:
    """Return a mean whose interval ends at 1: none of these measures is ever above."""
    return mean if mean.high is None else mean._replace(high=min(mean.high, 1.0))


def page_key(dataset: str) -> str:
    """Return a dataset's name with its axes as the name of a figure has it."""
    return "".join(x if x.isalnum() or x in "-_" else "_" for x in dataset)


def _mean_at(means: Sequence[Mean], name: str, labels: int) -> Mean:
    return next(mean for mean in means if (mean.name, mean.labels) == (name, labels))


def _measure_of(comparison: _Comparison, rows: Sequence[tuple[Row, Row]]) -> _Measure:
    """Return what there is for all rows: what is attained, or else R² or accuracy."""
    wanted = (_ATTAINED[comparison.one_way], _ATTAINED[False], *_OTHERS)
    return next(
        (m for m in wanted if all(row.get(m.column) for pair in rows for row in pair)), wanted[-1]
    )


def _pairs_of(column: str, rows: Sequence[tuple[Row, Row]]) -> list[_Pair]:
    """Return the values of both taggers by the number of labels, ascending."""
    pairs: dict[int, _Pair] = {}
    for fresh, started in rows:
        labels, seed = int(fresh["learnt_labels"]), int(fresh["seed"])
        pair = pairs.setdefault(labels, _Pair(labels, {}, {}))
        pair.fresh[seed] = float(fresh[column])
        pair.started[seed] = float(started[column])
    return [pairs[labels] for labels in sorted(pairs)]


def mean_over_seeds(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Return the mean of some figures and its 95 % interval by Student's t; None of one alone."""
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, None, None
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    half = float(stdtrit(n - 1, (1 + _COVERAGE) / 2)) * math.sqrt(variance / n)
    return mean, mean - half, mean + half


def _sentence(comparison: _Comparison, measure: _Measure, found: Mean) -> str:
    unit = " points" if measure.in_percent else ""
    start = f"With {numbers.count(found.labels)} labels"
    size = f"{measure.difference(found.value)}{unit}"
    if found.low is None or found.high is None:
        return (
            f"{start}, {comparison.started} is {size} from {comparison.fresh}; of one seed nobody "
            "knows how much of it is chance."
        )
    between = (
        f"{size}, {measure.difference(found.low)} to {measure.difference(found.high)}, "
        f"{len(found.values)} seeds"
    )
    if found.low > 0:
        return f"{start}, {comparison.started} is above {comparison.fresh} ({between})."
    if found.high < 0:
        return f"{start}, {comparison.started} is below {comparison.fresh} ({between})."
    return (
        f"{start}, {comparison.started} cannot be told from {comparison.fresh} ({between}): the "
        "interval spans 0."
    )


def _cell(text: Any, mean: Mean) -> str:
    if mean.low is None or mean.high is None:
        return str(text(mean.value))
    return f"{text(mean.value)} ({text(mean.low).removesuffix(' %')} to {text(mean.high)})"
