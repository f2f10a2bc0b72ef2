"""A bigWig file, put together from the blocks of its parts.

The format is that of Kent et al. (2010, Bioinformatics 26:2204): a header, the records' names as
a B+ tree, the blocks and an R tree over them, and the same again for each size of summary.
pyBigWig, which would write it too, looks a record up by comparing its name with all others, and
holds all summaries in memory: a million contigs would take hours, and a gigabase gigabytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from basetag.tracks.bgzf import append
from basetag.tracks.bigwig_blocks import LEAF, LONGEST_BLOCK, ONE, Totals, reductions_of

_MAGIC, _NAMES_MAGIC, _INDEX_MAGIC = 0x888FFC26, 0x78CA8C91, 0x2468ACE0
_VERSION = 4
#: Children of a node of either tree.
_FANOUT = 256
_HEADER, _ZOOM = struct.Struct("<IHHQQQHHQQIQ"), struct.Struct("<IIQQ")
_TOTALS = struct.Struct("<Qdddd")
_NAMES, _INDEX, _NODE = (
    struct.Struct("<IIIIQQ"),
    struct.Struct("<IIQIIIIQII"),
    struct.Struct("<BBH"),
)
_BOX = [("record", "<u4"), ("start", "<u4"), ("last", "<u4"), ("end", "<u4"), ("offset", "<u8")]
_INNER, _OUTER = np.dtype(_BOX), np.dtype([*_BOX, ("size", "<u8")])


def join_bigwig(
    path: Path,
    names: Sequence[str],
    lengths: NDArray[np.int64],
    parts: Sequence[Path],
    label: int,
) -> None:
    """Write the posterior of a state.

    Parameters
    ----------
    path : Path
        The target, a .bw.
    names : sequence of str
        The genome's records. One without bases is left out.
    lengths : ndarray of int64, (records,)
    parts : sequence of Path
        Folders that `PosteriorBlocks` wrote, in the genome's order.
    label : int
        The state.
    """
    reductions = reductions_of(int(lengths.max(initial=0)))
    totals = sum((_totals_of(part, label) for part in parts), Totals())
    with path.open("wb") as file:
        # The header is written when it is known where everything lies.
        file.write(bytes(_HEADER.size + _ZOOM.size * len(reductions) + _TOTALS.size))
        names_at = file.tell()
        _write_names(file, names, lengths)
        data_at, index_at = _write_blocks(file, parts, f"{label}.values", counted_by="<Q")
        zooms = [
            (reduction, 0, *_write_blocks(file, parts, f"{label}.{reduction}", counted_by="<I"))
            for reduction in reductions
        ]
        file.write(struct.pack("<I", _MAGIC))
        file.seek(0)
        totals_at = _HEADER.size + _ZOOM.size * len(reductions)
        file.write(
            _HEADER.pack(
                _MAGIC, _VERSION, len(reductions), names_at, data_at, index_at, 0, 0, 0,
                totals_at, LONGEST_BLOCK, 0,
            )
        )  # fmt: skip
        for zoom in zooms:
            file.write(_ZOOM.pack(*zoom))
        file.write(
            _TOTALS.pack(
                totals.bases,
                totals.least / ONE,
                totals.most / ONE,
                totals.sum / ONE,
                totals.squares / ONE**2,
            )
        )


def safe_names(states: Sequence[str]) -> list[str]:
    """Return what the file of each state is called, without its ending; no two are alike.

    Letters, digits, `_`, `-` and `.` stay, the last two not in front; any other byte becomes `=`
    and two hexadecimal digits. Where names differ by capitals alone, which some file systems do
    not tell apart, the capitals are written so, too.
    """
    plain = [_escaped(state, lambda letter: False) for state in states]
    folded = [name.casefold() for name in plain]
    return [
        _escaped(state, str.isupper) if folded.count(alike) > 1 else name
        for state, name, alike in zip(states, plain, folded, strict=True)
    ]


def _escaped(name: str, also: Callable[[str], bool]) -> str:
    kept = [
        letter
        if letter.isascii()
        and (letter.isalnum() or letter == "_" or (place and letter in "-."))
        and not also(letter)
        else "".join(f"={byte:02x}" for byte in letter.encode())
        for place, letter in enumerate(name)
    ]
    return "".join(kept)


def _totals_of(part: Path, label: int) -> Totals:
    return Totals(*np.load(part / "totals.npy")[label].tolist())


def _write_blocks(
    file: IO[bytes], parts: Sequence[Path], name: str, *, counted_by: str
) -> tuple[int, int]:
    """Write the blocks of all parts and their index; return where either begins."""
    leaves = [np.load(part / f"{name}.npy") for part in parts]
    at = file.tell()
    file.write(struct.pack(counted_by, sum(len(own) for own in leaves)))
    first = file.tell()
    for part in parts:
        path = part / name
        with path.open("rb") as blocks:
            append(file, blocks, path.stat().st_size)
    index_at = file.tell()
    # The tree is read in words of four bytes.
    file.write(bytes(-index_at % 4))
    index_at = file.tell()
    _write_index(file, np.concatenate(leaves or [np.empty(0, dtype=LEAF)]), first)
    return at, index_at


def _write_index(file: IO[bytes], leaves: NDArray[Any], first: int) -> None:
    """Write the R tree over blocks that lie one behind the other from byte `first` on."""
    outer = np.empty(len(leaves), dtype=_OUTER)
    for name in ("record", "start", "last", "end", "size"):
        outer[name] = leaves[name]
    sizes = leaves["size"].astype(np.uint64)
    outer["offset"] = first + np.cumsum(sizes) - sizes
    whole = (
        (outer[0]["record"], outer[0]["start"], outer[-1]["last"], outer[-1]["end"])
        if len(outer)
        else (0, 0, 0, 0)
    )
    file.write(_INDEX.pack(_INDEX_MAGIC, _FANOUT, len(outer), *map(int, whole), first, 1, 0))

    def above(level: NDArray[Any]) -> NDArray[Any]:
        begin = np.arange(0, len(level), _FANOUT)
        end = np.minimum(begin + _FANOUT, len(level)) - 1
        parents = np.empty(len(begin), dtype=_INNER)
        for name, own in (("record", begin), ("start", begin), ("last", end), ("end", end)):
            parents[name] = level[name][own]
        return parents

    _write_tree(file, outer, above)


def _write_names(file: IO[bytes], names: Sequence[str], lengths: NDArray[np.int64]) -> None:
    """Write the B+ tree from each record's name to its number and length, sorted by name."""
    some = ((name, n) for name, n in zip(names, lengths.tolist(), strict=True) if n)
    known = sorted((name.encode(), number, n) for number, (name, n) in enumerate(some))
    width = max((len(name) for name, _, _ in known), default=1)
    outer = np.array(known, dtype=[("name", f"S{width}"), ("number", "<u4"), ("length", "<u4")])
    file.write(_NAMES.pack(_NAMES_MAGIC, _FANOUT, width, 8, len(known), 0))

    def above(level: NDArray[Any]) -> NDArray[Any]:
        firsts = level["name"][::_FANOUT]
        parents = np.empty(len(firsts), dtype=[("name", f"S{width}"), ("offset", "<u8")])
        parents["name"] = firsts
        return parents

    _write_tree(file, outer, above)


def _write_tree(
    file: IO[bytes], outer: NDArray[Any], above: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    """Write a tree, from its root on, level by level.

    Parameters
    ----------
    file : file
    outer : ndarray
        The items of the leaves.
    above : callable
        Returns an item for every node of so many items of a level; its `offset` is filled in here.
    """
    levels = [outer]
    while len(levels[0]) > _FANOUT:
        levels.insert(0, above(levels[0]))
    at = file.tell()
    for level, below in zip(levels, [*levels[1:], None], strict=True):
        nodes = max(1, -(-len(level) // _FANOUT))
        at += nodes * _NODE.size + level.nbytes
        if below is not None:
            number = np.arange(len(level))
            level["offset"] = at + number * (_NODE.size + _FANOUT * below.itemsize)
        for node in range(nodes):
            items = level[node * _FANOUT : (node + 1) * _FANOUT]
            file.write(_NODE.pack(below is None, 0, len(items)) + items.tobytes())
