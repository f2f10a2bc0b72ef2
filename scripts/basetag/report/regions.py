"""Chosen regions of annotated genomes, base by base: the browser view of the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from basetag.report import numbers
from basetag.report.page import Page
from basetag.report.region_charts import region_chart
from basetag.report.region_data import ShownRegion


def region_figures(page: Page, shown: Sequence[ShownRegion]) -> list[dict[str, Any]]:
    """Return a figure for each region of a genome, and give the page what zooming needs."""
    figures = []
    for number, one in enumerate(shown, start=1):
        region, tracks = one.region, one.tracks
        counts = ", ".join(f"{t.tagger} {numbers.count(len(t.segments))}" for t in tracks)
        chart = region_chart(
            tracks,
            region.record,
            region.start,
            description=f"Posterior of each state along {region} of {one.genome}, over the called "
            f"segments, a panel for each tagger. Number of segments: {counts}. The table below "
            "lists them.",
        )
        caption = (
            f"{region}. The height of each colour is the posterior of its state; below, the called "
            f"segments. Number of segments: {counts}. Seen as a whole, a column is the mean of "
            "some bases; zoomed in, each base has its own."
        )
        kind = f"region-{number}"
        figures.append(page.figure(chart, one.genome, kind, caption, zoom=True))
        page.regions[f"{one.genome}.{kind}"] = {
            "start": region.start,
            "bases": region.end - region.start,
            "tracks": [
                {
                    "tagger": track.tagger,
                    "states": track.states,
                    "posterior": base64.b64encode(track.posterior.astype("<u2").tobytes()).decode(
                        "ascii"
                    ),
                }
                for track in tracks
            ],
        }
    return figures
