"""The hidden states of the records that the report shows: hidden.npz.

What a network's head reads at each base. Written where a network predicts, read where a tagger is
judged; which records are shown is for `basetag.pieces`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.features import BaseFeatures
from basetag.files import written_whole
from basetag.pieces import shown_segments
from basetag.segments import Segments


class HasHiddenStates(Protocol):
    """A tagger whose hidden states can be looked at."""

    def hidden(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        shown: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return the hidden states of the first `shown` bases of each sequence, (bases, units)."""


def write_hidden_states(
    path: str | os.PathLike[str],
    tagger: HasHiddenStates,
    corpus: Corpus,
    segments: Segments,
    *,
    records: int,
    bases: int,
    threads: int,
) -> None:
    """Write the hidden states of the shown bases, each segment being read as a whole.

    Parameters
    ----------
    path : path-like
        The target, hidden.npz: `lengths` int64 (segments,), and `hidden` float16 (bases, units),
        the segments one behind the other; no units where the head reads nothing but letters.
    tagger : HasHiddenStates
    corpus : Corpus
        With the features that the tagger reads.
    segments : Segments
        The test split.
    records, bases : int
        See `shown_segments`.
    threads : int
        CPU threads of the tagger.
    """
    whole, shown = shown_segments(segments, records, bases)
    parts = [
        tagger.hidden(
            part.gathered(corpus.tokens),
            part.lengths,
            shown.lengths[[index]],
            threads,
            part.gathered_features(corpus),
        )
        for index in range(len(whole.start))
        for part in [whole.chosen(np.array([index]))]  # one at a time: they may be chromosomes
    ]
    states = np.concatenate(parts or [np.empty((0, 0), np.float32)])
    largest = float(np.finfo(np.float16).max)
    with written_whole(path) as (place,):
        np.savez(
            place,
            allow_pickle=False,
            lengths=shown.lengths.astype(np.int64),
            hidden=np.clip(states, -largest, largest).astype(np.float16),
        )


def read_hidden_states(path: str | os.PathLike[str], shown: Segments) -> NDArray[np.float16]:
    """Read what `write_hidden_states` wrote.

    Parameters
    ----------
    path : path-like
        A hidden.npz.
    shown : Segments
        What the report shows.

    Returns
    -------
    ndarray of float16, (bases, units)

    Raises
    ------
    InputError
        If the file holds something else, or other bases than those shown.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            lengths, hidden = arrays["lengths"], arrays["hidden"]
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise InputError(f"cannot be read as hidden states ({error})", file=Path(path)) from None
    if not np.array_equal(lengths, shown.lengths) or len(hidden) != shown.bases:
        raise InputError(
            f"holds the hidden states of {len(hidden)} bases, and {shown.bases} are shown",
            file=Path(path),
            advice="predict again",
        )
    states: NDArray[np.float16] = hidden
    return states
