"""The sweeps: the best points, how good taggers are along what varies, and who is better where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from basetag.report.cross_validation import FOLDS, cross_validation_view
from basetag.report.data import Axis, ReportData, SweepResult
from basetag.report.page import Page
from basetag.report.sweep_best import best_view
from basetag.report.sweep_charts import Point, lines_chart
from basetag.report.sweep_maps import map_figure
from basetag.report.sweep_rows import (
    NAT,
    Row,
    along_of,
    networks_of,
    over_seeds,
    short_name,
    texts_of,
)

# More axes than this have no figure along each one, and more panels are in the map alone.
_MOST_ALONG = 2
_MOST_PANELS = 6
# Of more values of an axis the first and the last are named.
_MOST_VALUES = 24


def sweep_views(page: Page, data: ReportData) -> list[dict[str, Any]]:
    """Return the sentences, the best points and the figures of each sweep."""
    return [_sweep_view(page, data, sweep) for sweep in data.sweeps]


def _sweep_view(page: Page, data: ReportData, sweep: SweepResult) -> dict[str, Any]:
    varied = [axis for axis in sweep.axes if len(axis.values) > 1]
    # Along folds nothing gets better or worse; they are taken together.
    axes = [axis for axis in varied if axis.column != FOLDS]
    folds = cross_validation_view(data, sweep)
    best = best_view(page, sweep) if axes or folds is None else None
    figures = []
    if axes and len(axes) <= _MOST_ALONG:
        along = [_lines_figure(page, sweep, axis, axes) for axis in axes]
        figures += [figure for figure in along if figure is not None]
    sentences = [_what_varies(sweep, varied)]
    maps = []
    if len(axes) > 1:
        maps = [map_figure(page, sweep, network, axes) for network in networks_of(sweep)]
        sentences += [sentence for _, sentence in maps]
    figures += [figure for figure, _ in maps if figure is not None]
    if not figures and best is None and folds is None:
        sentences.append("There is nothing to draw; the table has all figures.")
    return {
        "name": sweep.name,
        "sentences": sentences,
        "folds": folds,
        "best": best,
        "figures": figures,
    }


def _what_varies(sweep: SweepResult, axes: Sequence[Axis]) -> str:
    parts = []
    for axis in axes:
        whose = "datasets" if axis.of_dataset else "taggers"
        texts = texts_of(axis)
        if len(texts) > _MOST_VALUES:
            texts = [texts[0], texts[1], "…", texts[-1]]
        parts.append(f"{axis.key} of {whose} ({', '.join(texts)})")
    fixed = [f"{axis.key} is {texts_of(axis)[0]}" for axis in sweep.axes if len(axis.values) == 1]
    told = f"What varies: {'; '.join(parts)}." if parts else "Nothing takes more than one value."
    if fixed:
        told += f" Throughout, {' and '.join(fixed)}."
    return f"{told} All {len(sweep.rows):,} rows are in results/sweeps/{sweep.name}.tsv."


# ---- along one axis


def _lines_figure(
    page: Page, sweep: SweepResult, axis: Axis, axes: Sequence[Axis]
) -> dict[str, Any] | None:
    known = all(row["kl_exact"] for row in sweep.rows)
    column = "kl_exact" if known else "cross_entropy"
    measure = "KL from exact (nats per base)" if known else "Cross-entropy (nats per base)"
    others = [other for other in axes if other is not axis]
    other = others[0] if others else None
    if other is not None and len(other.values) > _MOST_PANELS:
        return None
    points = points_along(sweep, axis, other, column)
    if not points:
        return None
    seeds = max(point.seeds for point in points)
    against = (
        "the exact posterior is at 0, the best possible"
        if known
        else "the best possible is not known for all of this data"
    )
    interval = "95 % intervals over the units of the test split"
    noise = f"bars are {interval}"
    if seeds > 1:
        noise = f"bars are the range over {seeds} seeds, points their mean"
        if any(point.seeds == 1 and point.low is not None for point in points):
            noise += f"; of what has no seeds, {interval}"
    if all(point.low is None for point in points):
        noise = "there are no intervals: too few records, or this measure has none here"
    dashed = (
        " A dashed line is a tagger in which this does not vary."
        if any(point.at is None for point in points)
        else ""
    )
    chart = lines_chart(
        points,
        along_of(axis),
        measure,
        "" if other is None else f"{short_name(other)} =",
        from_zero=known,
        description=f"{measure} of each tagger along {axis.key}, sweep {sweep.name}.",
    )
    return page.figure(
        chart,
        sweep.name,
        f"sweep-{axis.column.replace('.', '-')}",
        f"{sweep.name}: {measure}, less is better, along {axis.key}; {against}; {noise}.{dashed}",
    )


def points_along(sweep: SweepResult, axis: Axis, other: Axis | None, column: str) -> list[Point]:
    """Return each tagger's figure at each value of an axis, its panel by another axis."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in sweep.rows:
        if not row[column] or (column == "kl_exact" and _is_exact(row)):
            continue
        facets = (
            [""] if other is None else [row[other.column]] if row[other.column] else other.values
        )
        for facet in facets:
            groups.setdefault((row["tagger_base"], facet, row[axis.column]), []).append(row)
    texts = {} if other is None else dict(zip(other.values, texts_of(other), strict=True))
    order = {value: number for number, value in enumerate(other.values if other else [""])}
    points = []
    for (tagger, facet, at), rows in groups.items():
        value, low, high = over_seeds(rows, column, spread=True)
        seeds = len({row["seed"] for row in rows})
        points.append(Point(tagger, texts.get(facet, ""), at or None, value, low, high, seeds))
    rank = {text: order[value] for value, text in texts.items()} or {"": 0}
    return sorted(points, key=lambda point: rank[point.facet])


def _is_exact(row: Row) -> bool:
    return row["kind"] == "hmm" and abs(float(row["kl_exact"])) < NAT
