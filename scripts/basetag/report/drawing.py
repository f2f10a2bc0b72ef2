"""What all charts of the report share: how they are given, and their colours, theme and rules.

A `Chart` is what to draw, what it shows in words, and the same figures as a table, for those who
cannot see it or do not trust it. Colours are those of Okabe & Ito (2008) and Tol (2021), which
stay apart for colour-blind eyes; where two things differ, shape or dash differs as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import altair as alt
import vl_convert

from basetag.state_colours import colour_of

Rows = list[list[str | float | int | None]]
Spec = dict[str, Any]

_SERIES_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#332288",
    "#882255",
    "#999933",
    "#44AA99",
)
#: From the most negative to the most positive, white at 0 (ColorBrewer's PRGn, Brewer 2003).
DIVERGING_COLOURS = (
    "#40004B",
    "#762A83",
    "#9970AB",
    "#C2A5CF",
    "#E7D4E8",
    "#FFFFFF",
    "#D9F0D3",
    "#A6DBA0",
    "#5AAE61",
    "#1B7837",
    "#00441B",
)
KIND_COLOURS = {
    "network": "#0072B2",
    "hmm": "#009E73",
    "rule": "#D55E00",
    "constant": "#6E6E6E",
}
KIND_SHAPES = {"network": "circle", "hmm": "diamond", "rule": "square", "constant": "cross"}
REFERENCE_STYLES = {
    "chance": ("#6E6E6E", [1, 3]),
    "majority": ("#8A5A00", [6, 3]),
    "prior": ("#8A5A00", [6, 3]),
    "filtered": ("#9A4D8E", [8, 3, 2, 3]),
    "exact": ("#000000", [1, 0]),
}

#: The lowest value, in nats, for which an axis of powers of ten has room.
LOWEST = 1e-5

# Three fonts whose letters have the same widths, so that a drawing is the same on every machine
# and lies right in every viewer.
_PRINT_FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"

#: Vega-Lite configuration that all charts share; the page gives it to the runtime once.
THEME: Spec = {
    "font": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif",
    "background": "white",
    "axis": {
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "gridColor": "#E4E4E4",
        "labelColor": "#222222",
        "titleColor": "#222222",
        "labelLimit": 240,
    },
    "legend": {"labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal"},
    "text": {"fontSize": 13},
    "view": {"stroke": "#B8B8B8"},
}


@dataclass(frozen=True)
class Chart:
    """A chart, what it says to someone who cannot see it, and its figures as a table.

    Parameters
    ----------
    spec : dict
        Vega-Lite specification, without the shared `THEME`.
    description : str
        Text alternative.
    header : list of str
        Column headings of the table, with units.
    rows : list of list
        The figures behind the chart; None where there is none.
    """

    spec: Spec
    description: str
    header: list[str]
    rows: Rows


class Reference(NamedTuple):
    """A line that a figure is held against: `chance`, `prior`, `filtered`, `exact`, …"""

    name: str
    value: float


def state_colours(states: Sequence[str]) -> dict[str, str]:
    """Return a colour for each state; beyond twelve states, colours come again."""
    return {state: colour_of(label) for label, state in enumerate(states)}


def rules_of(
    references: Sequence[Reference], axis: str, legend: alt.Legend | None = None
) -> list[alt.Chart]:
    """Return the references as rules across the chart, with a legend of their own."""
    if not references:
        return []
    styles = [REFERENCE_STYLES[reference.name] for reference in references]
    names = [reference.name for reference in references]
    channel = alt.X("value:Q") if axis == "x" else alt.Y("value:Q")
    place = alt.Legend() if legend is None else legend
    chart = alt.Chart(alt.InlineData(values=[reference._asdict() for reference in references]))
    return [
        chart.mark_rule(strokeWidth=1.8).encode(
            **{axis: channel},
            color=alt.Color(
                "name:N",
                title="Held against",
                scale=alt.Scale(domain=names, range=[colour for colour, _ in styles]),
                legend=place,
            ),
            strokeDash=alt.StrokeDash(
                "name:N",
                title="Held against",
                scale=alt.Scale(domain=names, range=[dash for _, dash in styles]),
                legend=place,
            ),
            tooltip=[
                alt.Tooltip("name:N", title="held against"),
                alt.Tooltip("value:Q", format=".4f"),
            ],
        )
    ]


def seconds_axis(left: float, right: float) -> alt.X:
    """Return the axis of a training's seconds, `seconds`, as powers of ten from left to right."""
    return alt.X(
        "seconds:Q",
        title="Training (s)",
        scale=alt.Scale(type="log", domain=[left, right], nice=False),
        axis=alt.Axis(format="~g", values=powers_ticks(left, right)),
    )


def kind_channels(kinds: Iterable[str]) -> tuple[alt.Fill, alt.Shape]:
    """Return colour and shape by the kind of tagger, for those kinds that occur, with a legend."""
    drawn = set(kinds)
    domain = [kind for kind in KIND_COLOURS if kind in drawn]
    ranges = [[styles[kind] for kind in domain] for styles in (KIND_COLOURS, KIND_SHAPES)]
    legend = alt.Legend(
        orient="bottom", direction="horizontal", titleOrient="left", symbolOpacity=1
    )
    scales = [alt.Scale(domain=domain, range=styles) for styles in ranges]
    title = "Kind of tagger"
    return (
        alt.Fill("kind:N", title=title, scale=scales[0], legend=legend),
        alt.Shape("kind:N", title=title, scale=scales[1], legend=legend),
    )


def series_scale(names: Iterable[str]) -> alt.Scale:
    """Return a colour for each of the names; beyond ten, colours come again."""
    domain = list(names)
    colours = [_SERIES_COLOURS[i % len(_SERIES_COLOURS)] for i in range(len(domain))]
    return alt.Scale(domain=domain, range=colours)


def svg_of(spec: Spec) -> str:
    """Return the drawing of a specification under `THEME`, by the same Vega-Lite as the page's."""
    svg: str = vl_convert.vegalite_to_svg(spec, config={**THEME, "font": _PRINT_FONT})
    return svg


def spec_of(chart: Any) -> Spec:
    """Return the specification without the configuration that altair adds to each chart."""
    # Unchecked, which takes a third less time: the tests in a browser draw every chart.
    spec: Spec = chart.to_dict(validate=False)
    spec.pop("config", None)
    return spec


def powers_range(values: Iterable[float]) -> tuple[float, float]:
    """Return the ends of an axis of powers that has room for all positive values."""
    positive = [value for value in values if value >= LOWEST]
    low, high = min(positive, default=LOWEST), max(positive, default=10 * LOWEST)
    return max(low / 1.5, LOWEST / 1.5), high * 1.5


def powers_ticks(low: float, high: float) -> list[float]:
    """Return the numbers 1, 2 and 5 of each power of ten within an axis; of a long one only 1."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1,) if math.log10(high / low) > 4 else (1, 2, 5)
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    return [float(f"{tick:.6g}") for tick in ticks if low <= tick <= high]
