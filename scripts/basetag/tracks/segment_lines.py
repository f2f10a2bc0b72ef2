"""Segments as lines of BED and of GFF3, and what stands above them.

BED counts from 0 and leaves the end out, GFF3 counts from 1 and has the end in; both name records
as the genome does. A state whose name ends in + or - lies on that strand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from basetag.letters import one_word
from basetag.state_colours import rgb_of
from basetag.tracks.segments import CalledSegments

#: What a segment is to the Sequence Ontology (Eilbeck et al. 2005, Genome Biol 6:R44), SO:0000001:
#: what its state means is not for a file format to guess.
GFF3_TYPE = "region"
GFF3_SOURCE = "basetag"

# The GFF3 specification 1.26: what needs no escape in column 1, and what does in attributes.
_NOT_IN_SEQID = re.compile(r"[^a-zA-Z0-9.:^*$@!+_?|-]")
_NOT_IN_ATTRIBUTE = re.compile(r"[\x00-\x1f%&,;=\x7f]")


def strand_of(state: str) -> str:
    """Return the strand of a state, by the last letter of its name: +, -, or . for neither."""
    return state[-1] if state.endswith(("+", "-")) else "."


def bed_lines(segments: CalledSegments, records: Sequence[str], states: Sequence[str]) -> bytes:
    """Return a line of nine columns for each segment.

    Record, start, end, the state's name, the mean posterior times 1,000 as score, strand, start
    and end again, and the state's colour.

    Parameters
    ----------
    segments : CalledSegments
    records : sequence of str
        Names of the genome's records.
    states : sequence of str
        Names of the states, by label. Blanks become underscores.
    """
    names = [one_word(state) for state in states]
    ends_of_line = [rgb_of(label) for label in range(len(states))]
    strands = [strand_of(state) for state in states]
    scores = np.rint(segments.mean_posteriors * 1000).astype(np.int64)
    columns = (segments.records, segments.starts, segments.ends, segments.labels, scores)
    return "".join(
        f"{records[record]}\t{start}\t{end}\t{names[label]}\t{score}\t{strands[label]}\t{start}"
        f"\t{end}\t{ends_of_line[label]}\n"
        for record, start, end, label, score in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ).encode()


def bed_header(about: Mapping[str, str]) -> bytes:
    """Return what is to be known of a file as lines of comments, `# name: value`."""
    return "".join(f"# {name}: {value}\n" for name, value in about.items()).encode()


def gff3_lines(segments: CalledSegments, records: Sequence[str], states: Sequence[str]) -> bytes:
    """Return a line of GFF3 for each segment: its mean posterior as score, its state as `Name`.

    Parameters are those of `bed_lines`. Nothing refers to a segment, so none has an ID; none is
    a CDS, so none has a phase.
    """
    seqids = {record: seqid_of(records[record]) for record in set(segments.records.tolist())}
    ends_of_line = [f"\t{strand_of(state)}\t.\tName={_attribute(state)}\n" for state in states]
    columns = (
        segments.records, segments.starts + 1, segments.ends, segments.labels,
        segments.mean_posteriors,
    )  # fmt: skip
    return "".join(
        f"{seqids[record]}\t{GFF3_SOURCE}\t{GFF3_TYPE}\t{start}\t{end}\t{score:.4f}"
        f"{ends_of_line[label]}"
        for record, start, end, label, score in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ).encode()


def gff3_header(
    about: Mapping[str, str], records: Sequence[str], lengths: NDArray[np.int64]
) -> Iterator[bytes]:
    """Yield the same for GFF3, with the extent of each record; one without bases has none.

    Parameters
    ----------
    about : mapping of str to str
    records : sequence of str
    lengths : ndarray of int64, (records,)
    """
    yield b"##gff-version 3\n"
    yield bed_header(about)
    for record, length in zip(records, lengths.tolist(), strict=True):
        if length:
            yield f"##sequence-region {seqid_of(record)} 1 {length}\n".encode()


def seqid_of(record: str) -> str:
    """Return a record's name as column 1 of GFF3 has it."""
    return _NOT_IN_SEQID.sub(_escaped, record)


def _attribute(text: str) -> str:
    return _NOT_IN_ATTRIBUTE.sub(_escaped, one_word(text))


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
