"""The keys of a network: the parts that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)

from basetag.architecture import CELLS, POOLINGS, UNGATED
from basetag.config.decoding import TaggerDecoding
from basetag.config.presets import PRESETS
from basetag.config.section import Section, mistake
from basetag.config.training import Training
from basetag.letters import letters_problem

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
    "pooling",
    "substates",
)

if TYPE_CHECKING:
    CellName = str
    PoolingName = str
    PresetName = str
else:
    CellName = Literal[(*CELLS, "none")]
    PoolingName = Literal[tuple(POOLINGS)]
    PresetName = Literal[tuple(PRESETS)]


_STARTING_KEYS = ("dataset", "tagger", "seed")


def _path_of_run(value: Any) -> Any:
    """Return the file of a tagger of this config that is named by dataset, tagger and seed."""
    if not isinstance(value, dict):
        return value
    if set(value) != set(_STARTING_KEYS) or type(value["seed"]) is not int:
        raise mistake(
            f"found {', '.join(map(str, value)) or 'nothing'}, expected dataset, tagger and seed",
            "write {dataset: unlabelled, tagger: gru, seed: 1}, or the path of a file",
        )
    return "results/{dataset}/{tagger}/seed{seed}/tagger.safetensors".format_map(value)


Start = Annotated[
    str,
    BeforeValidator(_path_of_run),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {
                        "dataset": {"type": "string"},
                        "tagger": {"type": "string"},
                        "seed": {"type": "integer", "minimum": 0},
                    },
                    "required": list(_STARTING_KEYS),
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


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


def _cell_or_preset(schema: dict[str, Any]) -> None:
    """Say in the schema that one of the two is needed."""
    schema.pop("required")
    schema["anyOf"] = [{"required": [key]} for key in ("cell", "preset")]


class Network(Section):
    """A network that reads the sequence and gives each base its state probabilities."""

    # What a preset stands for is put in its place beforehand: the key itself is for the schema.
    model_config = ConfigDict(json_schema_extra=_cell_or_preset)

    cell: CellName = Field(
        description="Kind of recurrent cell; `none` for a network without recurrence. Needed, but "
        "with a `preset`."
    )
    preset: PresetName | None = Field(
        default=None,
        description="A published network, whose keys stand for it; what the tagger says besides "
        "goes over them, key by key: `{preset: dcrnn, hidden: 600}`. `dcrnn`: Li & Yu 2016, "
        "kernels of 3, 7 and 11 in front of three two-directional layers of GRU.",
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
    pooling: PoolingName | None = Field(
        default=None,
        description="How a record's bases are summed up where the record as a whole has a label: "
        "`last` takes the last state of each direction; `mean` and `max` each unit's mean and "
        "largest number over all bases; `attention` a mean whose weights are learnt. Null labels "
        "each base.",
    )
    substates: bool = Field(
        default=False,
        description="Whether training is on the dataset's finer states, where it has some, such as "
        "codon positions; a label's probability is then the sum over its own.",
    )
    joint: bool = Field(
        default=True,
        description="Whether the dataset's further labels (`heads`) are learnt jointly with the "
        "main ones, where it has some.",
    )
    both_strands: bool = Field(
        default=False,
        description="Whether predictions are the mean over a sequence and its reverse complement; "
        "DNA and RNA only.",
    )
    init_from: Start | None = Field(
        default=None,
        description="Start from another tagger's weights: `dataset`, `tagger` and `seed` of one of "
        "this config, or the path of a tagger.safetensors, which may be one that this run makes. "
        "The head is new where the states or the tasks differ.",
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
        for key in ("hidden", "layers"):
            if self.cell == "none" and key in self.model_fields_set:
                raise mistake("without a cell there are no units", "remove it", key)
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
        if self.substates and isinstance(self.head, HiddenStates):
            raise mistake(
                "the head's hidden states would be the dataset's substates",
                "remove it, or take head: crf",
                "substates",
            )
        self._check_pooling()
        kept = {"embedding", "embedding.weight"}
        given = self.embedding.table is not None and set(self.frozen) <= kept
        if self.frozen and self.init_from is None and not given:
            raise mistake(
                "without init_from there are no weights to keep",
                "add init_from, or remove frozen; a table's vectors are kept by [embedding]",
                "frozen",
            )
        return self

    def _check_pooling(self) -> None:
        """Raise where a network that labels records has what is for bases."""
        if self.pooling is None:
            return
        if self.pooling == "last" and self.cell == "none":
            raise mistake(
                "without a cell there is no last state",
                "take mean, max or attention, or a cell",
                "pooling",
            )
        if self.head != "softmax":
            raise mistake(
                "a CRF labels the bases of a record, and with pooling the record has one label",
                "remove pooling, or take head: softmax",
                "head",
            )
        if self.substates:
            raise mistake(
                "bases have substates, and with pooling a record has one label",
                "remove it, or remove pooling",
                "substates",
            )
        if self.decoding != "argmax":
            raise mistake(
                "a record that has one label has no path of states",
                "remove it, or remove pooling",
                "decoding",
            )
