"""The keys of `datasets.NAME.heads`: further labels of the same letters, learnt jointly."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from basetag.config.annotation_keys import GivenStates
from basetag.config.section import Name, Section, distinct, mistake

#: What stands behind the first dot of files of posteriors that are of no head.
RESERVED_HEADS = ("controls", "validation")

Settings = dict[str, Any]


class _Head(Section):
    states: GivenStates = Field(
        description="Each letter of a state of the head, and what it means, in the order of its "
        "columns."
    )
    weight: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        description="What its cross-entropy counts in the loss, where that of the main labels "
        "counts 1; with 0 it learns nothing, and nothing is learnt from it.",
    )


# The key that tells them apart comes first among theirs.
class _TableColumn(Section):
    column: str = Field(
        min_length=1,
        description="Column of its states: a letter for each base, `.` or `-` for none.",
    )


class TableHead(_Head, _TableColumn):
    """Further labels of the sequences of a table: another of its columns."""


class _FastaFile(Section):
    labels: str = Field(
        min_length=1,
        description="Path of the FASTA file of its states: the same records, a letter for each "
        "base, `.` or `-` for none.",
    )


class FastaHead(_Head, _FastaFile):
    """Further labels of the sequences of a FASTA file: another FASTA file of states."""


AnyHead = TableHead | FastaHead


def _check_head(name: str) -> str:
    if name.casefold() in RESERVED_HEADS:
        raise mistake(
            f"the name {name!r} is reserved: posteriors.{name.casefold()}.npy is another file",
            f"choose another, such as {name}1",
        )
    return name


HeadName = Annotated[Name, AfterValidator(_check_head)]

_DESCRIPTION = (
    "Further labels of the same bases, by name, such as solvent accessibility beside secondary "
    "structure: `{accessibility: {%s, states: {b: buried, e: exposed}}}`. Networks learn them "
    "jointly with the main labels, a softmax for each on the same body, and are judged on each; "
    "baselines tell the main labels alone."
)

TableHeads = Annotated[
    dict[HeadName, TableHead],
    AfterValidator(distinct),
    Field(description=_DESCRIPTION % "column: rsa"),
]
FastaHeads = Annotated[
    dict[HeadName, FastaHead],
    AfterValidator(distinct),
    Field(description=_DESCRIPTION % "labels: rsa.fa"),
]
