"""Posteriors of the splits on disk: any tagger, in batches, so that memory does not grow.

What this writes is all that the judgement sees of a tagger; from here on networks and baselines
are the same kind of thing.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import numpy as np

from basetag.corpus import Corpus
from basetag.errors import SequenceError
from basetag.files import write_json, written_whole
from basetag.splits import Segments, read_split
from basetag.tagger import Tagger, feature_names

log = logging.getLogger(__name__)


def predict_splits(
    tagger: Tagger,
    corpus_folder: Path,
    split: Path,
    *,
    threads: int,
    test: Path,
    validation: Path,
    timing: Path,
) -> None:
    """Write a tagger's posteriors of the test and the validation split, and how fast it was.

    Parameters
    ----------
    tagger : Tagger
    corpus_folder, split : Path
        The corpus and its split.tsv.
    threads : int
        CPU threads of the tagger.
    test, validation : Path
        Where the posteriors go: .npy, float32 (bases, states), in the order of the split.
    timing : Path
        Where the clock's figures go, as JSON: those of the test split.
    """
    corpus = Corpus.open(corpus_folder, feature_names(tagger.card))
    segments = read_split(split, corpus)
    predict_segments(tagger, corpus, segments["validation"], validation, threads)
    began = time.perf_counter()
    predict_segments(tagger, corpus, segments["test"], test, threads)
    seconds = time.perf_counter() - began
    speed = segments["test"].bases / seconds
    log.info("predicted %d test bases at %.0f kb/s", segments["test"].bases, speed / 1e3)
    write_json(timing, {"predict_seconds": seconds, "predict_bases_per_second": speed})


def predict_segments(
    tagger: Tagger, corpus: Corpus, segments: Segments, path: str | os.PathLike[str], threads: int
) -> None:
    """Write the posterior of every base of `segments` to `path`, in their order.

    Parameters
    ----------
    tagger : Tagger
    corpus : Corpus
        With the features that the tagger reads.
    segments : Segments
        Each is predicted from its own bases alone.
    path : path-like
        A .npy file, float32 (bases, states), written whole or not at all.
    threads : int
        CPU threads of the tagger.

    Raises
    ------
    InputError
        At a base that the tagger cannot explain, with its record and position.
    """
    shape = (segments.bases, len(tagger.card["states"]))
    with written_whole(path) as (place,):
        out = np.lib.format.open_memmap(place, mode="w+", dtype=np.float32, shape=shape)
        first = 0
        for part in segments.batches_of(corpus):
            tokens = part.gathered(corpus.tokens)
            here = out[first : first + tokens.size]
            try:
                features = part.gathered_features(corpus)
                tagger.posterior(tokens, part.lengths, threads, part.start, here, features)
            except SequenceError as error:
                name = corpus.names[part.record[error.sequence]]
                raise error.of_record(name, int(part.start[error.sequence])) from None
            first += tokens.size
        out.flush()
