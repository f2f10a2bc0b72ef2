"""The null of fresh paths: labels drawn anew, as if the calls had been made for another sequence.

The calls stay as they are. Against them stand paths from the law that the labels follow: that of
the HMM which made them, or one that was fitted to labels of the training split. Such paths have
the labels' frequencies and their segments, and know nothing of the calls.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basetag.judgement.null_figures import NullDistribution
from basetag.judgement.path_kernels import count_matches
from basetag.judgement.path_law import PathLaw, RunTables
from basetag.segments import Segments

#: Where the draws that are asked for would take more runs than this in all, there are fewer...
MOST_RUNS = 100_000_000
#: ... but no fewer than this.
FEWEST_DRAWS = 200
#: Bases over which calls are counted at once. Part of what a seed means.
PIECE = 1 << 15

# Bases of one call.
_AT_ONCE = 1 << 22


def path_null(
    labels: NDArray[np.uint8],
    calls: NDArray[np.uint8],
    stretches: Segments,
    law: PathLaw,
    pairs: int,
    rng: np.random.Generator,
) -> NullDistribution:
    """Draw paths of labels over stretches of sequence and count their matches with the calls.

    Parameters
    ----------
    labels : ndarray of uint8, (bases of the corpus,)
        True states: where they are `UNLABELLED`, matches are not counted. May be memory-mapped.
    calls : ndarray of uint8, (bases of `stretches`,)
        Called states, in the order of `stretches`.
    stretches : Segments
        Each has a path of its own.
    law : PathLaw
        Of the labels, with a start for each stretch.
    pairs : int
        Draws that are asked for; see `draws_of`.
    rng : numpy.random.Generator
        Source of the paths.

    Returns
    -------
    NullDistribution
        `mean` and `sd` are those of the draws.
    """
    pieces = stretches.cut(PIECE)
    starts = np.full(pieces.offset.size, -1, dtype=np.int64)
    counts = -(-stretches.lengths // PIECE)
    starts[np.cumsum(counts) - counts] = law.start_of
    draws = draws_of(law, stretches.bases, pairs)
    totals, state, left = (np.zeros(draws, dtype=np.int64) for _ in range(3))
    start, jump = law.start_thresholds(), law.jump_thresholds()
    tables = RunTables.of(law.runs).arrays()
    piece, row = 0, 0
    for batch in pieces.batches(_AT_ONCE):
        # Copies: for arrays that are read only, the loops would be compiled once more.
        count_matches(
            batch.gathered(labels),
            np.array(calls[row : row + batch.bases]),
            np.concatenate([[0], np.cumsum(batch.lengths)]),
            starts[piece : piece + batch.offset.size],
            start,
            jump,
            np.array(law.label),
            *tables,
            rng,
            state,
            left,
            totals,
        )
        piece += batch.offset.size
        row += batch.bases
    return NullDistribution(totals, float(totals.mean()), float(totals.std()), source=law.source)


def draws_of(law: PathLaw, bases: int, pairs: int) -> int:
    """Return how many paths to draw: `pairs`, but fewer where runs are so short that it would last.

    Cost goes with the runs. At least `FEWEST_DRAWS` of those asked for are drawn.
    """
    runs = max(1.0, law.runs_per_base() * bases)
    return min(pairs, max(FEWEST_DRAWS, int(MOST_RUNS / runs)))
