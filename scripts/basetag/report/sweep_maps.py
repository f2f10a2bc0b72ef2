"""The maps of a sweep: who is better where, and where nobody is to be held against, how good."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from basetag.report import numbers
from basetag.report.data import Axis, SweepResult
from basetag.report.page import Page
from basetag.report.sweep_map_charts import Cell, Measured, map_chart, measure_map_chart
from basetag.report.sweep_rows import (
    Figure,
    Row,
    along_of,
    over_seeds,
    quality_of,
    rival_of,
    short_name,
    texts_of,
)

# A page has room for no more maps of one network.
_MOST_PANELS = 24


def map_figure(
    page: Page, sweep: SweepResult, network: str, axes: Sequence[Axis]
) -> tuple[dict[str, Any] | None, str]:
    """Return the map of a network, and a sentence on it; None where there is none to draw.

    Parameters
    ----------
    page : Page
        Takes in the chart.
    sweep : SweepResult
    network : str
        As the config calls it.
    axes : sequence of Axis
        Those of the sweep that take more than one value.
    """
    rival = rival_of(sweep)
    own = [row for row in sweep.rows if row["tagger_base"] == network]
    # An axis that neither of the two varies leaves nothing to draw.
    varied = [axis for axis in axes if any(row[axis.column] for row in own)]
    alone = f"No fitted HMM is in the sweep to hold {network} against."
    if len(varied) < 2:
        return None, alone if rival is None else f"{network} varies along one axis alone: no map."
    if rival is None:
        return _measure_figure(page, sweep, network, varied), alone
    cells, best_of_several = cells_of(sweep, network, rival, varied)
    sentence = count_sentence(cells, network, rival)
    if not cells or len({cell.facet for cell in cells}) > _MOST_PANELS:
        return _measure_figure(page, sweep, network, varied), sentence
    x, y, *facets = varied
    chart = map_chart(
        cells,
        along_of(x),
        along_of(y),
        _facet_title(facets),
        network=network,
        rival=rival,
        description=f"Cross-entropy of {network} less that of {rival}, nats per base, over "
        f"{' and '.join(axis.key for axis in varied)}, sweep {sweep.name}. {sentence}",
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
        f"of {network} less that of {rival} on the same test bases{mean}). “tie” or “=”: "
        f"{overlap}. That is cautious: the difference on the same bases is known better than "
        "either figure."
    )
    if best_of_several:
        caption += f" {rival} varies, too: at each point its best stands."
    return page.figure(chart, sweep.name, f"sweep-map-{network}", caption), sentence


def _facet_title(facets: Sequence[Axis]) -> str:
    return ", ".join(short_name(axis) for axis in facets) + (" =" if facets else "")


def cells_of(
    sweep: SweepResult, network: str, rival: str, axes: Sequence[Axis]
) -> tuple[list[Cell], bool]:
    """Return the cells of the map, and whether a rival had to be chosen of several."""
    x, y, *facets = axes
    texts = {axis.column: dict(zip(axis.values, texts_of(axis), strict=True)) for axis in axes}
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in sweep.rows:
        if row["tagger_base"] == network:
            values = (row["dataset"], *(row[axis.column] for axis in axes))
            if all(values):
                groups.setdefault(values, []).append(row)
    of_rival: dict[str, list[Row]] = {}
    for row in sweep.rows:
        if row["tagger_base"] == rival:
            of_rival.setdefault(row["dataset"], []).append(row)
    of_taggers = [axis.column for axis in sweep.axes if not axis.of_dataset]
    cells = []
    several = False
    for rows in groups.values():
        first = rows[0]
        rivals = _rivals(of_rival.get(first["dataset"], []), of_taggers, first)
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
    places = [{text: i for i, text in enumerate(texts_of(axis))} for axis in axes]
    by_facet = {
        ", ".join(combination): number
        for number, combination in enumerate(itertools.product(*(place for place in places[2:])))
    }
    cells.sort(key=lambda c: (by_facet[c.facet], places[0][c.x], places[1][c.y]))
    return cells, several


def _rivals(rows: Sequence[Row], of_taggers: Sequence[str], own: Row) -> list[list[Row]]:
    """Return the rival's rows on a network's data, by its variants; seeds stand together.

    Of what both vary they have the same value.
    """
    found: dict[str, list[Row]] = {}
    for row in rows:
        pairs = [(row[column], own[column]) for column in of_taggers]
        if all(mine == other for mine, other in pairs if mine and other):
            found.setdefault(row["tagger"], []).append(row)
    return list(found.values())


def winner_of(own: Figure, other: Figure, network: str, rival: str) -> str:
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


# ---- how good one network is


def _measure_figure(
    page: Page, sweep: SweepResult, network: str, varied: Sequence[Axis]
) -> dict[str, Any]:
    own = [row for row in sweep.rows if row["tagger_base"] == network]
    quality = quality_of(own)
    panels = 1
    for axis in varied[2:]:
        panels *= len(axis.values)
    x, y, *facets = varied
    folded: list[Axis] = []
    if panels > _MOST_PANELS:
        x, y = strongest(own, varied, quality.column)
        facets, folded = [], [axis for axis in varied if axis not in (x, y)]
    cells = measured_cells(own, x, y, facets)
    chart = measure_map_chart(
        cells,
        along_of(x),
        along_of(y),
        _facet_title(facets),
        measure=quality.title,
        more_is_better=quality.more_is_better,
        description=f"{quality.title} of {network} over {' and '.join(a.key for a in varied)}, "
        f"sweep {sweep.name}.",
    )
    caption = f"{sweep.name}: {quality.title} of {network}, yellow is the best."
    if len({row["seed"] for row in own}) > 1:
        caption += " Mean over seeds."
    if folded:
        names = " and ".join(axis.key for axis in folded)
        caption += f" {x.key} and {y.key} matter most. Of {names},"
        if any(not axis.of_dataset for axis in folded):
            caption += f" what is best {quality.chosen_by} stands in each square"
            caption += ", as a mean over datasets." if any(a.of_dataset for a in folded) else "."
        else:
            caption += " the mean stands in each square."
    return page.figure(chart, sweep.name, f"sweep-map-{network}", caption)


def strongest(rows: Sequence[Row], axes: Sequence[Axis], column: str) -> tuple[Axis, Axis]:
    """Return the two axes along which the mean of a column changes most, in their own order."""

    def spread(axis: Axis) -> float:
        by_value: dict[str, list[float]] = {}
        for row in rows:
            if row[axis.column]:
                by_value.setdefault(row[axis.column], []).append(float(row[column]))
        means = [sum(values) / len(values) for values in by_value.values()]
        return max(means) - min(means)

    chosen = sorted(axes, key=spread, reverse=True)[:2]
    first, second = (axis for axis in axes if axis in chosen)
    return first, second


def measured_cells(rows: Sequence[Row], x: Axis, y: Axis, facets: Sequence[Axis]) -> list[Measured]:
    """Return the squares of a map of one network.

    Where several of its points fall on one square, that of the best tagger stands there, chosen on
    validation where that is known; of several datasets, the mean.
    """
    quality = quality_of(rows)
    axes = (x, y, *facets)
    texts = {axis.column: dict(zip(axis.values, texts_of(axis), strict=True)) for axis in axes}
    squares: dict[tuple[str, ...], dict[str, dict[str, list[Row]]]] = {}
    for row in rows:
        place = tuple(row[axis.column] for axis in axes)
        if all(place):
            taggers = squares.setdefault(place, {}).setdefault(row["dataset"], {})
            taggers.setdefault(row["tagger"], []).append(row)
    cells = []
    for place, datasets in squares.items():
        best = [min(taggers.values(), key=quality.rank) for taggers in datasets.values()]
        value = sum(over_seeds(seeds, quality.column)[0] for seeds in best) / len(best)
        names = list(dict.fromkeys(seeds[0]["tagger"] for seeds in best))
        several = any(len(taggers) > 1 for taggers in datasets.values())
        own = [texts[axis.column][at] for axis, at in zip(axes, place, strict=True)]
        of = names[0] if several and len(names) == 1 else ""
        cells.append(Measured(own[0], own[1], ", ".join(own[2:]), value, quality.text(value), of))
    order = [{text: i for i, text in enumerate(texts_of(axis))} for axis in axes]
    cells.sort(
        key=lambda cell: [
            *(rank[t] for rank, t in zip(order[2:], cell.facet.split(", "), strict=False)),
            order[0][cell.x],
            order[1][cell.y],
        ]
    )
    return cells
