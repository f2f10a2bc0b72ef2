"""The table that says which records each annotation job takes."""

from __future__ import annotations

import csv
from pathlib import Path

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.files import write_table, written_whole
from basetag.tracks.packing import Pack, packs_of, parts_of

#: Columns of a plan: numbers of records from 0, half-open.
PLAN_COLUMNS = ("part", "first_record", "end_record", "bases")


def write_plan(path: Path, genome: Corpus, bases_per_job: int | None) -> int:
    """Write a row for each job; return their number.

    Parameters
    ----------
    path : Path
    genome : Corpus
    bases_per_job : int or None
        See `parts_of`.
    """
    parts = parts_of(packs_of(genome.lengths), bases_per_job)
    with written_whole(path) as (place,):
        write_table(
            place,
            PLAN_COLUMNS,
            [
                (number, packs[0].first, packs[-1].end, sum(pack.bases for pack in packs))
                for number, packs in enumerate(parts)
            ],
        )
    return len(parts)


def packs_of_part(path: Path, part: int, genome: Corpus) -> list[Pack]:
    """Return the packs that a job takes.

    Raises
    ------
    InputError
        Where the plan has no such job, or is that of another genome.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = [row for row in rows if int(row["part"]) == part]
    packs = packs_of(genome.lengths)
    if found:
        first, end, bases = (int(found[0][name]) for name in PLAN_COLUMNS[1:])
        own = [pack for pack in packs if first <= pack.first < end]
        if own and own[-1].end == end and sum(pack.bases for pack in own) == bases:
            return own
    raise InputError(
        f"does not say what job {part} takes of a genome of {len(genome.names)} records",
        file=path,
        advice="delete it and run again",
    )
