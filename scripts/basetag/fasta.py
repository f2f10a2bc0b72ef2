"""FASTA files: read and encoded in one streamed pass, written as BGZF.

Read are plain, gzip and BGZF files (told apart by their first bytes, never by their names), with
any line ends and any wrapping, `;` comment lines, blank lines, blanks within lines, empty records
and a byte order mark. Digits, gaps and other letters outside the alphabet are errors: Biopython
and samtools keep them in the sequence, so dropping them would shift every base behind them.

A file is worked through in blocks, whatever its records' lengths: no record is held as a whole
(`read_fasta` apart). It is not a random-access index.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from basetag.alphabet import DNA, NOT_A_LETTER, PROTEIN, Alphabet
from basetag.errors import InputError
from basetag.fasta_text import BlockOfText, blocks_of_text, line_and_column

#: Bytes that may stand within a sequence and mean nothing.
BLANKS = b"\n\r \t"

_LINES_AT_ONCE = 1 << 12


@dataclass(frozen=True)
class LetterTable:
    """What each byte of a sequence becomes.

    Parameters
    ----------
    values : bytes, (256,)
        Value of each byte.
    wrong : int
        The value that marks a byte that is no letter.
    called : str
        How an error calls the set of letters ("the alphabet 'dna'").
    letters : str
        The letters, for the error.
    """

    values: bytes
    wrong: int
    called: str
    letters: str

    @classmethod
    def of_alphabet(cls, alphabet: Alphabet) -> LetterTable:
        """Return the table from letters to the tokens of `alphabet`."""
        values = alphabet.token_of_byte.tobytes()
        return cls(values, NOT_A_LETTER, f"the alphabet {alphabet.name!r}", alphabet.symbols)

    def advice(self, found: str) -> str:
        """Return what to do about a letter `found` that is none of these."""
        return f"the letters are {self.letters}{self._hint(found)}"

    def _hint(self, found: str) -> str:
        """Return what the letter `found` hints at, as the end of a sentence."""
        if found.swapcase() in self.letters:
            return f"; did you mean {found.swapcase()!r}?"
        if found in "-.~":
            return "; are these gaps of an alignment? Remove them"
        if found == ">":
            return "; a header must begin its line"
        if found.isdigit():
            return "; does the file number its lines? Remove the numbers"
        if self.letters == PROTEIN.symbols and found == "*":
            return (
                "; a stop of a translation is no residue: remove a * at the end of a record, and"
                " cut a record in two where one stands within it"
            )
        if self.letters == DNA.symbols and found in "xX":
            return "; write N for an unknown base"
        if self.letters == DNA.symbols and found in "EFILPQZJOefilpqzjo*":
            return "; is it a protein file? Then give alphabet: protein"
        return ""


@dataclass(frozen=True)
class EncodedBlock:
    """A stretch of a file: the end of the open record, and the records that begin here.

    Parameters
    ----------
    values : bytes
        Encoded letters, in the order of the file.
    continued : int
        How many of them belong to the record that was open when the block began.
    names : list of str
        Names of the records that begin in the block.
    lengths : list of int
        How many of the letters belong to each of them; the last record may go on.
    """

    values: bytes
    continued: int
    names: list[str]
    lengths: list[int]


def encode_fasta(
    path: str | os.PathLike[str], table: LetterTable, *, most_letters: float = math.inf
) -> Iterator[EncodedBlock]:
    """Yield the letters of a FASTA file as the values of `table`, block by block.

    Parameters
    ----------
    path : path-like
        Plain, gzip or BGZF.
    table : LetterTable
        Which letters there are and what they become.
    most_letters : float
        When so many have been encoded, further blocks have no values, and their letters are not
        looked at: names and lengths alone are.

    Yields
    ------
    EncodedBlock

    Raises
    ------
    InputError
        At the first thing that is wrong, with its line: no FASTA, sequence before the first
        header, a header without a name, a name given twice, a letter outside the table (with its
        column), an incomplete gzip file.
    """
    # A '>' between sequences is no letter: it stays as a mark of where one of them ends.
    mark = bytes([table.wrong])
    known: set[str] = set()
    n_letters = 0
    for block in blocks_of_text(Path(path)):
        if n_letters >= most_letters:
            continued, *lengths = map(_n_letters, [block.continued, *block.sequences])
            yield EncodedBlock(b"", continued, _new_names(Path(path), block, known), lengths)
            continue
        values = b">".join([block.continued, *block.sequences]).translate(table.values, BLANKS)
        marks = np.flatnonzero(np.frombuffer(values, dtype=np.uint8) == table.wrong)
        if len(marks) != len(block.sequences):
            _refuse_letter(Path(path), table, block)
        names = _new_names(Path(path), block, known)
        ends = np.append(marks, len(values))
        n_letters += len(values) - len(marks)
        yield EncodedBlock(
            values=values.replace(mark, b""),
            continued=int(ends[0]),
            names=names,
            lengths=(np.diff(ends) - 1).tolist(),
        )


def read_fasta(path: str | os.PathLike[str]) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, description and letters of each record, as they stand but for blanks.

    Holds one record at a time; nothing is checked against an alphabet.

    Yields
    ------
    tuple of (str, str, bytes)
        The header's first word, the rest of the header, the letters.

    Raises
    ------
    InputError
        As `encode_fasta`, letters apart.
    """
    known: set[str] = set()
    name = description = ""
    parts: list[bytes] = []
    for block in blocks_of_text(Path(path)):
        parts.append(block.continued)
        first = not known
        names = _new_names(Path(path), block, known)
        for new_name, header, sequence in zip(names, block.headers, block.sequences, strict=True):
            if not first:
                yield name, description, b"".join(parts).translate(None, BLANKS)
            first = False
            words = header.decode("utf-8", errors="replace").split(None, 1)
            name, description = new_name, words[1].rstrip() if len(words) > 1 else ""
            parts = [sequence]
    yield name, description, b"".join(parts).translate(None, BLANKS)


def write_fasta(
    path: str | os.PathLike[str], records: Iterable[tuple[str, bytes]], *, line_width: int = 80
) -> None:
    """Write names and sequences as a BGZF FASTA file.

    Not whole or not at all by itself: give it a path of `files.written_whole`.

    Parameters
    ----------
    path : path-like
        Where to write.
    records : iterable of (str, bytes)
        Name (a header line without `>`) and letters of each record.
    line_width : int
        Letters in a line.
    """
    import pysam

    with pysam.BGZFile(os.fspath(path), "wb", None) as file:
        for name, sequence in records:
            file.write(f">{name}\n".encode())
            for start in range(0, len(sequence), _LINES_AT_ONCE * line_width):
                stretch = sequence[start : start + _LINES_AT_ONCE * line_width]
                lines = [stretch[i : i + line_width] for i in range(0, len(stretch), line_width)]
                file.write(b"\n".join(lines) + b"\n")


def _n_letters(sequence: bytes) -> int:
    """Return how many bytes of a sequence are no blanks."""
    return len(sequence) - sum(sequence.count(blank) for blank in BLANKS)


def _new_names(path: Path, block: BlockOfText, known: set[str]) -> list[str]:
    """Return the names of a block's records, and add them to those known."""
    try:
        words = [header.split(None, 1)[0] for header in block.headers]
        names = b"\n".join(words).decode("utf-8").split("\n") if words else []
    except (IndexError, UnicodeDecodeError):
        _refuse_name(path, block)
    n_known = len(known)
    known.update(names)
    if len(known) != n_known + len(names):
        _refuse_second(path)
    return names


def _refuse_name(path: Path, block: BlockOfText) -> NoReturn:
    """Raise the error for the first header of `block` that has no name, or no readable one."""
    for index, header in enumerate(block.headers):
        words = header.split(None, 1)
        found, advice = "the header has no name", "write one behind '>'"
        if words:
            try:
                words[0].decode("utf-8")
                continue
            except UnicodeDecodeError:
                found, advice = "the record's name is not UTF-8 text", "save the file as UTF-8"
        line, _ = line_and_column(path, block.header_offset(index))
        raise InputError(found, file=path, line=line, advice=advice)
    raise ValueError("every header of the block has a name")


def _refuse_second(path: Path) -> NoReturn:
    """Raise the error for the first name that two records bear."""
    offset_of: dict[bytes, int] = {}
    for block in blocks_of_text(path):
        for index, header in enumerate(block.headers):
            name = header.split(None, 1)[0]
            if name in offset_of:
                first, _ = line_and_column(path, offset_of[name])
                second, _ = line_and_column(path, block.header_offset(index))
                raise InputError(
                    f"a record of this name stands in line {first} already",
                    file=path,
                    line=second,
                    record=name.decode("utf-8"),
                    advice="give every record a name of its own",
                )
            offset_of[name] = block.header_offset(index)
    raise ValueError("no name stands twice")


def _refuse_letter(path: Path, table: LetterTable, block: BlockOfText) -> NoReturn:
    """Raise the error for the first byte of `block` that is no letter."""
    is_wrong = re.compile(
        b"[" + b"".join(re.escape(bytes([b])) for b in _wrong_bytes(table)) + b"]"
    )
    sequences = [block.continued, *block.sequences]
    index, at = next(
        (index, match.start())
        for index, sequence in enumerate(sequences)
        if (match := is_wrong.search(sequence))
    )
    found = sequences[index][at : at + 4].decode("utf-8", errors="replace")[0]
    start = block.sequence_offset(index - 1) if index else block.offset
    line, column = line_and_column(path, start + at)
    raise InputError(
        f"{found!r} is no letter of {table.called}",
        file=path,
        line=line,
        column=column,
        record=_name_at(path, start + at),
        advice=table.advice(found),
    )


def _wrong_bytes(table: LetterTable) -> list[int]:
    return [byte for byte in range(256) if table.values[byte] == table.wrong and byte not in BLANKS]


def _name_at(path: Path, offset: int) -> str:
    """Return the name of the record to which a byte of the stream belongs."""
    name = b""
    for block in blocks_of_text(path):
        for index, header in enumerate(block.headers):
            if block.header_offset(index) > offset:
                return name.decode("utf-8", errors="replace")
            name = (header.split(None, 1) or [b""])[0]
    return name.decode("utf-8", errors="replace")
