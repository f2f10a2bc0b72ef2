"""The keys of `datasets`: sequences simulated from a model, or a user's own with their labels."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from basetag.config.accessions import ACCESSION, check_accession
from basetag.config.annotation_keys import GivenStates, LeaveOut
from basetag.config.feature_labels import CodingLabels, FeatureLabels
from basetag.config.features import FeatureSources
from basetag.config.labels import Labels
from basetag.config.section import Section, Seed, mistake, one_of
from basetag.config.splits import (
    OWN_SPLIT,
    SIMULATED_SPLIT,
    SUM_TOLERANCE,
    SimulatedSplit,
    Split,
)
from basetag.hmm_spec import MAXIMUM_STATES
from basetag.letters import alphabet_problem


class LengthRange(Section):
    """Lengths drawn uniformly, both ends included."""

    minimum: int = Field(
        ge=1, le=10**9, description="Shortest record.", json_schema_extra={"unit": "bases"}
    )
    maximum: int = Field(
        ge=1, le=10**9, description="Longest record.", json_schema_extra={"unit": "bases"}
    )

    @model_validator(mode="after")
    def _check(self) -> LengthRange:
        if self.minimum > self.maximum:
            raise mistake(
                f"the minimum {self.minimum} is above the maximum {self.maximum}", "swap them"
            )
        return self


#: What is laid over a model, among the keys of a simulation.
VARIATIONS = ("mean_length", "contrast", "dwell_shape", "second_order")


class Simulation(Section):
    """Sequences drawn from a hidden Markov model, so that every base's true state is known."""

    hmm: str = Field(
        min_length=1,
        description="The model: a preset of resources/hmms (toy, patches, blocks, isochores, "
        "isochore_families, lambda, cpg), or the path of your own YAML file.",
    )
    records: int = Field(
        ge=1, le=10**8, description="Number of sequences.", json_schema_extra={"unit": "records"}
    )
    length: Annotated[
        Annotated[Annotated[int, Field(ge=1, le=10**9)], Tag("<fixed>")]
        | Annotated[LengthRange, Tag("<range>")],
        Discriminator(
            lambda value: "<range>" if isinstance(value, dict | LengthRange) else "<fixed>"
        ),
    ] = Field(
        description="Length of each sequence: one number, or `{minimum: 100, maximum: 900}` to "
        "draw each uniformly between the two.",
        json_schema_extra={"unit": "bases"},
    )
    seed: Seed = 1
    mean_length: float | None = Field(
        default=None,
        gt=1,
        le=10**9,
        description="Mean run of each state of the model; null leaves it as it is. Which state "
        "follows which does not change.",
        json_schema_extra={"unit": "bases"},
    )
    contrast: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        description="How far the states' emissions lie from their mean, in terms of the model: 0 "
        "makes all alike, 2 doubles the differences.",
    )
    dwell_shape: int = Field(
        default=1,
        ge=1,
        le=MAXIMUM_STATES // 2,
        description="Geometric lengths that make one run, its mean kept: with 1 runs are geometric "
        "as in any first-order model, with more they keep closer to their mean (an "
        "explicit-duration model).",
        json_schema_extra={"unit": "geometric lengths"},
    )
    second_order: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the runs that end after one base, beyond those that do so anyway, "
        "while the others last longer, the mean kept: a label then follows the two before it (a "
        "second-order model).",
    )

    @model_validator(mode="after")
    def _check(self) -> Simulation:
        if self.dwell_shape > 1 and self.second_order > 0:
            raise mistake(
                "dwell_shape says how long runs last, too", "remove one of the two", "second_order"
            )
        return self


class SimulatedDataset(Section):
    """A dataset drawn from a hidden Markov model: the best that any tagger can do is known."""

    simulate: Simulation = Field(description="The sequences to simulate.")
    split: SimulatedSplit = SIMULATED_SPLIT

    @model_validator(mode="after")
    def _check(self) -> SimulatedDataset:
        if self.split.by == "record":
            fractions = self.split.fractions
            smallest = min(fractions.train, fractions.validation, fractions.test)
            if self.simulate.records * smallest < 1 - SUM_TOLERANCE:
                raise mistake(
                    f"{self.simulate.records} records leave a split of {smallest:g} without any",
                    f"simulate at least {math.ceil(1 / smallest - SUM_TOLERANCE)} records, or "
                    "split by block",
                    "simulate",
                    "records",
                )
        return self


def _check_alphabet(alphabet: str) -> str:
    found = alphabet_problem(alphabet)
    if found is not None:
        raise mistake(found.problem, found.advice)
    return alphabet


Alphabet = Annotated[
    Annotated[str, AfterValidator(_check_alphabet)],
    Field(
        min_length=2,
        description="`dna` (with U read as T and all IUPAC codes), or the letters of your own "
        "alphabet as one word.",
    ),
]


class OwnDataset(Section):
    """What all datasets of a user's own sequences share."""

    features: FeatureSources = Field(
        default={},
        description="Further numbers for each base, by name, such as conservation or coverage; a "
        "network reads those that its own `features` name.",
    )
    split: Split = OWN_SPLIT


class _FastaFile(Section):
    fasta: str = Field(
        min_length=1, description="Path of the sequences, plain or compressed (gzip, BGZF)."
    )
    labels: Labels = Field(description="Where the label of each base comes from.")
    alphabet: Alphabet = "dna"


class FastaDataset(OwnDataset, _FastaFile):
    """A dataset of your own sequences with known labels."""

    @model_validator(mode="after")
    def _check(self) -> FastaDataset:
        if self.alphabet != "dna":
            if "masked" in self.labels.leave_out:
                raise mistake(
                    f"in {self.alphabet!r} a lower-case letter is a letter of its own",
                    "remove masked",
                    "labels",
                    "leave_out",
                )
            if isinstance(self.labels, FeatureLabels) and self.labels.stranded:
                raise mistake(
                    f"{self.alphabet!r} has no second strand", "remove it", "labels", "stranded"
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
    alphabet: Alphabet = "dna"


class TableDataset(OwnDataset, _TableFile):
    """A dataset of your own sequences with known labels, each a row of a table."""

    @model_validator(mode="after")
    def _check(self) -> TableDataset:
        if self.alphabet != "dna" and "masked" in self.leave_out:
            raise mistake(
                f"in {self.alphabet!r} a lower-case letter is a letter of its own",
                "remove masked",
                "leave_out",
            )
        return self


DATASET_FILES = ("fasta", "genbank", "table")

#: The keys of which a dataset has one: what its sequences come from.
_SOURCES = ("simulate", *DATASET_FILES, "accession")

AnyDataset = SimulatedDataset | FastaDataset | GenBankDataset | TableDataset | FetchedDataset


def _dataset_tag(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((f"<{key}>" for key in _SOURCES[1:] if key in value), "<simulate>")
    return next((f"<{key}>" for key in _SOURCES if hasattr(value, key)), None)


Dataset = Annotated[
    Annotated[SimulatedDataset, Tag("<simulate>")]
    | Annotated[FastaDataset, Tag("<fasta>")]
    | Annotated[GenBankDataset, Tag("<genbank>")]
    | Annotated[TableDataset, Tag("<table>")]
    | Annotated[FetchedDataset, Tag("<accession>")],
    Discriminator(_dataset_tag),
    one_of(*_SOURCES),
]
