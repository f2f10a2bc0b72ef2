"""The report's picture: every tagger on a line between chance and the best possible.

Two panels, accuracy and cross-entropy, the two measures whose expectation has a true ceiling. The
places of the names above the lines are worked out here, so that none covers another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.drawing import (
    REFERENCE_STYLES,
    Chart,
    Reference,
    Rows,
    kind_channels,
    spec_of,
)

_WIDTH = 270
_LETTER = 6.9  # pixels of a letter of the names, about
_LINE = 15  # pixels from one line of names to the next
#: Beyond the worst reference by this share of the whole scale, a tagger is drawn at the edge.
_BEYOND = 0.3


class Seed(NamedTuple):
    """A figure of one seed with the ends of its 95 % interval, where it has one."""

    value: float
    low: float | None
    high: float | None


class Scored(NamedTuple):
    """A tagger's figure, seed by seed, and the same as text.

    Attributes
    ----------
    tagger, kind : str
    seeds : sequence of Seed
    text : str
        What stands beside its row.
    """

    tagger: str
    kind: str
    seeds: Sequence[Seed]
    text: str

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return sum(seed.value for seed in self.seeds) / len(self.seeds)

    @property
    def ends(self) -> tuple[float, float] | None:
        """The lowest and the highest end of the seeds' intervals; None where one has none."""
        lows = [seed.low for seed in self.seeds if seed.low is not None]
        highs = [seed.high for seed in self.seeds if seed.high is not None]
        if len(lows) < len(self.seeds) or len(highs) < len(self.seeds):
            return None
        return min(lows), max(highs)


class _Panel(NamedTuple):
    """What one panel needs: its ends, which are told by the references, and how it is written."""

    title: str
    low: float
    high: float
    of_low: bool
    number: str
    reference: Callable[[float], str]


def scale_chart(
    accuracy: Sequence[Scored],
    cross_entropy: Sequence[Scored],
    accuracy_references: Sequence[Reference],
    cross_entropy_references: Sequence[Reference],
    *,
    titles: tuple[str, str],
    description: str,
) -> tuple[Chart, list[str]]:
    """Draw every tagger between chance and the ceiling, for accuracy and cross-entropy.

    Taggers stand in rows, the best cross-entropy on top; the references are lines across them.

    Parameters
    ----------
    accuracy, cross_entropy : sequence of Scored
        The same taggers in both.
    accuracy_references, cross_entropy_references : sequence of Reference
        At least one each; names from `REFERENCE_STYLES`.
    titles : (str, str)
        Of the axes of accuracy and cross-entropy.
    description : str
        Text alternative.

    Returns
    -------
    Chart
    list of str
        The taggers that lie outside, in one panel or both, and are drawn at its edge.
    """
    ranked = sorted(cross_entropy, key=lambda scored: (scored.mean, scored.tagger))
    order = [scored.tagger for scored in ranked]
    panels = [
        _panel(
            titles[0], accuracy, accuracy_references, more_is_better=True,
            number=".1~%", reference=lambda value: f"{100 * value:.1f} %",
        ),
        _panel(
            titles[1], cross_entropy, cross_entropy_references,
            more_is_better=False, number=".3~f",
            reference=lambda value: f"{value:.4f}",
        ),
    ]  # fmt: skip
    drawn = [
        _draw(panel, scored, references, order, names=first)
        for panel, scored, references, first in (
            (panels[0], accuracy, accuracy_references, True),
            (panels[1], cross_entropy, cross_entropy_references, False),
        )
    ]
    chart = alt.hconcat(*drawn, spacing=24).resolve_scale(
        color="independent", shape="shared", fill="shared"
    )
    outside = [
        tagger
        for tagger in order
        if any(
            scored.tagger == tagger and not panel.low <= scored.mean <= panel.high
            for panel, all_scored in zip(panels, (accuracy, cross_entropy), strict=True)
            for scored in all_scored
        )
    ]
    of = {scored.tagger: scored for scored in accuracy}
    rows: Rows = [
        [s.tagger, s.kind, len(s.seeds), *_cells(of[s.tagger]), *_cells(s)] for s in ranked
    ]
    rows += [
        [r.name, "reference", None, r.value, None, None, None, None, None]
        for r in accuracy_references
    ]
    rows += [
        [r.name, "reference", None, None, None, None, r.value, None, None]
        for r in cross_entropy_references
    ]
    header = ["tagger", "kind", "seeds", "accuracy", "low", "high"]
    header += ["cross-entropy (nats)", "low", "high"]
    return Chart(spec_of(chart), description, header, rows), outside


def _cells(scored: Scored) -> list[float | None]:
    ends = scored.ends
    return [scored.mean, *(ends if ends is not None else (None, None))]


def _panel(
    title: str,
    scored: Sequence[Scored],
    references: Sequence[Reference],
    *,
    more_is_better: bool,
    number: str,
    reference: Callable[[float], str],
) -> _Panel:
    """Return a panel that holds the references, and the taggers that are not far worse than all."""
    sign = 1 if more_is_better else -1
    levels = [sign * r.value for r in references]
    values = [sign * s.mean for s in scored]
    ends = [sign * end for s in scored for end in (s.ends or ())]
    worst = min(levels)
    best = max([*levels, *values, *ends])
    span = best - worst or 0.01
    limit = worst - _BEYOND * span
    lowest = max(limit, min([*levels, *values, *ends]))
    low, high = sorted((sign * (lowest - 0.06 * span), sign * (best + 0.06 * span)))
    return _Panel(title, low, high, more_is_better, number, reference)


def _draw(
    panel: _Panel,
    scored: Sequence[Scored],
    references: Sequence[Reference],
    order: Sequence[str],
    *,
    names: bool,
) -> alt.LayerChart:
    step = 25 if len(order) <= 14 else 20
    height = step * len(order)
    networks = [s.tagger for s in scored if s.kind == "network"]
    y = alt.Y(
        "tagger:N",
        title=None,
        sort=list(order),
        # The networks, which the sentences are about, in bold.
        axis=alt.Axis(
            labelFontWeight=alt.ExprRef(f"indexof({networks}, datum.value) >= 0 ? 600 : 400")
        )
        if names
        else None,
    )
    scale = alt.Scale(domain=[panel.low, panel.high], nice=False, zero=False, clamp=True)
    x = alt.X(
        "value:Q",
        title=panel.title,
        scale=scale,
        axis=alt.Axis(format=panel.number, tickCount=4, grid=False),
    )
    seeds = [
        {"tagger": s.tagger, "kind": s.kind, "value": seed.value}
        for s in scored
        if len(s.seeds) > 1
        for seed in s.seeds
    ]
    fill, shape = kind_channels([s.kind for s in scored])
    tooltip = [
        alt.Tooltip("tagger:N"),
        alt.Tooltip("seeds:Q"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("low:Q", format=".5f", title="95 % interval from"),
        alt.Tooltip("high:Q", format=".5f", title="to"),
    ]
    rows = alt.InlineData(values=[_row(s, panel) for s in scored])
    base = alt.Chart(rows).encode(y=y, tooltip=tooltip)
    known = base.transform_filter("isValid(datum.low)")
    marks = base.mark_point(filled=True, size=70, opacity=1).encode(x=x, fill=fill, shape=shape)
    layers = [
        *_reference_layers(panel, references, height, scale),
        marks.transform_filter("!datum.outside"),
        base.mark_point(
            shape="triangle-left" if panel.of_low else "triangle-right",
            filled=False,
            size=80,
            color="#333333",
        )
        .transform_filter("datum.outside")
        .encode(x=x),
        known.mark_rule(color="#111111", strokeWidth=1.6).encode(
            x=alt.X("low:Q", scale=scale), x2="high:Q"
        ),
        *(
            known.mark_tick(color="#111111", thickness=1.6, size=12).encode(
                x=alt.X(f"{end}:Q", scale=scale)
            )
            for end in ("low", "high")
        ),
        base.mark_text(align="left", color="#222222").encode(
            x=alt.value(_WIDTH + 8), text="text:N"
        ),
    ]
    if seeds:
        layers.append(
            alt.Chart(alt.InlineData(values=seeds))
            .mark_point(filled=True, size=16, opacity=0.9, yOffset=9)
            .encode(
                y=y,
                x=x,
                fill=fill,
                shape=shape,
                tooltip=[alt.Tooltip("tagger:N"), alt.Tooltip("value:Q", title="of one seed")],
            )
        )
    return alt.LayerChart(layer=layers, width=_WIDTH, height=alt.Step(step))


def _row(scored: Scored, panel: _Panel) -> dict[str, Any]:
    low, high = scored.ends or (None, None)
    outside = not panel.low <= scored.mean <= panel.high
    return {
        "tagger": scored.tagger,
        "kind": scored.kind,
        "seeds": len(scored.seeds),
        "value": scored.mean,
        "low": None if outside else low,
        "high": None if outside else high,
        "text": scored.text,
        "outside": outside,
    }


def _reference_layers(
    panel: _Panel, references: Sequence[Reference], height: int, scale: alt.Scale
) -> list[alt.Chart]:
    """Return lines across the panel, each with its name above it."""
    lines, names = [], []
    ends: list[float] = []  # of the names on each line, from the lowest line up
    for reference in sorted(references, key=lambda reference: reference.value):
        colour, dash = REFERENCE_STYLES[reference.name]
        name = f"{reference.name} {panel.reference(reference.value)}"
        place = (reference.value - panel.low) / (panel.high - panel.low) * _WIDTH
        half = len(name) * _LETTER / 2
        left = max(place - half, -20.0)
        line = next((i for i, end in enumerate(ends) if end + 8 <= left), len(ends))
        ends[line : line + 1] = [left + 2 * half]
        chart = alt.Chart(alt.InlineData(values=[reference._asdict()]))
        lines.append(
            chart.mark_rule(color=colour, strokeDash=dash, strokeWidth=1.8).encode(
                x=alt.X("value:Q", scale=scale),
                y=alt.value(-4 - _LINE * line),
                y2=alt.value(height),
                tooltip=[
                    alt.Tooltip("name:N", title="held against"),
                    alt.Tooltip("value:Q", format=".4f"),
                ],
            )
        )
        # Twice, the first time as a halo: the line of another one may pass behind the name.
        names += [
            chart.mark_text(text=name, align="left", baseline="bottom", **style).encode(
                x=alt.value(left), y=alt.value(-4 - _LINE * line)
            )
            for style in ({"stroke": "white", "strokeWidth": 4.0}, {"color": colour})
        ]
    return [*lines, *names]
