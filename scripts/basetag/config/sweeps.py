"""The keys of `sweeps`: grids of values, at each point of which a dataset or tagger is made.

How a grid becomes datasets and taggers lies in `basetag.config.points`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, Strict

from basetag.config.section import Section, Seeds, mistake


def _check_list(value: Any) -> Any:
    if isinstance(value, dict):
        raise mistake(
            "found a mapping, expected a list of values",
            "join the keys by dots, as in simulate.mean_length: [30, 100]",
        )
    if not isinstance(value, list | tuple):
        raise mistake(
            f"found {value!r}, expected a list of values", f"put it in brackets: [{value}]"
        )
    return value


Values = Annotated[
    tuple[JsonValue, ...], Strict(False), Field(min_length=1), BeforeValidator(_check_list)
]
Axes = dict[str, Values]


class Sweep(Section):
    """A grid: every combination of values is a dataset or a tagger, judged in one table."""

    datasets: dict[str, Axes] = Field(
        min_length=1,
        description="Datasets of this config to vary: for each the keys below its own name, their "
        "parts joined by dots, and the values that they take, as in "
        "`{blocks: {simulate.mean_length: [30, 100], simulate.contrast: [0.5, 1.0]}}`. With `{}` "
        "the dataset itself is used.",
    )
    taggers: dict[str, Axes] = Field(
        min_length=1,
        description="Taggers of this config to vary, in the same way: "
        "`{gru: {hidden: [8, 32], training.bases: [1_000_000, 4_000_000]}, hmm_counts: {}}`. Each "
        "is trained or fitted on each dataset of the sweep; the config's `exact` and `filtered` "
        "are made for each of these as well.",
    )
    seeds: Seeds | None = Field(
        default=None,
        description="Seeds of the networks of this sweep; null takes those of the config.",
    )
