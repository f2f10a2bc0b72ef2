"""The report's chart of how far a genome is from the training data, beside pieces of these."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import altair as alt

from basetag.report.drawing import Chart, Rows, powers_range, spec_of

_WIDTH, _HEIGHT = 420, 220


def composition_chart(
    genome: str, found: Mapping[str, Mapping[str, Any]], *, description: str
) -> Chart:
    """Draw the genome's divergence over its length, with those of pieces of the training data.

    Parameters
    ----------
    genome : str
    found : mapping of str to mapping
        By dataset, what `basetag.composition.compare_composition` returned; a panel for each.
    description : str
        Text alternative.
    """
    every = [
        value
        for one in found.values()
        for value in (one["divergence"], *(v for row in one["pieces"]["divergences"] for v in row))
    ]
    lengths = [
        value for one in found.values() for value in (one["words"], *one["pieces"]["lengths"])
    ]
    low, high = powers_range(every)
    ends = (low / 1.5, high)
    across = (min(lengths) / 1.3, max(lengths) * 1.3)
    panels = [
        _panel(genome, one, ends, across, f"training data of {dataset}")
        for dataset, one in found.items()
    ]
    table: Rows = []
    for dataset, one in found.items():
        pieces = one["pieces"]
        at = [pieces["shares"].index(share) for share in (0.5, 0.99)]
        for length, row in zip(pieces["lengths"], pieces["divergences"], strict=True):
            table.append([dataset, "pieces of training", length, row[at[0]], row[at[1]]])
        table.append([dataset, genome, one["words"], one["divergence"], None])
    header = ["dataset", "of", "length (bp)", "difference (nats; median)", "99 % (nats)"]
    return Chart(spec_of(alt.hconcat(*panels, spacing=30)), description, header, table)


def _decades(ends: tuple[float, float]) -> list[float]:
    """Return the powers of ten between two ends."""
    exponents = range(math.ceil(math.log10(ends[0])), math.floor(math.log10(ends[1])) + 1)
    return [10.0**exponent for exponent in exponents]


def _panel(
    genome: str,
    found: Mapping[str, Any],
    ends: tuple[float, float],
    lengths: tuple[float, float],
    title: str,
) -> alt.LayerChart:
    pieces = found["pieces"]
    shares = pieces["shares"]
    rows = [
        {
            "length": length,
            **{f"q{share}".replace(".", "p"): row[i] for i, share in enumerate(shares)},
        }
        for length, row in zip(pieces["lengths"], pieces["divergences"], strict=True)
    ]
    if found["words"] > rows[-1]["length"]:
        # Longer pieces there are none: a longer genome is held against the longest.
        rows.append(rows[-1] | {"length": found["words"]})
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "length:Q",
            title="Length (bp)",
            scale=alt.Scale(type="log", domain=list(lengths), nice=False),
            axis=alt.Axis(format="~s", values=_decades(lengths), grid=False),
        )
    )

    def y(field: str) -> alt.Y:
        return alt.Y(
            f"{field}:Q",
            title="Difference (nats)",
            scale=alt.Scale(type="log", domain=list(ends), nice=False),
            axis=alt.Axis(format="~g", values=_decades(ends)),
        )

    band = base.mark_area(color="#6E6E6E", opacity=0.18).encode(y=y("q0p05"), y2="q0p99:Q")
    median = base.mark_line(color="#6E6E6E", strokeWidth=1.6).encode(y=y("q0p5"))
    limit = base.mark_line(color="#000000", strokeWidth=1.4, strokeDash=[5, 3]).encode(y=y("q0p99"))
    point = {"length": found["words"], "difference": found["divergence"], "of": genome}
    own = alt.Chart(alt.InlineData(values=[point])).encode(
        x="length:Q",
        y="difference:Q",
        tooltip=[
            alt.Tooltip("of:N", title="genome"),
            alt.Tooltip("length:Q", format=",d", title="length (bp)"),
            alt.Tooltip("difference:Q", format=".3g", title="difference (nats)"),
        ],
    )
    colour = "#D55E00" if found["differs"] else "#0072B2"
    mark = own.mark_point(filled=True, size=90, color=colour, opacity=1)
    # On the side that is away from the lines.
    above = found["differs"]
    name = own.mark_text(
        dy=-13 if above else 15, align="right", dx=6, fontSize=13, color=colour
    ).encode(text="of:N")
    layers = alt.layer(band, median, limit, mark, name).properties(
        width=_WIDTH,
        height=_HEIGHT,
        title=alt.TitleParams(title, anchor="start", fontSize=13, fontWeight="normal"),
    )
    return cast(alt.LayerChart, layers)
