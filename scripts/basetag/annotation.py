"""Segments of a genome: a tagger's posteriors turned into calls, runs and a summary.

The argmax of a posterior shatters long segments wherever the posterior wavers about one half.
The default is therefore a Viterbi path: over the tagger's own model where it is an HMM, else over
its posteriors divided by the label frequencies of its training data (scaled likelihoods: Morgan &
Bourlard 1990), with the transitions counted on the training labels.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.exact_inference import decode_posteriors
from basetag.files import written_whole
from basetag.intervals import Runs, runs_of_path
from basetag.taggers import LoadedTagger

log = logging.getLogger(__name__)

Calls = Literal["viterbi", "argmax"]


@dataclass(frozen=True)
class AnnotatedRecord:
    """The calls of one record.

    Attributes
    ----------
    name : str
    runs : Runs
        Start, end (0-based, half-open) and state of every segment.
    scores : ndarray of float64, (segments,)
        Mean posterior of the called state over the segment.
    """

    name: str
    runs: Runs
    scores: NDArray[np.float64]


def annotate_records(
    loaded: LoadedTagger, genome: Corpus, calls: Calls, threads: int = 1
) -> Iterator[AnnotatedRecord]:
    """Call the segments of every record of `genome`, in its order.

    Parameters
    ----------
    loaded : LoadedTagger
    genome : Corpus
        Labels are not needed.
    calls : {"viterbi", "argmax"}
    threads : int
        CPU threads.

    Yields
    ------
    AnnotatedRecord

    Raises
    ------
    InputError
        If genome and tagger have different alphabets.
    """
    if genome.alphabet != loaded.alphabet:
        raise InputError(
            f"the genome is written in {genome.alphabet.name}, the tagger reads"
            f" {loaded.alphabet.name}",
            advice="annotate with a tagger of the genome's alphabet",
        )
    for name, start, length in zip(genome.names, genome.starts, genome.lengths, strict=True):
        tokens = np.asarray(genome.tokens[start : start + length])
        lengths = np.array([length], dtype=np.int64)
        posterior = loaded.tagger.posterior(tokens, lengths, threads)
        path = call_states(loaded, tokens, lengths, posterior, calls)
        runs = runs_of_path(path)
        called = np.take_along_axis(posterior, path[:, None].astype(np.intp), axis=1)[:, 0]
        sums = np.add.reduceat(called.astype(np.float64), runs.starts) if runs.starts.size else called
        yield AnnotatedRecord(name, runs, sums / (runs.ends - runs.starts))


def call_states(
    loaded: LoadedTagger,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    posterior: NDArray[np.float32],
    calls: Calls,
) -> NDArray[np.uint8]:
    """Return the called state of every base, (bases,)."""
    if calls == "argmax":
        return posterior.argmax(axis=1).astype(np.uint8)
    own_path = getattr(loaded.tagger, "viterbi", None)
    if own_path is not None:
        path: NDArray[np.uint8] = own_path(tokens, lengths)
        return path
    training = loaded.tagger.card["training"]
    prior = np.array(training["prior"])
    return decode_posteriors(
        posterior, lengths, prior=prior, start=prior, transition=np.array(training["transition"])
    )
