"""Records whose sequence an earlier record has: taken out of a corpus while it is written.

Identical means letter by letter, whatever their case, on the same strand; records without letters
are nobody's copies. The labels of the first stay. Where those of a copy differ, nobody can tell
which are right, and how often that is so is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 22
_PLAIN = 0x7F  # what of a token is no mark of its letter's case: `left_out`


@dataclass(frozen=True)
class Dropped:
    """What was taken out.

    Parameters
    ----------
    kept : list of int
        The records that stay, ascending.
    names : dict of str to str
        Name of each record that went to that of the record that stays in its place.
    relabelled_records, relabelled_bases : int
        Those of them whose labels differ, and at how many bases.
    """

    kept: list[int]
    names: dict[str, str]
    relabelled_records: int
    relabelled_bases: int

    def __str__(self) -> str:
        """Return in words what was found."""
        copies = len(self.names)
        found = "1 record has" if copies == 1 else f"{copies:,} records have"
        text = f"{found} the sequence of an earlier one, and {'was' if copies == 1 else 'were'}"
        text += f" dropped; {len(self.kept):,} are left"
        if self.relabelled_records:
            text += (
                f". The labels of {self.relabelled_records:,} differ from those of the first, at"
                f" {self.relabelled_bases:,} bases; those of the first stay"
            )
        return text


def find_duplicates(
    tokens: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    names: Sequence[str],
    lengths: Sequence[int],
) -> Dropped:
    """Find the records that an earlier one is equal to.

    Parameters
    ----------
    tokens, labels : ndarray of uint8, (bases,)
        May be memory-mapped.
    names : sequence of str
    lengths : sequence of int
        Of the records, in their order.
    """
    first: dict[bytes, int] = {}
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).tolist()
    kept, gone = [], {}
    records = bases = 0
    for record, length in enumerate(lengths):
        begin, end = starts[record], starts[record + 1]
        digest = blake2b(digest_size=16)
        for at in range(begin, end, _CHUNK):
            digest.update((tokens[at : min(at + _CHUNK, end)] & _PLAIN).tobytes())
        of = first.setdefault(digest.digest(), record) if length else record
        if of == record:
            kept.append(record)
            continue
        gone[names[record]] = names[of]
        differ = sum(
            int(np.count_nonzero(
                labels[at : min(at + _CHUNK, end)]
                != labels[at - begin + starts[of] : min(at + _CHUNK, end) - begin + starts[of]]
            ))
            for at in range(begin, end, _CHUNK)
        )  # fmt: skip
        records += differ > 0
        bases += differ
    return Dropped(kept, gone, records, bases)


def keep_records(path: Path, lengths: Sequence[int], kept: Sequence[int]) -> NDArray[np.int64]:
    """Leave only some records in an array of uint8, (bases,), and count what goes, (256,).

    Memory does not grow with the array, and what stands in the file is moved within it.
    """
    values = np.load(path, mmap_mode="r+")
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).tolist()
    stays = set(kept)
    gone = np.zeros(256, dtype=np.int64)
    size = 0
    for record in range(len(lengths)):
        for at in range(starts[record], starts[record + 1], _CHUNK):
            chunk = np.array(values[at : min(at + _CHUNK, starts[record + 1])])
            if record in stays:
                values[size : size + chunk.size] = chunk
                size += chunk.size
            else:
                gone += np.bincount(chunk, minlength=256)
    values.flush()
    del values
    _shorten(path, size)
    return gone


def _shorten(path: Path, size: int) -> None:
    """Cut a .npy file of uint8 to `size` values."""
    with path.open("r+b") as file:
        # numpy pads headers so that the first axis can change in place.
        header = {"descr": "|u1", "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + size)


def mapping_of(about: Mapping[str, object]) -> dict[str, str]:
    """Return what corpus.json says of the records that went, as `Dropped.names`."""
    found = about.get("duplicates")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
