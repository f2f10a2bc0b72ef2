"""The keys of `taggers` and `training`: networks, baselines, and how networks are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

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

from basetag.architecture import CELLS, UNGATED
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


if TYPE_CHECKING:
    CellName = str
else:
    CellName = Literal[(*CELLS, "none")]


class Embedding(Section):
    """What a network reads of each base: its letter, or the word (k-mer) around it."""

    k: int = Field(
        default=1,
        ge=1,
        le=8,
        description="Length of the word. It lies around its base; in a network of one direction "
        "it ends there. Of a word with an ambiguous letter, or one that hangs over an end of its "
        "record, the mean over all words that it may be is read.",
        json_schema_extra={"unit": "bases"},
    )
    dimensions: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Numbers that are learned for each letter or word; null reads letters as they "
        "are (one-hot).",
    )
    table: str | None = Field(
        default=None,
        min_length=1,
        description="File of the words' first vectors, which training changes unless `embedding` "
        "is among `frozen`: the text format of word2vec and dna2vec, a word and its numbers on a "
        "line; plain or .gz.",
    )

    @model_validator(mode="after")
    def _check(self) -> Embedding:
        if self.k > 1 and self.dimensions is None:
            raise mistake(
                f"words of {self.k} letters need dimensions",
                "give the number of dimensions, such as 16",
                "dimensions",
            )
        if self.table is not None and self.dimensions is None:
            raise mistake(
                "vectors from a table need dimensions",
                "give the number of numbers on each of its lines",
                "dimensions",
            )
        return self


def _check_distinct(widths: tuple[int, ...]) -> tuple[int, ...]:
    for index, width in enumerate(widths):
        if width in widths[:index]:
            raise mistake(
                f"the width {width} is given twice", "give it once, with more channels", index
            )
    return widths


class Convolution(Section):
    """Convolutions in front of the recurrence, of one kernel width or several side by side."""

    widths: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1001)], ...],
        Strict(False),
        AfterValidator(_check_distinct),
    ] = Field(
        min_length=1,
        max_length=16,
        description="Bases under a kernel, of each width of kernels. A kernel lies around its "
        "base; in a network of one direction it ends there.",
        json_schema_extra={"unit": "bases"},
    )
    channels: int = Field(
        default=32,
        ge=1,
        le=4096,
        description="Kernels of each width.",
        json_schema_extra={"unit": "kernels"},
    )


#: Hidden states of a CRF, over all labels.
MOST_HIDDEN_STATES = 64

StateName = Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=32)]
StateNames = Annotated[tuple[StateName, ...], Strict(False), Field(min_length=1)]


class HiddenStates(Section):
    """A CRF whose labels have several hidden states each: phases of a codon, say."""

    states: dict[str, StateNames] = Field(
        min_length=1,
        description="Names of each label's hidden states, such as {C: [c1, c2, c3], N: [n]}. A "
        "label's probability is the sum over its states.",
    )
    allowed: dict[StateName, StateNames] | None = Field(
        default=None,
        description="For each hidden state those that may follow it, such as {c1: [c2], c2: [c3]}; "
        "one that is not named may be followed by all.",
    )

    @model_validator(mode="after")
    def _check(self) -> HiddenStates:
        found = letters_problem(self.states)
        if found is not None:
            raise mistake(found.problem, found.advice, "states", *found.keys)
        names = self.names
        if len(names) > MOST_HIDDEN_STATES:
            raise mistake(
                f"{len(names)} hidden states are too many",
                f"take at most {MOST_HIDDEN_STATES}",
                "states",
            )
        for index, name in enumerate(names):
            if name in names[:index]:
                raise mistake(f"the state {name!r} is given twice", "rename one", "states")
        allowed = self.allowed or {}
        for name, following in allowed.items():
            for other in (name, *following):
                if other not in names:
                    raise mistake(
                        f"{other!r} is no hidden state",
                        f"the hidden states are {', '.join(names)}",
                        "allowed",
                        name,
                    )
        for name in names:
            if all(name not in allowed.get(other, names) for other in names):
                raise mistake(
                    f"nothing may be followed by {name!r}, so it is never reached",
                    "name it among those that may follow another",
                    "allowed",
                )
        return self

    @property
    def names(self) -> list[str]:
        """The hidden states, label by label."""
        return [name for names in self.states.values() for name in names]


Head = Annotated[
    Annotated[Literal["softmax", "crf"], Tag("<kind>")] | Annotated[HiddenStates, Tag("<states>")],
    Discriminator(lambda value: "<kind>" if isinstance(value, str) else "<states>"),
]


def _check_features(names: tuple[str, ...]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise mistake(f"the feature {name!r} is given twice", "name it once", index)
    return names


class Network(Section):
    """A network that reads the sequence and gives each base its state probabilities."""

    cell: CellName = Field(
        description="Kind of recurrent cell; `none` for a network without recurrence."
    )
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
    embedding: Embedding = Field(
        default=Embedding(), description="What is read of each base: its letter, or a word."
    )
    convolution: Convolution | None = Field(
        default=None, description="Convolutions in front of the recurrence; null for none."
    )
    features: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1)], ...],
        Strict(False),
        AfterValidator(_check_features),
    ] = Field(
        default=(),
        description="Names of the dataset's features that are read beside the letters, brought to "
        "mean 0 and standard deviation 1.",
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the units that a layer hands on as zero in training, the same ones "
        "along a window.",
    )
    residual: bool = Field(
        default=False, description="Whether a layer adds to what the layer below it says."
    )
    normalised: bool = Field(
        default=False,
        description="Whether what a layer hands on is normalised over its units before it is read "
        "(layer normalisation).",
    )
    longest_memory: int | None = Field(
        default=None,
        ge=3,
        le=10_000_000,
        description="Bases over which the gates should be able to keep something when training "
        "starts (chrono initialisation); null for the usual start.",
        json_schema_extra={"unit": "bases"},
    )
    head: Head = Field(
        default="softmax",
        description="What turns what is known of a base into probabilities: `softmax` for each "
        "base by itself; `crf` for a record as a whole, by a linear-chain conditional random "
        "field, which learns how labels follow each other; or a CRF's hidden states.",
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
        description="Names of layers whose weights stay as `init_from` or `table` has them, as "
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
        if self.longest_memory is not None and self.cell in UNGATED:
            raise mistake(
                f"the cell {self.cell} has no gates",
                "remove it, or take gru or lstm",
                "longest_memory",
            )
        for key in ("dropout", "residual", "normalised"):
            if getattr(self, key) and (self.layers == 1 or self.cell == "none"):
                raise mistake(
                    "it says what lies between two layers, and there are none",
                    "remove it, or give layers: 2 or more",
                    key,
                )
        if self.init_from is not None and self.embedding.table is not None:
            raise mistake(
                "init_from brings vectors, too",
                "remove one of the two",
                "embedding",
                "table",
            )
        given = self.embedding.table is not None and set(self.frozen) <= {"embedding"}
        if self.frozen and self.init_from is None and not given:
            raise mistake(
                "without init_from there are no weights to keep",
                "add init_from, or remove frozen; a table's vectors are kept by [embedding]",
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


#: What a network is made of, among the keys of its tagger.
ARCHITECTURE = (
    "embedding",
    "convolution",
    "features",
    "cell",
    "hidden",
    "layers",
    "bidirectional",
    "dropout",
    "residual",
    "normalised",
    "longest_memory",
    "head",
)


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
