"""The report page: one HTML file that opens offline.

`render_report` brings the checked figures, the words and the charts into the template under
``report/``; styles, scripts and the Vega runtime are written into the page, so that it asks the
network for nothing. The same data gives the same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import numpy as np
import vl_convert

from basetag import __version__
from basetag.files import canonical_json, written_whole
from basetag.report import drawing, numbers, wording
from basetag.report.calibration import calibration_view
from basetag.report.certainty import certainty_view, reliability_figure
from basetag.report.chance import chance_view, nulls_of
from basetag.report.classes import classes_view
from basetag.report.controls import controls_view
from basetag.report.cost import cost_view
from basetag.report.counted import (
    classifies,
    counted,
    counted_of_all,
    has_segments,
    of_series,
    regresses,
)
from basetag.report.data import DatasetResult, ReportData, TaggerResult
from basetag.report.differences import differences_view
from basetag.report.embeddings import embeddings_view
from basetag.report.figures import write_figures
from basetag.report.front import front_view
from basetag.report.generated import generated_views
from basetag.report.genomes import genome_views
from basetag.report.groups import groups_views
from basetag.report.heads import heads_view
from basetag.report.labelled import labelled_views
from basetag.report.letters import letters_view
from basetag.report.matches import matches_view
from basetag.report.measures import measures_view
from basetag.report.networks import loss_figure, networks_view, rate_figure
from basetag.report.page import Page
from basetag.report.preflight import preflight_view
from basetag.report.regression import regression_view
from basetag.report.segments import segments_view
from basetag.report.sequences import explore_view
from basetag.report.series import series_view
from basetag.report.stills import add_stills
from basetag.report.sweeps import sweep_views
from basetag.report.table import comparison_view

_TEMPLATES = Path(__file__).resolve().parents[3] / "report"


def render_report(data: ReportData, path: str | Path, figures: str | Path | None = None) -> None:
    """Write the report page to `path`, whole or not at all, and its charts as files.

    Parameters
    ----------
    data : ReportData
        Everything on the page, as `basetag.report.reading.read_report_data` returns it.
    path : path
        The HTML file.
    figures : path, optional
        The folder of the charts, as `basetag.report.figures.write_figures` names them.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _table_number
    environment.filters["percent"] = numbers.percent
    environment.filters["count"] = numbers.count
    environment.filters["script_json"] = script_json
    page = Page()
    datasets = [_dataset_view(page, dataset, data) for dataset in data.datasets]
    words = counted_of_all(dataset.results[0].metrics for dataset in data.datasets)
    tagged = any(not (view["classifies"] or view["series"]) for view in datasets)
    segmented = any(view["segments"] for view in datasets)
    genomes = genome_views(page, data)
    text = environment.get_template("template.html.jinja").render(
        version=__version__,
        datasets=datasets,
        words=words,
        tagged=tagged,
        segmented=segmented,
        genomes=genomes,
        nulls=nulls_of(
            words, independent=not any(view["segments"] or view["series"] for view in datasets)
        ).values(),
        generated=generated_views(data.generated),
        labelled=labelled_views(page, data),
        sweeps=sweep_views(page, data),
        explore=[view["explore"] for view in datasets if view["explore"] is not None],
        primary=[
            (
                dataset.name,
                wording.primary_measure(
                    known=dataset.ceiling("exact") is not None,
                    numbers=regresses(dataset.results[0].metrics),
                ),
            )
            for dataset in data.datasets
        ],
        preflight=preflight_view(data.preflight),
        provenance=[_provenance_view(*item) for item in data.provenance.items()],
        config_text=data.config_text,
        config_file=base64.b64encode(data.config_text.encode("utf-8")).decode("ascii"),
        page_data={
            "charts": {name: figure.spec for name, figure in page.figures.items()},
            "explore": page.explore,
            "regions": page.regions,
            "theme": drawing.THEME,
            "diverging": drawing.DIVERGING_COLOURS,
        },
        style=_asset("style.css"),
        script=_asset("report.js"),
        runtime=_runtime(),
        thresholds={
            "at": wording.AT_CEILING,
            "near": wording.NEAR_CEILING,
            "rule": wording.NEARLY_AS_GOOD,
        },
    )
    if figures is not None:
        for view in datasets:
            if view["explore"] is not None:
                add_stills(page, view["name"])
        write_figures(page.figures | page.stills, figures)
    with written_whole(path) as (place,):
        place.write_text(text, encoding="utf-8", newline="\n")


def script_json(value: Any) -> markupsafe.Markup:
    """Return `value` as JSON that no text in it can end the script element around."""
    text = canonical_json(value)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return markupsafe.Markup(text)  # noqa: S704 (escaped above)


def _dataset_view(page: Page, dataset: DatasetResult, data: ReportData) -> dict[str, Any]:
    """Return all that the template shows of one dataset."""
    labels = wording.tagger_labels([result.metrics for result in dataset.results])
    named = dict(zip(labels, dataset.results, strict=True))
    networks = {k: r for k, r in named.items() if r.metrics["kind"] == "network"} or {
        k: r for k, r in named.items() if r.metrics["kind"] != "constant"
    }
    test = dataset.results[0].metrics["test"]
    of_classes = classifies(dataset.results[0].metrics)
    segmented = has_segments(dataset.results[0].metrics)
    drawn_else = of_classes or of_series(dataset.results[0].metrics)
    return {
        "name": dataset.name,
        "states": [(state, dataset.state_names[state]) for state in dataset.states],
        "test": test,
        "words": counted(dataset.results[0].metrics),
        "classifies": of_classes,
        "front": front_view(page, dataset, networks),
        "comparison": comparison_view(dataset, data),
        "networks": networks_view(page, dataset),
        "embeddings": embeddings_view(page, dataset, networks),
        "loss": loss_figure(page, dataset, named, networks),
        "rate": rate_figure(page, dataset, networks),
        "confusions": _confusion_views(dataset, named, networks),
        "chance": chance_view(page, dataset, named, networks),
        "controls": controls_view(page, dataset, named) if segmented else None,
        "letters": letters_view(page, dataset, named),
        "measures": measures_view(page, dataset, named, networks),
        "regression": regression_view(page, dataset, named, networks),
        "series": series_view(page, dataset, named),
        "groups": groups_views(dataset, named, networks),
        "heads": heads_view(dataset, named),
        "matches": matches_view(dataset, named),
        "segments": segments_view(page, dataset, named, networks) if segmented else None,
        "differences": differences_view(page, dataset, data, networks),
        "calibration": calibration_view(named, networks),
        "reliability": reliability_figure(page, dataset, named, networks),
        "certainty": certainty_view(page, dataset, named, networks),
        "explore": None if drawn_else else explore_view(page, dataset, named, networks),
        "classes": classes_view(page, dataset, named, networks) if of_classes else None,
        "cost": cost_view(page, dataset, data),
    }


def _confusion_views(
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    """Return the confusion matrices, those of the networks and the exact posterior first."""
    exact = dataset.reference("exact")
    views = []
    for label, result in named.items():
        matrix = np.array(result.metrics["confusion"], dtype=np.int64)
        shares = result.metrics["confusion_shares"]
        views.append(
            {
                "tagger": label,
                "first": label in networks or result is exact,
                "rows": [
                    {
                        "state": state,
                        "cells": [
                            {"count": int(n), "share": float(s), "match": i == j}
                            for j, (n, s) in enumerate(zip(counts, parts, strict=True))
                        ],
                    }
                    for i, (state, counts, parts) in enumerate(
                        zip(dataset.states, matrix, shares, strict=True)
                    )
                ],
            }
        )
    return {
        "first": [view for view in views if view["first"]],
        "others": [view for view in views if not view["first"]],
    }


def _provenance_view(
    heading: str, content: str | Sequence[str] | Mapping[str, str]
) -> dict[str, Any]:
    if isinstance(content, str):
        return {"heading": heading, "kind": "text", "content": content}
    if isinstance(content, Mapping):
        return {"heading": heading, "kind": "table", "content": list(content.items())}
    return {"heading": heading, "kind": "code", "content": "\n".join(content)}


def _table_number(value: str | float | None) -> str:
    """Return a cell of a table behind a chart."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if float(value).is_integer() and abs(value) >= 1:
        return numbers.count(value)
    return f"{value:.4g}" if abs(value) < 0.01 else f"{value:.4f}"


def _asset(name: str) -> markupsafe.Markup:
    return markupsafe.Markup((_TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 (ours)


@cache
def _runtime() -> markupsafe.Markup:
    """Return what draws the charts; to put it together takes more than a second."""
    return _inline_script(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _inline_script(code: str) -> markupsafe.Markup:
    """Return code for a script element; the sequence that would end it must not occur."""
    if "</script" in code.lower() or "<!--" in code:
        raise ValueError("the script cannot be put into a page as it is")
    return markupsafe.Markup(code)  # noqa: S704 (checked above)
