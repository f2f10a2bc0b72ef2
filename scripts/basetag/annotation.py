"""Segments of a genome: a tagger's posteriors turned into calls, runs and a summary.

The argmax of a posterior shatters long segments wherever the posterior wavers about one half.
The default is therefore a Viterbi path: over the tagger's own model where it is an HMM, else over
its posteriors divided by the label frequencies of its training data (scaled likelihoods: Morgan &
Bourlard 1990), with the transitions counted on the training labels.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from basetag.baselines import HMMTagger
from basetag.corpus import Corpus
from basetag.errors import InputError, SequenceError
from basetag.exact_inference import decode_posteriors
from basetag.files import write_table, written_whole
from basetag.intervals import Runs, index_suffix, write_bed
from basetag.taggers import LoadedTagger

log = logging.getLogger(__name__)

Calls = Literal["viterbi", "argmax"]

SUMMARY_COLUMNS = (
    "state",
    "name",
    "segments",
    "bases",
    "fraction",
    "mean_length",
    "mean_posterior",
)


def annotate_genome(
    loaded: LoadedTagger,
    genome: Corpus,
    *,
    calls: Calls,
    bed: str | os.PathLike[str],
    summary: str | os.PathLike[str],
    threads: int = 1,
) -> None:
    """Write the segments that a tagger calls on a genome, their index and a summary by state.

    Parameters
    ----------
    loaded : LoadedTagger
    genome : Corpus
        Labels are not needed.
    calls : {"viterbi", "argmax"}
    bed : path-like
        A .bed.gz; its index (.tbi, or .csi where a record is too long for one) lies beside it.
    summary : path-like
        A table with a row per state.
    threads : int
        CPU threads.

    Raises
    ------
    InputError
        If genome and tagger have different alphabets, and at a base that the tagger cannot
        explain, with its record and position.
    """
    if genome.alphabet != loaded.alphabet:
        raise InputError(
            f"the genome is written in {genome.alphabet.name!r}, and the tagger reads"
            f" {loaded.alphabet.name!r}",
            advice="annotate with a tagger of the genome's alphabet",
        )
    names = [loaded.tagger.card["state_names"][letter] for letter in loaded.states]
    totals = [Totals() for _ in names]
    index = os.fspath(bed) + index_suffix(int(genome.lengths.max(initial=0)))

    def counted() -> Iterator[tuple[str, Runs]]:
        for record, runs in call_records(loaded, genome, calls, threads):
            for label, total in enumerate(totals):
                total.add(runs, label)
            yield record, runs

    with written_whole(index, summary, bed) as (index_place, summary_place, bed_place):
        n_segments = write_bed(bed_place, index_place, counted(), names)
        write_table(
            summary_place,
            SUMMARY_COLUMNS,
            [
                (letter, name, *total.row(genome.tokens.size))
                for letter, name, total in zip(loaded.states, names, totals, strict=True)
            ],
        )
    log.info("%d segments on %d bases", n_segments, genome.tokens.size)


class Totals:
    """Segments, bases and posterior of one state, added up record by record."""

    def __init__(self) -> None:
        self.segments = 0
        self.bases = 0
        self.posterior = 0.0

    def add(self, runs: Runs, label: int) -> None:
        """Add the runs of `label` in one record."""
        own = runs.labels == label
        self.segments += int(own.sum())
        self.bases += int(runs.lengths[own].sum())
        self.posterior += float((runs.mean_posteriors * runs.lengths)[own].sum())

    def row(self, all_bases: int) -> tuple[int, int, str, str, str]:
        """Return segments, bases, their fraction, mean length and mean posterior."""
        if not self.bases:
            return 0, 0, "0", "", ""
        return (
            self.segments,
            self.bases,
            f"{self.bases / all_bases:.6g}",
            f"{self.bases / self.segments:.6g}",
            f"{self.posterior / self.bases:.6g}",
        )


def call_records(
    loaded: LoadedTagger, genome: Corpus, calls: Calls, threads: int = 1
) -> Iterator[tuple[str, Runs]]:
    """Yield every record's name and its runs of one state, in the genome's order."""
    for name, start, length in zip(genome.names, genome.starts, genome.lengths, strict=True):
        tokens = genome.tokens[start : start + length]
        lengths = np.array([length], dtype=np.int64)
        try:
            posterior = loaded.tagger.posterior(tokens, lengths, threads)
            path = call_states(loaded, tokens, lengths, posterior, calls, threads)
        except SequenceError as error:
            raise error.of_record(name, 0) from None
        yield name, Runs.of_path(path, posterior)


def call_states(
    loaded: LoadedTagger,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    posterior: NDArray[np.float32],
    calls: Calls,
    threads: int = 1,
) -> NDArray[np.uint8]:
    """Return the called state of every base, (bases,)."""
    if calls == "argmax":
        argmax: NDArray[np.uint8] = np.argmax(posterior, axis=1).astype(np.uint8)
        return argmax
    tagger = loaded.tagger
    if isinstance(tagger, HMMTagger):
        path: NDArray[np.uint8] = tagger.viterbi(tokens, lengths, threads)
        return path
    prior = np.array(tagger.card["training"]["prior"])
    transition = np.array(tagger.card["training"]["transition"])
    return decode_posteriors(posterior, lengths, prior, prior, transition, threads)
