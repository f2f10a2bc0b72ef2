"""BGZF written block by block in several threads: gzip that can be read from any place.

The format is that of the SAM/BAM specification, section 4.1: gzip members of at most 64 KiB, each
with its size in its header. Blocks are cut at fixed places, so that threads change no byte.
pysam writes the same format, but each file in one thread, and with deflate's search for repeats:
in sequences of few letters these are not worth naming, and without them files are smaller and done
sooner.
"""

from __future__ import annotations

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# As htslib cuts them: whatever is in a block, it fits in 64 KiB with its header and footer.
_BLOCK_BYTES = 0xFF00
# zlib's largest: with less it would cut a block into several.
_MEMORY_LEVEL = 9
_HEADER = bytes.fromhex("1f8b08040000000000ff060042430200")
_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003") + bytes(9)


class BGZFWriter:
    """A file to which bytes are written as BGZF; used as a context.

    Parameters
    ----------
    path : path-like
    threads : int
        Blocks are compressed in so many threads; the file does not depend on it.
    """

    def __init__(self, path: str | os.PathLike[str], threads: int = 1) -> None:
        self._file = Path(path).open("wb")  # noqa: SIM115 - closed by __exit__
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._rest = b""

    def __enter__(self) -> BGZFWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if self._pool is not None:
                self._pool.shutdown()
            if kind is None:
                if self._rest:
                    self._file.write(_compressed(memoryview(self._rest)))
                self._file.write(_END)

    def write(self, data: bytes) -> None:
        """Write `data`; what does not fill a block waits for more."""
        data = self._rest + data
        whole = len(data) // _BLOCK_BYTES * _BLOCK_BYTES
        view = memoryview(data)
        blocks = [view[at : at + _BLOCK_BYTES] for at in range(0, whole, _BLOCK_BYTES)]
        apply = map if self._pool is None else self._pool.map
        self._file.writelines(apply(_compressed, blocks))
        self._rest = data[whole:]


def _compressed(block: memoryview) -> bytes:
    # Runs alone are looked for: DNA has no longer repeats within a block, states have runs.
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, _MEMORY_LEVEL, zlib.Z_RLE)
    body = deflate.compress(block) + deflate.flush()
    size = len(_HEADER) + 2 + len(body) + 8
    return b"".join(
        (
            _HEADER,
            struct.pack("<H", size - 1),
            body,
            struct.pack("<II", zlib.crc32(block), len(block)),
        )
    )
