"""A tagger at work on a genome: posterior and called states, pack of records by pack of records.

How states are called is the loaded tagger's own: see `basetag.decoding`. What becomes of them on
disk is for `basetag.tracks`.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.decoding import call_states
from basetag.errors import InputError, SequenceError
from basetag.files import folder_written_whole
from basetag.taggers import LoadedTagger
from basetag.tracks.packing import PACKED_BASES, Pack
from basetag.tracks.part import write_part
from basetag.tracks.segments import CalledPack

log = logging.getLogger(__name__)


def annotate_part(
    loaded: LoadedTagger,
    genome: Corpus,
    packs: Sequence[Pack],
    folder: Path,
    *,
    threads: int = 1,
) -> None:
    """Write what a tagger calls on some packs of a genome, for `basetag.tracks.gather`.

    Parameters
    ----------
    loaded : LoadedTagger
    genome : Corpus
        Labels are not needed; the features that the tagger reads are.
    packs : sequence of Pack
    folder : Path
        The target, written whole or not at all.
    threads : int
        CPU threads.

    Raises
    ------
    InputError
        If genome and tagger have different alphabets, and at a base that the tagger cannot
        explain, with its record and position.
    """
    names = [loaded.tagger.card["state_names"][letter] for letter in loaded.states]
    with folder_written_whole(folder) as place:
        called = call_packs(loaded, genome, packs, threads, place)
        write_part(place, called, genome, names)
    log.info("called %d bases", sum(pack.bases for pack in packs))


def call_packs(
    loaded: LoadedTagger,
    genome: Corpus,
    packs: Iterable[Pack],
    threads: int = 1,
    scratch: str | os.PathLike[str] | None = None,
) -> Iterator[CalledPack]:
    """Yield what a tagger says of each pack of records.

    Memory holds posterior and path of at most `PACKED_BASES`, (4 states + 1) bytes a base; those
    of a longer record lie in nameless files in the folder `scratch` (without it, where the system
    keeps its temporary files), which are gone however this ends.

    Parameters
    ----------
    loaded : LoadedTagger
    genome : Corpus
        Labels are not needed; the features that the tagger reads are.
    packs : iterable of Pack
    threads : int
        CPU threads.
    scratch : path-like, optional

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
    for pack in packs:
        yield _called(loaded, genome, pack, threads, scratch)


def _called(
    loaded: LoadedTagger,
    genome: Corpus,
    pack: Pack,
    threads: int,
    scratch: str | os.PathLike[str] | None,
) -> CalledPack:
    lengths = genome.lengths[pack.first : pack.end]
    here = slice(pack.start, pack.start + pack.bases)
    tokens = genome.tokens[here]
    features = None if genome.features is None else genome.features[here]
    posterior = _room((pack.bases, len(loaded.states)), np.float32, scratch)
    path = _room((pack.bases,), np.uint8, scratch)
    if pack.bases:
        try:
            loaded.tagger.posterior(tokens, lengths, threads, out=posterior, features=features)
            call_states(
                loaded.tagger, tokens, lengths, posterior, loaded.decoding, threads, out=path,
                features=features,
            )  # fmt: skip
        except SequenceError as error:
            raise error.of_record(genome.names[pack.first + error.sequence], 0) from None
    return CalledPack(pack, lengths, tokens, path, posterior)


def _room(
    shape: tuple[int, ...], dtype: type, folder: str | os.PathLike[str] | None
) -> NDArray[Any]:
    """Return an array in memory, or for many bases in a file that has no name any more."""
    if shape[0] <= PACKED_BASES:
        return np.empty(shape, dtype=dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            # A map of a file with holes would end the process where the disk is full.
            os.posix_fallocate(file.fileno(), 0, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
