"""Where codons begin in annotated coding sequences, whose parts may be joined and on either strand.

A frame (0, 1 or 2) says it of a part: base x, counted along the forward strand, has the position
(x + frame) mod 3 in its codon on the plus strand, and (frame - x) mod 3 on the minus strand. A part
that wraps around the origin of a circular record has two frames, since x begins anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from basetag.errors import InputError
from basetag.labelling.genome_feature import GenomeFeature

# A coding sequence with one of these need not be whole, nor stay in one frame: what GFF3 and
# GenBank (INSDC feature table, qualifiers) call pieces, pseudogenes, slippage, completed stops.
_EXCUSES = frozenset(
    (
        "partial", "start_range", "end_range", "pseudo", "pseudogene", "exception",
        "ribosomal_slippage", "trans_splicing", "artificial_location", "transl_except",
    )
)  # fmt: skip
_NO = ("false", "no", "0", "00")
# GENCODE's tags of transcripts whose start or end was not found.
_NOT_FOUND = frozenset(("cds_start_NF", "cds_end_NF", "mRNA_start_NF", "mRNA_end_NF"))


@dataclass(frozen=True, slots=True)
class CodingPart:
    """A part of a coding sequence.

    Parameters
    ----------
    start, end : int
        As in `GenomeFeature`.
    strand : str
        + or -.
    phase : int or None
        Bases from its first base, as its strand reads it, to the first base of a codon.
    line : int
        In its file.
    excused : bool
        Whether the file says that the sequence is no whole one.
    """

    start: int
    end: int
    strand: str
    phase: int | None
    line: int
    excused: bool

    @classmethod
    def of_feature(cls, feature: GenomeFeature, length: int, circular: bool) -> CodingPart:
        """Return the part that a feature of a record of `length` bases is.

        One that reaches an end of a linear record may go on beyond it, and is excused.
        """
        at_an_end = not circular and (feature.start < 3 or feature.end > length - 3)
        return cls(
            feature.start,
            feature.end,
            feature.strand,
            feature.phase,
            feature.line,
            at_an_end or _is_excused(feature.attributes),
        )

    def frame(self, phase: int) -> int:
        """Return the frame of a part whose first codon begins `phase` bases from its beginning."""
        if self.strand == "+":
            return -(self.start + phase) % 3
        return (self.end - 1 - phase) % 3

    @property
    def length(self) -> int:
        """Bases of the part."""
        return self.end - self.start


def says(attributes: Mapping[str, Sequence[str]], name: str) -> bool:
    """Whether an attribute is there, and not to say that its name is wrong (`partial=false`)."""
    return name in attributes and attributes[name][0] not in _NO


def _is_excused(attributes: Mapping[str, Sequence[str]]) -> bool:
    if any(says(attributes, name) for name in _EXCUSES & attributes.keys()):
        return True
    return not _NOT_FOUND.isdisjoint(attributes.get("tag", ()))


@dataclass(frozen=True, slots=True)
class Reading:
    """A coding sequence as it is translated.

    Parameters
    ----------
    parts : tuple of CodingPart
        In the order given.
    order : tuple of int
        Their indices, in the order in which they are translated.
    phases : tuple of int
        Of each, in that order.
    known : bool
        Whether the file tells the order.
    """

    parts: tuple[CodingPart, ...]
    order: tuple[int, ...]
    phases: tuple[int, ...]
    known: bool

    @property
    def frames(self) -> list[int]:
        """The frame of each part, in the order given."""
        frames = [0] * len(self.parts)
        for i, phase in zip(self.order, self.phases, strict=True):
            frames[i] = self.parts[i].frame(phase)
        return frames


def reading_of(
    parts: Sequence[CodingPart],
    file: Path,
    *,
    in_order: bool,
    circular: bool,
    length: int | None = None,
) -> Reading:
    """Return how one coding sequence is read.

    A part has the phase that the file says, else the one that the parts before leave; the first
    one 0. Which parts are before says the order in which their strand reads them; on a circular
    record that can begin with any of them.

    Parameters
    ----------
    parts : sequence of CodingPart
    file : Path
        For errors.
    in_order : bool
        Whether the file lists the parts in the order in which they are translated (GenBank), and
        not in any (GFF).
    circular : bool
        Whether the record is.
    length : int, optional
        Of a circular record, in bases. Where phases leave open with which part the sequence begins,
        it is that behind the longest gap.

    Returns
    -------
    Reading

    Raises
    ------
    InputError
        Where a phase is not what the parts before it leave, or the length is no multiple of 3, and
        the file does not say that the sequence is partial or an exception.
    """
    order = list(range(len(parts)))
    strands = {part.strand for part in parts}
    if not in_order and len(strands) == 1:
        order.sort(key=lambda i: parts[i].start, reverse=strands == {"-"})
    excused = any(part.excused for part in parts)
    # Without a strand in common (trans-splicing), a GFF file does not tell the order.
    known_order = in_order or len(strands) == 1
    n_turns = len(order) if circular and not in_order else 1
    turns = [order[turn:] + order[:turn] for turn in range(n_turns)]
    found = [_phases([parts[i] for i in turn]) for turn in turns]
    total = sum(part.length for part in parts)

    def faults(n: int) -> tuple[bool, bool, int]:
        phases, wrong = found[n]
        first, last = parts[turns[n][0]], parts[turns[n][-1]]
        return wrong is not None, (total - phases[0]) % 3 != 0, -_gap(last, first, length)

    # The best turn: no phase contradicts, and what begins with it ends with a codon.
    chosen = min(range(n_turns), key=faults)
    phases, wrong = found[chosen]
    if not excused and known_order:
        ordered = [parts[i] for i in turns[chosen]]
        if wrong is not None:
            raise _contradiction(ordered, wrong, file)
        _check_whole(ordered, phases[0], file)
    return Reading(tuple(parts), tuple(turns[chosen]), tuple(phases), known_order)


def _gap(last: CodingPart, first: CodingPart, length: int | None) -> int:
    """Return the bases between the last part and the first, around a circular record."""
    if length is None:
        return 0
    forward = first.start - last.end if first.strand == "+" else last.start - first.end
    return forward % length


def _phases(ordered: Sequence[CodingPart]) -> tuple[list[int], int | None]:
    """Return the phase of each part, and the first one that is not what those before leave."""
    phases: list[int] = []
    wrong = None
    expected = 0
    for index, part in enumerate(ordered):
        if index and part.phase not in (None, expected) and wrong is None:
            wrong = index
        phases.append(expected if part.phase is None else part.phase)
        expected = (phases[-1] - part.length) % 3
    return phases, wrong


def _contradiction(ordered: Sequence[CodingPart], wrong: int, file: Path) -> InputError:
    phases, _ = _phases(ordered[:wrong])
    expected = (phases[-1] - ordered[wrong - 1].length) % 3
    return InputError(
        f"the phase of this CDS is {ordered[wrong].phase}, and the parts before it (the last in "
        f"line {ordered[wrong - 1].line}) leave {expected}",
        file=file,
        line=ordered[wrong].line,
        advice="on the minus strand the part with the largest positions is the first, and a phase "
        "counts from its largest; partial=true or exception=… in its attributes lets it pass",
    )


def _check_whole(ordered: Sequence[CodingPart], phase: int, file: Path) -> None:
    length = sum(part.length for part in ordered)
    if (length - phase) % 3:
        behind = f" behind the phase {phase}" if phase else ""
        raise InputError(
            f"this CDS has {length - phase} bases{behind}, no multiple of 3",
            file=file,
            line=ordered[0].line,
            advice="where it is not whole, partial=true in its attributes says so; or give it no "
            "label by a rule before the others (state: unlabelled)",
        )
