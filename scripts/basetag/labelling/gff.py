"""GFF3 and GTF (GFF2) files as annotated features, streamed line by line.

GFF3: Stein, *Generic Feature Format Version 3*, specification 1.26. GTF: Brent lab, *GTF2.2*, as
Ensembl and NCBI write it. Which of them a file is, its first attributes say, not its name: files
of either are called .gff. Positions in both are counted from 1, and the end belongs to the feature.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from basetag.errors import InputError
from basetag.labelling.columns import (
    STRANDS,
    is_position,
    no_features,
    wrong_columns,
    wrong_position,
    wrong_strand,
)
from basetag.labelling.genome_feature import GenomeFeature, Landmark
from basetag.labelling.gff_attributes import GTF, Dialect, dialect_of
from basetag.text_lines import blocks_of_lines, decoded, decoded_blocks

_COLUMNS_ADVICE = (
    "a line of GFF has nine columns, parted by tabs: record, source, type, start, end, score,"
    " strand, phase, attributes"
)
_COUNTING = "GFF counts bases from 1, and its end is the feature's last base"
_PHASES = {"0": 0, "1": 1, "2": 2, ".": None}


def read_gff(path: str | os.PathLike[str], *, phases: bool = True) -> Iterator[GenomeFeature]:
    """Yield the features of a GFF3 or GTF file, line by line.

    Parts of one feature are joined by their `group`: in GTF the transcript_id, else the
    protein_id; in GFF3 the ID, else the first Parent, else those of GTF. Escapes of GFF3 (%09 and
    so on) are decoded, in the record's name and the type, too. On a circular record a feature's
    end may pass that of the record, as the specification has it. Directives are passed over;
    `##FASTA`, or a line beginning with `>`, ends the features. The score is not looked at.

    Parameters
    ----------
    path : path-like
        Plain, gzip or BGZF.
    phases : bool
        Whether a CDS must have a phase, as both formats demand. Without, "." is no mistake.

    Raises
    ------
    InputError
        At a line that has not nine columns, a position that is no whole number from 1 on, a start
        behind the end, a strand other than + - . ?, a phase other than 0, 1, 2 and (unless it is
        a CDS) ".", attributes that cannot be read; for features behind `##FASTA`, for a file
        without features, or one that cannot be read.
    """
    path = Path(path)
    known: Dialect | None = None
    found = False
    for number, line in _feature_lines(path):
        fields = line.split("\t")
        if len(fields) != 9:
            raise wrong_columns(len(fields), line, path, number, _COLUMNS_ADVICE)
        record, _, kind, start_text, end_text, _, sign, phase_text, text = fields
        if not (is_position(start_text) and is_position(end_text)):
            _refuse_position(start_text, end_text, path, number)
        start, end = int(start_text), int(end_text)
        if not 1 <= start <= end:
            _refuse_interval(start, end, path, number)
        strand = STRANDS.get(sign)
        if strand is None:
            raise wrong_strand(sign, path, number)
        if phase_text not in _PHASES or (phases and kind == "CDS" and phase_text == "."):
            _refuse_phase(phase_text, kind, path, number)
        known = known or dialect_of(text)
        dialect = known or GTF
        attributes = dialect.read(text, path, number)
        if dialect.escaped and "%" in line:
            record, kind = unquote(record), unquote(kind)
        group = None
        for name in dialect.joining:
            if name in attributes and attributes[name][0]:
                group = attributes[name][0]
                break
        found = True
        yield GenomeFeature(
            record, start - 1, end, strand, kind, _PHASES[phase_text], attributes, number, group
        )
    if not found:
        raise no_features(path)


def is_gtf(path: str | os.PathLike[str]) -> bool:
    """Whether a file is GTF and not GFF3, by its first attributes, as `read_gff` tells them apart.

    Then a CDS ends before its stop codon (GTF2.2).
    """
    for _, line in _feature_lines(Path(path)):
        fields = line.split("\t")
        known = dialect_of(fields[8]) if len(fields) == 9 else None
        if known is not None:
            return known is GTF
    return False


def gff_landmarks(path: str | os.PathLike[str]) -> dict[str, Landmark]:
    """Return what a GFF3 file says of whole records, by the name that it gives them.

    Lengths come from `##sequence-region` (its end) or, where there is none, from a feature with
    `Is_circular=true`, which also says that a record is circular.

    Raises
    ------
    InputError
        At a `##sequence-region` that cannot be read.
    """
    path = Path(path)
    found: dict[str, Landmark] = {}
    for first, block in blocks_of_lines(path):
        for number, line in enumerate(block, first):
            if line.startswith(b"##sequence-region"):
                record, length = _sequence_region(decoded(line, path, number), path, number)
                circular = record in found and found[record].is_circular
                found[record] = Landmark(record, length, circular, number)
            elif b"Is_circular=true" in line and line.count(b"\t") == 8 and line[:1] != b"#":
                fields = decoded(line, path, number).split("\t")
                record = unquote(fields[0])
                if is_position(fields[4]) and "Is_circular=true" in fields[8].split(";"):
                    before = found.get(record)
                    known = int(fields[4]) if before is None else before.length
                    found[record] = Landmark(record, known, True, number)
            elif line.startswith((b"##FASTA", b">")):
                return found
    return found


def _sequence_region(line: str, path: Path, number: int) -> tuple[str, int]:
    words = line.split()
    if len(words) != 4 or not (is_position(words[2]) and is_position(words[3])):
        raise InputError(
            f"{line[:60]!r} cannot be read", file=path, line=number,
            advice="this is ##sequence-region, record, start and end, parted by blanks",
        )  # fmt: skip
    return unquote(words[1]), int(words[3])


def _feature_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that should be features, and their numbers."""
    sequences_from = 0  # the line with which the sequences begin
    in_sequence = False
    for first, block in decoded_blocks(path):
        for number, line in enumerate(block, first):
            if sequences_from:
                if line.startswith(">"):
                    in_sequence = True
                elif line.startswith("##gff-version") or "\t" in line.strip():
                    _refuse_behind_sequences(sequences_from, path, number)
                elif line.strip() and not in_sequence:
                    raise InputError(
                        f"found {line[:30]!r} where a sequence should begin",
                        file=path, line=number,
                        advice="behind ##FASTA stand FASTA records alone, each with its '>name'",
                    )  # fmt: skip
            elif line.startswith("#"):
                if line.startswith("##FASTA"):
                    sequences_from = number
            elif line.startswith(">"):
                sequences_from, in_sequence = number, True
            elif line and not line.isspace():
                yield number, line


def _refuse_behind_sequences(begin: int, path: Path, number: int) -> NoReturn:
    raise InputError(
        f"features stand behind the sequences, which begin in line {begin}",
        file=path, line=number,
        advice="were several files joined? Move all features before ##FASTA",
    )  # fmt: skip


def _refuse_position(start: str, end: str, path: Path, number: int) -> NoReturn:
    what, text = ("end", end) if is_position(start) else ("start", start)
    raise wrong_position(text, what, path, number, _COUNTING)


def _refuse_interval(start: int, end: int, path: Path, number: int) -> NoReturn:
    if start < 1:
        raise InputError(
            f"the start is {start}", file=path, line=number, advice=_COUNTING + "; is it BED?"
        )
    raise InputError(
        f"the interval from {start} to {end} is reversed", file=path, line=number,
        advice="the start is the smaller one on either strand; across the origin of a circular"
        " record, the end is written beyond its length",
    )  # fmt: skip


def _refuse_phase(text: str, kind: str, path: Path, number: int) -> NoReturn:
    advice = "it is 0, 1 or 2: the bases before the first codon that begins in this line"
    if kind != "CDS":
        advice = "it is 0, 1, 2 or ."
    what = "a CDS has no phase" if text == "." else f"the phase is {text[:40]!r}"
    raise InputError(what, file=path, line=number, advice=advice)
