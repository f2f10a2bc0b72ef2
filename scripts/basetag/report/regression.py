"""Records with numbers: how near the told ones come, figure by figure and record by record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.report import numbers
from basetag.report.counted import counted, regresses
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.figure_text import cell, units_sentence, with_interval
from basetag.report.numbers import four_digits, ratio
from basetag.report.page import Page
from basetag.report.regression_charts import scatter_chart

_FIGURES = ("pearson", "spearman", "r2", "rmse", "mae")


def regression_view(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any] | None:
    """Return the table of figures and a scatter for each tagger; None where nothing is a number.

    Returns
    -------
    dict
        `many`, what has a number; `sides`, what AUROC tells apart; `units`, a sentence on the
        intervals; `rows` of cells for each tagger, with `auroc` last;
        `residuals`, the same of what is left over; `panels`, the figures, of which one is `shown`.
    """
    if not regresses(dataset.results[0].metrics):
        return None
    first = next(iter(networks), None)
    of_series = dataset.results[0].metrics.get("next_value") is not None
    return {
        "one": "time step" if of_series else "sequence",
        "many": "test steps" if of_series else "test sequences",
        "sides": "rising and falling" if of_series else "the two sides of the threshold",
        "units": units_sentence(dataset.results[0].metrics),
        "rows": [{"tagger": label, "cells": _cells(r.metrics)} for label, r in named.items()],
        "residuals": [
            {
                "tagger": label,
                "cells": [
                    four_digits(r.metrics["regression"]["residuals"]["mean"]),
                    *(
                        four_digits(value)
                        for value in r.metrics["regression"]["residuals"]["quantiles"].values()
                    ),
                ],
            }
            for label, r in named.items()
        ],
        "panels": [
            {
                **_scatter_figure(page, dataset, label, result),
                "tagger": label,
                "shown": label == first or (first is None and index == 0),
            }
            for index, (label, result) in enumerate(named.items())
        ],
    }


def _cells(metrics: Mapping[str, Any]) -> list[dict[str, str]]:
    own = metrics["regression"]
    found = [cell(own[name], four_digits) for name in _FIGURES]
    return [*found, cell(metrics["auroc"], ratio)]


def _scatter_figure(
    page: Page, dataset: DatasetResult, label: str, result: TaggerResult
) -> dict[str, Any]:
    own = result.metrics["regression"]
    total = numbers.count(own["sums"]["records"])
    quantiles = own["residuals"]["quantiles"]
    low, middle, high = (four_digits(quantiles[share]) for share in ("0.05", "0.5", "0.95"))
    told = (
        f"Pearson's r {with_interval(own['pearson'], four_digits)}, Spearman's "
        f"{with_interval(own['spearman'], four_digits)}, "
        f"RMSE {with_interval(own['rmse'], four_digits)}, "
        f"R² {with_interval(own['r2'], four_digits)}"
    )
    left = (
        f"Told less true is {four_digits(own['residuals']['mean'])} on average, {middle} in the "
        f"middle, and between {low} and {high} for nine of ten."
    )
    many = f"test {counted(result.metrics).many}"
    dashed = ""
    if own["threshold"] is not None:
        above, below = (dataset.state_names[state] for state in dataset.states)
        dashed = (
            f" The dashed lines are the threshold, {own['threshold']:g}, from which on a sequence "
            f"is {above}, and {below} else."
        )
    what = (
        "a point for each"
        if own["grid"] is None
        else f"the darker a square, the more of the {total} lie in it"
    )
    chart = scatter_chart(
        own,
        description=f"Numbers that {label} tells of {total} {many} of {dataset.name} "
        f"against the true ones. {told}. {left}",
    )
    return page.figure(
        chart,
        dataset.name,
        f"numbers-{result.tagger}-seed{result.seed}",
        f"{dataset.name}: what {label} tells of {total} {many} against what is true, {what}."
        f"{dashed} {told}. {left}",
    )
