"""Which taggers differ, on the same bases, and what a figure varies with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from basetag.report import difference_charts, numbers
from basetag.report.counted import Counted, counted, has_segments
from basetag.report.data import DatasetResult, ReportData, TaggerResult
from basetag.report.difference_charts import Difference
from basetag.report.drawing import Rows
from basetag.report.numbers import signed
from basetag.report.page import Page


class _Measure(NamedTuple):
    name: str
    unit: str
    more_is_better: bool


# What stands for the words of `Counted` is filled in.
_MEASURES = {
    "accuracy": _Measure("accuracy", "share of {many}", True),
    "cross_entropy": _Measure("cross-entropy", "nats per {one}", False),
    "mean_squared_error": _Measure("mean squared error", "", False),
    "kl_exact": _Measure("KL from the exact posterior", "nats per {one}", False),
    "segment_f1": _Measure("segment F1", "", True),
}
_OF_SEGMENTS = ("segment_f1",)
_SAME, _UNKNOWN = "cannot be told apart", "not tested"
# From this number of seeds or datasets on, the variance between them is more than a rough figure.
_FEW = 5

Row = Mapping[str, str]


def differences_view(
    page: Page, dataset: DatasetResult, data: ReportData, networks: Mapping[str, TaggerResult]
) -> dict[str, Any] | None:
    """Return a panel for each measure: sentences, differences from the best network, variance."""
    rows = [row for row in data.differences if row["dataset"] == dataset.name]
    variances = [row for row in data.variances if dataset.name in row["datasets"].split(",")]
    of_networks = list(dict.fromkeys(result.tagger for result in networks.values()))
    panels = []
    for name, measure in _MEASURES.items():
        pairs = [row for row in rows if row["measure"] == name]
        if name in _OF_SEGMENTS and not has_segments(dataset.results[0].metrics):
            continue
        if not pairs:
            continue
        best = best_of(of_networks, pairs, measure.more_is_better)
        found = differences_from(best, pairs, measure.more_is_better)
        panels.append(
            {
                "id": name,
                "measure": measure.name,
                "sentences": difference_sentences(best, measure.name, found),
                "figure": _difference_figure(page, dataset, name, best, found, pairs),
                "variance": _variance_view(
                    page, dataset, name, [row for row in variances if row["measure"] == name]
                ),
            }
        )
    return {"panels": panels} if panels else None


def best_of(networks: Sequence[str], pairs: Sequence[Row], more_is_better: bool) -> str:
    """Return the network that no other of them is better than, by the rows of one measure.

    Where there is none with a row, the tagger that stands first.
    """
    known = {row[side] for row in pairs for side in ("tagger", "other")}
    listed = [name for name in networks if name in known] or [pairs[0]["tagger"]]
    best = listed[0]
    for name in listed[1:]:
        above = next(d.value for d in differences_from(best, pairs, True) if d.tagger == name)
        if above > 0 if more_is_better else above < 0:
            best = name
    return best


def differences_from(best: str, pairs: Sequence[Row], more_is_better: bool) -> list[Difference]:
    """Return what each tagger's figure is above that of `best`, the greatest on top.

    Parameters
    ----------
    best : str
        Name of a tagger.
    pairs : sequence of mapping
        Rows of differences.tsv, of one dataset and measure; each pair stands there once, and is
        turned round where `best` stands first.
    more_is_better : bool
        Whether a tagger above another is the better one.
    """
    found = []
    for row in pairs:
        if best not in (row["tagger"], row["other"]):
            continue
        turned = row["tagger"] == best
        ends = [float(row[end]) if row[end] else None for end in ("low", "high")]
        value, sign = float(row["difference"]), 1.0
        if turned:
            ends, sign = ends[::-1], -1.0
        low, high = (None if end is None else sign * end for end in ends)
        value *= sign
        above = low is not None and low > 0
        below = high is not None and high < 0
        verdict = _SAME if low is not None else _UNKNOWN
        if above or below:
            verdict = "better" if above is more_is_better else "worse"
        text = signed(value)
        if low is not None and high is not None:
            text += f" ({signed(low)} to {signed(high)})"
        found.append(
            Difference(row["other"] if turned else row["tagger"], value, low, high, verdict, text)
        )
    return sorted(found, key=lambda d: (d.value if not more_is_better else -d.value, d.tagger))


def difference_sentences(best: str, measure: str, found: Sequence[Difference]) -> list[str]:
    """Say which taggers differ from `best` beyond their interval, and which do not."""
    sentences = []
    for verdict in ("better", "worse", _SAME, _UNKNOWN):
        own = [d for d in found if d.verdict == verdict]
        if not own:
            continue
        listed = ", ".join(f"{d.tagger} ({signed(d.value)})" for d in own)
        if verdict == _SAME:
            sentences.append(f"Cannot be told from {best} by this test: {listed}.")
        elif verdict == _UNKNOWN:
            sentences.append(f"Without an interval, and so not tested against {best}: {listed}.")
        else:
            sentences.append(f"{verdict.capitalize()} than {best} beyond the interval: {listed}.")
    return sentences


def _difference_figure(
    page: Page,
    dataset: DatasetResult,
    name: str,
    best: str,
    found: Sequence[Difference],
    pairs: Sequence[Row],
) -> dict[str, Any]:
    measure = _MEASURES[name]
    words = counted(dataset.results[0].metrics)
    unit = _unit(measure, words)
    better = "right" if measure.more_is_better else "left"
    listed: Rows = [
        [row["tagger"], row["other"], *(_number(row[key]) for key in ("difference", "low", "high"))]
        for row in pairs
    ]
    units = numbers.count(int(pairs[0]["units"]))
    bars = f"Bars are 95 % intervals of the paired difference, over {units} units."
    if all(pair["low"] == "" for pair in pairs):
        bars = f"There are no intervals: {units} units are too few."
    chart = difference_charts.difference_chart(
        found,
        listed,
        f"Difference in {measure.name}{unit}; the axis is stretched around 0",
        description=f"Difference in {measure.name} of each tagger on {dataset.name} from {best}. "
        f"{' '.join(difference_sentences(best, measure.name, found))}",
    )
    return page.figure(
        chart,
        dataset.name,
        f"differences-{name}",
        f"{dataset.name}: {measure.name} of each tagger less that of {best}, on the same "
        f"{words.many}; what is further {better} is better. {bars} Seeds of one tagger are taken "
        "together. The table behind has all pairs.",
    )


def _variance_view(
    page: Page, dataset: DatasetResult, name: str, rows: Sequence[Row]
) -> dict[str, Any] | None:
    """Return the chart of what a figure varies with, and what was not measured."""
    measure = _MEASURES[name]
    parts = [
        (row["tagger"], source, float(row[source.replace(" ", "_")]))
        for row in rows
        for source in difference_charts.SOURCES
        if row[source.replace(" ", "_")]
    ]
    if not parts:
        return None
    unit = _unit(measure, counted(dataset.results[0].metrics))
    chart = difference_charts.variance_chart(
        parts,
        f"Standard deviation of {measure.name}{unit}",
        description=f"How much the {measure.name} of each tagger on {dataset.name} varies with the "
        "test records, the initialisation and the data.",
    )
    figure = page.figure(
        chart,
        dataset.name,
        f"variance-{name}",
        f"{dataset.name}: how much {measure.name} would vary with other test records of the same "
        "data, with another initialisation (seed of the training) and with data drawn anew. "
        "Standard deviations; the table behind has the variances.",
    )
    return {
        "figure": figure,
        "sentences": variance_sentences(rows),
        "missing": missing_sources(rows),
    }


def variance_sentences(rows: Sequence[Row]) -> list[str]:
    """Say for each tagger with several known sources which part each has in the variance."""
    sentences = []
    for row in rows:
        parts = {
            source: float(row[source.replace(" ", "_")])
            for source in difference_charts.SOURCES
            if row[source.replace(" ", "_")]
        }
        total = sum(parts.values())
        if len(parts) > 1 and total > 0:
            shares = ", ".join(
                f"{source} makes {numbers.percent(part / total, 0)}"
                for source, part in parts.items()
            )
            sentences.append(
                f"{row['tagger']}: of the variance, {shares}; in all a standard deviation of "
                f"{numbers.nats(math.sqrt(total))}{_told_from(row)}."
            )
    return sentences


def _told_from(row: Row) -> str:
    """Return how many seeds and datasets a variance is told from, and whether these are few."""
    told = []
    for key, one in (("n_seeds", "seed"), ("n_datasets", "dataset")):
        if int(row[key]) > 1:
            few = ", a rough figure" if int(row[key]) < _FEW else ""
            told.append(f"{row[key]} {one}s{few}")
    return f" (from {' and '.join(told)})" if told else ""


def missing_sources(rows: Sequence[Row]) -> list[str]:
    """Say what is not measured, and how to have it measured."""
    sentences = []
    if any(not row["test_sampling"] for row in rows):
        sentences.append("Test sampling is not measured: the test split has too few units.")
    if not any(row["initialisation"] for row in rows):
        sentences.append(
            "Initialisation is not measured: train each network with two or more `seeds`."
        )
    if any(not row["data"] for row in rows):
        sentences.append(
            "Data are not measured: of a simulated dataset give a second one that differs from it "
            "only in “simulate.seed”."
        )
    return sentences


def _unit(measure: _Measure, words: Counted) -> str:
    unit = measure.unit.format(many=words.many, one=words.one)
    return f" ({unit})" if unit else ""


def _number(text: str) -> float | None:
    return float(text) if text else None
