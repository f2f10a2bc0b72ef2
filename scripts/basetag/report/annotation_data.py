"""The files of an annotated genome, as the report reads them.

Of a genome with many records the longest are read, and the rest is counted; so what is held
does not grow with the number of contigs.
"""

from __future__ import annotations

import csv
import heapq
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from basetag.errors import InputError
from basetag.intervals import Runs, read_bed

#: Records whose segments are drawn.
DRAWN_RECORDS = 6

Table = list[dict[str, str]]


@dataclass(frozen=True)
class Annotation:
    """One tagger's calls on a genome.

    Parameters
    ----------
    genome, name : str
        What the config calls the genome; dataset, tagger and seed.
    records : dict of str to Runs
        Segments of the longest records, from the longest on.
    n_records : int
        How many records have segments.
    summary, distributions : list of dict
        The rows of summary.tsv, one for each state, and of distributions.tsv.
    composition : dict
        What composition.json says of the genome and the tagger's training data.
    """

    genome: str
    name: str
    records: dict[str, Runs]
    n_records: int
    summary: Table
    distributions: Table
    composition: dict[str, Any]

    @property
    def states(self) -> list[str]:
        """Names of the states, in their order, as the segments bear them."""
        return ["_".join(row["name"].split()) for row in self.summary]

    @property
    def n_segments(self) -> int:
        """Number of segments in all records."""
        return sum(int(row["segments"]) for row in self.summary)


def read_annotation(folder: Path) -> Annotation:
    """Read ``…/{genome}/{dataset}/{tagger}/seed{seed}``, the folder of an annotation.

    Raises
    ------
    InputError
        For a file that cannot be read, and where the counts of two files differ.
    """
    genome, dataset, tagger, seed = folder.absolute().parts[-4:]
    summary = read_table(folder / "summary.tsv")
    path = folder / "segments.bed.gz"
    longest: list[tuple[int, int, str, Runs]] = []
    n_records = n_segments = 0
    for name, runs in read_bed(path, [row["name"] for row in summary]):
        n_records += 1
        n_segments += len(runs.starts)
        # Of equally long ones the first.
        heapq.heappush(longest, (int(runs.ends[-1]), -n_records, name, runs))
        if len(longest) > DRAWN_RECORDS:
            heapq.heappop(longest)
    annotation = Annotation(
        genome,
        f"{dataset}/{tagger}/{seed}",
        {name: runs for _, _, name, runs in sorted(longest, key=lambda one: (-one[0], -one[1]))},
        n_records,
        summary,
        read_table(folder / "distributions.tsv"),
        json.loads((folder / "composition.json").read_text(encoding="utf-8")),
    )
    if n_segments != annotation.n_segments:
        raise InputError(
            f"holds {n_segments} segments, and summary.tsv speaks of {annotation.n_segments}",
            file=path,
            advice="the file is damaged or was edited: delete it and run again",
        )
    return annotation


def read_table(path: Path) -> Table:
    """Return the rows of a table under its line of column names.

    Raises
    ------
    InputError
        For a row of another length.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise InputError("the row has another number of fields", file=path, line=number)
    return rows
