"""Which stretches of a split are looked at more closely, and where their rows lie in its arrays.

Validation looks at pieces spread over its split; the report shows the first segments of the test
split. Each choice is made here alone, so that all who look see the same bases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED
from basetag.errors import InputError
from basetag.segments import Segments

#: Longest stretch that validation looks at as a whole, in bases.
PIECE = 10_000


def spread_pieces(
    segments: Segments, labels: NDArray[np.uint8], bases: int, *, longest: int | None = PIECE
) -> Segments:
    """Return labelled pieces of `segments`, spread evenly over them, that hold about `bases`.

    Parameters
    ----------
    segments : Segments
        The validation split.
    labels : ndarray of uint8, (bases,)
        Of the corpus.
    bases : int
        All pieces are taken where they hold no more.
    longest : int, optional
        Bases of the longest piece; None where segments are looked at as wholes.

    Raises
    ------
    InputError
        Where no base of the split has a label.
    """
    pieces = segments if longest is None else segments.cut(longest)
    labelled = [
        bool((labels[at : at + size] != UNLABELLED).any())
        for at, size in zip(pieces.offset, pieces.lengths, strict=True)
    ]
    pieces = pieces.chosen(np.array(labelled, dtype=bool))
    if not pieces.bases:
        raise InputError(
            "no base of the validation split has a label",
            advice="label some of its records, or draw the split with another seed",
        )
    share = min(1.0, bases / pieces.bases)
    count = max(1, round(share * len(pieces.start)))
    return pieces.chosen(np.linspace(0, len(pieces.start) - 1, count).astype(np.int64))


def shown_segments(segments: Segments, records: int, bases: int) -> tuple[Segments, Segments]:
    """Return the segments that the report shows: as they are, and what it shows of each.

    Parameters
    ----------
    segments : Segments
        The test split.
    records : int
        Number of segments shown: the first ones.
    bases : int
        Most bases shown of each: the first ones.
    """
    whole = segments.chosen(np.arange(min(records, len(segments.start))))
    end = np.minimum(whole.end, whole.start + bases)
    return whole, Segments(whole.record, whole.start, end, whole.offset)


def first_rows(pieces: Segments, segments: Segments) -> NDArray[np.int64]:
    """Return in which row of an array over `segments`, in their order, each piece begins.

    Parameters
    ----------
    pieces : Segments
        Each within one of `segments`.
    segments : Segments
        Of one split: no two share a base.

    Returns
    -------
    ndarray of int64, (pieces,)
    """
    order = np.argsort(segments.offset, kind="stable")
    at = np.searchsorted(segments.offset[order], pieces.offset, side="right") - 1
    of = order[at]
    begins = np.cumsum(segments.lengths) - segments.lengths
    rows: NDArray[np.int64] = begins[of] + pieces.offset - segments.offset[of]
    return rows
