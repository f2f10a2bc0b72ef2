"""The text of a FASTA file: decompressed, cut into headers and sequences, block by block.

The reader under `fasta`, which gives names and letters their meaning. It tells plain, gzip and BGZF
files apart by their first bytes, ends lines at LF, CRLF or CR, and blanks out `;` comments. It
knows offsets in the stream only; the line and column of an error are looked up by reading the
file once more, so that nobody pays for them who has no error.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, NoReturn, cast

from basetag.errors import InputError, nearest

_BLOCK = 1 << 18
_LONGEST_HEADER = 16_000_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The empty block that ends a BGZF file: SAM/BAM format specification, section 4.1.2.
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003") + bytes(9)


@dataclass(frozen=True)
class BlockOfText:
    """A block cut at its headers: what is left of the open record, then header and sequence."""

    offset: int  # of `continued` in the stream
    continued: bytes
    headers: list[bytes]  # without '>' and line end
    sequences: list[bytes]

    def header_offset(self, index: int) -> int:
        """Return where in the stream the '>' of a header stands."""
        before = self.headers[:index] + self.sequences[:index]
        # Between them stand '>' and the line feed behind the header.
        return self.offset + len(self.continued) + sum(map(len, before)) + 2 * index

    def sequence_offset(self, index: int) -> int:
        """Return where in the stream a header's sequence begins."""
        return self.header_offset(index) + len(self.headers[index]) + 2


def blocks_of_text(path: Path) -> Iterator[BlockOfText]:
    """Yield a file cut into headers and sequences, comments blanked out, none of it checked.

    Every change to the text keeps its length, so that offsets stay those of the stream.
    """
    offset = 0
    line_begins = True
    in_record = False
    unfinished = b""  # a header or comment whose end has not come yet
    for read in chain(
        decompressed_blocks(path), [b"\n"]
    ):  # the last ends a last line that has no end
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
        continued, *records = _cut_at_headers(text)
        if not in_record and continued.strip():
            _refuse_start(path, offset - line_begins, continued)
        in_record = in_record or bool(records)
        cut = [record.partition(b"\n") for record in records]
        yield BlockOfText(offset - line_begins, continued, [c[0] for c in cut], [c[2] for c in cut])
        offset += len(block)
        line_begins = block.endswith(b"\n")
    if not in_record:
        raise InputError("holds no sequence", file=path, advice="is it the right file?")


def _cut_at_headers(text: bytes) -> list[bytes]:
    """Cut before each line that begins with '>', and leave that letter out."""
    parts = text.split(b">")  # searching for one byte is far faster than for two
    if all(part.endswith(b"\n") for part in parts[:-1]):
        return parts
    *parts, last = text.split(b"\n>")  # there are others, in headers
    return [part + b"\n" for part in parts] + [last]


def line_and_column(path: Path, offset: int) -> tuple[int, int]:
    """Return the line and column, from 1, of a byte of the stream, by reading it once more."""
    line, column = 1, 1
    after_cr = False
    for block in decompressed_blocks(path):
        part = block[:offset]
        offset -= len(part)
        if line == column == 1:
            part = part.removeprefix(_BYTE_ORDER_MARK)
        text = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if after_cr and part.startswith(b"\n"):
            text = text[1:]  # the block ended within a CRLF
        after_cr = part.endswith(b"\r")
        line += text.count(b"\n")
        last_line = text.rfind(b"\n") + 1
        if last_line:
            column = 1
        column += len(text[last_line:].decode("utf-8", errors="replace"))
        if not offset:
            break
    return line, column


def decompressed_blocks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, plain, gzip or BGZF, told apart by their first bytes.

    Raises
    ------
    InputError
        For a file that is missing, cannot be read, or ends within its compressed data.
    """
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


def _refuse_line(path: Path, offset: int) -> NoReturn:
    """Raise the error for a header or comment without end."""
    line, _ = line_and_column(path, offset)
    found = "a header or comment of more than 16 million letters"
    raise InputError(found, file=path, line=line, advice="is a line end missing?")


def _refuse_start(path: Path, offset: int, text: bytes) -> NoReturn:
    """Raise the error for a file that begins with something other than a header."""
    offset += len(text) - len(text.lstrip())
    text = text.lstrip()
    line, _ = line_and_column(path, offset)
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
