"""Files of lines that are compressed in blocks (BGZF), put together and indexed.

Parts that end their blocks where others begin can be put one behind the other as they are: the
whole has the bytes of one that was written in one go.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Literal

#: The empty block that ends a BGZF file: SAM/BAM format specification, section 4.1.2.
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003") + bytes(9)
#: From this length of a record on, an index must be .csi: tabix's own cannot reach further.
TBI_REACH = 1 << 29

_COPIED_AT_ONCE = 1 << 20


def join_bgzf(path: Path, header: Iterable[bytes], parts: Iterable[Path]) -> None:
    """Write a header and the blocks of all parts, in their order, as one BGZF file.

    Parameters
    ----------
    path : Path
        The target.
    header : iterable of bytes
        Its text, in pieces.
    parts : iterable of Path
        BGZF files, of which nothing is decompressed.
    """
    import pysam

    with pysam.BGZFile(os.fspath(path), "wb", None) as file:
        for piece in header:
            file.write(piece)
    with path.open("r+b") as whole:
        _cut_end(whole, path)
        for part in parts:
            with part.open("rb") as file:
                append(whole, file, _cut_end(file, part))
        whole.write(BGZF_END)


def _cut_end(file: IO[bytes], path: Path) -> int:
    """Return where the last block of a file begins; go there, or for reading to its start."""
    end = file.seek(-len(BGZF_END), os.SEEK_END)
    if file.read() != BGZF_END:
        raise ValueError(f"{path} is cut off")
    file.seek(end if file.writable() else 0)
    return end


def append(target: IO[bytes], source: IO[bytes], size: int) -> None:
    """Copy the next `size` bytes of a file to where another one is."""
    while size:
        block = source.read(min(size, _COPIED_AT_ONCE))
        if not block:
            raise ValueError(f"{source.name} is cut off")
        target.write(block)
        size -= len(block)


def index_names(path: str | os.PathLike[str], longest_record: int) -> list[str]:
    """Return the names of a file's indices: its .tbi, and .csi where a record is too long for it.

    The .tbi is then a copy of the other one, which samtools' library reads by content.
    """
    ends = [".csi", ".tbi"] if longest_record >= TBI_REACH else [".tbi"]
    return [os.fspath(path) + end for end in ends]


def write_index(path: Path, preset: Literal["bed", "gff"], places: Sequence[Path]) -> None:
    """Index a BGZF file of sorted lines.

    Parameters
    ----------
    path : Path
    preset : {"bed", "gff"}
    places : sequence of Path
        Where the files that `index_names` names are to lie, in that order.
    """
    import pysam

    first = places[0]
    csi = first.suffix == ".csi"
    pysam.tabix_index(os.fspath(path), preset=preset, index=os.fspath(first), csi=csi, force=True)
    for copy in places[1:]:
        shutil.copyfile(first, copy)
