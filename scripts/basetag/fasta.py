"""FASTA files: read and encoded in one streamed pass, written as BGZF.

Read are plain, gzip and BGZF files (told apart by their first bytes, never by their names), with
any line ends and any wrapping, `;` comment lines, blank lines, blanks within lines, empty records
and a byte order mark. Digits, gaps and other letters outside the alphabet are errors: Biopython
and samtools keep them in the sequence, so dropping them would shift every base behind them.

A file is worked through in blocks, whatever its records' lengths: no record is held as a whole
(`read_fasta` apart). The reader knows only offsets in the stream; line and column of an error are
looked up by reading the file once more. It is not a random-access index.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, NoReturn, cast

import numpy as np

from basetag.alphabet import DNA, NOT_A_LETTER, Alphabet
from basetag.errors import InputError, nearest

#: Bytes that may stand within a sequence and mean nothing.
BLANKS = b"\n\r \t"

_BLOCK = 1 << 18
_LONGEST_HEADER = 16_000_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The empty block that ends a BGZF file: SAM/BAM format specification, section 4.1.2.
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003") + bytes(9)


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


def encode_fasta(path: str | os.PathLike[str], table: LetterTable) -> Iterator[EncodedBlock]:
    """Yield the letters of a FASTA file as the values of `table`, block by block.

    Parameters
    ----------
    path : path-like
        Plain, gzip or BGZF.
    table : LetterTable
        Which letters there are and what they become.

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
    for block in _blocks_of_text(Path(path)):
        values = b">".join([block.continued, *block.sequences]).translate(table.values, BLANKS)
        marks = np.flatnonzero(np.frombuffer(values, dtype=np.uint8) == table.wrong)
        if len(marks) != len(block.sequences):
            _refuse_letter(Path(path), table, block)
        names = _new_names(Path(path), block, known)
        ends = np.append(marks, len(values))
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
    for block in _blocks_of_text(Path(path)):
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
            for start in range(0, len(sequence), _BLOCK * line_width):
                stretch = sequence[start : start + _BLOCK * line_width]
                lines = [stretch[i : i + line_width] for i in range(0, len(stretch), line_width)]
                file.write(b"\n".join(lines) + b"\n")


@dataclass(frozen=True)
class _BlockOfText:
    """A block cut at its headers: `>header\\nsequence` pieces behind the open record's rest."""

    offset: int  # of `continued` in the stream
    continued: bytes
    headers: list[bytes]  # without '>' and line end
    sequences: list[bytes]

    def header_offset(self, index: int) -> int:
        """Return where in the stream the '>' of a header stands."""
        before = self.headers[:index] + self.sequences[:index]
        # A line feed before each header, then '>' and the line feed behind it.
        return self.offset + len(self.continued) + 1 + sum(map(len, before)) + 3 * index

    def sequence_offset(self, index: int) -> int:
        """Return where in the stream a header's sequence begins."""
        return self.header_offset(index) + len(self.headers[index]) + 2


def _blocks_of_text(path: Path) -> Iterator[_BlockOfText]:
    """Yield a file cut into headers and sequences, comments blanked out, none of it checked.

    Every change to the text keeps its length, so that offsets stay those of the stream.
    """
    offset = 0
    line_begins = True
    in_record = False
    unfinished = b""  # a header or comment whose end has not come yet
    for read in chain(_blocks(path), [b"\n"]):  # the last ends a last line that has no end
        block = read
        if offset == 0 and block.startswith(_BYTE_ORDER_MARK):
            block = block.replace(_BYTE_ORDER_MARK, b"\n\n\n", 1)
        # A lone CR ends a line; the empty line that CRLF makes so does no harm.
        block = unfinished + block.replace(b"\r", b"\n")
        last_line = block.rfind(b"\n") + 1
        unfinished = b""
        if (last_line or line_begins) and block[last_line : last_line + 1] in (b">", b";"):
            block, unfinished = block[:last_line], block[last_line:]
            if len(unfinished) > _LONGEST_HEADER:
                _refuse_line(path, offset + last_line)
        if not block:
            continue
        # With a line feed ahead of it, a line that begins the block is like any other.
        text = b"\n" + block if line_begins else block
        if b";" in text:
            text = re.sub(rb"\n;[^\n]*", lambda found: b"\n".ljust(len(found[0])), text)
        continued, *records = text.split(b"\n>") if b">" in text else [text]
        if not in_record and continued.strip():
            _refuse_start(path, offset - line_begins, continued)
        in_record = in_record or bool(records)
        cut = [record.partition(b"\n") for record in records]
        yield _BlockOfText(
            offset - line_begins, continued, [c[0] for c in cut], [c[2] for c in cut]
        )
        offset += len(block)
        line_begins = block.endswith(b"\n")
    if not in_record:
        raise InputError("holds no sequence", file=path, advice="is it the right file?")


def _new_names(path: Path, block: _BlockOfText, known: set[str]) -> list[str]:
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


def _refuse_line(path: Path, offset: int) -> NoReturn:
    """Raise the error for a header or comment without end."""
    line, _ = _line_and_column(path, offset)
    found = "a header or comment of more than 16 million letters"
    raise InputError(found, file=path, line=line, advice="is a line end missing?")


def _refuse_start(path: Path, offset: int, text: bytes) -> NoReturn:
    """Raise the error for a file that begins with something other than a header."""
    offset += len(text) - len(text.lstrip())
    text = text.lstrip()
    line, _ = _line_and_column(path, offset)
    first = text.split(b"\n", 1)[0][:30].decode("utf-8", errors="replace")
    kinds = {
        b"@": "FASTQ",
        b"LOCUS": "GenBank",
        b"ID ": "EMBL",
        b"##gff": "GFF",
        b"CLUSTAL": "Clustal",
        b"#NEXUS": "NEXUS",
        b"<": "an HTML or XML page",
    }
    kind = next((kind for start, kind in kinds.items() if text.startswith(start)), None)
    if kind is None and any(byte < 32 and byte not in b"\t\n\f\v" for byte in text[:1024]):
        kind = "a binary file"
    found = f"this is {kind}, not FASTA" if kind else f"found {first!r} before any header"
    advice = "convert it to FASTA" if kind else "a FASTA record begins with a line '>name'"
    raise InputError(found, file=path, line=line, advice=advice)


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file."""
    try:
        with path.open("rb") as raw:
            magic = raw.read(18)
            compressed = magic.startswith(b"\x1f\x8b")
            if compressed and magic[12:14] == b"BC":
                raw.seek(-min(len(_BGZF_END), raw.seek(0, os.SEEK_END)), os.SEEK_END)
                if raw.read() != _BGZF_END:
                    raise EOFError
            raw.seek(0)
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw) if compressed else raw)
            while block := stream.read(_BLOCK):
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            "the compressed file is incomplete or damaged",
            file=path,
            advice="copy or download it again",
        ) from error
    except FileNotFoundError as error:
        folder = path.parent
        like = nearest(path.name, [p.name for p in folder.iterdir()] if folder.is_dir() else [])
        advice = f"did you mean {like!r}?" if like else "check the path"
        raise InputError("there is no such file", file=path, advice=advice) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", file=path) from error


def _line_and_column(path: Path, offset: int) -> tuple[int, int]:
    """Return the line and column, from 1, of a byte of the stream, by reading it once more."""
    line = 1
    before = b""  # the line in which `offset` lies, up to it
    for block in _blocks(path):
        part = block[:offset]
        offset -= len(part)
        if before.endswith(b"\r") and part.startswith(b"\n"):
            before = before[:-1]  # the block ended within a CRLF
        text = (before + part).replace(b"\r\n", b"\n")
        held = text.endswith(b"\r")  # its LF may be the next block's first byte
        text = (text[:-1] if held else text).replace(b"\r", b"\n")
        line += text.count(b"\n")
        before = text[text.rfind(b"\n") + 1 :] + (b"\r" if held else b"")
        if offset == 0:
            break
    if before.endswith(b"\r"):
        line, before = line + 1, b""
    if line == 1 and before.startswith(_BYTE_ORDER_MARK):
        before = before[len(_BYTE_ORDER_MARK) :]
    return line, len(before.decode("utf-8", errors="replace")) + 1


def _refuse_name(path: Path, block: _BlockOfText) -> NoReturn:
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
        line, _ = _line_and_column(path, block.header_offset(index))
        raise InputError(found, file=path, line=line, advice=advice)
    raise ValueError("every header of the block has a name")


def _refuse_second(path: Path) -> NoReturn:
    """Raise the error for the first name that two records bear."""
    offset_of: dict[bytes, int] = {}
    for block in _blocks_of_text(path):
        for index, header in enumerate(block.headers):
            name = header.split(None, 1)[0]
            if name in offset_of:
                first, _ = _line_and_column(path, offset_of[name])
                second, _ = _line_and_column(path, block.header_offset(index))
                raise InputError(
                    f"a record of this name stands in line {first} already",
                    file=path,
                    line=second,
                    record=name.decode("utf-8"),
                    advice="give every record a name of its own",
                )
            offset_of[name] = block.header_offset(index)
    raise ValueError("no name stands twice")


def _refuse_letter(path: Path, table: LetterTable, block: _BlockOfText) -> NoReturn:
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
    line, column = _line_and_column(path, start + at)
    raise InputError(
        f"{found!r} is no letter of {table.called}",
        file=path,
        line=line,
        column=column,
        record=_name_at(path, start + at),
        advice=f"the letters are {table.letters}{_hint(table, found)}",
    )


def _wrong_bytes(table: LetterTable) -> list[int]:
    return [byte for byte in range(256) if table.values[byte] == table.wrong and byte not in BLANKS]


def _name_at(path: Path, offset: int) -> str:
    """Return the name of the record to which a byte of the stream belongs."""
    name = b""
    for block in _blocks_of_text(path):
        for index, header in enumerate(block.headers):
            if block.header_offset(index) > offset:
                return name.decode("utf-8", errors="replace")
            name = (header.split(None, 1) or [b""])[0]
    return name.decode("utf-8", errors="replace")


def _hint(table: LetterTable, found: str) -> str:
    """Return what the letter `found` hints at, as the end of a sentence."""
    if found in "-.~":
        return "; are these gaps of an alignment? Remove them"
    if found == ">":
        return "; a header must begin its line"
    if found.isdigit():
        return "; does the file number its lines? Remove the numbers"
    if table.letters == DNA.symbols and found in "xX":
        return "; write N for an unknown base"
    if table.letters == DNA.symbols and found in "EFILPQZJOefilpqzjo*":
        return "; is it a protein file?"
    return ""
