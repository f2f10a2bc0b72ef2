"""Which bases of a test split training does not have, and which segments count as such.

A base inside a match to training (`splits.matches`) is left out of every measure of bases. Segments
cannot be judged in pieces: one counts as unmatched, all of it, if less than half of its bases are
matched; others are set aside, and calls within them count for nothing, as where nobody labelled.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.judgement.prediction_files import open_array, row_chunks
from basetag.judgement.units import Units
from basetag.segments import Segments

Labels = NDArray[np.uint8]


def open_matches(path: str | os.PathLike[str], segments: Segments) -> NDArray[np.bool_]:
    """Map the marks of a test split, and hold their number against the split's bases."""
    return open_array(path, "marks", np.dtype(np.bool_), (int(segments.bases),))


@dataclass(frozen=True)
class Matches:
    """What of a test split is matched.

    Parameters
    ----------
    bases : int
        Labelled bases inside a match.
    runs : ndarray of bool, (runs,)
        Whether at least half of a run of equal labels is matched, in order.
    """

    bases: int
    runs: NDArray[np.bool_]


def read_matches(
    corpus: Corpus, units: Units, matched: NDArray[np.bool_], bases_at_once: int
) -> Matches:
    """Look through the labels and the marks of a test split.

    Parameters
    ----------
    corpus : Corpus
        With labels.
    units : Units
        Of the split.
    matched : ndarray of bool, (bases of the split,)
    bases_at_once : int
        Bases held at a time.
    """
    counter = RunCounter()
    n_matched = 0
    decided: list[NDArray[np.bool_]] = []
    open_run = np.zeros(2, dtype=np.int64)  # its bases, and those of them that are matched
    for rows, piece, bases in row_chunks(units.pieces, bases_at_once):
        labels, marks = corpus.known_labels[bases], matched[rows]
        n_matched += int(np.count_nonzero(marks & (labels != UNLABELLED)))
        begun = counter.begun
        number = counter.numbers(labels, units.segment[piece]) - max(begun - 1, 0)
        lengths = np.bincount(number)
        counts = np.stack([lengths, np.bincount(number[marks], minlength=lengths.size)])
        if begun:
            counts[:, 0] += open_run
        decided.append(2 * counts[1, :-1] >= counts[0, :-1])
        open_run = counts[:, -1]
    decided.append(np.array([2 * open_run[1] >= open_run[0]]))
    return Matches(n_matched, np.concatenate(decided))


class RunCounter:
    """Numbers the runs of equal labels within a segment of the split, chunk by chunk.

    Attributes
    ----------
    begun : int
        Runs so far.
    """

    def __init__(self) -> None:
        self.begun = 0
        self._last = -1, -1

    def numbers(self, labels: Labels, segment: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each base's run, from 0; of bases that follow those before."""
        begins = np.ones(labels.size, dtype=np.bool_)
        begins[1:] = (labels[1:] != labels[:-1]) | (segment[1:] != segment[:-1])
        begins[:1] = self._last != (int(labels[0]), int(segment[0])) if labels.size else False
        numbers: NDArray[np.int64] = self.begun - 1 + np.cumsum(begins)
        if labels.size:
            self.begun = int(numbers[-1]) + 1
            self._last = int(labels[-1]), int(segment[-1])
        return numbers
