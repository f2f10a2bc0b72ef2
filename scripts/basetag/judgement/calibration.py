"""Calibration: a temperature fitted on the validation split.

Dividing the logarithms of all posteriors by one number, the temperature, makes them less sure where
it is above 1, and surer below; it changes no ranking of states (Guo et al. 2017, ICML 70:1321). It
is fitted on validation alone and then held against the test split: what a tagger gains by it was
wrong with its certainty, and not with what it knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from basetag.corpus import UNLABELLED, Corpus
from basetag.judgement.metrics import floored, scaled_posterior
from basetag.label_statistics import label_counts
from basetag.pieces import first_rows, spread_pieces
from basetag.segments import Segments

#: A temperature is looked for from 1/20 to 20.
_MOST = math.log(20)
#: Bases, and posterior values, that it is fitted on at most.
_BASES = 200_000
_VALUES = 1 << 22

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    Parameters
    ----------
    value : float
        What logarithms of posteriors are divided by.
    bases : int
        Labelled bases that it was fitted on.
    """

    value: float
    bases: int


def fit_temperature(
    posterior: NDArray[np.float32], corpus: Corpus, validation: Segments
) -> Temperature | None:
    """Fit the temperature that gives the labels of the validation split the least cross-entropy.

    Parameters
    ----------
    posterior : ndarray of float32, (bases of the split, states)
        The tagger's on the validation split, in its order.
    corpus : Corpus
        With labels.
    validation : Segments
        The validation split; of a long one, pieces spread over it are looked at.

    Returns
    -------
    Temperature or None
        1 where no temperature is better; None where no base of the split has a label.
    """
    if not label_counts(corpus, validation).any():
        return None
    at_most = min(_BASES, _VALUES // len(corpus.states))
    pieces = spread_pieces(validation, corpus.known_labels, at_most)
    labels = pieces.gathered(corpus.known_labels)
    places = zip(first_rows(pieces, validation), pieces.lengths, strict=True)
    rows = np.concatenate([posterior[first : first + size] for first, size in places])
    scored = labels != UNLABELLED
    labels, p = labels[scored], floored(np.ascontiguousarray(rows[scored].T), axis=0)
    log_p = np.log(p)
    at_label = labels.astype(np.intp) * labels.size + np.arange(labels.size)

    def cross_entropy(log_temperature: float) -> float:
        scaled = scaled_posterior(log_p, math.exp(log_temperature))
        return float(-np.log(scaled.ravel()[at_label]).mean())

    best = minimize_scalar(
        cross_entropy, bounds=(-_MOST, _MOST), method="bounded", options={"xatol": 1e-4}
    )
    # Where all temperatures are as good (every state equally likely), none is needed.
    better = float(best.fun) < cross_entropy(0.0) * (1 - 1e-9)
    return Temperature(math.exp(float(best.x)) if better else 1.0, int(labels.size))
