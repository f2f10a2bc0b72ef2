"""Which records of a genome go through a tagger together, and which jobs take them.

Records stay in their order. Short ones are put into packs, so that a million contigs are no
million calls; a long one has a pack to itself. Packs depend on the genome alone, and a job takes
whole packs: so what is computed of a record, to the last bit, does not depend on the jobs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Bases of a pack, at most, where it holds more than one record.
PACKED_BASES = 1 << 22


class Pack(NamedTuple):
    """Neighbouring records of a corpus.

    Attributes
    ----------
    first, end : int
        Its records, half-open.
    start, bases : int
        Where its bases begin in the corpus, and how many there are.
    """

    first: int
    end: int
    start: int
    bases: int


def packs_of(lengths: NDArray[np.int64]) -> list[Pack]:
    """Return the packs of a genome, in order; every record is in one.

    Parameters
    ----------
    lengths : ndarray of int64, (records,)
        Bases of each record; 0 is possible.
    """
    packs = []
    first = start = bases = 0
    for record, length in enumerate(lengths.tolist()):
        if record > first and bases + length > PACKED_BASES:
            packs.append(Pack(first, record, start, bases))
            first, start, bases = record, start + bases, 0
        bases += length
    if first < len(lengths):
        packs.append(Pack(first, len(lengths), start, bases))
    return packs


def parts_of(packs: list[Pack], bases_per_job: int | None) -> list[list[Pack]]:
    """Return the packs that each job takes: neighbours, closed when they have so many bases.

    Parameters
    ----------
    packs : list of Pack
    bases_per_job : int or None
        None makes one job of all.
    """
    parts: list[list[Pack]] = [[]]
    bases = 0
    for pack in packs:
        if bases_per_job is not None and bases >= bases_per_job:
            parts.append([])
            bases = 0
        parts[-1].append(pack)
        bases += pack.bases
    return parts
