"""The keys of datasets whose records have a class each: `task: classify`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Tag, model_validator

from basetag.config.columns import Column, SequenceColumns
from basetag.config.lengths import RecordLength, shortest
from basetag.config.section import Section, Seed, chosen_by_source, mistake, one_of
from basetag.config.splits import OWN_SPLIT, SIMULATED_SPLIT, SimulatedSplit, Split
from basetag.config.vocabulary import VOCABULARY, VocabularyKeys, check_vocabulary
from basetag.config.written_alphabet import WrittenAlphabet
from basetag.hmm_spec import MAXIMUM_STATES
from basetag.letters import one_word, state_letters

#: What a class is called that no name is given: the records without the motif.
WITHOUT_MOTIF = "other"

Task = Literal["classify"]
_TASK = Field(description="`classify`: what is told is the class of each record as a whole.")


class MotifSimulation(Section):
    """Random sequences, some of them with a motif: what any classifier can do at best is known."""

    motif: str = Field(
        pattern="^[ACGT]+$", max_length=100, description="Letters of the motif, such as ATG."
    )
    place: Literal["start", "anywhere"] = Field(
        default="start",
        description="Where the motif lies: at the `start` of its record, where no record of the "
        "other class has exactly it; or `anywhere`, each place being as likely as the others, "
        "where records of the other class have it by chance.",
    )
    noise: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Probability that a letter of the motif is replaced by another one.",
    )
    share: float = Field(default=0.5, gt=0, lt=1, description="Share of the records with a motif.")
    gc: float = Field(default=0.5, gt=0, lt=1, description="Share of G and C elsewhere.")
    records: int = Field(
        ge=3, le=10**8, description="Number of sequences.", json_schema_extra={"unit": "records"}
    )
    length: RecordLength
    seed: Seed = 1

    @model_validator(mode="after")
    def _check(self) -> MotifSimulation:
        if shortest(self.length) < len(self.motif):
            raise mistake(
                f"a motif of {len(self.motif)} letters does not fit into a record of "
                f"{shortest(self.length)}",
                "make the records longer",
                "length",
            )
        return self


def _value_as_text(value: Any) -> Any:
    """Return a number as the text that stands in a table; YAML's yes and no are no texts."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _values_as_texts(classes: Any) -> Any:
    if isinstance(classes, list | tuple):
        classes = {_value_as_text(value): _value_as_text(value) for value in classes}
    if not isinstance(classes, dict):
        return classes
    return {_value_as_text(key): _value_as_text(value) for key, value in classes.items()}


def _check_classes(classes: dict[str, str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for value, name in classes.items():
        word = one_word(name)
        if not word:
            raise mistake("the class has no name", "say what it means", value)
        if word in known:
            raise mistake(
                f"{known[word]!r} and {value!r} would both be called {word!r}",
                "give each class a name of its own",
                value,
            )
        known[word] = value
    return classes


Classes = Annotated[
    dict[str, str],
    BeforeValidator(_values_as_texts),
    AfterValidator(_check_classes),
    Field(
        min_length=2,
        max_length=MAXIMUM_STATES,
        description="The values of the column of classes, and what each means, such as {+: "
        "promoter, -: other}; or their list, where they speak for themselves. Their order is the "
        "order of the columns of all results.",
    ),
]


class ClassColumns(SequenceColumns):
    """Columns of a table of sequences with a class each.

    By the names in its first line, or all of them by their numbers, from 1 on, where its first line
    is a sequence already.
    """

    label: Column = Field(default="class", description="Column of the classes.")


class ClassTableColumns(Section):
    """Columns of a table of classes, whose sequences lie in a FASTA file."""

    table: str = Field(
        min_length=1,
        description="Path of a table parted by tabs or commas, plain or compressed (gzip, BGZF), "
        "with a row for each record of the FASTA file, in any order.",
    )
    record: str = Field(default="record", min_length=1, description="Column of records' names.")
    label: str = Field(default="class", min_length=1, description="Column of the classes.")


class _Classified(Section):
    """What all datasets of classified records share."""

    def letters_and_names(self) -> dict[str, str]:
        """Return a letter for each class, and its name, in the order of the columns."""
        return state_letters(self.class_names(), {})

    def class_names(self) -> list[str]:
        """Return the names of the classes in the order of the columns."""
        raise NotImplementedError


class MotifDataset(_Classified):
    """A dataset of simulated records with or without a motif."""

    task: Task = _TASK
    simulate: MotifSimulation = Field(description="The sequences to simulate.")
    split: SimulatedSplit = SIMULATED_SPLIT

    @property
    def alphabet(self) -> str:
        """The alphabet of the sequences."""
        return "dna"

    @model_validator(mode="after")
    def _check(self) -> MotifDataset:
        check_whole_records(self.split)
        return self

    def class_names(self) -> list[str]:
        """Return the names of the classes in the order of the columns."""
        return [self.simulate.motif, WITHOUT_MOTIF]


class _OwnClassified(_Classified):
    classes: Classes
    alphabet: WrittenAlphabet = "dna"
    split: Split = OWN_SPLIT

    @model_validator(mode="after")
    def _check(self) -> _OwnClassified:
        check_whole_records(self.split)
        return self

    def class_names(self) -> list[str]:
        """Return the names of the classes in the order of the columns."""
        return list(self.classes.values())


class ClassifiedTable(_OwnClassified):
    """A dataset of your own sequences with a class each, rows of one table."""

    task: Task = _TASK
    table: str = Field(
        min_length=1,
        description="Path of a table parted by tabs or commas, plain or compressed (gzip, BGZF), "
        "with a row for each sequence.",
    )
    columns: ClassColumns = Field(
        default=ClassColumns(), description="Where in the table things stand."
    )
    vocabulary: VocabularyKeys | None = VOCABULARY

    @model_validator(mode="after")
    def _check_vocabulary(self) -> ClassifiedTable:
        check_vocabulary(self)
        return self


class ClassifiedFasta(_OwnClassified):
    """A dataset of your own sequences in a FASTA file, with their classes in a table."""

    task: Task = _TASK
    fasta: str = Field(
        min_length=1, description="Path of the sequences, plain or compressed (gzip, BGZF)."
    )
    labels: ClassTableColumns = Field(description="Where the class of each record comes from.")


def check_whole_records(split: Any) -> None:
    """Refuse a split that cuts records, of which each as a whole has a class or a number."""
    if split.by == "block":
        raise mistake(
            "what is told is of a whole record, which no split may cut",
            "split by record, name, table or fold",
            "split",
            "by",
        )


_SOURCES = ("simulate", "table", "fasta")

ClassifiedDataset = MotifDataset | ClassifiedTable | ClassifiedFasta


#: The keys of a dataset whose task is to classify.
Classified = Annotated[
    Annotated[MotifDataset, Tag("<simulate>")]
    | Annotated[ClassifiedTable, Tag("<table>")]
    | Annotated[ClassifiedFasta, Tag("<fasta>")],
    chosen_by_source(_SOURCES, "simulate"),
    one_of(*_SOURCES),
]
