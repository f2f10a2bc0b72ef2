"""The table of a sweep: a row for each of its datasets, taggers and seeds.

The columns of the comparison, and before them what was varied: a column for each axis, named after
whose key it is, as in ``dataset.simulate.mean_length`` and ``tagger.training.bases``. It is empty
where the dataset or tagger of a row does not vary it, as for the exact posterior.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from basetag.errors import InputError
from basetag.files import canonical_json, written_whole
from basetag.judgement.comparison import (
    COLUMNS,
    AnyPath,
    add_seed_means,
    cell,
    comparison_row,
    read_json,
)

#: What tells a row from the others, before its axes.
IDENTITY = ("dataset", "tagger", "seed", "dataset_base", "tagger_base")


def write_sweep(
    path: AnyPath,
    axes: Sequence[str],
    runs: Iterable[Mapping[str, Any]],
    files: Iterable[tuple[AnyPath, AnyPath | None, AnyPath | None]],
) -> None:
    """Write the table of a sweep, in the order given.

    Parameters
    ----------
    path : path-like
        The target.
    axes : sequence of str
        Columns of what is varied.
    runs : iterable of mapping
        Of each row `dataset`, `tagger`, `seed`, `dataset_base`, `tagger_base`, and `values`, a
        mapping of axes to JSON values.
    files : iterable of (path-like, path-like or None, path-like or None)
        metrics.json, timing.json and predict_timing.json of each row.

    Raises
    ------
    InputError
        For a file that cannot be read, or whose dataset, tagger or seed is another's.
    """
    figures = [column for column in COLUMNS if column not in IDENTITY]
    lines = ["\t".join((*IDENTITY, *axes, *figures))]
    read = []
    for run, paths in zip(runs, files, strict=True):
        row = comparison_row(*(read_json(file) if file is not None else {} for file in paths))
        for key in ("dataset", "tagger", "seed"):
            if row[key] != run[key]:
                problem = f"{key} is {row[key]!r}, not {run[key]!r}"
                raise InputError(problem, file=Path(paths[0]))
        read.append((run, row))
    add_seed_means([row for _, row in read])
    for run, row in read:
        cells = [cell(run[key]) for key in IDENTITY]
        cells += [value_cell(run["values"][axis]) if axis in run["values"] else "" for axis in axes]
        cells += [cell(row[column]) for column in figures]
        lines.append("\t".join(cells))
    with written_whole(path) as (place,):
        place.write_text("\n".join(lines) + "\n", encoding="utf-8")


def value_cell(value: Any) -> str:
    """Return a value of an axis as it stands in the table: a number or a text, or else as JSON."""
    plain = value.isprintable() if isinstance(value, str) else type(value) in (int, float)
    return cell(value) if plain else canonical_json(value)
