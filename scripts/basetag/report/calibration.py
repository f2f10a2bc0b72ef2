"""How sure taggers should have been: calibration error beside the ceiling's, and after scaling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.report import numbers
from basetag.report.counted import counted
from basetag.report.data import TaggerResult
from basetag.report.figure_text import cell, interval

# From this factor on, a temperature is worth a sentence.
_NEAR_ONE = 1.02


def calibration_view(
    named: Mapping[str, TaggerResult], networks: Mapping[str, TaggerResult]
) -> dict[str, Any]:
    """Return a sentence on each network and a row of the table for each tagger."""
    return {
        "sentences": [
            sentence
            for label, result in networks.items()
            if (sentence := calibration_sentence(label, result.metrics))
        ],
        "rows": [_row(label, result.metrics) for label, result in named.items()],
        "fitted_on": [
            numbers.count(result.metrics["calibration"]["fitted_on_bases"])
            for result in named.values()
            if result.metrics["calibration"] is not None
        ][:1],
    }


def calibration_sentence(label: str, metrics: Mapping[str, Any]) -> str:
    """Say whether a tagger is as sure as it should be, and what a temperature gains.

    Parameters
    ----------
    label : str
        Name of the tagger.
    metrics : metrics.json
        Of it.
    """
    scaled, ceiling = metrics["calibration"], metrics["ceiling"]
    text = f"{label}: certainty is off by {numbers.percent(metrics['ece']['value'])} on average"
    between = interval(metrics["ece"], numbers.percent)
    if between:
        text += f" (95 % interval {between})"
    if ceiling is not None:
        of = "The exact posterior" if ceiling["of"] == "exact" else "Its ceiling, “filtered”,"
        text += (
            f". {of} itself is off by {numbers.percent(ceiling['ece'])} here, for the test split "
            "is finite"
        )
    if scaled is None:
        return f"{text}."
    temperature = float(scaled["temperature"])
    if 1 / _NEAR_ONE < temperature < _NEAR_ONE:
        return f"{text}. No temperature makes it better by much: the best is {temperature:.2f}."
    sure = "too sure" if temperature > 1 else "not sure enough"
    gain = metrics["cross_entropy"]["value"] - scaled["cross_entropy"]["value"]
    gained = (
        f"gains {numbers.nats(gain)} {counted(metrics).nats} on the test split"
        if gain > 0
        else "gains nothing on the test split"
    )
    return (
        f"{text}. On the validation split it was {sure}: the best temperature there is "
        f"{temperature:.2f}, which {gained} and leaves an error of "
        f"{numbers.percent(scaled['ece']['value'])}."
    )


def _row(label: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    scaled, ceiling = metrics["calibration"], metrics["ceiling"]
    own = {"value": ceiling["ece"], "low": None, "high": None} if ceiling is not None else None
    after = (None, None) if scaled is None else (scaled["cross_entropy"], scaled["ece"])
    temperature = "—" if scaled is None else f"{scaled['temperature']:.3f}"
    return {
        "tagger": label,
        "cells": [
            cell(metrics["ece"], _share),
            cell(own, _share),
            {"text": temperature, "interval": ""},
            cell(after[1], _share),
            cell(metrics["cross_entropy"], numbers.nats),
            cell(after[0], numbers.nats),
        ],
    }


def _share(value: float) -> str:
    return f"{value:.4f}"
