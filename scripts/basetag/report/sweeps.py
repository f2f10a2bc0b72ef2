"""The sweeps: how good taggers are along what is varied, and who is better where."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from basetag.report import numbers
from basetag.report.data import Axis, ReportData, SweepResult
from basetag.report.page import Page
from basetag.report.sweep_charts import Along, Cell, Point, lines_chart, map_chart

#: The tagger that networks are held against in the map, where a sweep has it.
RIVAL = "hmm_counts"
# More axes than this have no figure along each one: the panels would be too many.
_MOST_ALONG = 2
_MOST_PANELS = 24
# An axis of numbers stands on powers from this many decades on.
_DECADES = 2
_NAT = 1e-9

_Row = Mapping[str, str]
# Mean over seeds, and the ends.
_Figure = tuple[float, float | None, float | None]


def sweep_views(page: Page, data: ReportData) -> list[dict[str, Any]]:
    """Return the sentences and figures of each sweep."""
    return [_sweep_view(page, sweep) for sweep in data.sweeps]


def _sweep_view(page: Page, sweep: SweepResult) -> dict[str, Any]:
    axes = [axis for axis in sweep.axes if len(axis.values) > 1]
    figures = []
    if axes and len(axes) <= _MOST_ALONG:
        along = [_lines_figure(page, sweep, axis, axes) for axis in axes]
        figures += [figure for figure in along if figure is not None]
    sentences = [_what_varies(sweep, axes)]
    maps = []
    if len(axes) > 1:
        maps = [_map_figure(page, sweep, network, axes) for network in networks_of(sweep)]
        sentences += [sentence for _, sentence in maps]
    figures += [figure for figure, _ in maps if figure is not None]
    if not figures:
        sentences.append("There is nothing to draw; the table has all figures.")
    return {"name": sweep.name, "sentences": sentences, "figures": figures}


def _what_varies(sweep: SweepResult, axes: Sequence[Axis]) -> str:
    parts = [
        f"{axis.key} of {'datasets' if axis.of_dataset else 'taggers'} ({', '.join(_texts(axis))})"
        for axis in axes
    ]
    fixed = [f"{axis.key} is {_texts(axis)[0]}" for axis in sweep.axes if len(axis.values) == 1]
    told = f"What varies: {'; '.join(parts)}." if parts else "Nothing takes more than one value."
    if fixed:
        told += f" Throughout, {' and '.join(fixed)}."
    return f"{told} All {len(sweep.rows)} rows are in results/sweeps/{sweep.name}.tsv."


def networks_of(sweep: SweepResult) -> list[str]:
    """Return the networks of a sweep, as its config calls them."""
    return list(dict.fromkeys(row["tagger_base"] for row in sweep.rows if row["kind"] == "network"))


def rival_of(sweep: SweepResult) -> str | None:
    """Return the tagger that networks are held against: `hmm_counts`, or another fitted HMM."""
    names = [
        row["tagger_base"] for row in sweep.rows if row["kind"] == "hmm" and not _is_ceiling(row)
    ]
    return RIVAL if RIVAL in names else next(iter(names), None)


def _is_ceiling(row: _Row) -> bool:
    """Say whether a row is that of the exact or the filtered posterior itself."""
    known = [row.get(key, "") for key in ("kl_exact", "kl_filtered")]
    return row["kind"] == "hmm" and any(text and abs(float(text)) < _NAT for text in known)


# ---- along one axis


def _lines_figure(
    page: Page, sweep: SweepResult, axis: Axis, axes: Sequence[Axis]
) -> dict[str, Any] | None:
    known = all(row["kl_exact"] for row in sweep.rows)
    column = "kl_exact" if known else "cross_entropy"
    measure = "KL from exact (nats per base)" if known else "Cross-entropy (nats per base)"
    others = [other for other in axes if other is not axis]
    other = others[0] if others else None
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
        _along(axis),
        measure,
        "" if other is None else f"{_short(other)} =",
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
    groups: dict[tuple[str, str, str], list[_Row]] = {}
    for row in sweep.rows:
        if not row[column] or (column == "kl_exact" and _is_exact(row)):
            continue
        facets = (
            [""] if other is None else [row[other.column]] if row[other.column] else other.values
        )
        for facet in facets:
            groups.setdefault((row["tagger_base"], facet, row[axis.column]), []).append(row)
    texts = {} if other is None else dict(zip(other.values, _texts(other), strict=True))
    order = {value: number for number, value in enumerate(other.values if other else [""])}
    points = []
    for (tagger, facet, at), rows in groups.items():
        value, low, high = over_seeds(rows, column, spread=True)
        seeds = len({row["seed"] for row in rows})
        points.append(Point(tagger, texts.get(facet, ""), at or None, value, low, high, seeds))
    rank = {text: order[value] for value, text in texts.items()} or {"": 0}
    return sorted(points, key=lambda point: rank[point.facet])


def _is_exact(row: _Row) -> bool:
    return row["kind"] == "hmm" and abs(float(row["kl_exact"])) < _NAT


def over_seeds(rows: Sequence[_Row], column: str, *, spread: bool = False) -> _Figure:
    """Return the mean over seeds, with ends.

    Of one seed they are those of its 95 % interval. Of several they are, with `spread`, the
    smallest and the largest value, and else the ends of all their intervals together.
    """
    values = [float(row[column]) for row in rows]
    mean = sum(values) / len(values)
    if spread and len(rows) > 1:
        return mean, min(values), max(values)
    ends = [(row.get(f"{column}_low", ""), row.get(f"{column}_high", "")) for row in rows]
    if not all(low and high for low, high in ends):
        return mean, None, None
    return mean, min(float(low) for low, _ in ends), max(float(high) for _, high in ends)


# ---- who is better where


def _map_figure(
    page: Page, sweep: SweepResult, network: str, axes: Sequence[Axis]
) -> tuple[dict[str, Any] | None, str]:
    rival = rival_of(sweep)
    if rival is None:
        return None, f"No fitted HMM is in the sweep to hold {network} against."
    own = [row for row in sweep.rows if row["tagger_base"] == network]
    # An axis that neither of the two varies leaves nothing to draw.
    of_two = [axis for axis in axes if any(row[axis.column] for row in own)]
    if len(of_two) < 2:
        return None, f"{network} varies along one axis alone: no map of it."
    x, y, *facets = of_two
    cells, best_of_several = cells_of(sweep, network, rival, of_two)
    panels = list(dict.fromkeys(cell.facet for cell in cells))
    if not cells or len(panels) > _MOST_PANELS:
        return None, f"The map of {network} would have {len(panels)} panels, and is not drawn."
    sentence = count_sentence(cells, network, rival)
    chart = map_chart(
        cells,
        _along(x),
        _along(y),
        ", ".join(f"{_short(axis)}" for axis in facets) + (" =" if facets else ""),
        network=network,
        rival=rival,
        description=f"Cross-entropy of {network} less that of {rival}, nats per base, over "
        f"{' and '.join(axis.key for axis in of_two)}, sweep {sweep.name}. {sentence}",
    )
    seeds = len({row["seed"] for row in own})
    mean, overlap = "", "both 95 % intervals overlap"
    if seeds > 1:
        mean = ", mean over seeds"
        overlap = (
            f"the interval of {rival} overlaps what those of the {seeds} seeds of {network} span"
        )
    caption = (
        f"{sweep.name}: who labels better, {network} or {rival}, and by how many nats per base (CE "
        f"of {network} less that of {rival} on the same test bases{mean}). “tie”: {overlap}. That "
        "is cautious: the difference on the same bases is known better than either figure."
    )
    if best_of_several:
        caption += f" {rival} varies, too: at each point its best stands."
    return page.figure(chart, sweep.name, f"sweep-map-{network}", caption), sentence


def cells_of(
    sweep: SweepResult, network: str, rival: str, axes: Sequence[Axis]
) -> tuple[list[Cell], bool]:
    """Return the cells of the map, and whether a rival had to be chosen of several."""
    x, y, *facets = axes
    texts = {axis.column: dict(zip(axis.values, _texts(axis), strict=True)) for axis in axes}
    groups: dict[tuple[str, ...], list[_Row]] = {}
    for row in sweep.rows:
        if row["tagger_base"] == network:
            values = (row["dataset"], *(row[axis.column] for axis in axes))
            if all(values):
                groups.setdefault(values, []).append(row)
    cells = []
    several = False
    for rows in groups.values():
        first = rows[0]
        rivals = _rivals(sweep, rival, first)
        if not rivals:
            continue
        several |= len(rivals) > 1
        own = over_seeds(rows, "cross_entropy")
        other = min(over_seeds(same, "cross_entropy") for same in rivals)
        difference = own[0] - other[0]
        cells.append(
            Cell(
                texts[x.column][first[x.column]],
                texts[y.column][first[y.column]],
                ", ".join(texts[axis.column][first[axis.column]] for axis in facets),
                difference,
                winner_of(own, other, network, rival),
                own,
                other,
                ("+" if difference > 0 else "") + numbers.nats(difference),
            )
        )
    places = [{text: i for i, text in enumerate(_texts(axis))} for axis in axes]
    by_facet = {
        ", ".join(combination): number
        for number, combination in enumerate(itertools.product(*(place for place in places[2:])))
    }
    cells.sort(key=lambda c: (by_facet[c.facet], places[0][c.x], places[1][c.y]))
    return cells, several


def _rivals(sweep: SweepResult, rival: str, own: _Row) -> list[list[_Row]]:
    """Return the rival's rows on a network's data, by its variants; seeds stand together.

    Of what both vary they have the same value.
    """
    of_taggers = [axis.column for axis in sweep.axes if not axis.of_dataset]
    found: dict[str, list[_Row]] = {}
    for row in sweep.rows:
        if row["tagger_base"] == rival and row["dataset"] == own["dataset"]:
            pairs = [(row[column], own[column]) for column in of_taggers]
            if all(mine == other for mine, other in pairs if mine and other):
                found.setdefault(row["tagger"], []).append(row)
    return list(found.values())


def winner_of(own: _Figure, other: _Figure, network: str, rival: str) -> str:
    """Return the name of who has less cross-entropy; `tie` where the intervals overlap."""
    if own[1] is None or own[2] is None or other[1] is None or other[2] is None:
        return f"{network if own[0] < other[0] else rival}?"
    if own[2] < other[1]:
        return network
    return rival if other[2] < own[1] else "tie"


def count_sentence(cells: Sequence[Cell], network: str, rival: str) -> str:
    """Say how many cells of the map each of the two has."""
    counts = {name: sum(cell.winner == name for cell in cells) for name in (network, rival, "tie")}
    sentence = (
        f"{network} against {rival}: of {len(cells)} points, {network} is better at "
        f"{counts[network]}, {rival} at {counts[rival]}; at {counts['tie']} their intervals "
        "overlap (a tie)."
    )
    unsure = len(cells) - sum(counts.values())
    if unsure:
        sentence += (
            f" At {unsure} there is no interval to tell by (too few records): the lower one has a "
            "question mark."
        )
    return sentence


# ---- axes


def _along(axis: Axis) -> Along:
    title = axis.key if axis.unit in ("", axis.key) else f"{axis.key} ({axis.unit})"
    values, texts = list(axis.values), _texts(axis)
    if not axis.numeric:
        return Along(title, values, texts, False, False)
    sizes = [float(value) for value in values]
    order = sorted(range(len(values)), key=lambda i: sizes[i])
    positive = min(sizes) > 0
    wide = positive and math.log10(max(sizes) / min(sizes)) >= _DECADES
    powers = wide or (positive and _is_bases(axis))
    return Along(title, [values[i] for i in order], [texts[i] for i in order], powers, True)


def _is_bases(axis: Axis) -> bool:
    return axis.unit == "bases"


def _texts(axis: Axis) -> list[str]:
    """Return the values of an axis as they are written, each another."""
    texts = [_text(axis, value) for value in axis.values]
    return texts if len(set(texts)) == len(texts) else list(axis.values)


def _text(axis: Axis, value: str) -> str:
    if not axis.numeric:
        return value
    number = float(value)
    if _is_bases(axis) and number >= 1000:
        return numbers.bases(number)
    return f"{number:,.10g}".replace("-", numbers.MINUS)


def _short(axis: Axis) -> str:
    return axis.key.rpartition(".")[2] if axis.of_dataset else axis.key
