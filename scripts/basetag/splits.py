"""Which bases train, which choose, which judge: train, validation and test.

A split is drawn over units: whole records, or blocks of records with a gap between blocks of
different splits. Units of equal content, or of which one is the other's reverse complement, stay
on one side. Near copies do not: they are not looked for here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from basetag.copies import groups_of_copies
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError, nearest
from basetag.features import BaseFeatures
from basetag.files import written_whole

SPLITS = ("train", "validation", "test")

_COLUMNS = ("record", "start", "end", "split")
_CHUNK = 1 << 22
_CLOSE_ENOUGH = 0.005  # of all bases, between the fractions asked for and those drawn
_MOST_DRAWS = 50


@dataclass(frozen=True)
class Segments:
    """Stretches of records.

    Parameters
    ----------
    record : ndarray of int64, (segments,)
        Index of each one's record in the corpus.
    start, end : ndarray of int64, (segments,)
        Where it lies within its record, 0-based, half-open.
    offset : ndarray of int64, (segments,)
        Where its first base lies in the corpus.
    """

    record: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    offset: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases in each segment, (segments,)."""
        return self.end - self.start

    @property
    def bases(self) -> int:
        """Bases in all segments."""
        return int(self.lengths.sum())

    def chosen(self, which: NDArray[Any]) -> Segments:
        """Return the segments that an index array or a mask picks."""
        return Segments(self.record[which], self.start[which], self.end[which], self.offset[which])

    def gathered(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the segments' part of an array over the corpus, (bases, ...), in order."""
        if not len(self.offset):
            return values[:0]
        ends = self.offset + self.lengths
        pairs = zip(self.offset.tolist(), ends.tolist(), strict=True)
        return np.concatenate([values[start:end] for start, end in pairs])

    def gathered_features(self, corpus: Corpus) -> BaseFeatures | None:
        """Return the same of a corpus' features, (bases, features); None where it has none.

        Those of a single segment, which can be long, stay on disk.
        """
        features = corpus.features
        if features is None:
            return None
        if len(self.offset) == 1:
            start = int(self.offset[0])
            return features[start : start + self.bases]
        ends = self.offset + self.lengths
        pairs = zip(self.offset.tolist(), ends.tolist(), strict=True)
        return np.concatenate([features[:0], *(features[start:end] for start, end in pairs)])

    def cut(self, longest: int) -> Segments:
        """Return the segments cut into pieces of at most `longest` bases, in order."""
        counts = -(-self.lengths // longest)
        which = np.repeat(np.arange(counts.size), counts)
        number = np.arange(which.size) - (np.cumsum(counts) - counts)[which]
        start = self.start[which] + number * longest
        end = np.minimum(start + longest, self.end[which])
        offset = self.offset[which] + number * longest
        return Segments(self.record[which], start, end, offset)

    def joined(self) -> Segments:
        """Return the segments, those that go on where the one before ends joined to it, in order.

        Neighbouring blocks of one split are one stretch of their record.
        """
        begins = np.ones(self.offset.size, dtype=bool)
        begins[1:] = (self.record[1:] != self.record[:-1]) | (self.start[1:] != self.end[:-1])
        first = np.flatnonzero(begins)
        last = np.append(first[1:], begins.size)[: first.size] - 1
        return Segments(self.record[first], self.start[first], self.end[last], self.offset[first])

    def first(self, bases: int) -> Segments:
        """Return the first segments, the last of them cut, that have this many bases in all."""
        begins = np.cumsum(self.lengths) - self.lengths
        kept = self.chosen(begins < bases)
        end = np.minimum(kept.end, kept.start + bases - begins[: len(kept.offset)])
        return Segments(kept.record, kept.start, end, kept.offset)

    def batches_of(self, corpus: Corpus) -> Iterator[Segments]:
        """Yield the segments as `batches` does, fewer where each base has features."""
        return self.batches(_CHUNK // (1 + len(corpus.feature_names)))

    def batches(self, bases: int = _CHUNK) -> Iterator[Segments]:
        """Yield the segments in order, as many at a time as hold `bases` bases, at least one."""
        ends = np.cumsum(self.lengths)
        first = 0
        while first < ends.size:
            done = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + bases, side="right")))
            yield self.chosen(np.arange(first, last))
            first = last


@dataclass(frozen=True)
class Split:
    """A drawn split.

    Parameters
    ----------
    segments : Segments
        All units, in the order of the corpus.
    assignment : ndarray of int64, (segments,)
        Index into `SPLITS` for each of them.
    duplicates : int
        Units whose content another one has, too, on either strand.
    left_out : int
        Bases in gaps, which belong to no split.
    """

    segments: Segments
    assignment: NDArray[np.int64]
    duplicates: int
    left_out: int

    def of(self, name: str) -> Segments:
        """Return the segments of one of `SPLITS`."""
        return self.segments.chosen(self.assignment == SPLITS.index(name))


def make_split(
    corpus: Corpus,
    *,
    fractions: Mapping[str, float],
    seed: int,
    by: Literal["record", "block"] = "record",
    block: int | None = None,
    gap: int = 0,
    duplicates: Literal["keep_together", "refuse"] = "keep_together",
) -> Split:
    """Draw a split at random.

    Records are cut into blocks from their start; a last block shorter than half of `block` joins
    the one before it, and a record shorter than `block` is one block. Units are laid in random
    order and cut where the fractions of all bases are reached; the first order that comes within
    0.5 % is taken, or the nearest of 50. Records without bases belong to no split.

    Parameters
    ----------
    corpus : Corpus
    fractions : mapping of str to float
        Fraction of the bases for each of `SPLITS`; they sum to 1. A split of fraction 0 is empty,
        every other one gets a unit at least.
    seed : int
    by : {"record", "block"}
        What is drawn.
    block : int
        Bases in a block.
    gap : int
        Bases between neighbouring blocks of different splits, which belong to none; taken from
        the two in equal parts. Below half of `block`.
    duplicates : {"keep_together", "refuse"}
        What to do with units of equal content, or of equal content on the other strand. A unit
        of nothing but unknown bases is no copy of another one.

    Returns
    -------
    Split

    Raises
    ------
    InputError
        Where there are fewer units than splits, or duplicates that are to be refused.
    ValueError
        For settings that contradict each other.
    """
    shares = np.array([fractions.get(name, 0.0) for name in SPLITS])
    if (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"the fractions {dict(fractions)} do not sum to 1")
    if by == "block" and (not block or not 0 <= 2 * gap < block):
        raise ValueError("the gap must be shorter than half a block")
    units = _units(corpus, block if by == "block" else None)
    groups = groups_of_copies(corpus, units.offset, units.lengths)
    sizes = np.bincount(groups)
    copied = sizes[groups] > 1
    if duplicates == "refuse" and copied.any():
        _refuse_copies(corpus, units, np.flatnonzero(groups == groups[copied][0])[:2])
    n_groups = len(sizes)
    if n_groups < np.count_nonzero(shares):
        raise InputError(
            f"{n_groups} {by}s of different content cannot be drawn into "
            f"{np.count_nonzero(shares)} splits",
            advice="give more records, or split by shorter blocks",
        )
    bases = np.bincount(groups, weights=units.lengths).astype(np.float64)
    assignment = _drawn(bases, shares, np.random.default_rng(seed))[groups]
    segments = _with_gaps(units, assignment, gap) if by == "block" else units
    return Split(segments, assignment, int(copied.sum()), units.bases - segments.bases)


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


def whole_records(corpus: Corpus) -> Segments:
    """Return the records that have bases, as wholes, in the order of the corpus."""
    return _units(corpus, None)


def label_counts(corpus: Corpus, segments: Segments) -> NDArray[np.int64]:
    """Return how many bases of the segments have each label, (states,); unlabelled ones have none.

    Raises
    ------
    ValueError
        Where the corpus has no labels.
    """
    counts = np.zeros(256, dtype=np.int64)
    for labels, _ in _label_chunks(corpus, segments, overlap=0):
        counts += np.bincount(labels, minlength=256)
    return counts[: len(corpus.states)]


def label_frequencies(corpus: Corpus, segments: Segments) -> NDArray[np.float64]:
    """Return the frequency of each label among the labelled bases, (states,): the prior.

    Raises
    ------
    InputError
        Where no base of the segments has a label.
    """
    counts = label_counts(corpus, segments)
    if not counts.sum():
        raise InputError("no base of this split has a label", advice="draw another split")
    frequencies: NDArray[np.float64] = counts / counts.sum()
    return frequencies


def count_transitions(corpus: Corpus, segments: Segments) -> NDArray[np.int64]:
    """Return how often a base of one state is followed by one of another, (states, states).

    Row: the state before, column: the state behind. Pairs lie within one segment, and an
    unlabelled base forms none.
    """
    n_states = len(corpus.states)
    counts = np.zeros(n_states * n_states, dtype=np.int64)
    for labels, ends in _label_chunks(corpus, segments, overlap=1):
        before, behind = labels[:-1], labels[1:]
        counted = (before != UNLABELLED) & (behind != UNLABELLED)
        counted[ends[:-1] - 1] = False
        pairs = before[counted].astype(np.intp) * n_states + behind[counted]
        counts += np.bincount(pairs, minlength=counts.size)
    return counts.reshape(n_states, n_states)


def _label_chunks(
    corpus: Corpus, segments: Segments, overlap: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Yield labels of segments, about `_CHUNK` at once, and where in them each piece ends.

    A long segment comes in pieces, each of which begins with the last `overlap` bases of the one
    before.
    """
    if corpus.labels is None:
        raise ValueError("the corpus has no labels")
    pieces: list[NDArray[np.uint8]] = []
    held = 0
    for offset, length in zip(segments.offset.tolist(), segments.lengths.tolist(), strict=True):
        end = offset + length
        for start in range(offset, end, _CHUNK):
            pieces.append(corpus.labels[start : min(start + _CHUNK + overlap, end)])
            held += len(pieces[-1])
            if held >= _CHUNK:
                yield np.concatenate(pieces), np.cumsum([len(piece) for piece in pieces])
                pieces, held = [], 0
    if pieces:
        yield np.concatenate(pieces), np.cumsum([len(piece) for piece in pieces])


def _units(corpus: Corpus, block: int | None) -> Segments:
    """Return the records that have bases, or their blocks, in the order of the corpus."""
    lengths = corpus.lengths
    n_units = (lengths > 0).astype(np.int64)
    if block is not None:
        # A rest of half a block and more is a block of its own.
        n_units *= np.maximum((lengths + block // 2) // block, 1)
    record = np.repeat(np.arange(len(lengths)), n_units)
    number = np.arange(len(record)) - np.repeat(np.cumsum(n_units) - n_units, n_units)
    start = number * (block or 0)
    is_last = number == n_units[record] - 1
    end = np.where(is_last, lengths[record], start + (block or 0))
    return Segments(record, start, end, corpus.starts[record] + start)


def _with_gaps(units: Segments, assignment: NDArray[np.int64], gap: int) -> Segments:
    """Shorten neighbouring blocks of different splits, so that `gap` bases lie between them."""
    border = (units.record[1:] == units.record[:-1]) & (assignment[1:] != assignment[:-1])
    cut_at_end = np.append(border, False) * (gap // 2)
    cut_at_start = np.append(False, border) * (gap - gap // 2)
    return Segments(
        units.record,
        units.start + cut_at_start,
        units.end - cut_at_end,
        units.offset + cut_at_start,
    )


def _refuse_copies(corpus: Corpus, units: Segments, pair: NDArray[np.int64]) -> NoReturn:
    """Raise the error for two units of equal content."""
    first, second = (
        f"{corpus.names[units.record[unit]]!r} (bases {units.start[unit]} to {units.end[unit]})"
        for unit in pair
    )
    raise InputError(
        f"{second} is a copy or the reverse complement of {first}",
        advice="remove one of them, or set duplicates: keep_together",
    )


def _drawn(
    sizes: NDArray[np.float64], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return a split for each group of units, (groups,), by their sizes in bases."""
    wanted = np.flatnonzero(shares)
    n_groups, n_wanted = len(sizes), len(wanted)
    bounds = np.cumsum(shares[wanted])[:-1] * sizes.sum()
    best = np.zeros(n_groups, dtype=np.int64)
    least = np.inf
    for _ in range(_MOST_DRAWS):
        order = rng.permutation(n_groups)
        reached = np.cumsum(sizes[order])
        # A group goes to the split in which its middle lies; no split stays without one.
        cuts = np.searchsorted(reached - sizes[order] / 2, bounds)
        for index in range(n_wanted - 1):
            lowest = (cuts[index - 1] if index else 0) + 1
            cuts[index] = np.clip(cuts[index], lowest, n_groups - (n_wanted - 1 - index))
        drawn = np.empty(n_groups, dtype=np.int64)
        drawn[order] = wanted[np.searchsorted(cuts, np.arange(n_groups), side="right")]
        got = np.bincount(drawn, weights=sizes, minlength=len(shares)) / sizes.sum()
        error = float(np.abs(got - shares).max())
        if error < least:
            best, least = drawn, error
        if least <= _CLOSE_ENOUGH:
            break
    return best


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
