"""The features of an annotation in arrays while they come, and as intervals when all have come.

Only then are the parts of each coding sequence together, which say where its codons begin.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError
from basetag.labelling.coding_ends import open_ends, part_codons, whole_ends
from basetag.labelling.codon_positions import CodingPart, reading_of
from basetag.labelling.genome_feature import GenomeFeature
from basetag.labelling.painting import NO_FRAME, Intervals
from basetag.labelling.state_rules import CODONS, StateRules

_CODING_SEQUENCE, _STOP_CODON = "CDS", "stop_codon"


class Gathered:
    """Features of all records: compact while they come, and columns when all have come.

    Parameters
    ----------
    rules : StateRules
    stops_apart : bool
        Whether a coding sequence ends before its stop codon, which is a feature of its own, as in
        GTF. Where the rules tell stop codons, these are then those.
    """

    def __init__(self, rules: StateRules, *, stops_apart: bool) -> None:
        self._rules = rules
        self._stops_apart = rules.ends and stops_apart
        self._columns = {name: array("q") for name in ("record", "start", "end")}
        self._labels = array("B")
        # Of parts of coding sequences alone:
        self._coding = {name: array("q") for name in ("at", "group", "line", "family")}
        self._phases, self._excused = array("b"), array("B")
        self._open, self._is_stop = array("B"), array("B")
        self._strands: list[str] = []
        self._groups: dict[tuple[int, str], int] = {}
        self._n_groups = 0
        self._families: dict[tuple[int, str], int] = {}

    def add(
        self, feature: GenomeFeature, record: int, label: int, length: int, circular: bool
    ) -> None:
        """Add a feature of a record of `length` bases."""
        is_stop = self._stops_apart and feature.kind == _STOP_CODON
        if (feature.kind == _CODING_SEQUENCE or is_stop) and label in self._rules.codon_strands:
            part = CodingPart.of_feature(feature, length, circular)
            self._coding["at"].append(len(self._labels))
            self._coding["group"].append(self._group(record, feature.group))
            self._coding["line"].append(part.line)
            self._coding["family"].append(self._family(record, feature))
            self._phases.append(-1 if part.phase is None else part.phase)
            self._excused.append(part.excused)
            self._open.append(open_ends(feature, length, circular) if self._rules.ends else 0)
            self._is_stop.append(is_stop)
            self._strands.append(part.strand)
        for name, value in (("record", record), ("start", feature.start), ("end", feature.end)):
            self._columns[name].append(value)
        self._labels.append(label)

    def _group(self, record: int, name: str | None) -> int:
        """Return the number of a coding sequence; one without a name is alone."""
        if name is None:
            self._n_groups += 1
            return self._n_groups - 1
        number = self._groups.setdefault((record, name), self._n_groups)
        self._n_groups = max(self._n_groups, number + 1)
        return number

    def _family(self, record: int, feature: GenomeFeature) -> int:
        """Return the number of a feature's parent in GFF3; -1 where it says none beside its ID."""
        parents = feature.attributes.get("Parent", ())
        if not parents or "ID" not in feature.attributes:
            return -1
        return self._families.setdefault((record, parents[0]), len(self._families))

    def _joined_by_parents(
        self, groups: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the groups, those of parts that bear an ID each joined by their parent.

        GFF3 gives the parts of a coding sequence one ID; some (Phytozome) number them. So parts
        whose ID nobody shares, not all of them whole by themselves, are one sequence where they
        are of one parent, on one strand, and do not overlap.
        """
        families = np.frombuffer(self._coding["family"], dtype=np.int64)
        alone = (np.bincount(groups, minlength=self._n_groups)[groups] == 1) & (families >= 0)
        phases = np.maximum(np.frombuffer(self._phases, dtype=np.int8), 0)
        broken = alone & ((ends - starts - phases) % 3 != 0)
        joined = groups.copy()
        chosen = np.flatnonzero(alone & np.isin(families, families[broken]))
        chosen = chosen[np.lexsort((starts[chosen], families[chosen]))]
        for members in np.split(chosen, np.flatnonzero(np.diff(families[chosen])) + 1):
            if len({self._strands[i] for i in members.tolist()}) != 1:
                continue
            if (ends[members[:-1]] <= starts[members[1:]]).all():
                joined[members] = groups[members[0]]
        return joined

    def check_stops(self, file: Path) -> None:
        """Refuse coding sequences that end before stop codons which no feature gives."""
        if self._stops_apart and not any(self._is_stop):
            raise InputError(
                f"no feature {_STOP_CODON!r} gives a coding state, and in GTF a CDS ends before its"
                " stop codon",
                file=file,
                advice=f"add {_STOP_CODON} to features, with the state of CDS; of a file without"
                " any, codon_positions: true needs none",
            )

    def intervals(
        self, lengths: Sequence[int], circular: NDArray[np.bool_], file: Path, in_order: bool
    ) -> tuple[Intervals, NDArray[np.int64]]:
        """Return the intervals, cut where they wrap around, and the record of each.

        Raises
        ------
        InputError
            As `codon_positions.reading_of`.
        """
        records, starts, ends = (
            np.frombuffer(self._columns[name], dtype=np.int64)
            for name in ("record", "start", "end")
        )
        labels = np.frombuffer(self._labels, dtype=np.uint8)
        frames = np.full(len(labels), NO_FRAME, dtype=np.uint8)
        # How many bases of each feature belong to its sequence's first codon, and to its last.
        first, last = np.zeros((2, len(labels)), dtype=np.int64)
        at, groups = (np.frombuffer(self._coding[name], dtype=np.int64) for name in ("at", "group"))
        groups = self._joined_by_parents(groups, starts[at], ends[at])
        minus = np.zeros(len(labels), dtype=np.bool_)
        minus[at] = np.array(self._strands, dtype=str) == "-"
        is_stop = np.frombuffer(self._is_stop, dtype=np.uint8)
        order = np.lexsort((is_stop, groups))  # stop codons behind their sequence
        for members in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
            if not members.size:
                continue
            parts = [
                CodingPart(
                    start=int(starts[at[i]]),
                    end=int(ends[at[i]]),
                    strand=self._strands[i],
                    phase=None if self._phases[i] < 0 else self._phases[i],
                    line=self._coding["line"][i],
                    excused=bool(self._excused[i]),
                )
                for i in members.tolist()
            ]
            record = int(records[at[members[0]]])
            read = partial(
                reading_of,
                file=file,
                in_order=in_order,
                circular=bool(circular[record]),
                length=lengths[record],
            )
            n_own = int(np.count_nonzero(is_stop[members] == 0))
            bits = [self._open[i] for i in members[:n_own].tolist()]
            begins, ends_whole = whole_ends(bits, in_order=in_order)
            found = part_codons(
                parts[:n_own],
                parts[n_own:],
                read,
                begins=self._rules.ends and begins,
                ends=self._rules.ends and ends_whole,
                stops_apart=self._stops_apart,
            )
            for place, (frame, n_first, n_last) in zip(at[members].tolist(), found, strict=True):
                frames[place] = NO_FRAME if frame is None else frame
                first[place], last[place] = n_first, n_last
        return _wrapped(
            _cut(_Pieces(records, starts, ends, labels, frames, minus), first, last),
            np.asarray(lengths, dtype=np.int64),
        )


@dataclass(frozen=True)
class _Pieces:
    """Columns of intervals, (intervals,) each."""

    records: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    labels: NDArray[np.uint8]
    frames: NDArray[np.uint8]
    minus: NDArray[np.bool_]

    def chosen(self, which: NDArray[np.bool_], **columns: NDArray[Any]) -> _Pieces:
        """Return some of the intervals, with other columns where these are given."""
        own = {field.name: getattr(self, field.name) for field in fields(self)} | columns
        return _Pieces(**{name: column[which] for name, column in own.items()})


def _joined(*pieces: _Pieces) -> _Pieces:
    return _Pieces(
        *(np.concatenate([getattr(own, f.name) for own in pieces]) for f in fields(_Pieces))
    )


def _cut(whole: _Pieces, first: NDArray[np.int64], last: NDArray[np.int64]) -> _Pieces:
    """Cut off the bases of each interval that belong to the first codon, and to the last."""
    lower, upper = np.where(whole.minus, last, first), np.where(whole.minus, first, last)
    inner_start, inner_end = whole.starts + lower, whole.ends - upper
    start, stop = (
        np.where(whole.frames == NO_FRAME, NO_FRAME, whole.frames + 3 * CODONS.index(kind))
        for kind in ("start", "stop")
    )
    lower_frames = np.where(whole.minus, stop, start).astype(np.uint8)
    upper_frames = np.where(whole.minus, start, stop).astype(np.uint8)
    return _joined(
        whole.chosen(inner_start < inner_end, starts=inner_start, ends=inner_end),
        whole.chosen(lower > 0, ends=inner_start, frames=lower_frames),
        whole.chosen(upper > 0, starts=inner_end, frames=upper_frames),
    )


def _wrapped(whole: _Pieces, lengths: NDArray[np.int64]) -> tuple[Intervals, NDArray[np.int64]]:
    """Cut intervals where they go around their circular record; return the record of each, too."""
    own = lengths[whole.records]
    shift = np.where(whole.minus, -own, own)
    turned = whole.frames // 3 * 3 + (whole.frames % 3 + shift) % 3
    turned[whole.frames == NO_FRAME] = NO_FRAME
    pieces = _joined(
        whole.chosen(whole.starts < own, ends=np.minimum(whole.ends, own)),
        whole.chosen(
            whole.ends > own,
            starts=np.maximum(whole.starts - own, 0),
            ends=whole.ends - own,
            frames=turned.astype(np.uint8),
        ),
    )
    return Intervals(pieces.starts, pieces.ends, pieces.labels, pieces.frames), pieces.records
