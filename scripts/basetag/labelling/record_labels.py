"""The labels of records' bases, by the features of an annotation or the numbers of a track.

Both are asked for one record after the other and answer in chunks, so that a corpus can be written
whatever its size; and both say afterwards what there was to settle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError
from basetag.labelling.annotation import Annotation, circular_records, read_annotation
from basetag.labelling.bed import read_bed
from basetag.labelling.bigwig import ABOVE, BELOW, MISSING, bigwig_records, runs_above
from basetag.labelling.genbank import genbank_landmarks, read_genbank
from basetag.labelling.genome_feature import GenomeFeature, Landmark
from basetag.labelling.gff import gff_landmarks, is_gtf, read_gff
from basetag.labelling.painting import NO_FRAME, Stretches, pieces
from basetag.labelling.record_lookup import RecordLookup
from basetag.labelling.state_rules import NO_STATE, StateRules
from basetag.letters import UNLABELLED

_Labels = NDArray[np.uint8]


class RecordLabels(Protocol):
    """What labels the bases of all records."""

    @property
    def mirror(self) -> tuple[int, ...]:
        """The label that each label is on the other strand."""
        ...

    @property
    def substates(self) -> dict[str, Any] | None:
        """Names, labels and mirrors of finer states, as corpus.json has them; None without any."""
        ...

    def chunks(self, record: int) -> Iterator[tuple[_Labels, _Labels]]:
        """Yield labels and substates of the bases of a record, chunk by chunk, (bases,) each."""
        ...

    def notes(self) -> list[str]:
        """Return what there is to say of the labels when all have been asked for."""
        ...


def record_labels(
    kind: str,
    path: Path,
    scheme: Mapping[str, Any],
    states: Sequence[str],
    names: Sequence[str],
    lengths: Sequence[int],
) -> RecordLabels:
    """Read what labels the bases.

    Parameters
    ----------
    kind : str
        Of the file: gff, gtf, bed, genbank or bigwig.
    path : Path
    scheme : mapping
        What the config's settings of rule encode_fasta say of it.
    states : sequence of str
        Names of the states, in the order of the labels.
    names, lengths : sequence
        Of the records.

    Raises
    ------
    InputError
        As the readers of the file, and `annotation.read_annotation`.
    """
    lookup = RecordLookup(
        names,
        path,
        rename=scheme["rename"],
        strip=scheme["strip"],
        subset=scheme["subset"],
    )
    if kind == "bigwig":
        return TrackLabels(path, scheme, states, lookup, lengths)
    rules = StateRules.of_settings(states, scheme)
    circular = circular_records(lookup, lengths, _LANDMARKS[kind](path)) | scheme["circular"]
    annotation = read_annotation(
        _features(kind, path, rules),
        rules,
        lookup,
        lengths,
        circular,
        in_order=kind == "genbank",
        stops_apart=kind in ("gff", "gtf") and is_gtf(path),
    )
    return FeatureLabels(annotation, rules, lengths)


_LANDMARKS: dict[str, Callable[[Path], Mapping[str, Landmark]]] = {
    "gff": gff_landmarks,
    "gtf": gff_landmarks,
    "bed": lambda path: {},
    "genbank": genbank_landmarks,
}


def _features(kind: str, path: Path, rules: StateRules) -> Iterator[GenomeFeature]:
    if kind == "bed":
        return read_bed(path)
    if kind == "genbank":
        return read_genbank(path)
    return read_gff(path, phases=bool(rules.coding))


class FeatureLabels:
    """Labels by the features of an annotation.

    Parameters
    ----------
    annotation : Annotation
    rules : StateRules
    lengths : sequence of int
        Of the records, in bases.
    """

    def __init__(self, annotation: Annotation, rules: StateRules, lengths: Sequence[int]) -> None:
        self._annotation, self._rules, self._lengths = annotation, rules, lengths
        self._undecided = self._frameless = 0

    @property
    def mirror(self) -> tuple[int, ...]:
        """The label that each label is on the other strand."""
        return self._rules.mirror

    @property
    def substates(self) -> dict[str, Any] | None:
        """Names, labels and mirrors of the substates; None without positions in codons."""
        return self._rules.substates

    def chunks(self, record: int) -> Iterator[tuple[_Labels, _Labels]]:
        """Yield labels and substates of the bases of a record, chunk by chunk, (bases,) each."""
        intervals = self._annotation.of_record(record)
        stretches = Stretches.of_intervals(intervals, self._lengths[record], self._rules)
        lengths = np.diff(stretches.borders)
        self._undecided += int(lengths[stretches.undecided].sum())
        coding = np.isin(stretches.labels, list(self._rules.codon_strands))
        self._frameless += int(lengths[coding & (stretches.frames == NO_FRAME)].sum())
        yield from stretches.chunks(self._rules)

    def notes(self) -> list[str]:
        """Return what was passed over and what overlaps."""
        found = self._annotation
        notes = [
            f"{n} features meet {rule}: {rule.state}"
            for rule, n in zip(self._rules.rules, found.met, strict=True)
        ]
        if found.passed_over:
            kinds = sorted(found.passed_over.items(), key=lambda item: (-item[1], item[0]))
            notes.append(f"passed over: {', '.join(f'{kind} ({n})' for kind, n in kinds[:20])}")
        if found.elsewhere:
            notes.append(f"{found.elsewhere} features are of records that are not here")
        if found.bare_records:
            notes.append(f"{found.bare_records} records have no feature that gives a state")
        if self._undecided:
            notes.append(
                f"{self._undecided} bases are unlabelled: features of several states overlap there,"
                " and priority does not say which wins"
            )
        if self._frameless:
            notes.append(
                f"{self._frameless} coding bases have no position in a codon: reading frames"
                " overlap there, or the feature is no CDS"
            )
        return notes


class TrackLabels:
    """Labels by whether the numbers of a bigWig track reach a threshold.

    Parameters
    ----------
    path : Path
    scheme : mapping
        `threshold`, `state`, `background`, and `missing`: what bases without a number are,
        the background or unlabelled.
    states : sequence of str
        In the order of the labels.
    lookup : RecordLookup
    lengths : sequence of int
        Of the records, in bases.
    """

    substates = None

    def __init__(
        self,
        path: Path,
        scheme: Mapping[str, Any],
        states: Sequence[str],
        lookup: RecordLookup,
        lengths: Sequence[int],
    ) -> None:
        self._path, self._threshold, self._lengths = path, float(scheme["threshold"]), lengths
        self._name_of: dict[int, str] = {}
        for name in bigwig_records(path):
            index = lookup.of_line(name, None)
            if index is not None:
                other = self._name_of.setdefault(index, name)
                if other != name:
                    raise InputError(
                        f"{other!r} and {name!r} both stand for the record {lookup.known[index]!r}",
                        file=path,
                        advice="correct rename or strip of the config",
                    )
        lookup.check()
        self.mirror = tuple(range(len(states)))
        background = states.index(scheme["background"])
        self._label_of = np.full(256, UNLABELLED, dtype=np.uint8)
        self._label_of[ABOVE] = states.index(scheme["state"])
        self._label_of[BELOW] = background
        if scheme["missing"] != NO_STATE:
            self._label_of[MISSING] = background
        self._bases = {ABOVE: 0, BELOW: 0, MISSING: 0}

    def chunks(self, record: int) -> Iterator[tuple[_Labels, _Labels]]:
        """Yield labels, twice, of the bases of a record, chunk by chunk, (bases,) each."""
        name = self._name_of.get(record, "")  # a record without numbers is missing as a whole
        for runs in runs_above(self._path, name, self._lengths[record], self._threshold):
            for kind in self._bases:
                self._bases[kind] += int(runs.lengths[runs.labels == kind].sum())
            values = self._label_of[runs.labels]
            for _, own, counts in pieces(np.append(runs.starts, runs.ends[-1:])):
                labels = np.repeat(values[own], counts)
                yield labels, labels

    def notes(self) -> list[str]:
        """Return how many bases reach the threshold, do not, and have no number.

        Raises
        ------
        InputError
            Where no base reaches the threshold, or none has a lower number.
        """
        for kind, found in ((ABOVE, "no base reaches"), (BELOW, "no base is below")):
            if not self._bases[kind] and (kind == ABOVE or self._label_of[MISSING] == UNLABELLED):
                raise InputError(
                    f"{found} the threshold {self._threshold:g}",
                    file=self._path,
                    advice="look at the numbers of the track, and choose another",
                )
        above, below, missing = (self._bases[kind] for kind in (ABOVE, BELOW, MISSING))
        return [
            f"{above} bases reach {self._threshold:g}, {below} do not, {missing} have no number"
        ]
