"""What the parts of the report share: a place for the charts that the page's script draws."""

from __future__ import annotations

from typing import Any, NamedTuple

from basetag.report.drawing import Chart, Spec

_LISTED_ROWS = 500


class Figure(NamedTuple):
    """A chart as it is drawn, what is to be said about it, and what it shows in words."""

    spec: Spec
    caption: str
    description: str


class Page:
    """Collects what the page's script needs: the charts by name, and the shown records.

    Attributes
    ----------
    figures : dict of str to Figure
        By name, which is that of the chart's element, too: `toy.scale`.
    stills : dict of str to Figure
        Further figures, for files: what the page draws of a chosen record.
    explore : dict of str to dict
        The shown records of each dataset.
    regions : dict of str to dict
        Every base of the regions of genomes, by the name of their figure.
    """

    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}
        self.stills: dict[str, Figure] = {}
        self.explore: dict[str, Any] = {}
        self.regions: dict[str, Any] = {}

    def figure(self, chart: Chart, of: str, kind: str, caption: str, **more: Any) -> dict[str, Any]:
        """Take in a chart and return what the template needs to place it.

        Parameters
        ----------
        chart : Chart
        of, kind : str
            The dataset or genome, and what the figure is, both without dots: `toy` and `scale`.
            Of several of a kind, more follows after a hyphen: `chance-gru-seed1`.
        caption : str
            All that is to be said about it, with its numbers.
        **more
            Handed on to the template.
        """
        name = f"{of}.{kind}"
        if name in self.figures:
            raise ValueError(f"two charts are called {name}")
        self.figures[name] = Figure(chart.spec, caption, chart.description)
        rows = chart.rows[:_LISTED_ROWS]
        return {
            "id": name,
            "description": chart.description,
            "caption": caption,
            "header": chart.header,
            "rows": rows,
            "left_out": len(chart.rows) - len(rows),
            "zoom": False,
            **more,
        }
