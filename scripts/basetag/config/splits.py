"""The key `split` of datasets: how records are divided into train, validation and test."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, Tag, WithJsonSchema, model_validator

from basetag.config.section import Section, Seed, chosen_by, mistake

SUM_TOLERANCE = 1e-6

SPLIT_NAMES = ("train", "validation", "test")


class Fractions(Section):
    """How much of the data each split gets; they sum to 1."""

    train: float = Field(gt=0, lt=1, description="Share that taggers are fitted on.")
    validation: float = Field(gt=0, lt=1, description="Share on which every choice is made.")
    test: float = Field(gt=0, lt=1, description="Share on which the results are measured.")

    @model_validator(mode="after")
    def _check(self) -> Fractions:
        total = math.fsum((self.train, self.validation, self.test))
        if abs(total - 1) > SUM_TOLERANCE:
            raise mistake(
                f"the fractions sum to {total:g}, not to 1 "
                f"({self.train:g} + {self.validation:g} + {self.test:g})",
                "correct the one that is wrong",
            )
        return self


_FRACTIONS = Fractions(train=0.8, validation=0.1, test=0.1)


class RecordSplit(Section):
    """Whole records go to one split or another."""

    by: Literal["record"] = Field(default="record", description="What goes to one split: records.")
    fractions: Fractions = Field(default=_FRACTIONS, description="Share of each split.")
    near_copies: float | None = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Records stay on one side where one has this share of the other's 31-mers, or "
        "more, on either strand, of the record that has fewer of them. null looks for exact copies "
        "alone, and is the default of simulated sequences. See docs/splits.md.",
    )
    seed: Seed = 1


class BlockSplit(Section):
    """Records are cut into blocks, with a gap between two blocks of different splits."""

    by: Literal["block"] = Field(description="What goes to one split: blocks of each record.")
    block: int = Field(
        ge=100, le=10**9, description="Length of a block.", json_schema_extra={"unit": "bases"}
    )
    gap: int = Field(
        default=0,
        ge=0,
        le=10**8,
        description="Bases left out between neighbouring blocks, so that what a block's end says "
        "about the next is not learnt; less than half a block.",
        json_schema_extra={"unit": "bases"},
    )
    fractions: Fractions = Field(default=_FRACTIONS, description="Share of each split.")
    seed: Seed = 1

    @model_validator(mode="after")
    def _check(self) -> BlockSplit:
        if 2 * self.gap >= self.block:
            raise mistake(
                f"the gap of {self.gap} bases is not shorter than half a block of {self.block}",
                "make the gap smaller or the blocks longer",
                "gap",
            )
        return self


def _as_text(value: Any) -> Any:
    """Return a whole number as text: chromosomes and folds are often called so."""
    return str(value) if type(value) is int else value


Words = Annotated[
    tuple[
        Annotated[
            str,
            BeforeValidator(_as_text),
            Field(min_length=1),
            WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}),
        ],
        ...,
    ],
    Strict(False),
]


def _check_words(lists: dict[str, tuple[str, ...]], kind: str) -> None:
    """Refuse a word that stands in two lists, or twice in one."""
    first: dict[str, str] = {}
    for key, words in lists.items():
        for index, word in enumerate(words):
            if word in first:
                both = f"in {first[word]}" if first[word] != key else "here"
                raise mistake(
                    f"the {kind} {word!r} stands {both} already", "remove one", key, index
                )
            first[word] = key


class FoldSplit(Section):
    """One of several folds of the records is the test split: cross-validation, fold by fold.

    A sweep over `split.fold` judges each record once.
    """

    by: Literal["fold"] = Field(description="What decides: a fold of the records.")
    folds: int | None = Field(
        default=10,
        ge=2,
        le=100_000,
        description="Folds that the records are dealt into, each class evenly; exact copies stay "
        "together. null makes one for each record (leave-one-out).",
        json_schema_extra={"unit": "folds"},
    )
    fold: int = Field(ge=0, lt=10**8, description="Which of them is the test split, from 0 on.")
    validation: float = Field(
        default=0.1, gt=0, lt=1, description="Share of the other records on which choices are made."
    )
    near_copies: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="As of a split by record: near copies are then in one fold, and what is called "
        "leave-one-out leaves out a sequence with all that is like it. null keeps exact copies "
        "together, and no others.",
    )
    seed: Seed = 1

    @model_validator(mode="after")
    def _check(self) -> FoldSplit:
        if self.folds is not None and self.fold >= self.folds:
            raise mistake(
                f"there is no fold {self.fold} of {self.folds}",
                f"the last one is {self.folds - 1}",
                "fold",
            )
        return self


class NameSplit(Section):
    """Records go to the split that names them."""

    by: Literal["name"] = Field(description="What decides: the names of records.")
    train: Words = Field(
        default=(),
        description='Names of records, or patterns: `*` is any text, as in `"chr2*"`, `?` any '
        "letter, `[XY]` one of these.",
    )
    validation: Words = Field(default=(), description="The same for the validation split.")
    test: Words = Field(default=(), description="The same for the test split.")
    rest: Literal["train", "validation", "test"] | None = Field(
        default=None,
        description="The split of all records that nothing names; without it they are in none.",
    )

    @model_validator(mode="after")
    def _check(self) -> NameSplit:
        _check_words({name: getattr(self, name) for name in SPLIT_NAMES}, "name")
        for name in SPLIT_NAMES:
            if not getattr(self, name) and name != self.rest:
                raise mistake(
                    f"the split {name} names no record",
                    f"name at least one, as in {name}: [chr1]"
                    + ("" if self.rest else f", or add rest: {name}"),
                    name,
                )
        return self


class SplitValues(Section):
    """Values of a table's column, and the split that each of them stands for."""

    train: Words = Field(default=("train",), min_length=1, description="Those of training.")
    validation: Words = Field(
        default=("validation",), min_length=1, description="Those of validation."
    )
    test: Words = Field(default=("test",), min_length=1, description="Those of the test split.")
    unused: Words = Field(default=(), description="Those of records that belong to no split.")

    @model_validator(mode="after")
    def _check(self) -> SplitValues:
        _check_words(dict(self), "value")
        return self


class TableSplit(Section):
    """Records go to the split that a table gives them."""

    by: Literal["table"] = Field(description="What decides: a column of a table.")
    table: str = Field(
        min_length=1,
        description="Path of a table parted by tabs or commas, plain or compressed (gzip, BGZF), "
        "with a line of column names and a row for each record.",
    )
    record: str = Field(default="record", min_length=1, description="Column of records' names.")
    column: str = Field(default="split", min_length=1, description="Column that decides.")
    values: SplitValues = Field(
        default=SplitValues(), description="What the values of that column stand for."
    )


AnySplit = RecordSplit | BlockSplit | FoldSplit | NameSplit | TableSplit

_LISTS = (*SPLIT_NAMES, "unused")


def settings_of(split: AnySplit) -> dict[str, Any]:
    """Return what a split depends on, a table's content apart, as plain JSON.

    Names and values are sorted, as their order changes nothing.
    """
    settings = split.model_dump(exclude={"table"})
    for lists in (settings, settings.get("values", {})):
        named = (key for key in lists if key in _LISTS and not isinstance(lists[key], float))
        lists |= {key: sorted(lists[key]) for key in list(named)}
    return settings


Split = Annotated[
    Annotated[RecordSplit, Tag("<record>")]
    | Annotated[BlockSplit, Tag("<block>")]
    | Annotated[FoldSplit, Tag("<fold>")]
    | Annotated[NameSplit, Tag("<name>")]
    | Annotated[TableSplit, Tag("<table>")],
    chosen_by("by", "record"),
]

_DESCRIPTION = "How the data is divided into train, validation and test."

#: The key as datasets of a user's own sequences have it.
OWN_SPLIT = Field(default=RecordSplit(), description=_DESCRIPTION)


def _without_near_copies(split: Any) -> Any:
    """Take the default out of a split that says nothing of near copies."""
    by_record = isinstance(split, dict) and split.get("by", "record") == "record"
    return {"near_copies": None, **split} if by_record else split


#: The same where sequences are simulated: nothing in them is anything's copy.
SimulatedSplit = Annotated[Split, BeforeValidator(_without_near_copies)]
SIMULATED_SPLIT = Field(default=RecordSplit(near_copies=None), description=_DESCRIPTION)


def check_gap(split: AnySplit, one: str, told: str) -> None:
    """Refuse blocks without a gap where each would be told what the next one begins with.

    Parameters
    ----------
    split : AnySplit
    one, told : str
        What records are made of, and what is told of the next one.
    """
    if split.by == "block" and not split.gap:
        raise mistake(
            f"the last {one} of a block would be told the first {told} of the next one, which may "
            "be of another split",
            f"add gap: 1, or more, to leave out so many {one}s between blocks of different splits",
            "split",
            "gap",
        )
