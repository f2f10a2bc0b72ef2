"""A split drawn at random, by fractions of the bases.

It is drawn over units: whole records, or blocks of records with a gap between blocks of different
splits. Units of equal content, or of which one is the other's reverse complement, stay on one
side; so do records that are near copies, where that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.segments import Segments, whole_records
from basetag.splits.blocks import blocks, with_gaps
from basetag.splits.copies import groups_of_copies
from basetag.splits.near_copies import groups_of_near_copies
from basetag.splits.table import SPLITS, Split

_CLOSE_ENOUGH = 0.005  # of all bases, between the fractions asked for and those drawn
_MOST_DRAWS = 50


def make_split(
    corpus: Corpus,
    *,
    fractions: Mapping[str, float],
    seed: int,
    by: Literal["record", "block"] = "record",
    block: int | None = None,
    gap: int = 0,
    near_copies: float | None = None,
    duplicates: Literal["keep_together", "refuse"] = "keep_together",
) -> Split:
    """Draw a split at random.

    Records are cut into blocks from their start; a last block shorter than half of `block` joins
    the one before it, and a record shorter than `block` is one block. Units are laid in random
    order and cut where the fractions of all bases are reached; the first order that comes within
    0.5 % is taken, or the nearest of 50. Records without bases belong to no split.

    Parameters
    ----------
    corpus : Corpus
    fractions : mapping of str to float
        Fraction of the bases for each of `SPLITS`; they sum to 1. A split of fraction 0 is empty,
        every other one gets a unit at least.
    seed : int
    by : {"record", "block"}
        What is drawn.
    block : int
        Bases in a block.
    gap : int
        Bases between neighbouring blocks of different splits, which belong to none; taken from
        the two in equal parts. Below half of `block`.
    near_copies : float, optional
        Of records alone: the share of k-mers from which on two of them stay on one side
        (`groups_of_near_copies`); without it exact copies do.
    duplicates : {"keep_together", "refuse"}
        What to do with units of equal content, or of equal content on the other strand. A unit
        of nothing but unknown bases is no copy of another one.

    Returns
    -------
    Split

    Raises
    ------
    InputError
        Where there are fewer units than splits, or duplicates that are to be refused.
    ValueError
        For settings that contradict each other.
    """
    shares = np.array([fractions.get(name, 0.0) for name in SPLITS])
    if (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"the fractions {dict(fractions)} do not sum to 1")
    if by == "block" and (not block or not 0 <= 2 * gap < block):
        raise ValueError("the gap must be shorter than half a block")
    if by == "block" and near_copies is not None:
        raise ValueError("repeats make near copies of nearly all blocks")
    units = blocks(corpus, block) if by == "block" and block else whole_records(corpus)
    groups = groups_of_copies(corpus, units.offset, units.lengths)
    sizes = np.bincount(groups)
    copied, n_different = sizes[groups] > 1, len(sizes)
    if duplicates == "refuse" and copied.any():
        _refuse_copies(corpus, units, np.flatnonzero(groups == groups[copied][0])[:2])
    if near_copies is not None:
        groups = groups_of_near_copies(corpus, units, groups, near_copies)
        sizes = np.bincount(groups)
    together = sizes[groups] > 1
    n_groups, n_splits = len(sizes), np.count_nonzero(shares)
    if n_groups < n_splits:
        advice = "give more records"
        if not corpus.of_records:
            advice += ", or split by shorter blocks"
        if n_different >= n_splits:
            advice += ", or set near_copies: null"
        raise InputError(
            f"{n_groups} {by}s of different content cannot be drawn into {n_splits} splits",
            advice=advice,
        )
    bases = np.bincount(groups, weights=units.lengths).astype(np.float64)
    assignment = _drawn(bases, shares, np.random.default_rng(seed))[groups]
    segments = with_gaps(units, assignment, gap) if by == "block" else units
    return Split(
        segments,
        assignment,
        left_out=units.bases - segments.bases,
        duplicates=int(copied.sum()),
        near_copies=int((together & ~copied).sum()),
    )


def _refuse_copies(corpus: Corpus, units: Segments, pair: NDArray[np.int64]) -> NoReturn:
    """Raise the error for two units of equal content."""
    first, second = (
        f"{corpus.names[units.record[unit]]!r} (bases {units.start[unit]} to {units.end[unit]})"
        for unit in pair
    )
    raise InputError(
        f"{second} is a copy or the reverse complement of {first}",
        advice="remove one of them, or set duplicates: keep_together",
    )


def _drawn(
    sizes: NDArray[np.float64], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return a split for each group of units, (groups,), by their sizes in bases."""
    wanted = np.flatnonzero(shares)
    n_groups, n_wanted = len(sizes), len(wanted)
    bounds = np.cumsum(shares[wanted])[:-1] * sizes.sum()
    best = np.zeros(n_groups, dtype=np.int64)
    least = np.inf
    for _ in range(_MOST_DRAWS):
        order = rng.permutation(n_groups)
        reached = np.cumsum(sizes[order])
        # A group goes to the split in which its middle lies; no split stays without one.
        cuts = np.searchsorted(reached - sizes[order] / 2, bounds)
        for index in range(n_wanted - 1):
            lowest = (cuts[index - 1] if index else 0) + 1
            cuts[index] = np.clip(cuts[index], lowest, n_groups - (n_wanted - 1 - index))
        drawn = np.empty(n_groups, dtype=np.int64)
        drawn[order] = wanted[np.searchsorted(cuts, np.arange(n_groups), side="right")]
        got = np.bincount(drawn, weights=sizes, minlength=len(shares)) / sizes.sum()
        error = float(np.abs(got - shares).max())
        if error < least:
            best, least = drawn, error
        if least <= _CLOSE_ENOUGH:
            break
    return best
