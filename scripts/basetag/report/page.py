"""What the parts of the report share: a place for the charts that the page's script draws."""

from __future__ import annotations

from typing import Any

from basetag.report.drawing import Chart

_LISTED_ROWS = 500


class Page:
    """Collects what the page's script needs: specifications by id, and the shown records."""

    def __init__(self) -> None:
        self.specs: dict[str, Any] = {}
        self.explore: dict[str, Any] = {}

    def figure(self, chart: Chart, name: str, caption: str, **more: Any) -> dict[str, Any]:
        """Take in a chart and return what the template needs to place it."""
        self.specs[name] = chart.spec
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
