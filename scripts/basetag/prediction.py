"""Posteriors and calls of splits and controls on disk: any tagger, in batches of bounded memory.

What this writes is all that the judgement sees of a tagger; from here on networks and baselines
are the same kind of thing.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.controls import open_controls
from basetag.corpus import UNLABELLED, Corpus
from basetag.decoding import Decoding, call_states
from basetag.errors import InputError, SequenceError
from basetag.features import BaseFeatures
from basetag.files import write_json, written_whole
from basetag.memory import peak_memory
from basetag.record_classes import judged_segments
from basetag.segments import Segments, whole_records
from basetag.splits.table import read_split
from basetag.tagger import Tagger, TellsNumbers, feature_names, tells_numbers, tells_values

AnyPath = str | os.PathLike[str]
#: Gives the number of each row of sequences, and how likely states are by it.
Telling = Callable[
    [NDArray[np.uint8], NDArray[np.int64], int, BaseFeatures | None],
    tuple[NDArray[np.float32], NDArray[np.float32]],
]

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
    controls_folder: Path,
    controls: tuple[Path, Path],
    predictions: Path,
    timing: Path,
    gpu_memory: Callable[[], int | None] = lambda: None,
) -> None:
    """Write posteriors and calls of test split, validation split and controls, and the speed.

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
    controls_folder : Path
        The negative controls.
    controls : (Path, Path)
        Where posteriors and calls of these go: see `predict_controls`.
    predictions : Path
        Where the numbers of the test split's records go: .npy of float32, (records,), of series
        (places,), or of none where the corpus has no numbers.
    timing : Path
        Where the clock's figures go, as JSON: those of the test split; and the most memory that
        the process took.
    gpu_memory : callable, optional
        Gives the most bytes that lay on a GPU at once, if the tagger computes on one.
    """
    corpus = Corpus.open(corpus_folder, feature_names(tagger.card))
    segments = read_split(split, corpus)
    predict_segments(tagger, corpus, segments["validation"], *validation, decoding, threads)
    predict_controls(tagger, corpus, controls_folder, *controls, decoding, threads)
    began = time.perf_counter()
    told = predict_segments(tagger, corpus, segments["test"], *test, decoding, threads)
    seconds = time.perf_counter() - began
    speed = segments["test"].bases / seconds
    log.info("predicted %d test bases at %.0f kb/s", segments["test"].bases, speed / 1e3)
    with written_whole(predictions) as (place,), place.open("wb") as file:
        np.save(file, told)
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
    posteriors: AnyPath,
    calls: AnyPath,
    decoding: Decoding,
    threads: int,
) -> NDArray[np.float32]:
    """Write posterior and called state of every base of `segments`, in their order.

    Where records have classes, of every one of these: a row for each.

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

    Returns
    -------
    ndarray of float32, (segments,)
        What the tagger tells of records that have a number each, or, (places,), of the next number
        of each; empty where there are none.

    Raises
    ------
    InputError
        At a base that the tagger cannot explain, with its record and position.
    """
    n_states = len(tagger.card["states"])
    rows = judged_segments(corpus, segments).bases
    predict = _predict_classes if corpus.of_records else _predict
    told = np.empty(0 if corpus.targets is None else rows, dtype=np.float32)
    with _new_arrays(posteriors, calls, rows, n_states) as (out, called):
        if corpus.targets is not None:
            _predict_told(tagger, corpus, segments, out, called, told, threads)
            return told
        try:
            predict(tagger, corpus, segments, out, called, decoding, threads)
        except SequenceError as error:
            name = corpus.names[segments.record[error.sequence]]
            raise error.of_record(name, int(segments.start[error.sequence])) from None
    return told


def predict_controls(
    tagger: Tagger,
    corpus: Corpus,
    folder: Path,
    posteriors: AnyPath,
    calls: AnyPath,
    decoding: Decoding,
    threads: int,
) -> None:
    """Write posterior and called state of every base of the negative controls.

    A control that the tagger cannot explain, because it has letters in an order that its model
    holds to be impossible, is left out: its posteriors are NaN, its calls `UNLABELLED`.

    Parameters
    ----------
    tagger : Tagger
    corpus : Corpus
        Of which the controls were made, with the features that the tagger reads.
    folder : Path
        The controls: see `controls.write_controls`.
    posteriors, calls : path-like
        .npy files, float32 (bases, states) and uint8 (bases,), the controls in the order of
        `CONTROLS`, each in that of its records; written whole or not at all.
    decoding : Decoding
        How states are called.
    threads : int
        CPU threads of the tagger.
    """
    controls = open_controls(folder, corpus)
    bases, n_states = sum(c.tokens.size for c in controls.values()), len(tagger.card["states"])
    with _new_arrays(posteriors, calls, bases, n_states) as (out, called):
        first = 0
        for name, control in controls.items():
            here = slice(first, first + control.tokens.size)
            try:
                records = whole_records(control)
                _predict(tagger, control, records, out[here], called[here], decoding, threads)
            except SequenceError as error:
                log.warning("the control %s is left out: %s", name, error)
                out[here], called[here] = np.nan, UNLABELLED
            first = here.stop


@contextmanager
def _new_arrays(
    posteriors: AnyPath, calls: AnyPath, bases: int, n_states: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    """Yield arrays of posteriors, (bases, states), and calls, (bases,), that become files."""
    with written_whole(posteriors, calls) as places:
        out = np.lib.format.open_memmap(
            places[0], mode="w+", dtype=np.float32, shape=(bases, n_states)
        )
        called = np.lib.format.open_memmap(places[1], mode="w+", dtype=np.uint8, shape=(bases,))
        yield out, called
        out.flush()
        called.flush()


def _predict_classes(
    tagger: Tagger,
    corpus: Corpus,
    segments: Segments,
    out: NDArray[np.float32],
    called: NDArray[np.uint8],
    decoding: Decoding,
    threads: int,
) -> None:
    """Fill `out`, (segments, classes), and `called`, (segments,)."""
    for part, here in _batches(corpus, segments):
        last = np.cumsum(part.lengths) - 1
        of_bases = np.empty((part.bases, out.shape[1]), dtype=np.float32)
        calls = np.empty(part.bases, dtype=np.uint8)
        _predict(tagger, corpus, part, of_bases, calls, decoding, threads)
        out[here], called[here] = of_bases[last], calls[last]


def _predict_told(
    tagger: Tagger,
    corpus: Corpus,
    segments: Segments,
    out: NDArray[np.float32],
    called: NDArray[np.uint8],
    told: NDArray[np.float32],
    threads: int,
) -> None:
    """Fill `out`, (rows, states), `called` and `told`, (rows,): of numbers of records or places.

    States are the likelier ones: there is no path of them.
    """
    tell = _telling(tagger, corpus)
    for part, here in _batches(corpus, segments):
        tokens, features = part.gathered(corpus.tokens), part.gathered_features(corpus)
        told[here], out[here] = tell(tokens, part.lengths, threads, features)
        called[here] = out[here].argmax(axis=1)


def _telling(tagger: Tagger, corpus: Corpus) -> Telling:
    """Return what tells the numbers of sequences, and how likely states are by these."""
    if corpus.of_values:
        if not tells_values(tagger):
            raise InputError(
                f"the tagger {tagger.card['name']!r} tells no next numbers, and the dataset is of"
                " series",
                advice="train it on this dataset",
            )
        return tagger.next_values
    if not tells_numbers(tagger):
        raise InputError(
            f"the tagger {tagger.card['name']!r} tells no numbers, and the dataset's records have"
            " numbers",
            advice="train it on this dataset",
        )
    of_records: TellsNumbers = tagger

    def tell(
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int,
        features: BaseFeatures | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        numbers = of_records.numbers(tokens, lengths, threads, features)
        return numbers, of_records.posterior_of_numbers(numbers)

    return tell


def _predict(
    tagger: Tagger,
    corpus: Corpus,
    segments: Segments,
    out: NDArray[np.float32],
    called: NDArray[np.uint8],
    decoding: Decoding,
    threads: int,
) -> None:
    """Fill `out`, (bases, states), and `called`, (bases,); a SequenceError counts the segments."""
    first = number = 0
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
            raise error.of_sequence(number + error.sequence) from None
        first += tokens.size
        number += len(part.offset)


def _batches(corpus: Corpus, segments: Segments) -> Iterator[tuple[Segments, slice]]:
    """Yield batches of segments, and the rows of each: of its bases, or of records as wholes."""
    first = 0
    for part in segments.batches_of(corpus):
        here = slice(first, first + judged_segments(corpus, part).bases)
        yield part, here
        first = here.stop
