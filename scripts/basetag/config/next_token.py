"""The keys of datasets without labels: `task: next_token`, which tells the letter behind each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag, model_validator

from basetag.config.accessions import ACCESSION, check_accession
from basetag.config.section import Section, chosen_by_source, mistake, one_of
from basetag.config.simulation import Simulation, check_enough_records
from basetag.config.splits import OWN_SPLIT, SIMULATED_SPLIT, SimulatedSplit, Split, check_gap
from basetag.config.written_alphabet import WrittenAlphabet
from basetag.hmm_spec import MAXIMUM_STATES
from basetag.letters import plain_letters

Task = Literal["next_token"]
_TASK = Field(description="`next_token`: what is told of each letter is the one behind it.")


class NextTokenSimulated(Section):
    """A dataset of sequences drawn from a hidden Markov model, to be continued letter by letter."""

    task: Task = _TASK
    simulate: Simulation = Field(description="The sequences to simulate.")
    split: SimulatedSplit = SIMULATED_SPLIT

    @model_validator(mode="after")
    def _check(self) -> NextTokenSimulated:
        check_enough_records(self.simulate, self.split)
        check_gap(self.split, "letter", "letter")
        return self


class NextTokenFasta(Section):
    """A dataset of your own sequences without labels."""

    task: Task = _TASK
    fasta: str = Field(
        min_length=1, description="Path of the sequences, plain or compressed (gzip, BGZF)."
    )
    alphabet: WrittenAlphabet = "dna"
    split: Split = OWN_SPLIT

    @model_validator(mode="after")
    def _check(self) -> NextTokenFasta:
        check_gap(self.split, "letter", "letter")
        letters = plain_letters(self.alphabet)
        if len(letters) > MAXIMUM_STATES:
            raise mistake(
                f"{len(letters)} letters are too many to tell the next one among them",
                f"take an alphabet of at most {MAXIMUM_STATES} letters",
                "alphabet",
            )
        if "." in letters:
            raise mistake(
                "a letter that is to be told cannot be ., which stands for none",
                "write another letter for it",
                "alphabet",
            )
        return self


class NextTokenFetched(Section):
    """A dataset of the sequence of a record of GenBank or RefSeq."""

    task: Task = _TASK
    accession: Annotated[str, AfterValidator(check_accession)] = Field(
        pattern=ACCESSION,
        description="NCBI nucleotide accession of a record to fetch, with its version: "
        "NC_000913.3. A config that is laid over this one can name a `fasta` in its place.",
    )
    split: Split = OWN_SPLIT

    @model_validator(mode="after")
    def _check(self) -> NextTokenFetched:
        check_gap(self.split, "letter", "letter")
        return self

    @property
    def alphabet(self) -> str:
        """The alphabet of the sequences."""
        return "dna"


_SOURCES = ("simulate", "fasta", "accession")

NextTokenDataset = NextTokenSimulated | NextTokenFasta | NextTokenFetched


#: The keys of a dataset whose task is to tell the next letter.
NextToken = Annotated[
    Annotated[NextTokenSimulated, Tag("<simulate>")]
    | Annotated[NextTokenFasta, Tag("<fasta>")]
    | Annotated[NextTokenFetched, Tag("<accession>")],
    chosen_by_source(_SOURCES, "simulate"),
    one_of(*_SOURCES),
]
