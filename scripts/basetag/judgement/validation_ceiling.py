"""What the validation loss of a training is held against: the exact posterior on the same bases.

A loss says little before one knows what no method can go below. Here the cross-entropy of a
tagger's posteriors on the pieces that validation looks at, beside that of the exact posteriors
there, so that the report can draw every loss as what is left to learn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.judgement.metrics import floored
from basetag.judgement.prediction_files import AnyPath, open_posterior
from basetag.label_statistics import label_counts
from basetag.pieces import PIECE, first_rows, spread_pieces
from basetag.segments import Segments


def judge_on_validation(
    corpus: Corpus,
    validation: Segments,
    posterior_path: AnyPath,
    references: Mapping[str, AnyPath | None],
    bases: int,
) -> dict[str, Any] | None:
    """Return the cross-entropies on the pieces that validation looks at.

    Parameters
    ----------
    corpus : Corpus
        With labels.
    validation : Segments
        The validation split.
    posterior_path : path-like
        The tagger's posteriors of it: .npy, float32 (bases, states), in its order.
    references : mapping of str to path-like or None
        The same of the exact posteriors, `exact` and `filtered`, where there are any.
    bases : int
        At most about this many bases are looked at; see `spread_pieces`.

    Returns
    -------
    dict or None
        The part `validation` of metrics.json: `bases`, the labelled ones; `pieces`; `cut`, whether
        segments are longer than a piece, so that posteriors, which are of whole segments, saw more
        than the loss of a training; `cross_entropy`, nats per base; and `references`, for each
        given one its `cross_entropy` and the standard error over pieces of the tagger's `excess`
        over it, or None. Where no base of the split has a label, there is nothing but None.

    Raises
    ------
    InputError
        Where a file does not hold posteriors of this split.
    """
    if not label_counts(corpus, validation).any():
        return None
    pieces = spread_pieces(validation, corpus.known_labels, bases)
    labels = np.split(pieces.gathered(corpus.known_labels), np.cumsum(pieces.lengths)[:-1])
    counts = np.array([np.count_nonzero(own != UNLABELLED) for own in labels])
    begins = first_rows(pieces, validation)

    def summed_losses(path: AnyPath) -> NDArray[np.float64]:
        """Return the summed cross-entropy of each piece."""
        posterior = open_posterior(path, corpus, validation)
        sums = []
        for at, true in zip(begins, labels, strict=True):
            scored = np.flatnonzero(true != UNLABELLED)
            chances = floored(posterior[at + scored])[np.arange(scored.size), true[scored]]
            sums.append(-np.log(chances).sum())
        return np.array(sums)

    own = summed_losses(posterior_path)
    total = int(counts.sum())
    held_against = {}
    for name, path in references.items():
        if path is not None:
            losses = summed_losses(path)
            held_against[name] = {
                "cross_entropy": float(losses.sum() / total),
                "excess_error": _standard_error(own - losses, counts),
            }
    return {
        "bases": total,
        "pieces": int(counts.size),
        "cut": bool((validation.lengths > PIECE).any()),
        "cross_entropy": float(own.sum() / total),
        "references": held_against,
    }


def _standard_error(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> float | None:
    """Return the standard error of a mean over bases whose pieces are independent."""
    n = counts.size
    if n < 2:
        return None
    spread = sums - counts * (sums.sum() / counts.sum())
    return float(math.sqrt(n / (n - 1) * float((spread**2).sum())) / counts.sum())
