"""GenBank flat files: annotated features and sequences, one record at a time.

Biopython reads them; what it does not tell (lines, and which mistakes are more than warnings) is
added here. Positions are counted from 1 in the file and from 0 in what is returned.

A record's name is its accession with version, as in NCBI's FASTA files, or that of its LOCUS line
where it has none. `join`, `order` and `complement` give a feature for each of their parts, in the
order in which they are read, each with its own strand. Over the origin of a circular record, that
is one part at its end and one at its beginning. Fuzzy ends (`<1..>50`) are taken where they are
written, and told by the attributes that NCBI's GFF3 files have for them: `partial`, and
`start_range` or `end_range`. A site between two bases (`5^6`) holds no base and a part in another
record (`J00194.1:1..9`) none of this one: neither is returned.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from basetag.errors import InputError
from basetag.labelling.columns import no_features
from basetag.labelling.genome_feature import GenomeFeature, Landmark
from basetag.text_lines import decoded_blocks

# Keys of features begin in column 6; what belongs to them, in column 22.
_FEATURE = re.compile(r"     [^\s]")
_NAMELESS = ("", ".", "<unknown id>")


def read_genbank(path: str | os.PathLike[str]) -> Iterator[GenomeFeature]:
    """Yield the features of a GenBank file; one in parts comes part by part.

    The kind is the feature's key, the attributes are its qualifiers, and the group joins the parts
    of one feature. Of a CDS, the phase is that of each part: from its `codon_start` (1 where it
    has none), and from the lengths of the parts before.

    Parameters
    ----------
    path : path-like
        Plain, gzip or BGZF.

    Raises
    ------
    InputError
        For a file that is none of GenBank, is cut off, has a location or a codon_start that
        cannot be read, or has no features.
    """
    path = Path(path)
    found = False
    for record in _records(path):
        for number, (line, feature) in enumerate(
            zip(record.feature_lines, record.content.features, strict=True), 1
        ):
            if feature.location is None:
                raise InputError(
                    f"the location of this {feature.type} cannot be read",
                    file=path, line=line, record=record.name,
                    advice="it is written like 12..34, complement(12..34) or join(1..9,12..34)",
                )  # fmt: skip
            found = True
            yield from _parts(record, feature, f"{record.name} {number}", path, line)
    if not found:
        raise no_features(path)


def read_genbank_sequences(path: str | os.PathLike[str]) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, description and letters of each record, as `fasta.read_fasta` does.

    Raises
    ------
    InputError
        As `read_genbank`, and for a record without sequence, of another length than its LOCUS
        line says, or of a name that another has.
    """
    path = Path(path)
    known: set[str] = set()
    for record in _records(path):
        sequence = record.content.seq
        if not sequence.defined:
            raise InputError(
                "has no sequence", file=path, line=record.line, record=record.name,
                advice="download the full GenBank format, or give the sequence as FASTA",
            )  # fmt: skip
        if record.name in known:
            raise InputError(
                "a record of this name stands in the file already",
                file=path, line=record.line, record=record.name,
                advice="give every record a name of its own",
            )  # fmt: skip
        if record.length is not None and record.length != len(sequence):
            raise InputError(
                f"has {len(sequence)} letters, and its LOCUS line says {record.length}",
                file=path, line=record.line, record=record.name,
                advice="is the file complete? Download it again",
            )  # fmt: skip
        known.add(record.name)
        yield record.name, record.content.description, bytes(sequence)


def genbank_landmarks(path: str | os.PathLike[str]) -> dict[str, Landmark]:
    """Return length and shape of each record, by its name.

    Raises
    ------
    InputError
        As `read_genbank`, features apart.
    """
    return {
        record.name: Landmark(
            record.name,
            record.length,
            record.content.annotations.get("topology") == "circular",
            record.line,
        )
        for record in _records(Path(path))
    }


@dataclass(frozen=True)
class _Record:
    """A record as Biopython has it, and where it stands."""

    content: Any
    name: str
    line: int  # of its LOCUS line
    length: int | None  # as that says
    feature_lines: list[int]


def _records(path: Path) -> Iterator[_Record]:
    lines: list[str] = []
    found = False
    for first, block in decoded_blocks(path):
        for number, line in enumerate(block, first):
            if not lines and not line.startswith("LOCUS "):
                if line.strip():
                    raise _no_genbank(line, path, number)
                continue
            lines.append(line)
            if line.rstrip() == "//":
                yield _parsed(lines, number - len(lines) + 1, path)
                lines, found = [], True
    if lines:
        raise InputError(
            "the last record has no end (a line //)", file=path,
            advice="is the file complete? Download it again",
        )  # fmt: skip
    if not found:
        raise InputError("holds no record", file=path, advice="GenBank begins with a line LOCUS")


def _no_genbank(line: str, path: Path, number: int) -> InputError:
    return InputError(
        f"found {line[:30]!r} where a record should begin", file=path, line=number,
        advice="a record of GenBank begins with a line LOCUS and ends with a line //",
    )  # fmt: skip


def _parsed(lines: list[str], first: int, path: Path) -> _Record:
    """Return what Biopython makes of a record that begins in line `first`."""
    from Bio import SeqIO

    name = lines[0].split()[1] if lines[0].strip() != "LOCUS" else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those that matter are looked for below
            text = io.StringIO("\n".join([*lines, ""]))
            content = SeqIO.read(text, "genbank")  # type: ignore[no-untyped-call]
    except (ValueError, AssertionError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"cannot be read as GenBank ({error})", file=path, line=first, record=name,
            advice="correct the record or download it again",
        ) from error  # fmt: skip
    name = content.id if content.id not in _NAMELESS else content.name
    feature_lines = _feature_lines(lines, first)
    if len(feature_lines) != len(content.features):
        raise InputError(
            f"has {len(feature_lines)} features, of which {len(content.features)} can be read",
            file=path, line=first, record=name,
            advice="keys of features begin in column 6, locations in column 22",
        )  # fmt: skip
    stated = re.search(r"\s(\d+) (bp|aa|rc)\s", lines[0] + " ")
    return _Record(content, name, first, int(stated[1]) if stated else None, feature_lines)


def _feature_lines(lines: list[str], first: int) -> list[int]:
    """Return the number of each line on which a feature begins."""
    found: list[int] = []
    in_table = False
    for number, line in enumerate(lines, first):
        if line[:1] not in ("", " "):
            in_table = line.startswith("FEATURES")
        elif in_table and _FEATURE.match(line):
            found.append(number)
    return found


def _parts(
    record: _Record, feature: Any, group: str, path: Path, line: int
) -> Iterator[GenomeFeature]:
    """Yield the parts of a feature in the order in which they are read."""
    attributes = {
        name: tuple(map(str, values)) if isinstance(values, list) else (str(values),)
        for name, values in feature.qualifiers.items()
    }
    for part in feature.location.parts:
        for end, name in ((part.start, "start_range"), (part.end, "end_range")):
            if str(end).startswith(("<", ">")):
                attributes.setdefault("partial", ("true",))
                attributes.setdefault(name, ("true",))
    phase = None
    if feature.type == "CDS":
        start_text = attributes.get("codon_start", ("1",))[0]
        if start_text not in ("1", "2", "3"):
            raise InputError(
                f"the codon_start is {start_text!r}", file=path, line=line, record=record.name,
                advice="it is 1, 2 or 3",
            )  # fmt: skip
        phase = int(start_text) - 1
    for part in feature.location.parts:
        try:
            start, end = int(part.start), int(part.end)
        except TypeError as error:
            raise InputError(
                f"an end of this {feature.type} is unknown", file=path, line=line,
                record=record.name, advice="remove the feature or say where it ends",
            ) from error  # fmt: skip
        if start < end and not part.ref:
            strand = {1: "+", -1: "-"}.get(part.strand, ".")
            yield GenomeFeature(
                record.name, start, end, strand, feature.type, phase, attributes, line, group
            )
        if phase is not None:
            phase = (phase - (end - start)) % 3
