"""The codons that begin and end coding sequences, where a file tells that these are whole.

A sequence that is cut off has other codons at its ends than start and stop. Formats say so by
coordinates, whose lower one is the beginning on the plus strand and the end on the minus strand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from basetag.labelling.codon_positions import CodingPart, Reading, says
from basetag.labelling.genome_feature import GenomeFeature

_OPEN_START, _OPEN_END, _PARTIAL, _TOLD, _TRANS = 1, 2, 4, 8, 16

#: GENCODE's tags of transcripts whose start or end was not found.
_START_NOT_FOUND = frozenset(("cds_start_NF", "mRNA_start_NF"))
_END_NOT_FOUND = frozenset(("cds_end_NF", "mRNA_end_NF"))

# Prodigal's values of partial: a 1 for each end, the lower one first, beyond which it may go on.
_BY_DIGITS = ("01", "10", "11")


def open_ends(feature: GenomeFeature, length: int, circular: bool) -> int:
    """Return what a part of a coding sequence says of the sequence's ends, as bits.

    Parameters
    ----------
    feature : GenomeFeature
    length : int
        Of its record, in bases.
    circular : bool
        Whether that is.

    Returns
    -------
    int
        For `whole_ends`.
    """
    attributes = feature.attributes
    if says(attributes, "pseudo") or says(attributes, "pseudogene"):
        return _OPEN_START | _OPEN_END
    lower, upper = "start_range" in attributes, "end_range" in attributes
    partial = attributes.get("partial", ("",))[0]
    if partial in _BY_DIGITS:
        lower, upper = lower or partial[0] == "1", upper or partial[1] == "1"
    tags = attributes.get("tag", ())
    start = not _START_NOT_FOUND.isdisjoint(tags)
    end = not _END_NOT_FOUND.isdisjoint(tags)
    bits = _TOLD if lower or upper or start or end else 0
    bits |= _PARTIAL if says(attributes, "partial") else 0
    exceptions = " ".join(attributes.get("exception", ())).replace("-", " ")
    bits |= _TRANS if says(attributes, "trans_splicing") or "trans splicing" in exceptions else 0
    # What reaches an end of its record may go on beyond it.
    lower = lower or (not circular and feature.start < 3)
    upper = upper or (not circular and feature.end > length - 3)
    first, last = (upper, lower) if feature.strand == "-" else (lower, upper)
    bits |= _OPEN_START if start or first else 0
    return bits | (_OPEN_END if end or last else 0)


def whole_ends(bits: Iterable[int], *, in_order: bool) -> tuple[bool, bool]:
    """Return whether a coding sequence has its beginning, and its end, by what its parts say.

    One that is called partial, and nobody says where, may lack both. Of one that is spliced in
    trans nobody knows which parts have them, unless the file lists the parts in order.
    """
    found = 0
    for own in bits:
        found |= own
    if found & _PARTIAL and not found & _TOLD:
        return False, False
    if found & _TRANS and not in_order:
        return False, False
    return not found & _OPEN_START, not found & _OPEN_END


def part_codons(
    parts: Sequence[CodingPart],
    stops: Sequence[CodingPart],
    read: Callable[[Sequence[CodingPart]], Reading],
    *,
    begins: bool,
    ends: bool,
    stops_apart: bool,
) -> list[tuple[int | None, int, int]]:
    """Return where the codons of a coding sequence lie, and the first and the last among them.

    Parameters
    ----------
    parts, stops : sequence of CodingPart
        Those of the sequence, and of a stop codon that is a feature of its own.
    read : callable
        `reading_of`, given the parts.
    begins, ends : bool
        Whether the sequence has its beginning, and its end.
    stops_apart : bool
        Whether its last codon is a stop codon only where `stops` lie there, too.

    Returns
    -------
    list of (int or None, int, int)
        Of each part, then of each of the stop codon: its frame, None where nobody knows; how many
        of its bases belong to the first codon; how many to the last.

    Raises
    ------
    InputError
        As `read`.
    """
    of_stop: list[tuple[int | None, int, int]] = [(None, 0, 0) for _ in stops]
    stop_bases: set[int] = set()
    if sum(part.length for part in stops) == 3:
        frames = read(stops).frames
        of_stop = [(frame, 0, part.length) for frame, part in zip(frames, stops, strict=True)]
        stop_bases = {base for part in stops for base in range(part.start, part.end)}
    if not parts:
        return of_stop
    reading = read(parts)
    if stops_apart and ends:
        ends = _last_bases(parts, end_codons(reading, begins=False, ends=True)) == stop_bases
    counts = end_codons(reading, begins=begins, ends=ends)
    return [(frame, *n) for frame, n in zip(reading.frames, counts, strict=True)] + of_stop


def end_codons(reading: Reading, *, begins: bool, ends: bool) -> list[tuple[int, int]]:
    """Return how many bases of each part belong to the first codon, and how many to the last.

    Parameters
    ----------
    reading : Reading
    begins, ends : bool
        Whether the sequence has its beginning, and its end.

    Returns
    -------
    list of (int, int)
        In the order in which the parts were given; a codon can be split between parts. All 0 of a
        codon that is not whole, where both would be one, and where nobody knows the order.
    """
    counts = [(0, 0)] * len(reading.parts)
    ordered = [reading.parts[i] for i in reading.order]
    lengths = [part.length for part in ordered]
    if not (begins or ends) or not reading.known or (begins and ends and sum(lengths) < 6):
        return counts
    firsts = [-phase % 3 for phase in reading.phases]  # the position of each part's first base
    n = len(ordered)
    first = _codon(lengths, firsts) if begins else [0] * n
    if ends:
        # The same from behind: positions are counted from the end of the codon.
        lasts = [(2 - (at + k - 1)) % 3 for at, k in zip(firsts, lengths, strict=True)]
        last = _codon(lengths[::-1], lasts[::-1])[::-1]
    else:
        last = [0] * n
    for place, i in enumerate(reading.order):
        counts[i] = first[place], last[place]
    return counts


def _codon(lengths: Sequence[int], positions: Sequence[int]) -> list[int]:
    """Return how many bases of each part the codon has that begins with the first one.

    `positions` are those of the parts' first bases. All 0 where these are not 0, 1, 2 in turn.
    """
    taken = [0] * len(lengths)
    found = 0
    for place, (length, position) in enumerate(zip(lengths, positions, strict=True)):
        if position != found:
            return [0] * len(lengths)
        taken[place] = min(length, 3 - found)
        found += taken[place]
        if found == 3:
            return taken
    return [0] * len(lengths)


def _last_bases(parts: Sequence[CodingPart], counts: Sequence[tuple[int, int]]) -> set[int]:
    """Return the bases of the last codon, along the forward strand."""
    bases: set[int] = set()
    for part, (_, n) in zip(parts, counts, strict=True):
        start = part.start if part.strand == "-" else part.end - n
        bases.update(range(start, start + n))
    return bases
