"""The keys of datasets whose records have a number each: `task: regress`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator

from basetag.config.classification import check_whole_records
from basetag.config.columns import Column, SequenceColumns
from basetag.config.section import Section, chosen_by_source, mistake, one_of
from basetag.config.splits import OWN_SPLIT, Split
from basetag.config.vocabulary import VOCABULARY, VocabularyKeys, check_vocabulary
from basetag.config.written_alphabet import WrittenAlphabet
from basetag.letters import one_word, state_letters

Task = Literal["regress"]
_TASK = Field(description="`regress`: what is told is a number of each record as a whole.")
_TARGET = "Column of the numbers."


class TargetColumns(SequenceColumns):
    """Columns of a table of sequences with a number each.

    By the names in its first line, or all of them by their numbers, from 1 on, where its first line
    is a sequence already.
    """

    target: Column = Field(default="target", description=_TARGET)


class TargetTable(Section):
    """Columns of a table of numbers, whose sequences lie in a FASTA file."""

    table: str = Field(
        min_length=1,
        description="Path of a table parted by tabs or commas, plain or compressed (gzip, BGZF), "
        "with a row for each record of the FASTA file, in any order.",
    )
    record: str = Field(default="record", min_length=1, description="Column of records' names.")
    target: str = Field(default="target", min_length=1, description=_TARGET)


class ClassNames(Section):
    """What the records on either side of the threshold are called."""

    above: str = Field(
        default="above",
        min_length=1,
        description="Name of the records whose number is at the threshold or above it.",
    )
    below: str = Field(default="below", min_length=1, description="Name of all others.")

    @model_validator(mode="after")
    def _check(self) -> ClassNames:
        if one_word(self.above) == one_word(self.below):
            raise mistake(
                f"both classes would be called {self.above!r}",
                "give each a name of its own",
                "below" if "below" in self.model_fields_set else "above",
            )
        return self


class _Regressed(Section):
    """What all datasets of records with numbers share."""

    task: Task = _TASK
    threshold: float = Field(
        ge=-1e30,
        le=1e30,
        description="From this number on, it counted in, a record is of the class `above`: so "
        "that calls, AUC and calibration are those of two classes. It changes nothing of what a "
        "network learns.",
    )
    classes: ClassNames = Field(
        default=ClassNames(), description="What the two classes are called."
    )
    alphabet: WrittenAlphabet = "dna"
    split: Split = OWN_SPLIT

    @model_validator(mode="after")
    def _check(self) -> _Regressed:
        check_whole_records(self.split)
        return self

    def letters_and_names(self) -> dict[str, str]:
        """Return a letter for each class, and its name: first that of the numbers above."""
        return state_letters([self.classes.above, self.classes.below], {})


class RegressionTable(_Regressed):
    """A dataset of your own sequences with a number each, rows of one table."""

    table: str = Field(
        min_length=1,
        description="Path of a table parted by tabs or commas, plain or compressed (gzip, BGZF), "
        "with a row for each sequence.",
    )
    columns: TargetColumns = Field(
        default=TargetColumns(), description="Where in the table things stand."
    )
    vocabulary: VocabularyKeys | None = VOCABULARY

    @model_validator(mode="after")
    def _check_vocabulary(self) -> RegressionTable:
        check_vocabulary(self)
        return self


class RegressionFasta(_Regressed):
    """A dataset of your own sequences in a FASTA file, with their numbers in a table."""

    fasta: str = Field(
        min_length=1, description="Path of the sequences, plain or compressed (gzip, BGZF)."
    )
    labels: TargetTable = Field(description="Where the number of each record comes from.")


_SOURCES = ("table", "fasta")

RegressionDataset = RegressionTable | RegressionFasta


#: The keys of a dataset whose task is to tell a number of each record.
Regressed = Annotated[
    Annotated[RegressionTable, Tag("<table>")] | Annotated[RegressionFasta, Tag("<fasta>")],
    chosen_by_source(_SOURCES, "table"),
    one_of(*_SOURCES),
]
