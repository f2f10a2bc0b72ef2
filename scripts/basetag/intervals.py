"""Runs of one state along a record, and the BED files that hold them.

A path of states becomes runs, chunk by chunk if need be, and runs become a sorted BED file with
an index, which genome browsers, tabix and bedtools read. What a state means is the caller's
business; so is which tagger called it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError, nearest
from basetag.letters import one_word

#: From this length of a record on, an index must be .csi: tabix's own cannot reach further.
TBI_REACH = 1 << 29

# Okabe and Ito (2008), Color universal design: told apart by colour-blind people, too.
_COLOURS = (
    "213,94,0",
    "0,114,178",
    "0,158,115",
    "230,159,0",
    "86,180,233",
    "204,121,167",
    "240,228,66",
    "0,0,0",
)
# Posteriors are summed as whole numbers of this part, so that no sum depends on the chunks.
_POSTERIOR_UNIT = 1 << 30


@dataclass(frozen=True)
class Runs:
    """Maximal stretches of one state in a record.

    Parameters
    ----------
    starts, ends : ndarray of int64, (runs,)
        0-based, half-open, ascending.
    labels : ndarray of uint8, (runs,)
        State of each.
    posterior_sums : ndarray of int64, (runs,)
        Posterior of that state summed over the run's bases, in units of 2**-30.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    labels: NDArray[np.uint8]
    posterior_sums: NDArray[np.int64]

    @classmethod
    def of_path(
        cls,
        path: NDArray[np.uint8],
        posterior: NDArray[np.floating] | None = None,
        *,
        offset: int = 0,
    ) -> Runs:
        """Return the runs of a path.

        Parameters
        ----------
        path : ndarray of uint8, (bases,)
            State of each base.
        posterior : ndarray of float, (bases, states), optional
            Without it, every state is taken as certain.
        offset : int
            Position of the first base in its record.
        """
        borders = np.flatnonzero(path[1:] != path[:-1]) + 1
        starts = np.concatenate([np.zeros(min(len(path), 1), dtype=np.int64), borders])
        ends = np.append(starts[1:], np.full(min(len(path), 1), len(path), dtype=np.int64))
        if posterior is None:
            sums = (ends - starts) * _POSTERIOR_UNIT
        elif len(path):
            called = np.take_along_axis(posterior, path[:, np.newaxis].astype(np.intp), axis=1)
            parts = np.rint(called[:, 0].astype(np.float64) * _POSTERIOR_UNIT).astype(np.int64)
            sums = np.add.reduceat(parts, starts)
        else:
            sums = np.zeros(0, dtype=np.int64)
        return cls(starts + offset, ends + offset, path[starts], sums)

    @classmethod
    def joined(cls, parts: Sequence[Runs]) -> Runs:
        """Return the runs of consecutive chunks as those of the whole; order as given."""
        if not parts:
            return cls.of_path(np.zeros(0, dtype=np.uint8))
        starts = np.concatenate([part.starts for part in parts])
        ends = np.concatenate([part.ends for part in parts])
        labels = np.concatenate([part.labels for part in parts])
        sums = np.concatenate([part.posterior_sums for part in parts])
        if not len(starts):
            return cls(starts, ends, labels, sums)
        begins = np.append(True, (starts[1:] != ends[:-1]) | (labels[1:] != labels[:-1]))
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(starts)) - 1
        return cls(starts[first], ends[last], labels[first], np.add.reduceat(sums, first))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases in each run, (runs,)."""
        return self.ends - self.starts

    @property
    def mean_posteriors(self) -> NDArray[np.float64]:
        """Mean posterior of each run's state, (runs,)."""
        means: NDArray[np.float64] = self.posterior_sums / (self.lengths * _POSTERIOR_UNIT)
        return means

    def label_at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the state at each of `positions`, -1 outside all runs, (positions,)."""
        run = np.searchsorted(self.starts, positions, side="right") - 1
        inside = (run >= 0) & (positions < self.ends[run])
        return np.where(inside, self.labels[run].astype(np.int64), -1)


def index_suffix(longest_record: int) -> str:
    """Return `.tbi`, or `.csi` where a record is too long for it."""
    return ".csi" if longest_record >= TBI_REACH else ".tbi"


def write_bed(
    path: str | os.PathLike[str],
    index_path: str | os.PathLike[str],
    records: Iterable[tuple[str, Runs]],
    state_names: Sequence[str],
) -> int:
    """Write runs as a BGZF BED file and its index.

    Nine columns: record, start, end, the state's name, the mean posterior times 1,000 as score,
    no strand, start and end again, and the state's colour. Records come in the order given. Not
    whole or not at all by itself: give it paths of `files.written_whole`.

    Parameters
    ----------
    path : path-like
        Where the BED goes.
    index_path : path-like
        Where the index goes; ends in what `index_suffix` says.
    records : iterable of (str, Runs)
        Name and runs of each record, one at a time.
    state_names : sequence of str
        By label. Blanks become underscores.

    Returns
    -------
    int
        Number of segments.
    """
    import pysam

    ends_of_line = [
        f"\t{colour}\n".encode()
        for colour in (_COLOURS[label % len(_COLOURS)] for label in range(len(state_names)))
    ]
    names = [one_word(name) for name in state_names]
    n_segments = 0
    with pysam.BGZFile(os.fspath(path), "wb", None) as file:
        for record, runs in records:
            if record.startswith("#"):
                raise InputError(
                    "a name that begins with # is a comment to every reader of BED",
                    record=record,
                    advice="rename the record in the FASTA file",
                )
            scores = np.rint(runs.mean_posteriors * 1000).astype(np.int64)
            columns = (runs.starts, runs.ends, runs.labels, scores)
            for start, end, label, score in zip(*(c.tolist() for c in columns), strict=True):
                text = f"{record}\t{start}\t{end}\t{names[label]}\t{score}\t.\t{start}\t{end}"
                file.write(text.encode() + ends_of_line[label])
            n_segments += len(runs.starts)
    pysam.tabix_index(
        os.fspath(path),
        preset="bed",
        index=os.fspath(index_path),
        csi=Path(index_path).suffix == ".csi",
        force=True,
    )
    return n_segments


def read_bed(path: str | os.PathLike[str], state_names: Sequence[str]) -> dict[str, Runs]:
    """Read the runs of a BED file, plain or compressed, whose names are those of states.

    Touching runs of one state become one. Scores, where there are any, become posteriors.

    Raises
    ------
    InputError
        For a line that cannot be read, a name that no state has, and for runs of a record that
        overlap or are not sorted.
    """
    import gzip

    path = Path(path)
    label_of_name = {one_word(name): label for label, name in enumerate(state_names)}
    rows: dict[str, list[tuple[int, int, int, int]]] = {}
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if compressed else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                fields = line.decode("utf-8").rstrip("\r\n").split("\t")
                if fields == [""] or _is_header(fields):
                    continue
                try:
                    record, start, end, name = fields[0], int(fields[1]), int(fields[2]), fields[3]
                    score = int(fields[4]) if len(fields) > 4 else 1000
                except (IndexError, ValueError) as error:
                    raise InputError(
                        "is no line of a BED file with names",
                        file=path,
                        line=number,
                        advice="expected record, start, end and name, parted by tabs",
                    ) from error
                if name not in label_of_name:
                    like = nearest(name, label_of_name)
                    raise InputError(
                        f"{name!r} is none of the states {', '.join(label_of_name)}",
                        file=path,
                        line=number,
                        advice=f"did you mean {like!r}?" if like else None,
                    )
                of_record = rows.setdefault(record, [])
                if not (of_record[-1][1] if of_record else 0) <= start < end:
                    raise InputError(
                        f"{start} to {end} overlaps what stands before it, or is not sorted",
                        file=path,
                        line=number,
                        record=record,
                    )
                units = round(score * (end - start) * _POSTERIOR_UNIT / 1000)
                of_record.append((start, end, label_of_name[name], units))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as BED ({error})", file=path) from error
    tables = {record: np.array(values, dtype=np.int64) for record, values in rows.items()}
    return {
        record: Runs.joined([Runs(t[:, 0], t[:, 1], t[:, 2].astype(np.uint8), t[:, 3])])
        for record, t in tables.items()
    }


def _is_header(fields: list[str]) -> bool:
    """Whether a line is a comment or, without columns, one for a browser; not `track1`'s row."""
    return fields[0].startswith("#") or (
        len(fields) < 3 and fields[0].split(" ")[0] in ("track", "browser")
    )
