"""All features of an annotation that give states, by record, as intervals to be painted.

Features are met by rules and put into their records, and what cannot be is told with its line. Of
each there is kept little more than where it begins and ends: the annotation of a human genome fits
into a few hundred megabytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError, nearest
from basetag.labelling.gathering import Gathered
from basetag.labelling.genome_feature import GenomeFeature, Landmark
from basetag.labelling.painting import Intervals
from basetag.labelling.record_lookup import RecordLookup
from basetag.labelling.state_rules import NO_STATE, StateRules

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
    stops_apart: bool = False,
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
    stops_apart : bool
        Whether it has stop codons as features of their own, as GTF does.

    Returns
    -------
    Annotation

    Raises
    ------
    InputError
        At a feature of an unknown record, beyond its record's end, without the strand that its
        state needs, or with a wrong phase; where no feature gives one of the states, and where stop
        codons are asked for and no feature gives one.
    """
    file = names.path
    gathered = Gathered(rules, stops_apart=stops_apart)
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
        gathered.add(feature, index, label, lengths[index], bool(circular[index]))
    names.check()
    _check_states(rules, met, passed_over, elsewhere, file)
    gathered.check_stops(file)
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
