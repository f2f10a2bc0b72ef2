"""The lines of a text file, plain, gzip or BGZF, block by block.

The reader under every format that has its data on lines. Lines end at LF, CRLF or CR, a byte order
mark is passed over, and a file whose "lines" never end is refused before it fills the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from basetag.errors import InputError
from basetag.fasta_text import decompressed_blocks

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_LINE = 1 << 24


def blocks_of_lines(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a file without their ends, block by block, and the number of the first.

    Raises
    ------
    InputError
        For a file that cannot be read, and for a line of more than 16 million letters.
    """
    number, rest = 1, b""
    for block in chain(decompressed_blocks(path), [b"\n"]):  # the last ends a last line without end
        text = rest + block
        cut_within_crlf = text.endswith(b"\r")
        if b"\r" in text:
            text = text[: len(text) - cut_within_crlf]
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise InputError(
                "a line of more than 16 million letters", file=path, line=number + len(lines),
                advice="is this a text file?",
            )  # fmt: skip
        rest += b"\r" if cut_within_crlf else b""
        if lines:
            if number == 1:
                lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
            yield number, lines
            number += len(lines)


def decoded_blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines as text.

    Raises
    ------
    InputError
        As `blocks_of_lines`, and at a line that is no UTF-8.
    """
    for first, block in blocks_of_lines(path):
        try:
            yield first, b"\n".join(block).decode("utf-8").split("\n")
        except UnicodeDecodeError:
            yield first, [decoded(line, path, number) for number, line in enumerate(block, first)]


def decoded(line: bytes, path: Path, number: int) -> str:
    """Return a line as text.

    Raises
    ------
    InputError
        Where it is no UTF-8.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(
            "is no text in UTF-8", file=path, line=number, advice="save the file as UTF-8"
        ) from None
