"""One interval of an annotation file, whatever the file's format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GenomeFeature:
    """An annotated feature, or one part of it where it comes in parts.

    Every format's own counting ends here: positions are counted from 0 along the forward strand,
    on either strand, and `end` is the first base that no longer belongs to the feature.

    Parameters
    ----------
    record : str
        Name of the sequence, as the file writes it.
    start, end : int
        In bases, 0-based and half-open: 0 <= start < end. On a circular record `end` may pass the
        record's length; the bases from there on are those of its beginning.
    strand : str
        "+", "-", or "." where it has none or nobody knows.
    kind : str
        What it is: the type of GFF and GTF (column 3), the key of GenBank, the name of BED ("" in
        a BED file of three columns).
    phase : int or None
        Of a part of a coding sequence, bases (0, 1 or 2) from its first base, as its own strand
        reads it, to the first base of a codon. None where there is no such thing or nobody says.
    attributes : mapping of str to tuple of str
        All values of each attribute or qualifier, in their order, decoded.
    line : int
        Where it stands in its file, from 1.
    group : str or None
        What joins the parts of one feature, a coding sequence above all: they share record, kind
        and group. None where nothing is said, and a feature is then whole by itself. It means
        nothing outside its file.
    """

    record: str
    start: int
    end: int
    strand: str
    kind: str
    phase: int | None
    attributes: Mapping[str, tuple[str, ...]]
    line: int
    group: str | None


@dataclass(frozen=True, slots=True)
class Landmark:
    """What an annotation file says of a record as a whole.

    Parameters
    ----------
    record : str
        Its name, as the file writes it.
    length : int or None
        In bases; None where the file does not say.
    is_circular : bool
        Whether its end is joined to its beginning.
    line : int
        Where that stands in the file, from 1.
    """

    record: str
    length: int | None
    is_circular: bool
    line: int
