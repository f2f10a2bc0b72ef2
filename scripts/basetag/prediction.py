"""Posteriors and calls of the splits on disk: any tagger, in batches of bounded memory.

What this writes is all that the judgement sees of a tagger; from here on networks and baselines
are the same kind of thing.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from basetag.corpus import Corpus
from basetag.decoding import Decoding, call_states
from basetag.errors import SequenceError
from basetag.files import write_json, written_whole
from basetag.memory import peak_memory
from basetag.splits import Segments, read_split
from basetag.tagger import Tagger, feature_names

log = logging.getLogger(__name__)


def predict_splits(
    tagger: Tagger,
    corpus_folder: Path,
    split: Path,
    *,
    decoding: Decoding,
    threads: int,
    test: tuple[Path, Path],
    validation: tuple[Path, Path],
    timing: Path,
    gpu_memory: Callable[[], int | None] = lambda: None,
) -> None:
    """Write posteriors and calls of the test and the validation split, and how fast it went.

    Parameters
    ----------
    tagger : Tagger
    corpus_folder, split : Path
        The corpus and its split.tsv.
    decoding : Decoding
        How states are called.
    threads : int
        CPU threads of the tagger.
    test, validation : (Path, Path)
        Where posteriors and calls go: see `predict_segments`.
    timing : Path
        Where the clock's figures go, as JSON: those of the test split; and the most memory that
        the process took.
    gpu_memory : callable, optional
        Gives the most bytes that lay on a GPU at once, if the tagger computes on one.
    """
    corpus = Corpus.open(corpus_folder, feature_names(tagger.card))
    segments = read_split(split, corpus)
    predict_segments(tagger, corpus, segments["validation"], *validation, decoding, threads)
    began = time.perf_counter()
    predict_segments(tagger, corpus, segments["test"], *test, decoding, threads)
    seconds = time.perf_counter() - began
    speed = segments["test"].bases / seconds
    log.info("predicted %d test bases at %.0f kb/s", segments["test"].bases, speed / 1e3)
    write_json(
        timing,
        {
            "predict_seconds": seconds,
            "predict_bases_per_second": speed,
            "peak_memory_bytes": peak_memory(),
            "peak_gpu_memory_bytes": gpu_memory(),
        },
    )


def predict_segments(
    tagger: Tagger,
    corpus: Corpus,
    segments: Segments,
    posteriors: str | os.PathLike[str],
    calls: str | os.PathLike[str],
    decoding: Decoding,
    threads: int,
) -> None:
    """Write posterior and called state of every base of `segments`, in their order.

    Parameters
    ----------
    tagger : Tagger
    corpus : Corpus
        With the features that the tagger reads.
    segments : Segments
        Each is predicted from its own bases alone.
    posteriors, calls : path-like
        .npy files, float32 (bases, states) and uint8 (bases,), written whole or not at all.
    decoding : Decoding
        How states are called.
    threads : int
        CPU threads of the tagger.

    Raises
    ------
    InputError
        At a base that the tagger cannot explain, with its record and position.
    """
    shape = (segments.bases, len(tagger.card["states"]))
    with written_whole(posteriors, calls) as places:
        out, called = (
            np.lib.format.open_memmap(place, mode="w+", dtype=dtype, shape=size)
            for place, dtype, size in zip(
                places, (np.float32, np.uint8), (shape, shape[:1]), strict=True
            )
        )
        first = 0
        for part in segments.batches_of(corpus):
            tokens = part.gathered(corpus.tokens)
            here = slice(first, first + tokens.size)
            try:
                features = part.gathered_features(corpus)
                tagger.posterior(tokens, part.lengths, threads, part.start, out[here], features)
                call_states(
                    tagger, tokens, part.lengths, out[here], decoding, threads, part.start,
                    called[here], features,
                )  # fmt: skip
            except SequenceError as error:
                name = corpus.names[part.record[error.sequence]]
                raise error.of_record(name, int(part.start[error.sequence])) from None
            first += tokens.size
        out.flush()
        called.flush()
