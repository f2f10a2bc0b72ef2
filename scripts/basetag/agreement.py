"""How far two annotations of one genome agree, base by base."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from basetag.errors import InputError
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

    One record of each is in memory at a time.

    Parameters
    ----------
    genome : str
        Its name in the config.
    annotations : sequence of (str, path-like)
        Name and BED of each; all have the same records in the same order.
    state_names : sequence of str
        All names that a state has in any of them; states are compared by name.
    path : path-like
        The table: `AGREEMENT_COLUMNS`, a row per pair; `bases` are those that both call.

    Raises
    ------
    InputError
        Where the annotations have different records.
    """
    names = [name for name, _ in annotations]
    counts = np.zeros((len(names), len(names), 2), dtype=np.int64)  # bases, and those that agree
    segments = [0] * len(names)
    readers = [read_bed(bed, state_names) for _, bed in annotations] if len(names) > 1 else []
    for found in itertools.zip_longest(*readers):
        records = [None if one is None else one[0] for one in found]
        for record, (_, bed) in zip(records, annotations, strict=True):
            if record != records[0]:
                raise InputError(
                    f"has the record {record!r} where {annotations[0][1]} has {records[0]!r}",
                    file=Path(bed),
                    advice="these are not annotations of one genome: delete both and run again",
                )
        for one, (_, runs) in enumerate(found):
            segments[one] += len(runs.starts)
            for other in range(one + 1, len(names)):
                counts[one, other] += count_agreement(runs, found[other][1])
    rows = []
    for one, other in itertools.combinations(range(len(names)), 2):
        bases, agreeing = counts[one, other].tolist()
        share = f"{agreeing / bases:.6g}" if bases else ""
        rows.append(
            (
                genome, names[one], names[other], bases, agreeing, share, segments[one],
                segments[other],
            )
        )  # fmt: skip
    with written_whole(path) as (place,):
        write_table(place, AGREEMENT_COLUMNS, rows)


def count_agreement(first: Runs, second: Runs) -> tuple[int, int]:
    """Return how many bases two annotations of a record both call, and on how many they agree.

    Parameters
    ----------
    first, second : Runs
        Labels mean the same in both.
    """
    points = np.unique(np.concatenate([first.starts, first.ends, second.starts, second.ends]))
    left, lengths = points[:-1], np.diff(points)
    labels = [runs.label_at(left) for runs in (first, second)]
    both = (labels[0] >= 0) & (labels[1] >= 0)
    agreeing = both & (labels[0] == labels[1])
    return int(lengths[both].sum()), int(lengths[agreeing].sum())
