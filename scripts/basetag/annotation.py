"""A tagger at work on a genome: posterior and called states, pack of records by pack of records.

How states are called is the loaded tagger's own: see `basetag.decoding`. What becomes of them on
disk is for `basetag.tracks`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from basetag.corpus import Corpus
from basetag.decoding import call_states
from basetag.errors import InputError, SequenceError
from basetag.files import folder_written_whole
from basetag.scratch import new_array
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
    on_disk = pack.bases > PACKED_BASES
    posterior = new_array(
        (pack.bases, len(loaded.states)), np.float32, on_disk=on_disk, folder=scratch
    )
    path = new_array((pack.bases,), np.uint8, on_disk=on_disk, folder=scratch)
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
