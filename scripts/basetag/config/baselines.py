"""The keys of taggers that are no networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from basetag.config.decoding import TaggerDecoding
from basetag.config.section import Section, Seed, mistake


class Exact(Section):
    """The exact posterior of the simulating HMM given the whole sequence: the ceiling."""

    baseline: Literal["exact"] = Field(description="Name of the baseline.")
    decoding: TaggerDecoding = "argmax"


class Filtered(Section):
    """The exact posterior given the bases up to each base: a one-directional tagger's ceiling."""

    baseline: Literal["filtered"] = Field(description="Name of the baseline.")
    decoding: TaggerDecoding = "argmax"


class HMMByEM(Section):
    """An HMM fitted without the labels, by expectation maximisation; its states named by them."""

    baseline: Literal["hmm_em"] = Field(description="Name of the baseline.")
    restarts: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="Random starting points; the most likely fit is kept.",
        json_schema_extra={"unit": "fits"},
    )
    iterations: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="At most this many steps from each starting point.",
        json_schema_extra={"unit": "steps"},
    )
    bases: int = Field(
        default=1_000_000,
        ge=1000,
        le=10**10,
        description="At most this many bases of the training split are used.",
        json_schema_extra={"unit": "bases"},
    )
    seed: Seed = 1
    decoding: TaggerDecoding = "argmax"


class HMMByCounts(Section):
    """An HMM whose probabilities are counted in the labelled training split."""

    baseline: Literal["hmm_counts"] = Field(description="Name of the baseline.")
    pseudocount: float = Field(
        default=1.0,
        gt=0,
        le=1e6,
        description="Added to every count, so that nothing is impossible.",
        json_schema_extra={"unit": "counts"},
    )
    decoding: TaggerDecoding = "argmax"


def _check_odd(value: int) -> int:
    if value % 2 == 0:
        raise mistake(
            f"{value} bases have no middle base",
            f"choose an odd number, {value - 1} or {value + 1}",
        )
    return value


class BaseTable(Section):
    """The label frequencies of each k-mer, the base in its middle."""

    baseline: Literal["base_table"] = Field(description="Name of the baseline.")
    k: Annotated[int, AfterValidator(_check_odd)] = Field(
        default=1,
        ge=1,
        le=9,
        description="Length of the k-mer, an odd number.",
        json_schema_extra={"unit": "bases"},
    )
    decoding: TaggerDecoding = "argmax"


class GCWindow(Section):
    """Calls by the share of G and C in a window around the base; DNA only."""

    baseline: Literal["gc_window"] = Field(description="Name of the baseline.")
    window: Annotated[int, AfterValidator(_check_odd)] = Field(
        default=101,
        ge=1,
        le=1_000_001,
        description="Width of the window, an odd number.",
        json_schema_extra={"unit": "bases"},
    )
    decoding: TaggerDecoding = "argmax"


class Majority(Section):
    """The label frequencies of the training split, for every base alike."""

    baseline: Literal["majority"] = Field(description="Name of the baseline.")


class Uniform(Section):
    """The same probability for each state: the floor of who knows nothing."""

    baseline: Literal["uniform"] = Field(description="Name of the baseline.")


Baseline = Exact | Filtered | HMMByEM | HMMByCounts | BaseTable | GCWindow | Majority | Uniform

#: Taggers that are the simulating HMM itself, so they exist for simulated datasets alone.
EXACT_BASELINES = (Exact, Filtered)
