"""Posteriors of a network's further heads on disk, in batches of bounded memory."""

from __future__ import annotations

import os

import numpy as np

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.files import written_whole
from basetag.network_tagger import NetworkTagger
from basetag.segments import Segments


def predict_further(
    tagger: NetworkTagger,
    corpus: Corpus,
    segments: Segments,
    head: str,
    path: str | os.PathLike[str],
    threads: int,
) -> None:
    """Write the posterior of a further head at every base of `segments`, in their order.

    Parameters
    ----------
    tagger : NetworkTagger
    corpus : Corpus
        With the features that the tagger reads.
    segments : Segments
        Each is predicted from its own bases alone.
    head : str
        Name of the head.
    path : path-like
        .npy of float32, (bases, states of the head), written whole or not at all.
    threads : int
        CPU threads of the tagger.

    Raises
    ------
    InputError
        Where the tagger has no such head.
    """
    if head not in tagger.further_states:
        raise InputError(
            f"the tagger {tagger.card['name']!r} has no head {head!r}",
            advice="train it on the dataset with this head",
        )
    shape = segments.bases, len(tagger.further_states[head])
    with written_whole(path) as (place,):
        out = np.lib.format.open_memmap(place, mode="w+", dtype=np.float32, shape=shape)
        first = 0
        for part in segments.batches_of(corpus):
            tokens, features = part.gathered(corpus.tokens), part.gathered_features(corpus)
            here = slice(first, first + tokens.size)
            tagger.further_posterior(head, tokens, part.lengths, threads, out[here], features)
            first = here.stop
        out.flush()
