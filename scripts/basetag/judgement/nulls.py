"""Chance, told by four nulls: what each of them makes of a tagger's matches on the test split.

Each takes more of the data into account than the one before. Uniform labels know how many states
there are; labels with frequencies know how common these are; shifted calls, and fresh paths of
labels, know also how long segments last. The part `chance` of metrics.json is put together here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import NEXT_TOKEN, Corpus
from basetag.hmm import HMM
from basetag.judgement.chance import (
    binomial_log10_tail,
    frequency_null,
    match_probability,
    uniform_null,
)
from basetag.judgement.null_figures import NullDistribution
from basetag.judgement.path_law import PathLaw
from basetag.judgement.path_null import path_null
from basetag.judgement.semi_markov import fit_semi_markov
from basetag.judgement.shift_null import shift_null
from basetag.segments import Segments

log = logging.getLogger(__name__)

#: The nulls, by the names that they have in metrics.json.
NULLS = ("uniform", "frequencies", "shift", "resimulated")


def chance_figures(
    corpus: Corpus,
    segments: Segments,
    calls: NDArray[np.uint8],
    confusion: NDArray[np.int64],
    *,
    hmm: HMM | None,
    train: Segments | None,
    pairs: int,
    seed: int,
) -> dict[str, dict[str, Any] | None]:
    """Hold a tagger's matches against each null.

    Parameters
    ----------
    corpus : Corpus
        With labels; unlabelled bases are not counted.
    segments : Segments
        The test split.
    calls : ndarray of uint8, (bases of the split,)
        Called states, in its order.
    confusion : ndarray of int64, (states, states)
        True states in rows, called ones in columns: those of all labelled bases of the split.
    hmm : HMM or None
        The model that the dataset was simulated from.
    train : Segments or None
        The training split, whose labels tell of paths where there is no model.
    pairs : int
        Draws of each null; of fresh paths there can be fewer, see `draws_of`.
    seed : int
        Each null has a stream of its own.

    Returns
    -------
    dict
        Plain JSON: for each of `NULLS` what `NullDistribution.figures` says. `resimulated` is None
        where there is neither a model nor a labelled base to train on, and where letters tell the
        next ones: they form no path of labels.
    """
    labels = corpus.known_labels
    length, observed = int(confusion.sum()), int(np.trace(confusion))
    n_states = len(confusion)

    def independent(null: NullDistribution, probability: float) -> dict[str, Any]:
        tail = None
        if 0 < probability < 1:
            tail = binomial_log10_tail(observed, length, probability)
        return null.figures(observed, length, tail)

    def resimulated(rng: np.random.Generator) -> dict[str, Any] | None:
        stretches = segments.joined()
        if corpus.task == NEXT_TOKEN:
            law: PathLaw | None = None
        elif hmm is not None:
            law = PathLaw.of_hmm(hmm, stretches.start)
        elif train is not None:
            law = fit_semi_markov(labels, train, n_states, stretches.offset.size)
        else:
            law = None
        if law is None:
            return None
        return path_null(labels, calls, stretches, law, pairs, rng).figures(observed, length)

    makers: dict[str, Callable[[np.random.Generator], dict[str, Any] | None]] = {
        "uniform": lambda rng: independent(
            uniform_null(length, n_states, pairs, rng), 1 / n_states
        ),
        "frequencies": lambda rng: independent(
            frequency_null(confusion, pairs, rng), match_probability(confusion)
        ),
        "shift": lambda rng: shift_null(labels, calls, segments, n_states, pairs, rng).figures(
            observed, length
        ),
        "resimulated": resimulated,
    }
    found = {}
    for number, name in enumerate(NULLS):
        began = time.perf_counter()
        # Streams of their own beside that of the intervals, [seed].
        found[name] = makers[name](np.random.default_rng([seed, 1, number]))
        log.info("chance, %s: %.2f s", name, time.perf_counter() - began)
    return found
