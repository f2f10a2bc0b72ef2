"""Segments of a genome: a tagger's posteriors turned into calls, runs and a summary.

How states are called is the loaded tagger's own: see `basetag.decoding`.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.decoding import call_states
from basetag.errors import InputError, SequenceError
from basetag.files import write_table, written_whole
from basetag.intervals import Runs, index_suffix, write_bed
from basetag.scratch import new_array
from basetag.taggers import LoadedTagger

log = logging.getLogger(__name__)

#: What is held of a record longer than this lies in a file, not in memory.
IN_MEMORY_BASES = 2**22
#: Bases that are turned into runs at a time.
BLOCK_BASES = 2**18

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
    bed: str | os.PathLike[str],
    summary: str | os.PathLike[str],
    threads: int = 1,
) -> None:
    """Write the segments that a tagger calls on a genome, their index and a summary by state.

    Parameters
    ----------
    loaded : LoadedTagger
    genome : Corpus
        Labels are not needed; the features that the tagger reads are.
    bed : path-like
        A .bed.gz; its index, .tbi, lies beside it. Where a record is too long for such a one, a
        .csi does, too, and the .tbi is a copy of it, which samtools' library reads by content.
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
    suffixes = {".tbi", index_suffix(int(genome.lengths.max(initial=0)))}
    indices = [os.fspath(bed) + suffix for suffix in sorted(suffixes)]

    def counted(scratch: Path) -> Iterator[tuple[str, Runs]]:
        for record, runs in call_records(loaded, genome, threads, scratch):
            for label, total in enumerate(totals):
                total.add(runs, label)
            yield record, runs

    with written_whole(summary, bed, *indices) as (summary_place, bed_place, *index_places):
        n_segments = write_bed(bed_place, index_places[0], counted(bed_place.parent), names)
        for copy in index_places[1:]:
            shutil.copyfile(index_places[0], copy)
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
    loaded: LoadedTagger,
    genome: Corpus,
    threads: int = 1,
    scratch: str | os.PathLike[str] | None = None,
) -> Iterator[tuple[str, Runs]]:
    """Yield the records' names and runs of one state, in the genome's order.

    A record of more than `BLOCK_BASES` comes in several pieces, one behind the other; no run is
    cut in two. Memory holds posterior and path of at most `IN_MEMORY_BASES`, (4 states + 1) bytes
    a base; those of a longer record lie in nameless files in the folder `scratch` (without it,
    where the system keeps its temporary files), which are gone however this ends.
    """
    for name, start, length in zip(genome.names, genome.starts, genome.lengths, strict=True):
        tokens = genome.tokens[start : start + length]
        features = None if genome.features is None else genome.features[start : start + length]
        lengths = np.array([length], dtype=np.int64)
        on_disk = length > IN_MEMORY_BASES
        posterior = new_array(
            (length, len(loaded.states)), np.float32, on_disk=on_disk, folder=scratch
        )
        path = new_array((length,), np.uint8, on_disk=on_disk, folder=scratch)
        try:
            loaded.tagger.posterior(tokens, lengths, threads, out=posterior, features=features)
            call_states(
                loaded.tagger, tokens, lengths, posterior, loaded.decoding, threads, out=path,
                features=features,
            )  # fmt: skip
        except SequenceError as error:
            raise error.of_record(name, 0) from None
        for runs in _runs_by_block(path, posterior):
            yield name, runs


def _runs_by_block(path: NDArray[np.uint8], posterior: NDArray[np.float32]) -> Iterator[Runs]:
    """Yield a path's runs, a block of bases at a time."""
    unfinished = Runs.of_path(path[:0])
    for block in _blocks(path.size):
        found = Runs.of_path(path[block], posterior[block], offset=block.start)
        runs = Runs.joined([unfinished, found])
        # The last run may go on in the next block.
        yield _part(runs, slice(None, -1))
        unfinished = _part(runs, slice(-1, None))
    yield unfinished


def _part(runs: Runs, part: slice) -> Runs:
    return Runs(runs.starts[part], runs.ends[part], runs.labels[part], runs.posterior_sums[part])


def _blocks(bases: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_BASES) for start in range(0, bases, BLOCK_BASES))
