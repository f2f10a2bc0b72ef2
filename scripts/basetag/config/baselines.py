"""The keys of taggers that are no networks; those of outside programs are in `programs`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from basetag.config.decoding import TaggerDecoding
from basetag.config.programs import Pyrodigal
from basetag.config.section import Section, Seed, mistake


class Exact(Section):
    """The exact posterior of the simulating HMM given the whole sequence: the ceiling."""

    baseline: Literal["exact"] = Field(description="Name of the baseline.")
    decoding: TaggerDecoding = "argmax"


class Filtered(Section):
    """The exact posterior given the bases up to each base: a one-directional tagger's ceiling."""

    baseline: Literal["filtered"] = Field(description="Name of the baseline.")
    decoding: TaggerDecoding = "argmax"


class GivenHMM(Section):
    """A model that you have, as it is: its posterior on data of whatever kind."""

    baseline: Literal["hmm"] = Field(description="Name of the baseline.")
    hmm: str = Field(
        min_length=1,
        description="The model: a preset of resources/hmms, or the path of your own YAML file. Its "
        "labels are the dataset's states of the same names, or else of the same letters.",
    )
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
    order: int = Field(
        default=0,
        ge=0,
        le=8,
        description="Bases before each on which its letter depends, beside its state; 0 is a plain "
        "HMM. With 1 and two states it is the model of eight states of Durbin et al. (1998).",
        json_schema_extra={"unit": "bases"},
    )
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


class CpGRule(Section):
    """CpG islands by the rule of Gardiner-Garden & Frommer (1987, J Mol Biol 196:261); DNA only.

    Islands are stretches of bases around each of which a window has enough of G and C, and enough
    CpG for them. Takai & Jones (2002, PNAS 99:3740) ask for more: `gc: 0.55`, `ratio: 0.65`,
    `minimum_length: 500`, `whole_windows: true`.
    """

    baseline: Literal["cpg_rule"] = Field(description="Name of the baseline.")
    state: str = Field(
        min_length=1, description="The dataset's state that islands are: its name or its letter."
    )
    window: int = Field(
        default=200,
        ge=2,
        le=100_000,
        description="Width of the window around each base.",
        json_schema_extra={"unit": "bases"},
    )
    gc: float = Field(
        default=0.5, ge=0, lt=1, description="The share of G and C in the window lies above this."
    )
    ratio: float = Field(
        default=0.6,
        ge=0,
        le=100,
        description="The number of CpG in the window, divided by that expected of its C and G, "
        "lies above this.",
    )
    minimum_length: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="Fewest bases of a stretch that is an island.",
        json_schema_extra={"unit": "bases"},
    )
    whole_windows: bool = Field(
        default=False,
        description="Whether all bases of such a window are of the island, and not its middle one "
        "alone, which leaves half a window away at each end of an island.",
    )
    decoding: TaggerDecoding = "argmax"


class Markov(Section):
    """The next letter by the letters before it; datasets of `task: next_token` only.

    A Markov model, each order mixed with the one below it (Witten & Bell 1991, IEEE Trans Inf
    Theory 37:1085), so that words which training lacks are no surprise.
    """

    baseline: Literal["markov"] = Field(description="Name of the baseline.")
    order: int = Field(
        default=3,
        ge=0,
        le=12,
        description="Letters that are looked at, the present one among them; with 0 the next "
        "letter is told by how frequent it is.",
        json_schema_extra={"unit": "letters"},
    )


class Last(Section):
    """The next number is the last known one (persistence); datasets of `task: next_value` only."""

    baseline: Literal["last"] = Field(description="Name of the baseline.")


class Autoregression(Section):
    """The next number by the numbers before it, linearly; datasets of `task: next_value` only.

    By least squares on the training split. Where fewer numbers are known without a gap, those of a
    lower order are taken, down to the mean.
    """

    baseline: Literal["autoregression"] = Field(description="Name of the baseline.")
    order: int = Field(
        default=2,
        ge=1,
        le=500,
        description="Numbers that are looked at, the present one among them.",
        json_schema_extra={"unit": "steps"},
    )


class Majority(Section):
    """The label frequencies of the training split, for every base alike; of numbers the mean."""

    baseline: Literal["majority"] = Field(description="Name of the baseline.")


class Uniform(Section):
    """The same probability for each state: the floor of who knows nothing."""

    baseline: Literal["uniform"] = Field(description="Name of the baseline.")


Baseline = (
    Exact
    | Filtered
    | GivenHMM
    | HMMByEM
    | HMMByCounts
    | BaseTable
    | GCWindow
    | CpGRule
    | Markov
    | Last
    | Autoregression
    | Majority
    | Uniform
    | Pyrodigal
)

#: Baselines of numeric series alone.
SERIES_BASELINES = (Last, Autoregression)

#: Taggers that are the simulating HMM itself, so they exist for simulated datasets alone.
EXACT_BASELINES = (Exact, Filtered)
