"""A split as a table: which stretch of which record trains, chooses or judges."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError, nearest
from basetag.files import written_whole
from basetag.segments import Segments

SPLITS = ("train", "validation", "test")

_COLUMNS = ("record", "start", "end", "split")


@dataclass(frozen=True)
class Split:
    """A split, drawn or given.

    Parameters
    ----------
    segments : Segments
        All units that belong to a split, in the order of the corpus.
    assignment : ndarray of int64, (segments,)
        Index into `SPLITS` for each of them.
    left_out : int
        Bases of gaps, and of records that belong to no split.
    duplicates : int
        Units kept on one side with others whose content they have, on either strand.
    near_copies : int
        Further units kept on one side with others of which they are near copies.
    """

    segments: Segments
    assignment: NDArray[np.int64]
    left_out: int = 0
    duplicates: int = 0
    near_copies: int = 0

    def of(self, name: str) -> Segments:
        """Return the segments of one of `SPLITS`."""
        return self.segments.chosen(self.assignment == SPLITS.index(name))


def write_split(path: str | os.PathLike[str], corpus: Corpus, split: Split) -> None:
    """Write a split as a table: record, start, end, split; in the order of the corpus."""
    rows = zip(
        split.segments.record.tolist(),
        split.segments.start.tolist(),
        split.segments.end.tolist(),
        split.assignment.tolist(),
        strict=True,
    )
    with (
        written_whole(path) as (place,),
        place.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.write("\t".join(_COLUMNS) + "\n")
        for record, start, end, index in rows:
            file.write(f"{corpus.names[record]}\t{start}\t{end}\t{SPLITS[index]}\n")


def read_split(path: str | os.PathLike[str], corpus: Corpus) -> dict[str, Segments]:
    """Read the table that `write_split` wrote, or that somebody made by hand.

    Returns
    -------
    dict of str to Segments
        For each of `SPLITS`, in the order of the file.

    Raises
    ------
    InputError
        For a malformed line, a record that the corpus lacks, a stretch outside its record, and
        for a base that stands in two rows.
    """
    path = Path(path)
    try:
        # Not by splitlines, which breaks at the odd separators that a name may hold.
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error
    if tuple(lines[0].split("\t")) != _COLUMNS:
        raise InputError("the columns are not " + ", ".join(_COLUMNS), file=path, line=1)
    record_of_name = {name: index for index, name in enumerate(corpus.names)}
    lengths = corpus.lengths.tolist()
    rows = np.empty((len(lines) - 1, 4), dtype=np.int64)
    for number, line in enumerate(lines[1:]):
        try:
            name, start_text, end_text, split_name = line.split("\t")
            start, end = int(start_text), int(end_text)
            record, split = record_of_name[name], SPLITS.index(split_name)
        except (ValueError, KeyError) as error:
            raise InputError(
                _what_is_wrong(line, record_of_name), file=path, line=number + 2
            ) from error
        if not 0 <= start < end <= lengths[record]:
            raise InputError(
                f"{start} to {end} does not lie in its {lengths[record]} bases",
                file=path,
                line=number + 2,
                record=name,
            )
        rows[number] = record, start, end, split
    segments = Segments(rows[:, 0], rows[:, 1], rows[:, 2], corpus.starts[rows[:, 0]] + rows[:, 1])
    order = np.argsort(segments.offset, kind="stable")
    ends = (segments.offset + segments.lengths)[order]
    overlap = np.flatnonzero(segments.offset[order][1:] < ends[:-1])
    if overlap.size:
        first, second = order[overlap[0]], order[overlap[0] + 1]
        raise InputError(
            f"shares bases with line {first + 2}; no base may stand in two rows",
            file=path,
            line=int(second) + 2,
            record=corpus.names[segments.record[second]],
        )
    return {name: segments.chosen(rows[:, 3] == index) for index, name in enumerate(SPLITS)}


def _what_is_wrong(line: str, records: Mapping[str, int]) -> str:
    """Say why a row of a split table cannot be read."""
    fields = line.split("\t")
    if len(fields) != len(_COLUMNS):
        return f"has {len(fields)} columns for {len(_COLUMNS)}, parted by tabs"
    if fields[0] not in records:
        like = nearest(fields[0], list(records)[:10_000])
        return f"the corpus has no record {fields[0]!r}" + (f"; {like!r}?" if like else "")
    if fields[3] not in SPLITS:
        return f"{fields[3]!r} is none of {', '.join(SPLITS)}"
    return f"{fields[1]!r} and {fields[2]!r} are no whole numbers"
