"""The best points of a sweep, and what they cost.

What somebody chooses is a tagger; the datasets of a sweep are what it is given. So a point is a
tagger with its values, over all datasets and seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from basetag.report import numbers
from basetag.report.data import SweepResult
from basetag.report.page import Page
from basetag.report.sweep_front_charts import Costing, front_chart
from basetag.report.sweep_rows import (
    VALIDATION,
    Quality,
    Row,
    is_ceiling,
    over_seeds,
    quality_of,
    texts_of,
)

# With fewer points there is nothing to choose.
_FEWEST = 4
_BEST = 10
_ON_FRONT = 15


@dataclass(frozen=True)
class Candidate:
    """A tagger of a sweep with its values, over all of its datasets and seeds.

    Attributes
    ----------
    tagger : str
        Its own name.
    rows : list of mapping
    rank : float
        The lower, the better.
    quality : float
        Mean of the figure that is shown.
    seconds : float or None
        Mean time of a training; None where no clock was read.
    """

    tagger: str
    rows: list[Row]
    rank: float
    quality: float
    seconds: float | None


def best_view(page: Page, sweep: SweepResult) -> dict[str, Any] | None:
    """Return the table of the best points and the front of quality against cost.

    Returns
    -------
    dict or None
        `header` and `rows` (cells) of the best; `note` on them; `figure`, or None; `front`, the
        rows of those on it, with `front_header` and `front_note`. None where there are too few
        points to choose from.
    """
    rows = [row for row in sweep.rows if row["kind"] != "constant" and not is_ceiling(row)]
    if not rows:
        return None
    quality = quality_of(rows)
    candidates, partial = candidates_of(rows, quality)
    if len(candidates) < _FEWEST:
        return None
    best = candidates[:_BEST]
    front = pareto_front(candidates, quality)
    n_datasets = len({row["dataset"] for row in candidates[0].rows})
    over = f", over {n_datasets:,} datasets" if n_datasets > 1 else ""
    note = f"The best {len(best)} of {len(candidates):,} points{over}, {quality.chosen_by}."
    seeds = max(len({row["seed"] for row in one.rows}) for one in candidates)
    of = [text for n, text in ((n_datasets, "datasets"), (seeds, "seeds")) if n > 1]
    ends = f"all {' and '.join(of)}" if n_datasets > 1 else "the 95 % intervals"
    if n_datasets == 1 and seeds > 1:
        ends += " of all seeds together"
    note += f" “from” and “to” are the ends of {ends}."
    if not quality.on_validation:
        note += (
            " The figures are of the same bases, and therefore flatter the best of so many: hold it"
            " against others on new data."
        )
    if partial:
        note += f" {partial:,} more were not made for all datasets, and are left out."
    shown = front if len(front) <= _ON_FRONT else spread_over(front, _ON_FRONT)
    names = {candidate.tagger for candidate in front}
    return {
        "header": _header(sweep, quality, best),
        "rows": [_cells(sweep, quality, one, best) for one in best],
        "note": note,
        "figure": _front_figure(page, sweep, quality, candidates, names),
        "front": [_cells(sweep, quality, one, shown) for one in shown],
        "front_header": _header(sweep, quality, shown),
        "front_note": ""
        if len(shown) == len(front)
        else f"{len(shown)} of the {len(front)} points on the front.",
    }


def candidates_of(rows: Sequence[Row], quality: Quality) -> tuple[list[Candidate], int]:
    """Return the taggers that every dataset has, the best first, and how many others there are."""
    by_tagger: dict[str, list[Row]] = {}
    for row in rows:
        by_tagger.setdefault(row["tagger"], []).append(row)
    most = max(len({row["dataset"] for row in own}) for own in by_tagger.values())
    candidates = []
    for tagger, own in by_tagger.items():
        by_dataset: dict[str, list[Row]] = {}
        for row in own:
            by_dataset.setdefault(row["dataset"], []).append(row)
        if len(by_dataset) < most:
            continue
        n = len(by_dataset)
        clock = [float(row["train_seconds"]) for row in own if row.get("train_seconds")]
        candidates.append(
            Candidate(
                tagger,
                own,
                sum(quality.rank(seeds) for seeds in by_dataset.values()) / n,
                sum(over_seeds(seeds, quality.column)[0] for seeds in by_dataset.values()) / n,
                sum(clock) / len(clock) if len(clock) == len(own) else None,
            )
        )
    candidates.sort(key=lambda candidate: (candidate.rank, candidate.tagger))
    return candidates, len(by_tagger) - len(candidates)


def pareto_front(candidates: Sequence[Candidate], quality: Quality) -> list[Candidate]:
    """Return those than which none is both cheaper and better, the cheapest first.

    What took no time that a clock could read is no training, and is left out.
    """
    sign = -1 if quality.more_is_better else 1
    timed = [candidate for candidate in candidates if candidate.seconds]
    timed.sort(key=lambda one: (one.seconds, sign * one.quality))
    front: list[Candidate] = []
    for candidate in timed:
        if not front or sign * candidate.quality < sign * front[-1].quality:
            front.append(candidate)
    return front


def spread_over(front: Sequence[Candidate], n: int) -> list[Candidate]:
    """Return `n` of a front, evenly spread, both ends among them."""
    return [front[round(i * (len(front) - 1) / (n - 1))] for i in range(n)]


def _header(sweep: SweepResult, quality: Quality, shown: Sequence[Candidate]) -> list[str]:
    header = ["tagger", *(axis.key for axis in _axes(sweep, shown))]
    if quality.on_validation:
        header.append("CE on validation (nats)")
    header.append("attained on test" if quality.more_is_better else "CE on test (nats)")
    return [*header, "from", "to", "parameters", "training"]


def _cells(
    sweep: SweepResult, quality: Quality, one: Candidate, shown: Sequence[Candidate]
) -> list[str]:
    first = one.rows[0]
    cells = [first["tagger_base"]]
    for axis in _axes(sweep, shown):
        texts = dict(zip(axis.values, texts_of(axis), strict=True))
        cells.append(texts.get(first[axis.column], ""))
    if quality.on_validation:
        cells.append(numbers.nats(over_seeds(one.rows, VALIDATION)[0]))
    low, high = _ends(one, quality)
    cells.append(quality.text(one.quality, 2))
    cells += ["" if end is None else quality.text(end, 2) for end in (low, high)]
    counts = {row.get("parameters", "") for row in one.rows} - {""}
    cells.append(" to ".join(numbers.count(n) for n in _range(float(text) for text in counts)))
    cells.append("" if one.seconds is None else numbers.duration(one.seconds))
    return cells


def _axes(sweep: SweepResult, shown: Sequence[Candidate]) -> list[Any]:
    """Return what the taggers that are shown vary."""
    return [
        axis
        for axis in sweep.axes
        if not axis.of_dataset
        and len(axis.values) > 1
        and any(row[axis.column] for one in shown for row in one.rows)
    ]


def _ends(one: Candidate, quality: Quality) -> tuple[float | None, float | None]:
    """Return the ends of the intervals of all seeds; of several datasets those of the means."""
    if len({row["dataset"] for row in one.rows}) == 1:
        return over_seeds(one.rows, quality.column)[1:]
    values = [float(row[quality.column]) for row in one.rows]
    return min(values), max(values)


def _range(values: Any) -> list[float]:
    found = sorted(set(values))
    return found if len(found) < 2 else [found[0], found[-1]]


def _front_figure(
    page: Page,
    sweep: SweepResult,
    quality: Quality,
    candidates: Sequence[Candidate],
    front: set[str],
) -> dict[str, Any] | None:
    points = [
        Costing(one.tagger, one.rows[0]["kind"], one.seconds, one.quality, one.tagger in front)
        for one in candidates
        if one.seconds and math.isfinite(one.quality)
    ]
    if len(points) < _FEWEST:
        return None
    on_front = sum(point.on_front for point in points)
    told = (
        f"{on_front:,} of {len(points):,} points are on the front: none is both cheaper and better."
    )
    caption = (
        f"{sweep.name}: {quality.title} on the test split against the time of a training. {told} "
        "Of so many points, the front is also where luck is; two neighbours on it can be alike."
    )
    # Baselines are fitted on the CPU everywhere.
    trained = [row for one in candidates for row in one.rows if row["kind"] == "network"]
    devices = sorted({row.get("device", "") for row in trained} - {""})
    if len(devices) > 1:
        caption += f" Trainings ran on different devices ({'; '.join(devices)}): their times do not"
        caption += " compare."
    chart = front_chart(
        points,
        quality.title,
        more_is_better=quality.more_is_better,
        description=f"{quality.title} of the points of the sweep {sweep.name} against the seconds "
        f"of a training. {told}",
    )
    return page.figure(chart, sweep.name, "sweep-front", caption)
