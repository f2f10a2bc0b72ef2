"""The keys of `features`: further numbers for each base, which networks read beside the letters."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from basetag.config.section import Name, Section, one_of


class BedGraph(Section):
    """One number for all bases of an interval: a bedGraph file."""

    bedgraph: str = Field(
        min_length=1,
        description="Path of a bedGraph file, plain or .gz: record, start, end (from 0, half-open) "
        "and a number on each line. Bases without a line are missing.",
    )


class FeatureTable(Section):
    """Several numbers for each base: a table with a row per base."""

    table: str = Field(
        min_length=1,
        description="Path of a table parted by tabs, plain or .gz: under a header of `record` and "
        "a name for each column, a row for each base, in the order of its record. NA or an empty "
        "field is missing. The features are called NAME.COLUMN.",
    )


class ScoringMatrices(Section):
    """Twenty numbers for each residue: the position-specific scores of PSI-BLAST."""

    pssm: str = Field(
        min_length=1,
        description="Path of a folder with a file for each record, called by its name and .pssm "
        "(or .pssm.gz): what `psiblast -out_ascii_pssm` writes. Of one record, it may be that file "
        "itself. The features are the log odds of each residue, NAME.A to NAME.Y; the letters must "
        "be the record's.",
    )


#: The keys of which a source has one: what kind of file it is.
_KINDS = ("bedgraph", "table", "pssm")


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return f"<{next((kind for kind in _KINDS if kind in value), 'bedgraph')}>"
    return next((f"<{kind}>" for kind in _KINDS if hasattr(value, kind)), None)


FeatureSource = Annotated[
    Annotated[BedGraph, Tag("<bedgraph>")]
    | Annotated[FeatureTable, Tag("<table>")]
    | Annotated[ScoringMatrices, Tag("<pssm>")],
    Discriminator(_kind),
    one_of(*_KINDS),
]

FeatureSources = dict[Name, FeatureSource]


def kind_and_path(source: FeatureSource) -> tuple[str, str]:
    """Return what kind of file a source is, and its path."""
    return next((kind, getattr(source, kind)) for kind in _KINDS if hasattr(source, kind))
