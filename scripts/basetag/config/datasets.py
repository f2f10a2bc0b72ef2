"""The keys of `datasets`: sequences simulated from a model, or a user's own with their labels."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, Tag, model_validator

from basetag.config.accessions import ACCESSION, check_accession
from basetag.config.annotation_keys import GivenStates, LeaveOut
from basetag.config.classification import Classified, ClassifiedDataset
from basetag.config.feature_labels import CodingLabels, FeatureLabels
from basetag.config.feature_rules import StateName
from basetag.config.features import FeatureSources
from basetag.config.further_heads import FastaHeads, TableHeads
from basetag.config.labels import FastaLabels, Labels
from basetag.config.next_token import NextToken, NextTokenDataset
from basetag.config.next_value import NextValue, NextValueDataset
from basetag.config.regression import Regressed, RegressionDataset
from basetag.config.section import Name, Section, chosen_by, chosen_by_source, mistake, one_of
from basetag.config.simulation import Simulation, check_enough_records
from basetag.config.splits import OWN_SPLIT, SIMULATED_SPLIT, SimulatedSplit, Split
from basetag.config.written_alphabet import WrittenAlphabet
from basetag.letters import tells_case


class _Tagged(Section):
    """What all datasets share whose bases have a label each."""

    task: Literal["tag"] = Field(
        default="tag",
        description="What is told: `tag`, a label for each base; `classify`, the class of each "
        "record as a whole; `regress`, a number of it; `next_token`, for each letter the one "
        "behind it; or `next_value`, for each number of a series the one behind it.",
    )


class SimulatedDataset(_Tagged):
    """A dataset drawn from a hidden Markov model: the best that any tagger can do is known."""

    simulate: Simulation = Field(description="The sequences to simulate.")
    split: SimulatedSplit = SIMULATED_SPLIT

    @model_validator(mode="after")
    def _check(self) -> SimulatedDataset:
        check_enough_records(self.simulate, self.split)
        return self


DropDuplicates = Annotated[
    bool,
    Field(
        description="Whether a record goes whose sequence an earlier record has, letter by letter, "
        "case apart. The first record's labels stay, and the log says how many copies differ."
    ),
]


def _check_masked(alphabet: str, leave_out: Collection[str], *below: str) -> None:
    if "masked" in leave_out and tells_case(alphabet):
        raise mistake(
            f"in {alphabet!r} a lower-case letter is a letter of its own",
            "remove masked",
            *below,
            "leave_out",
        )


def _check_groups(groups: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    first: dict[str, str] = {}
    for group, members in groups.items():
        for index, state in enumerate(members):
            if state in first:
                where = f"{first[state]!r} and {group!r}" if first[state] != group else repr(group)
                raise mistake(
                    f"the state {state!r} stands twice, in {where}",
                    "name each state once",
                    group,
                    index,
                )
            first[state] = group
    return groups


#: Groups of states by their names, with the letters or names of their states.
StateGroups = Annotated[
    dict[StateName, Annotated[tuple[str, ...], Strict(False), Field(min_length=1)]],
    AfterValidator(_check_groups),
    Field(min_length=2),
]


class OwnDataset(_Tagged):
    """What all datasets of a user's own sequences share."""

    features: FeatureSources = Field(
        default={},
        description="Further numbers for each base, by name, such as conservation or coverage; a "
        "network reads those that its own `features` name.",
    )
    groups: dict[Name, StateGroups] = Field(
        default={},
        description="Groups of states that are judged beside the states themselves, by a name for "
        "each way to group them: `{Q3: {H: [H, G, I], E: [E, B], C: [T, S, L]}}`. Each state "
        "belongs to one group. Nothing is trained on them: probabilities are summed, and where "
        "calls are the likeliest states, those of groups are the likeliest groups.",
    )
    split: Split = OWN_SPLIT


class _FastaFile(Section):
    fasta: str = Field(
        min_length=1, description="Path of the sequences, plain or compressed (gzip, BGZF)."
    )
    labels: Labels = Field(description="Where the label of each base comes from.")
    alphabet: WrittenAlphabet = "dna"
    drop_duplicates: DropDuplicates = False


class FastaDataset(OwnDataset, _FastaFile):
    """A dataset of your own sequences with known labels."""

    heads: FastaHeads = Field(default={})

    @model_validator(mode="after")
    def _check(self) -> FastaDataset:
        _check_masked(self.alphabet, self.labels.leave_out, "labels")
        stranded = isinstance(self.labels, FeatureLabels) and self.labels.stranded
        if stranded and self.alphabet != "dna":
            raise mistake(
                f"{self.alphabet!r} has no second strand", "remove it", "labels", "stranded"
            )
        if self.heads and not isinstance(self.labels, FastaLabels):
            raise mistake(
                "further labels stand beside labels that are written the same way",
                "give labels: {fasta: …, states: …}, or remove heads",
                "heads",
            )
        return self


class _GenBankFile(Section):
    genbank: str = Field(
        min_length=1,
        description="Path of a GenBank file with sequences, plain or compressed (gzip, BGZF).",
    )
    labels: CodingLabels = Field(description="What its features say of the bases.")


class GenBankDataset(OwnDataset, _GenBankFile):
    """A dataset of the sequences and the features of one GenBank file."""

    @property
    def alphabet(self) -> str:
        """The alphabet of the sequences."""
        return "dna"


class _Accession(Section):
    accession: Annotated[str, AfterValidator(check_accession)] = Field(
        pattern=ACCESSION,
        description="NCBI nucleotide accession of a record to fetch, with its version, sequence "
        "and features: NC_000913.3. A config that is laid over this one can name files in its "
        "place: `fasta` and `labels: {gff: …}`, or `genbank`.",
    )
    labels: CodingLabels = Field(description="What its features say of the bases.")


class FetchedDataset(OwnDataset, _Accession):
    """A dataset of the sequence and the features of a record of GenBank or RefSeq."""

    @property
    def alphabet(self) -> str:
        """The alphabet of the sequences."""
        return "dna"


class TableColumns(Section):
    """Columns of a table of sequences, by the names in its first line."""

    sequence: str = Field(default="dna", min_length=1, description="Column of the sequences.")
    states: str = Field(
        default="hidden_state",
        min_length=1,
        description="Column of the states: a letter for each base, `.` or `-` for none.",
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        description="Column of the records' names; without it they are numbered.",
    )


class _TableFile(Section):
    table: str = Field(
        min_length=1,
        description="Path of a table parted by tabs or commas, plain or compressed (gzip, BGZF), "
        "with a row for each sequence.",
    )
    columns: TableColumns = Field(
        default=TableColumns(), description="Where in the table things stand."
    )
    states: GivenStates = Field(
        description="Each letter of a state, and what it means. Their order is the order of the "
        "columns of all results."
    )
    leave_out: LeaveOut = ()
    alphabet: WrittenAlphabet = "dna"
    drop_duplicates: DropDuplicates = False


class TableDataset(OwnDataset, _TableFile):
    """A dataset of your own sequences with known labels, each a row of a table."""

    heads: TableHeads = Field(default={})

    @model_validator(mode="after")
    def _check(self) -> TableDataset:
        _check_masked(self.alphabet, self.leave_out)
        for name, head in self.heads.items():
            if head.column in (self.columns.sequence, self.columns.states):
                what = "sequences" if head.column == self.columns.sequence else "main labels"
                raise mistake(
                    f"{head.column!r} is the column of the {what}",
                    "name another column",
                    "heads",
                    name,
                    "column",
                )
        return self


DATASET_FILES = ("fasta", "genbank", "table")

#: The keys of which a dataset has one: what its sequences come from.
_SOURCES = ("simulate", *DATASET_FILES, "accession")

TaggedDataset = SimulatedDataset | FastaDataset | GenBankDataset | TableDataset | FetchedDataset
AnyDataset = (
    TaggedDataset | ClassifiedDataset | RegressionDataset | NextTokenDataset | NextValueDataset
)


_AnyTagged = Annotated[
    Annotated[SimulatedDataset, Tag("<simulate>")]
    | Annotated[FastaDataset, Tag("<fasta>")]
    | Annotated[GenBankDataset, Tag("<genbank>")]
    | Annotated[TableDataset, Tag("<table>")]
    | Annotated[FetchedDataset, Tag("<accession>")],
    chosen_by_source(_SOURCES[1:], _SOURCES[0]),
    one_of(*_SOURCES),
]

#: What a dataset's labels are: one for each base, a class or a number for each record, or the next
#: letter, or the next number.
TASKS = ("tag", "classify", "regress", "next_token", "next_value")

Dataset = Annotated[
    Annotated[_AnyTagged, Tag("<tag>")]
    | Annotated[Classified, Tag("<classify>")]
    | Annotated[Regressed, Tag("<regress>")]
    | Annotated[NextToken, Tag("<next_token>")]
    | Annotated[NextValue, Tag("<next_value>")],
    chosen_by("task", TASKS[0]),
]
