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


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return "<table>" if "table" in value else "<bedgraph>"
    if isinstance(value, FeatureTable):
        return "<table>"
    return "<bedgraph>" if isinstance(value, BedGraph) else None


FeatureSource = Annotated[
    Annotated[BedGraph, Tag("<bedgraph>")] | Annotated[FeatureTable, Tag("<table>")],
    Discriminator(_kind),
    one_of("bedgraph", "table"),
]

FeatureSources = dict[Name, FeatureSource]
