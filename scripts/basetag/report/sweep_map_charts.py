"""The report's maps of sweeps: over two axes, who is better where, or how good one tagger is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.drawing import DIVERGING_COLOURS, Chart, Rows, spec_of
from basetag.report.sweep_charts import Along

# A map of more squares has small ones, without words: a pointer tells what they hold.
_MOST_WRITTEN = 60
_SMALL = 24  # pixels of such a square
_PAGE = 900
#: From the worst to the best (Viridis, van der Walt & Smith 2015, its two ends left out).
SEQUENTIAL_COLOURS = ("#46327E", "#365C8D", "#277F8E", "#1FA187", "#4AC16D", "#A0DA39", "#FDE725")


class Cell(NamedTuple):
    """A network against its rival at one point of a sweep.

    Parameters
    ----------
    x, y, facet : str
        Texts of the axes' values.
    difference : float
        Nats per base, negative where the network is better.
    winner : str
        The better one's name, or `tie`.
    own, rival : tuple of (float, float or None, float or None)
        Cross-entropy of both with its ends, nats per base.
    text : str
        The difference in words.
    """

    x: str
    y: str
    facet: str
    difference: float
    winner: str
    own: tuple[float, float | None, float | None]
    rival: tuple[float, float | None, float | None]
    text: str


class Measured(NamedTuple):
    """How good a network is at one point of a sweep.

    Parameters
    ----------
    x, y, facet : str
        Texts of the axes' values.
    value : float
    text : str
        The value in words.
    of : str
        What stands here, where it was chosen of several; else "".
    """

    x: str
    y: str
    facet: str
    value: float
    text: str
    of: str


def map_chart(
    cells: Sequence[Cell],
    x: Along,
    y: Along,
    facet_title: str,
    *,
    network: str,
    rival: str,
    description: str,
) -> Chart:
    """Draw where a network has less cross-entropy than its rival, and by how much."""
    most = max((abs(cell.difference) for cell in cells), default=0.0) or 1e-6
    colour = alt.Color(
        "difference:Q",
        title=["nats per base", f"green: {network} better", f"purple: {rival} better"],
        scale=alt.Scale(
            domain=[-most, most],
            domainMid=0,
            range=list(reversed(DIVERGING_COLOURS)),
            interpolate="rgb",
        ),
        legend=alt.Legend(
            format=".2~g", gradientLength=130, titleLimit=260, values=[-most, 0, most]
        ),
    )
    widest = max(len(name) for cell in cells for name in (cell.winner, cell.text))

    def squares(facet: str) -> list[dict[str, Any]]:
        return [
            {
                "x": cell.x, "y": cell.y, "difference": cell.difference, "winner": cell.winner,
                "text": cell.text, "dark": abs(cell.difference) > 0.6 * most,
                "tie": "=" if cell.winner == "tie" else "",
            }
            for cell in cells if cell.facet == facet
        ]  # fmt: skip

    tooltip = [
        alt.Tooltip("winner:N", title="better"),
        alt.Tooltip("text:N", title="difference, nats per base"),
    ]

    def words(base: alt.Chart, ink: Any, *, written: bool) -> list[alt.Chart]:
        if not written:
            return [base.mark_text(fontSize=12).encode(text="tie:N", color=ink)]
        return [
            base.mark_text(dy=-8, fontSize=12, fontWeight="bold").encode(
                text="winner:N", color=ink
            ),
            base.mark_text(dy=9, fontSize=12).encode(text="text:N", color=ink),
        ]

    facets = list(dict.fromkeys(cell.facet for cell in cells))
    written = len(cells) <= _MOST_WRITTEN
    chart = _panels(
        facets, squares, words, colour, tooltip, x, y, facet_title, widest, written=written
    )
    rows: Rows = [
        [cell.facet, cell.x, cell.y, cell.difference, cell.winner, *cell.own, *cell.rival]
        for cell in cells
    ]
    header = [
        facet_title or "panel", x.title, y.title, "difference (nats per base)", "better",
        f"CE of {network}", "low", "high", f"CE of {rival}", "low", "high",
    ]  # fmt: skip
    if not facet_title:
        header, rows = header[1:], [row[1:] for row in rows]
    return Chart(spec_of(chart), description, header, rows)


def measure_map_chart(
    cells: Sequence[Measured],
    x: Along,
    y: Along,
    facet_title: str,
    *,
    measure: str,
    more_is_better: bool,
    description: str,
) -> Chart:
    """Draw how good a network is over two axes; yellow is the best."""
    values = [cell.value for cell in cells]
    low, high = min(values), max(values)
    high = high if high > low else low + 1e-6
    colours = SEQUENTIAL_COLOURS if more_is_better else SEQUENTIAL_COLOURS[::-1]
    colour = alt.Color(
        "value:Q",
        title=measure,
        scale=alt.Scale(domain=[low, high], range=list(colours), interpolate="rgb"),
        legend=alt.Legend(
            format=".0%" if more_is_better else ".3~g", gradientLength=130, titleLimit=260
        ),
    )
    ends = (low, high) if more_is_better else (high, low)

    def squares(facet: str) -> list[dict[str, Any]]:
        return [
            {
                "x": cell.x, "y": cell.y, "value": cell.value, "text": cell.text, "of": cell.of,
                "dark": (cell.value - ends[0]) / (ends[1] - ends[0]) < 0.5,
            }
            for cell in cells if cell.facet == facet
        ]  # fmt: skip

    tooltip = [alt.Tooltip("text:N", title=measure)]
    if any(cell.of for cell in cells):
        tooltip.append(alt.Tooltip("of:N", title="of"))

    def words(base: alt.Chart, ink: Any, *, written: bool) -> list[alt.Chart]:
        return [base.mark_text(fontSize=12).encode(text="text:N", color=ink)] if written else []

    facets = list(dict.fromkeys(cell.facet for cell in cells))
    widest = max(len(cell.text) for cell in cells)
    written = len(cells) <= _MOST_WRITTEN
    chart = _panels(
        facets, squares, words, colour, tooltip, x, y, facet_title, widest, written=written
    )
    rows: Rows = [[cell.facet, cell.x, cell.y, cell.value, cell.of] for cell in cells]
    header = [facet_title or "panel", x.title, y.title, measure, "of"]
    if not any(cell.of for cell in cells):
        header, rows = header[:-1], [row[:-1] for row in rows]
    if not facet_title:
        header, rows = header[1:], [row[1:] for row in rows]
    return Chart(spec_of(chart), description, header, rows)


def _panels(
    facets: Sequence[str],
    squares: Callable[[str], list[dict[str, Any]]],
    words: Callable[..., list[alt.Chart]],
    colour: alt.Color,
    tooltip: list[alt.Tooltip],
    x: Along,
    y: Along,
    facet_title: str,
    widest: int,
    *,
    written: bool,
) -> Any:
    """Return a map for each facet, as many beside each other as the page has room for."""
    width = max(76, 8 * widest + 14) if written else _SMALL
    # Numbers grow upwards, names stand as they are given.
    rows_of_y = list(y.texts)[::-1] if y.numeric else list(y.texts)
    panels = []
    for facet in facets:
        base = alt.Chart(alt.InlineData(values=squares(facet))).encode(
            x=alt.X("x:N", title=x.title, sort=list(x.texts),
                    axis=alt.Axis(labelAngle=0 if written else -90),
                    scale=alt.Scale(domain=list(x.texts))),
            y=alt.Y("y:N", title=y.title, sort=None, scale=alt.Scale(domain=rows_of_y)),
        )  # fmt: skip
        ink = alt.condition("datum.dark", alt.value("#FFFFFF"), alt.value("#111111"))
        filled = base.mark_rect(stroke="#B8B8B8").encode(color=colour, tooltip=tooltip)
        panel = alt.layer(filled, *words(base, ink, written=written)).properties(
            width=alt.Step(width), height=alt.Step(46 if written else _SMALL)
        )
        if facet_title:
            title = alt.TitleParams(f"{facet_title} {facet}", fontSize=13, fontWeight="normal")
            panel = panel.properties(title=title)
        panels.append(panel)
    if len(panels) == 1:
        return panels[0]
    columns = max(1, _PAGE // (width * len(x.values) + 90))
    return alt.concat(*panels, columns=columns, spacing=22).resolve_scale(color="shared")
