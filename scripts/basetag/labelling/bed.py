"""BED files as annotated features: 3 to 12 columns, in any order of lines.

Positions in BED are 0-based and half-open. The runs of states that annotation writes are BED, too:
`basetag.intervals` reads those, strictly sorted and without overlap.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from basetag.errors import InputError
from basetag.labelling.columns import (
    STRANDS,
    is_position,
    no_features,
    wrong_columns,
    wrong_position,
    wrong_strand,
)
from basetag.labelling.genome_feature import GenomeFeature
from basetag.text_lines import decoded_blocks

_COLUMNS_ADVICE = "a line of BED is record, start and end, parted by tabs, then name, score, strand"
_COUNTING = "BED counts bases from 0, and its end is the base behind the last"
_HEADERS = ("#", "track ", "browser ")
# Columns 5 and 7 to 9 by the names that UCSC gives them; others are called by their numbers.
_NAMES = ("", "", "", "", "score", "", "thickStart", "thickEnd", "itemRgb")


def read_bed(path: str | os.PathLike[str]) -> Iterator[GenomeFeature]:
    """Yield the features of a BED file, line by line.

    The name (column 4) is the kind; further columns are attributes: `score`, `thickStart`,
    `thickEnd`, `itemRgb`, and `column7`, `column8`, … where a file has other than 9 or 12 of them.
    A line of 12 columns has blocks (exons): each is a feature of its own, and what lies between
    them is none. Lines without a tab are cut at blanks.

    Parameters
    ----------
    path : path-like
        Plain, gzip or BGZF.

    Raises
    ------
    InputError
        At a line with fewer than three columns, a position that is no whole number, an interval
        that is empty or reversed, a strand other than + - . ?, or blocks that do not fit; for a
        file without features, or one that cannot be read.
    """
    path = Path(path)
    found = False
    for first, block in decoded_blocks(path):
        for number, line in enumerate(block, first):
            if not line or line.startswith(_HEADERS) or line.isspace():
                continue
            fields = line.split("\t") if "\t" in line else line.split()
            found = True
            yield from _features(fields, line, path, number)
    if not found:
        raise no_features(path)


def _features(fields: list[str], line: str, path: Path, number: int) -> Iterator[GenomeFeature]:
    n = len(fields)
    if n < 3:
        raise wrong_columns(n, line, path, number, _COLUMNS_ADVICE)
    start, end = _interval(fields, path, number)
    strand = STRANDS.get(fields[5]) if n > 5 else "."
    if strand is None:
        raise wrong_strand(fields[5], path, number)
    kind = fields[3] if n > 3 else ""
    attributes: dict[str, tuple[str, ...]] = {"score": (fields[4],)} if n > 4 else {}
    for column in range(6, n if n != 12 else 9):
        name = _NAMES[column] if n in (9, 12) else f"column{column + 1}"
        attributes[name] = (fields[column],)
    record = fields[0]
    if n != 12:
        yield GenomeFeature(record, start, end, strand, kind, None, attributes, number, None)
        return
    group = f"line {number}"
    for begin, length in _blocks(fields, end - start, path, number):
        at = start + begin
        yield GenomeFeature(
            record, at, at + length, strand, kind, None, attributes, number, group
        )  # fmt: skip


def _interval(fields: list[str], path: Path, number: int) -> tuple[int, int]:
    """Return the start and end of a line, checked."""
    for what, text in (("start", fields[1]), ("end", fields[2])):
        if not is_position(text):
            advice = _COUNTING
            if number == 1:
                advice = "if this line names the columns, begin it with #"
            if len(fields) == 9 and is_position(fields[3]) and is_position(fields[4]):
                advice = "this looks like GFF; give it as gff"
            raise wrong_position(text, what, path, number, advice)
    start, end = int(fields[1]), int(fields[2])
    if start >= end:
        what = "empty" if start == end else "reversed"
        raise InputError(
            f"the interval from {start} to {end} is {what}",
            file=path, line=number, advice=_COUNTING,
        )  # fmt: skip
    return start, end


def _blocks(fields: list[str], length: int, path: Path, number: int) -> Iterator[tuple[int, int]]:
    """Yield where each block of a line of 12 columns begins in its interval, and its length."""
    sizes, starts = ([t for t in fields[c].split(",") if t] for c in (10, 11))
    whole = all(map(is_position, [fields[9], *sizes, *starts]))
    if not whole or not int(fields[9]) == len(sizes) == len(starts) > 0:
        raise InputError(
            f"{fields[9]!r} blocks of sizes {fields[10][:40]!r} at {fields[11][:40]!r}",
            file=path, line=number,
            advice="columns 10 to 12 are the number of blocks, their sizes, and their starts",
        )  # fmt: skip
    before = 0
    for start, size in zip(map(int, starts), map(int, sizes), strict=True):
        if not (before <= start and size > 0 and start + size <= length):
            raise InputError(
                f"the block of {size} at {start} overlaps one before it, is empty, or reaches"
                f" beyond the interval's {length} bases",
                file=path, line=number, advice="blocks are sorted and lie within the interval",
            )  # fmt: skip
        before = start + size
        yield start, size
