"""The keys of `taggers` and `training`: networks, baselines, and how networks are trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    StringConstraints,
    Tag,
    model_validator,
)

from basetag.config.decoding import TaggerDecoding
from basetag.config.section import Section, Seed, mistake, one_of
from basetag.letters import letters_problem


def _check_balanced(value: Any) -> Any:
    if value != "balanced":
        raise mistake(
            f"found {value!r}, expected balanced or a mapping of state letters to numbers",
            "for two states write {H: 3, L: 1}",
        )
    return value


def _check_letters(weights: dict[str, float]) -> dict[str, float]:
    found = letters_problem(weights)
    if found is not None:
        raise mistake(found.problem, found.advice, *found.keys)
    return weights


ClassWeights = Annotated[
    Annotated[Literal["balanced"], BeforeValidator(_check_balanced), Tag("<balanced>")]
    | Annotated[
        Annotated[
            dict[str, Annotated[float, Field(gt=0, le=1e6)]],
            Field(min_length=1),
            AfterValidator(_check_letters),
        ],
        Tag("<weights>"),
    ],
    Discriminator(lambda value: "<weights>" if isinstance(value, dict) else "<balanced>"),
]


class Training(Section):
    """How networks are trained: by AdamW, on windows of the records."""

    bases: int = Field(
        default=12_000_000,
        ge=1000,
        le=10**12,
        description="Bases to train on in all; when more than the training split has, it is gone "
        "through again.",
        json_schema_extra={"unit": "bases"},
    )
    batch: int = Field(
        default=64,
        ge=1,
        le=65536,
        description="Windows in each step.",
        json_schema_extra={"unit": "windows"},
    )
    window: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Longest stretch that a network is trained on at once; longer records are cut.",
        json_schema_extra={"unit": "bases"},
    )
    schedule: Literal["one_cycle", "cosine"] = Field(
        default="one_cycle",
        description="How the learning rate moves: `one_cycle` rises to the highest and falls to "
        "nearly nothing, both by cosines; `cosine` rises to it on a straight line and falls by a "
        "cosine to a hundredth of it.",
    )
    learning_rate: float = Field(
        default=0.01, gt=0, le=1, description="Highest learning rate of the schedule."
    )
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="Weight decay of AdamW.")
    clip: float = Field(
        default=1.0, gt=0, le=1000, description="Largest norm of a step's gradient; beyond, scaled."
    )
    warmup: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Share of the steps in which the learning rate rises; then it falls.",
    )
    mask: float = Field(
        default=0.01,
        ge=0,
        le=0.5,
        description="Share of the training bases that are hidden as N, in runs, so that a network "
        "learns that N says nothing.",
    )
    validations: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="How often in a training the loss on the validation split is measured; the "
        "best of these states is kept.",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Training ends early when the validation loss has not improved for this many "
        "validations; null never does.",
        json_schema_extra={"unit": "validations"},
    )
    validation_bases: int = Field(
        default=500_000,
        ge=100,
        le=10**10,
        description="At most this many bases of the validation split are used each time.",
        json_schema_extra={"unit": "bases"},
    )
    class_weights: ClassWeights | None = Field(
        default=None,
        description="Weights of the states in the loss, for rare ones: `balanced` weights each by "
        "the inverse of its frequency in the training split, as scikit-learn does; or a number "
        "above 0 for each state letter. Probabilities are then those of a population in which the "
        "states are as common as their weights make them.",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="`bfloat16`: matrix products in bfloat16 (mixed precision), on GPUs only; a "
        "job without a GPU refuses it.",
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="CPU threads of one training. A scientific setting: it changes the last bits "
        "of the weights.",
        json_schema_extra={"unit": "threads"},
    )


class Network(Section):
    """A recurrent network that reads the sequence and gives each base its state probabilities."""

    cell: Literal["rnn", "gru", "lstm"] = Field(description="Kind of recurrent cell.")
    hidden: int = Field(
        default=32,
        ge=1,
        le=4096,
        description="Size of the hidden state, in each direction.",
        json_schema_extra={"unit": "units"},
    )
    layers: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Recurrent layers on top of each other.",
        json_schema_extra={"unit": "layers"},
    )
    bidirectional: bool = Field(
        default=False, description="Whether the bases behind a base are read too."
    )
    both_strands: bool = Field(
        default=False,
        description="Whether predictions are the mean over a sequence and its reverse complement; "
        "DNA and RNA only.",
    )
    init_from: str | None = Field(
        default=None,
        min_length=1,
        description="Start from another tagger's weights: path of a tagger.safetensors, which may "
        "be one that this run makes. The head is new where the states differ.",
    )
    frozen: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1)], ...], Strict(False)
    ] = Field(
        default=(),
        description="Names of layers whose weights stay as `init_from` has them, such as "
        "`layers.0`: everything whose name is one of them, or begins with one and a dot.",
    )
    training: Training | None = Field(
        default=None,
        description="Settings of this tagger alone; what is not given is that of the section "
        "`training`.",
    )
    decoding: TaggerDecoding = "argmax"

    @model_validator(mode="after")
    def _check(self) -> Network:
        if self.frozen and self.init_from is None:
            raise mistake(
                "without init_from there are no weights to keep",
                "add init_from, or remove frozen",
                "frozen",
            )
        return self


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


def baseline(value: Any) -> str | None:
    """Return the tag of a tagger: that of its baseline, else that of a network."""
    if isinstance(value, dict):
        return "<network>" if "cell" in value else f"<{value.get('baseline')}>"
    return f"<{getattr(value, 'baseline', 'network')}>"


Tagger = Annotated[
    Annotated[Network, Tag("<network>")]
    | Annotated[Exact, Tag("<exact>")]
    | Annotated[Filtered, Tag("<filtered>")]
    | Annotated[HMMByEM, Tag("<hmm_em>")]
    | Annotated[HMMByCounts, Tag("<hmm_counts>")]
    | Annotated[BaseTable, Tag("<base_table>")]
    | Annotated[GCWindow, Tag("<gc_window>")]
    | Annotated[Majority, Tag("<majority>")]
    | Annotated[Uniform, Tag("<uniform>")],
    Discriminator(baseline),
    one_of("cell", "baseline"),
]
