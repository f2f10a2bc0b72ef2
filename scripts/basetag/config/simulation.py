"""The keys of `simulate` where sequences are drawn from a hidden Markov model."""

from __future__ import annotations

import math
from typing import Protocol

from pydantic import Field, model_validator

from basetag.config.lengths import RecordLength
from basetag.config.section import Section, Seed, mistake
from basetag.config.splits import SUM_TOLERANCE, SimulatedSplit
from basetag.hmm_spec import MAXIMUM_STATES


class _OfRecords(Protocol):
    """A simulation of so many records."""

    @property
    def records(self) -> int:
        """How many."""


#: What is laid over a model, among the keys of a simulation.
VARIATIONS = ("mean_length", "contrast", "dwell_shape", "second_order")


class Simulation(Section):
    """Sequences drawn from a hidden Markov model, so that every base's true state is known."""

    hmm: str = Field(
        min_length=1,
        description="The model: a preset of resources/hmms (toy, patches, blocks, isochores, "
        "isochore_families, lambda, cpg), or the path of your own YAML file.",
    )
    records: int = Field(
        ge=1, le=10**8, description="Number of sequences.", json_schema_extra={"unit": "records"}
    )
    length: RecordLength
    seed: Seed = 1
    mean_length: float | None = Field(
        default=None,
        gt=1,
        le=10**9,
        description="Mean run of each state of the model; null leaves it as it is. Which state "
        "follows which does not change.",
        json_schema_extra={"unit": "bases"},
    )
    contrast: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        description="How far the states' emissions lie from their mean, in terms of the model: 0 "
        "makes all alike, 2 doubles the differences.",
    )
    dwell_shape: int = Field(
        default=1,
        ge=1,
        le=MAXIMUM_STATES // 2,
        description="Geometric lengths that make one run, its mean kept: with 1 runs are geometric "
        "as in any first-order model, with more they keep closer to their mean (an "
        "explicit-duration model).",
        json_schema_extra={"unit": "geometric lengths"},
    )
    second_order: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the runs that end after one base, beyond those that do so anyway, "
        "while the others last longer, the mean kept: a label then follows the two before it (a "
        "second-order model).",
    )

    @model_validator(mode="after")
    def _check(self) -> Simulation:
        if self.dwell_shape > 1 and self.second_order > 0:
            raise mistake(
                "dwell_shape says how long runs last, too", "remove one of the two", "second_order"
            )
        return self


def check_enough_records(simulate: _OfRecords, split: SimulatedSplit) -> None:
    """Raise where whole records are split, and there are too few of them."""
    if split.by != "record":
        return
    fractions = split.fractions
    smallest = min(fractions.train, fractions.validation, fractions.test)
    if simulate.records * smallest < 1 - SUM_TOLERANCE:
        raise mistake(
            f"{simulate.records} records leave a split of {smallest:g} without any",
            f"simulate at least {math.ceil(1 / smallest - SUM_TOLERANCE)} records, or split by "
            "block",
            "simulate",
            "records",
        )
