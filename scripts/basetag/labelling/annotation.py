"""All features of an annotation that give states, by record, as intervals to be painted.

Features are met by rules and put into their records, and what cannot be is told with its line. Of
each there is kept little more than where it begins and ends: the annotation of a human genome fits
into a few hundred megabytes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError, nearest
from basetag.labelling.codon_positions import CodingPart, frames_of
from basetag.labelling.genome_feature import GenomeFeature, Landmark
from basetag.labelling.painting import NO_FRAME, Intervals
from basetag.labelling.record_lookup import RecordLookup
from basetag.labelling.state_rules import NO_STATE, StateRules

_CODING_SEQUENCE = "CDS"
_MOST_KINDS = 12  # that an error lists


@dataclass(frozen=True)
class Annotation:
    """The intervals of an annotation.

    Parameters
    ----------
    intervals : Intervals
        Of all records, sorted by record.
    bounds : ndarray of int64, (records + 1,)
        Where in `intervals` those of each record begin.
    met : tuple of int
        How many features met each rule.
    passed_over : dict of str to int
        Features that met no rule, by kind.
    elsewhere : int
        Features of records that are not among the sequences.
    """

    intervals: Intervals
    bounds: NDArray[np.int64]
    met: tuple[int, ...]
    passed_over: dict[str, int]
    elsewhere: int

    def of_record(self, index: int) -> Intervals:
        """Return the intervals of one record."""
        own = slice(int(self.bounds[index]), int(self.bounds[index + 1]))
        whole = self.intervals
        return Intervals(whole.starts[own], whole.ends[own], whole.labels[own], whole.frames[own])

    @property
    def bare_records(self) -> int:
        """Records without any feature that gives a state."""
        return int(np.count_nonzero(np.diff(self.bounds) == 0))


def circular_records(
    names: RecordLookup, lengths: Sequence[int], landmarks: Mapping[str, Landmark]
) -> NDArray[np.bool_]:
    """Return which records an annotation calls circular, (records,).

    Raises
    ------
    InputError
        Where the annotation speaks of a longer record than the sequences have.
    """
    circular = np.zeros(len(lengths), dtype=np.bool_)
    for name, landmark in landmarks.items():
        index = names.find(name)
        if index is None:
            continue
        if landmark.length is not None and landmark.length > lengths[index]:
            raise InputError(
                f"is said to have {landmark.length} bases, and the sequences have {lengths[index]}",
                file=names.path,
                line=landmark.line,
                record=name,
                advice="are the two of the same assembly?",
            )
        circular[index] |= landmark.is_circular
    return circular


def read_annotation(
    features: Iterable[GenomeFeature],
    rules: StateRules,
    names: RecordLookup,
    lengths: Sequence[int],
    circular: NDArray[np.bool_],
    *,
    in_order: bool,
) -> Annotation:
    """Gather the features that give states.

    Parameters
    ----------
    features : iterable of GenomeFeature
    rules : StateRules
    names : RecordLookup
        Of the sequences.
    lengths : sequence of int
        Of the sequences, in bases.
    circular : ndarray of bool, (records,)
        Records around whose end a feature may go on at the beginning.
    in_order : bool
        Whether the file lists the parts of a coding sequence as they are translated.

    Returns
    -------
    Annotation

    Raises
    ------
    InputError
        At a feature of an unknown record, beyond its record's end, without the strand that its
        state needs, or with a wrong phase; where no feature gives one of the states.
    """
    file = names.path
    gathered = _Gathered()
    met = [0] * len(rules.rules)
    passed_over: Counter[str] = Counter()
    elsewhere = 0
    for feature in features:
        rule = rules.rule_of(feature)
        if rule is None:
            passed_over[feature.kind] += 1
            continue
        index = names.of_line(feature.record, feature.line)
        if index is None:
            elsewhere += 1
            continue
        met[rule] += 1
        _check_end(feature, lengths[index], bool(circular[index]), file)
        try:
            label = rules.label_of(rule, feature.strand)
        except ValueError as error:
            raise InputError(
                f"this feature has no strand, and {error}",
                file=file,
                line=feature.line,
                record=feature.record,
                advice="give it one, or leave stranded out",
            ) from error
        gathered.add(feature, index, label, lengths[index], bool(circular[index]), rules)
    names.check()
    _check_states(rules, met, passed_over, elsewhere, file)
    intervals, records = gathered.intervals(lengths, circular, file, in_order)
    order = np.argsort(records, kind="stable")
    return Annotation(
        Intervals(
            intervals.starts[order],
            intervals.ends[order],
            intervals.labels[order],
            intervals.frames[order],
        ),
        np.searchsorted(records[order], np.arange(len(lengths) + 1)).astype(np.int64),
        tuple(met),
        dict(passed_over),
        elsewhere,
    )


class _Gathered:
    """Features in arrays: compact while they come, and columns when all have come."""

    def __init__(self) -> None:
        self._columns = {name: array("q") for name in ("record", "start", "end")}
        self._labels = array("B")
        # Of parts of coding sequences alone:
        self._coding = {name: array("q") for name in ("at", "group", "line", "family")}
        self._phases, self._excused = array("b"), array("B")
        self._strands: list[str] = []
        self._groups: dict[tuple[int, str], int] = {}
        self._n_groups = 0
        self._families: dict[tuple[int, str], int] = {}

    def add(
        self,
        feature: GenomeFeature,
        record: int,
        label: int,
        length: int,
        circular: bool,
        rules: StateRules,
    ) -> None:
        """Add a feature of a record of `length` bases."""
        if feature.kind == _CODING_SEQUENCE and label in rules.codon_strands:
            part = CodingPart.of_feature(feature, length, circular)
            self._coding["at"].append(len(self._labels))
            self._coding["group"].append(self._group(record, feature.group))
            self._coding["line"].append(part.line)
            self._coding["family"].append(self._family(record, feature))
            self._phases.append(-1 if part.phase is None else part.phase)
            self._excused.append(part.excused)
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

    def intervals(
        self, lengths: Sequence[int], circular: NDArray[np.bool_], file: Path, in_order: bool
    ) -> tuple[Intervals, NDArray[np.int64]]:
        """Return the intervals, cut where they wrap around, and the record of each."""
        records, starts, ends = (
            np.frombuffer(self._columns[name], dtype=np.int64)
            for name in ("record", "start", "end")
        )
        labels = np.frombuffer(self._labels, dtype=np.uint8)
        frames = np.full(len(labels), NO_FRAME, dtype=np.uint8)
        at, groups, lines = (
            np.frombuffer(self._coding[name], dtype=np.int64) for name in ("at", "group", "line")
        )
        groups = self._joined_by_parents(groups, starts[at], ends[at])
        minus = np.zeros(len(labels), dtype=np.bool_)
        minus[at] = np.array(self._strands, dtype=str) == "-"
        order = np.argsort(groups, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
            if not members.size:
                continue
            parts = [
                CodingPart(
                    start=int(starts[at[i]]),
                    end=int(ends[at[i]]),
                    strand=self._strands[i],
                    phase=None if self._phases[i] < 0 else self._phases[i],
                    line=int(lines[i]),
                    excused=bool(self._excused[i]),
                )
                for i in members.tolist()
            ]
            turns = bool(circular[records[at[members[0]]]])
            frames[at[members]] = frames_of(parts, file, in_order=in_order, circular=turns)
        own_lengths = np.asarray(lengths, dtype=np.int64)[records]
        wraps = np.flatnonzero(ends > own_lengths)
        shift = np.where(minus, -own_lengths, own_lengths)[wraps]
        again = np.where(frames[wraps] == NO_FRAME, NO_FRAME, (frames[wraps] + shift) % 3)
        return Intervals(
            np.concatenate([starts, np.zeros(len(wraps), dtype=np.int64)]),
            np.concatenate([np.minimum(ends, own_lengths), (ends - own_lengths)[wraps]]),
            np.concatenate([labels, labels[wraps]]),
            np.concatenate([frames, again.astype(np.uint8)]),
        ), np.concatenate([records, records[wraps]])


def _check_end(feature: GenomeFeature, length: int, circular: bool, file: Path) -> None:
    """Refuse a feature that lies beyond its record, or goes around a circular one twice."""
    if feature.end <= length:
        return
    if circular and feature.start < length and feature.end - feature.start <= length:
        return
    place = f"from base {feature.start + 1} to base {feature.end}"
    if circular:
        found = f"{place} is more than once around the record's {length} bases"
        advice = "is it the annotation of this sequence?"
    else:
        found = f"{place} reaches beyond the record's {length} bases"
        advice = "is it the annotation of this sequence? A circular one is told by circular: true"
    raise InputError(found, file=file, line=feature.line, record=feature.record, advice=advice)


def _check_states(
    rules: StateRules,
    met: Sequence[int],
    passed_over: Mapping[str, int],
    elsewhere: int,
    file: Path,
) -> None:
    """Refuse an annotation without any feature of one of the states."""
    for state in dict.fromkeys(rule.state for rule in rules.rules):
        own = [i for i, rule in enumerate(rules.rules) if rule.state == state]
        if any(met[i] for i in own) or state in (NO_STATE, rules.background):
            continue
        if elsewhere:
            raise InputError(
                f"no feature gives the state {state!r}: all {elsewhere} that could are of records "
                "that the sequences lack",
                file=file,
                advice="do rename or strip of the config make their names agree?",
            )
        asked = "; ".join(str(rules.rules[i]) for i in own)
        raise InputError(
            f"no feature gives the state {state!r}: none meets {asked}",
            file=file,
            advice=_types(rules, own, passed_over),
        )


def _types(rules: StateRules, own: Sequence[int], passed_over: Mapping[str, int]) -> str:
    """Return what kinds of features there are, as advice."""
    for i in own:
        kind = rules.rules[i].type
        if kind is None or kind in passed_over:
            continue
        close = nearest(kind, passed_over)
        same = next((other for other in passed_over if other.lower() == kind.lower()), close)
        if same is not None:
            return f"did you mean {same!r}?"
    kinds = sorted(passed_over, key=lambda name: -passed_over[name])[:_MOST_KINDS]
    listed = ", ".join(f"{name or '(without a name)'} ({passed_over[name]})" for name in kinds)
    return f"its other features are {listed}" if listed else "it has no other features"
