"""How far two annotations of one genome agree, base by base."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence

import numpy as np

from basetag.files import write_table, written_whole
from basetag.intervals import Runs, read_bed

AGREEMENT_COLUMNS = (
    "genome", "first", "second", "bases", "agreeing", "fraction", "segments_first",
    "segments_second",
)  # fmt: skip


def compare_annotations(
    genome: str,
    annotations: Sequence[tuple[str, str | os.PathLike[str]]],
    state_names: Sequence[str],
    path: str | os.PathLike[str],
) -> None:
    """Write, for every pair of a genome's annotations, on how many bases they agree.

    Parameters
    ----------
    genome : str
        Its name in the config.
    annotations : sequence of (str, path-like)
        Name and BED of each.
    state_names : sequence of str
        All names that a state has in any of them; states are compared by name.
    path : path-like
        The table: `AGREEMENT_COLUMNS`, a row per pair; `bases` are those that both call.
    """
    named = [(name, read_bed(bed, state_names)) for name, bed in annotations]
    rows = []
    for (first, runs), (second, others) in itertools.combinations(named, 2):
        bases, agreeing = count_agreement(runs, others)
        rows.append(
            (
                genome, first, second, bases, agreeing,
                f"{agreeing / bases:.6g}" if bases else "",
                sum(len(record.starts) for record in runs.values()),
                sum(len(record.starts) for record in others.values()),
            )
        )  # fmt: skip
    with written_whole(path) as (place,):
        write_table(place, AGREEMENT_COLUMNS, rows)


def count_agreement(first: Mapping[str, Runs], second: Mapping[str, Runs]) -> tuple[int, int]:
    """Return how many bases two annotations both call, and on how many of those they agree.

    Parameters
    ----------
    first, second : mapping of str to Runs
        By record, as `read_bed` returns them; labels mean the same in both.
    """
    bases = agreeing = 0
    for record in first.keys() & second.keys():
        one, other = first[record], second[record]
        points = np.unique(np.concatenate([one.starts, one.ends, other.starts, other.ends]))
        left, lengths = points[:-1], np.diff(points)
        labels = [runs.label_at(left) for runs in (one, other)]
        both = (labels[0] >= 0) & (labels[1] >= 0)
        bases += int(lengths[both].sum())
        agreeing += int(lengths[both & (labels[0] == labels[1])].sum())
    return bases, agreeing
