"""The whole config as one model: its sections, and those that judge and annotate.

Here and in the modules of the sections each key has its meaning, unit, range and default, and
nowhere else: the JSON schema and `docs/config.md` are written from them. What needs the file
system (does a file exist) or two sections at once (is that tagger one of the config) is not
checked here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Strict, Tag, model_validator

from basetag.config.accessions import ACCESSION, check_accession
from basetag.config.columns import Column, check_columns
from basetag.config.datasets import Dataset
from basetag.config.decoding import Decoding
from basetag.config.features import FeatureSources
from basetag.config.generation import Generation
from basetag.config.section import (
    LARGEST_SEED,
    Name,
    Section,
    Seed,
    Seeds,
    distinct,
    mistake,
    not_reserved,
    one_of,
)
from basetag.config.sweeps import Sweep
from basetag.config.taggers import Tagger
from basetag.config.training import Training
from basetag.region import Region

#: Folders of `results/` that are no dataset's, and of a dataset's folder that are no tagger's.
#: The folder of annotations by taggers that a config names by their files.
TAGGER_FILES = "files"

RESERVED_DATASETS = ("annotations", "classified", "generated", "genomes", "sweeps", TAGGER_FILES)
RESERVED_TAGGERS = ("corpus", "controls")

#: Bases of a region that the report shows, at most.
LONGEST_REGION = 50_000

DatasetName = Annotated[Name, not_reserved(*RESERVED_DATASETS)]
TaggerName = Annotated[Name, not_reserved(*RESERVED_TAGGERS)]


class Controls(Section):
    """Negative controls: sequences without structure, in which every called border is false.

    One has letters drawn independently at the composition of the training split, one the letters
    of test sequences, shuffled so that the counts of all pairs of neighbours stay as they are.
    """

    bases: int = Field(
        default=500_000,
        ge=0,
        le=10**8,
        description="About this many bases in each control; 0 makes none.",
        json_schema_extra={"unit": "bases"},
    )


class Evaluation(Section):
    """How the taggers are judged and what the report shows."""

    pairs: int = Field(
        default=1000,
        ge=1,
        le=10**6,
        description="Draws of each null distribution from which chance is told; of fresh paths of "
        "labels fewer, where they would take long.",
        json_schema_extra={"unit": "draws"},
    )
    seed: Seed = 1
    shown_records: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Test sequences that the report shows base by base.",
        json_schema_extra={"unit": "records"},
    )
    shown_bases: int = Field(
        default=1000,
        ge=60,
        le=100_000,
        description="At most this many bases of each of them.",
        json_schema_extra={"unit": "bases"},
    )
    controls: Controls = Field(
        default=Controls(), description="Sequences without structure, and what is called in them."
    )


class TaggerReference(Section):
    """A tagger of this config, as trained on one of its datasets."""

    dataset: str = Field(description="Dataset that it is trained on.")
    tagger: str = Field(description="Name of the tagger.")
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = Field(
        default=None,
        description="Which of the seeds; the first where none is given. Baselines have 0 only.",
    )


class TaggerFile(Section):
    """A trained tagger by its file alone, made by whatever config."""

    file: str = Field(min_length=1, description="Path of a tagger.safetensors.")
    name: Annotated[Name, not_reserved(*RESERVED_TAGGERS)] | None = Field(
        default=None,
        description="What its results are called; the file's own name where none is given.",
    )

    @property
    def folder(self) -> str:
        """Its name among the results."""
        return self.name or re.sub(r"[^A-Za-z0-9_-]+", "_", Path(self.file).stem).lstrip("-")


AnnotatingTagger = Annotated[
    Annotated[TaggerReference, Tag("<reference>")] | Annotated[TaggerFile, Tag("<file>")],
    Discriminator(
        lambda value: (
            "<file>"
            if isinstance(value, TaggerFile) or (isinstance(value, dict) and "file" in value)
            else "<reference>"
        )
    ),
]


def _check_region(text: str) -> str:
    region = Region.of_text(text)
    if region is None:
        raise mistake(f"{text!r} is no region", "write it as chr1:1-20000, from 1, both ends in")
    if region.end - region.start > LONGEST_REGION:
        raise mistake(
            f"{text} has {region.end - region.start} bases",
            f"show {LONGEST_REGION} at most, and several regions for more",
        )
    return text


class GenomeEntry(Section):
    """A genome to annotate: fetched by its accession, or a FASTA file of your own."""

    accession: Annotated[str | None, AfterValidator(check_accession)] = Field(
        default=None,
        pattern=ACCESSION,
        description="NCBI nucleotide accession to fetch, with its version: NC_001416.1.",
    )
    fasta: str | None = Field(
        default=None,
        min_length=1,
        description="Path of a FASTA file. In a config that is laid over another, it takes the "
        "place of the accession there.",
    )
    taggers: Annotated[tuple[AnnotatingTagger, ...], Strict(False)] = Field(
        min_length=1,
        description="Taggers that annotate it: of this config, as in `{dataset: mine, tagger: "
        "bilstm}`, or any by its file, as in `{file: tagger.safetensors}`.",
    )
    features: FeatureSources = Field(
        default={},
        description="Further numbers for each of its bases, under the names of those that its "
        "taggers were trained with.",
    )
    decoding: Decoding | None = Field(
        default=None,
        description="How states are called in this annotation, as the key of that name of a tagger "
        "says; null takes each tagger's own.",
    )
    both_strands: bool | None = Field(
        default=None,
        description="Whether both strands are averaged in this annotation; without it, whether "
        "the tagger's own setting says so. Networks on DNA and RNA only.",
    )
    regions: Annotated[tuple[Annotated[str, AfterValidator(_check_region)], ...], Strict(False)] = (
        Field(
            default=(),
            max_length=10,
            description="Parts of it that the report shows base by base, such as chr1:1-20000 "
            f"(from 1, both ends in), of {LONGEST_REGION} bases at most; without any, the 20 kb "
            "around the first change of state.",
        )
    )
    bases_per_job: int | None = Field(
        default=250_000_000,
        ge=1,
        description="Its records are shared out among jobs that take about so many each; null "
        "makes one job of all. A record is never divided, and no result depends on it.",
        json_schema_extra={"unit": "bases"},
    )


class SequencesEntry(Section):
    """Sequences of which a tagger is to tell the classes."""

    fasta: str | None = Field(default=None, min_length=1, description="Path of a FASTA file.")
    table: str | None = Field(
        default=None,
        min_length=1,
        description="Path of a table parted by tabs or commas, plain or compressed (gzip, BGZF), "
        "with a sequence, or a text, on each row.",
    )
    column: Column = Field(
        default="sequence", description="Column of the sequences, or texts, of the table."
    )
    name: Column | None = Field(
        default=None,
        description="Column of the names of the table's rows; without it they are numbered.",
    )
    context: Column | None = Field(
        default=None,
        description="Column of what each sequence comes with, where the tagger was trained with "
        "one.",
    )
    tagger: AnnotatingTagger = Field(
        description="What tells their classes: a tagger of this config, as in `{dataset: mine, "
        "tagger: pooled}`, or any by its file, as in `{file: tagger.safetensors}`."
    )

    @model_validator(mode="after")
    def _check(self) -> SequencesEntry:
        for key in ("column", "name", "context"):
            if self.fasta is not None and key in self.model_fields_set:
                raise mistake(
                    "is a column of a table, and a FASTA file has none",
                    "remove it, or give table: in place of fasta:",
                    key,
                )
        columns = {"column": self.column, "name": self.name, "context": self.context}
        check_columns({key: value for key, value in columns.items() if value is not None})
        return self


Genome = Annotated[GenomeEntry, one_of("accession", "fasta")]
Sequences = Annotated[SequencesEntry, one_of("fasta", "table")]


class ConfigModel(Section):
    """The config of a run: the data, the taggers, and how they are trained and judged."""

    datasets: Annotated[dict[DatasetName, Dataset], AfterValidator(distinct)] = Field(
        default={},
        description="The datasets, by name. At least one, but where all that is to be done is to "
        "annotate genomes with taggers by their files.",
    )
    taggers: Annotated[dict[TaggerName, Tagger], AfterValidator(distinct)] = Field(
        default={},
        description="The taggers, by name; each is trained or fitted on each dataset. At least "
        "one, wherever there is a dataset.",
    )
    seeds: Seeds = Field(
        default=(1,),
        description="Each network is trained once with each seed. Baselines have 0 only.",
    )
    training: Training = Field(default=Training(), description="How networks are trained.")
    evaluation: Evaluation = Field(
        default=Evaluation(), description="How taggers are judged and shown."
    )
    annotate: Annotated[dict[Name, Genome], AfterValidator(distinct)] = Field(
        default={}, description="Genomes to annotate, by name."
    )
    classify: Annotated[dict[Name, Sequences], AfterValidator(distinct)] = Field(
        default={}, description="Sequences whose classes are to be told, by name."
    )
    generate: Annotated[dict[Name, Generation], AfterValidator(distinct)] = Field(
        default={},
        description="Sequences to draw from networks that tell the next letter, by name.",
    )
    sweeps: Annotated[dict[Name, Sweep], AfterValidator(distinct)] = Field(
        default={}, description="Grids of datasets and taggers, by name, beside the run itself."
    )

    @model_validator(mode="after")
    def _check(self) -> ConfigModel:
        uses = [use for genome in self.annotate.values() for use in genome.taggers]
        uses += [entry.tagger for entry in self.classify.values()]
        made = self.datasets or self.taggers or self.sweeps
        if not made and uses and all(isinstance(use, TaggerFile) for use in uses):
            return self
        for key in ("datasets", "taggers"):
            if key not in self.model_fields_set:
                raise mistake(
                    "is missing", f"add it: {type(self).model_fields[key].description}", key
                )
            if not getattr(self, key):
                raise mistake("is empty", "name at least one", key)
        return self
