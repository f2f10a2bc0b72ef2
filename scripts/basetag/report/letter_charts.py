"""The chart of what a letter costs: Markov models by their order, all others as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from basetag.report.drawing import Chart, Rows, spec_of

#: Lines that are no Markov model's, in their order; colours come again beyond them.
_LINES = (
    ("#0072B2", [1, 0]),
    ("#D55E00", [8, 3]),
    ("#009E73", [4, 2]),
    ("#CC79A7", [8, 3, 2, 3]),
    ("#56B4E9", [2, 2]),
    ("#882255", [12, 3]),
)
_MARKOV = "#333333"


def bits_chart(
    orders: Sequence[tuple[int, str, Mapping[str, Any]]],
    others: Mapping[str, Mapping[str, Any]],
    *,
    unit: str,
    description: str,
) -> Chart:
    """Draw the bits that a letter costs.

    Parameters
    ----------
    orders : sequence of (int, str, figure)
        Order, name and bits (`value`, `low`, `high`) of each Markov model.
    others : mapping of str to figure
        The same of the other taggers, by label.
    unit : str
        What a letter is called: base.
    description : str
        Text alternative.
    """
    rows: Rows = [
        [name, order, bits["value"], bits["low"], bits["high"]]
        for order, name, bits in sorted(orders, key=lambda found: found[0])
    ]
    rows += [
        [name, None, bits["value"], bits["low"], bits["high"]] for name, bits in others.items()
    ]
    header = ["tagger", "order", f"bits per {unit}", "95 % interval from", "to"]
    keys = ("tagger", "order", "bits", "low", "high")
    values = [dict(zip(keys, row, strict=True)) for row in rows]
    models = [value for value in values if value["order"] is not None]
    lines = [value for value in values if value["order"] is None]
    y = alt.Y("bits:Q", title=f"Bits per {unit}", scale=alt.Scale(zero=False, padding=12))
    tooltip = [
        alt.Tooltip("tagger:N"),
        alt.Tooltip("bits:Q", format=".4f", title=f"bits per {unit}"),
        alt.Tooltip("low:Q", format=".4f", title="95 % interval from"),
        alt.Tooltip("high:Q", format=".4f", title="to"),
    ]
    layers: list[Any] = []
    if lines:
        names = [str(value["tagger"]) for value in lines]
        styles = [_LINES[i % len(_LINES)] for i in range(len(names))]
        of_lines = alt.Chart(alt.InlineData(values=lines))
        layers.append(
            of_lines.mark_rule(strokeWidth=2).encode(
                y=y,
                color=alt.Color(
                    "tagger:N",
                    title="Others",
                    scale=alt.Scale(domain=names, range=[colour for colour, _ in styles]),
                ),
                strokeDash=alt.StrokeDash(
                    "tagger:N",
                    title="Others",
                    scale=alt.Scale(domain=names, range=[dash for _, dash in styles]),
                ),
                tooltip=tooltip,
            )
        )
    if models:
        base = alt.Chart(alt.InlineData(values=models)).encode(
            x=alt.X(
                "order:Q",
                title="Order of the Markov model: letters that it looks at",
                scale=alt.Scale(padding=14, nice=False, zero=False),
                axis=alt.Axis(values=[int(str(value["order"])) for value in models], format="d"),
            ),
            y=y,
        )
        layers.append(base.mark_line(color=_MARKOV, strokeWidth=1.5))
        layers.append(
            base.transform_filter("isValid(datum.low)")
            .mark_rule(color=_MARKOV, strokeWidth=2)
            .encode(y=alt.Y("low:Q"), y2="high:Q")
        )
        layers.append(
            base.mark_point(filled=True, size=70, opacity=1, color=_MARKOV).encode(tooltip=tooltip)
        )
    chart = alt.layer(*layers).properties(width=480, height=300)
    return Chart(spec_of(chart), description, header, rows)
