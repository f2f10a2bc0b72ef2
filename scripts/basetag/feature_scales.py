"""Mean and deviation of features over a split: the scale on which a network reads them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.segments import Segments

_NUMBERS_AT_ONCE = 1 << 20


def feature_scales(
    corpus: Corpus, segments: Segments
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of each feature, missing numbers left out.

    In two passes, because the square of a large mean would swallow a small deviation; memory
    holds about a million numbers.

    Parameters
    ----------
    corpus : Corpus
        With features.
    segments : Segments
        The training split.

    Returns
    -------
    mean, deviation : ndarray of float64, (features,)
        Of a feature that is the same everywhere the deviation is 1.

    Raises
    ------
    InputError
        For a feature without any number in the segments.
    """
    n = len(corpus.feature_names)
    counts, sums, squares = np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n)
    least, most = np.full(n, np.inf), np.full(n, -np.inf)
    pieces = segments.cut(max(1, _NUMBERS_AT_ONCE // n))
    for values in _parts(corpus, pieces):
        counts += (~np.isnan(values)).sum(axis=0)
        sums += np.nansum(values, axis=0)
        least = np.fmin(least, np.fmin.reduce(values, axis=0))
        most = np.fmax(most, np.fmax.reduce(values, axis=0))
    if not counts.all():
        name = corpus.feature_names[int(counts.argmin())]
        raise InputError(
            f"of the feature {name!r} no base of the training split has a number",
            advice="take it out of the tagger's features, or draw the split with another seed",
        )
    mean = sums / counts
    for values in _parts(corpus, pieces):
        squares += np.nansum((values - mean) ** 2, axis=0)
    deviation = np.sqrt(squares / counts)
    deviation[least == most] = 1.0
    return mean, deviation


def _parts(corpus: Corpus, pieces: Segments) -> Iterator[NDArray[np.float64]]:
    """Yield the pieces' numbers, (bases, features), about as many at once as a piece may hold."""
    for part in pieces.batches(max(1, _NUMBERS_AT_ONCE // len(corpus.feature_names))):
        yield np.asarray(part.gathered_features(corpus), dtype=np.float64)
