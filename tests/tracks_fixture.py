"""An annotation on disk, made from labels and posteriors that a test gives, by no tagger."""

from __future__ import annotations

from pathlib import Path
from string import ascii_uppercase

import numpy as np

from basetag.alphabet import DNA
from basetag.corpus import Corpus
from basetag.tracks.gather import gather
from basetag.tracks.packing import packs_of, parts_of
from basetag.tracks.part import write_part
from basetag.tracks.segments import CalledPack

ABOUT = {"basetag": "0.0", "genome": "phage", "tagger sha256": "0" * 64}


def genome_of(records: dict[str, int], seed: int = 1, alphabet=DNA) -> Corpus:
    """Return a genome of random letters: name and length of each record."""
    lengths = np.array(list(records.values()), dtype=np.int64)
    tokens = np.random.default_rng(seed).integers(0, 4, lengths.sum(), dtype=np.uint8)
    starts = np.cumsum(lengths) - lengths
    return Corpus(alphabet, (), {}, list(records), starts, lengths, tokens, None)


def sure_of(path: np.ndarray, n_states: int) -> np.ndarray:
    """Return posteriors that leave no doubt, (bases, states)."""
    return np.eye(n_states, dtype=np.float32)[path]


def write_tracks(
    folder: Path,
    genome: Corpus,
    path: np.ndarray,
    states: list[str],
    posterior: np.ndarray | None = None,
    bases_per_job: int | None = None,
) -> Path:
    """Write all tracks of a genome, by one job or by several; return the folder."""
    path = np.asarray(path, dtype=np.uint8)
    posterior = sure_of(path, len(states)) if posterior is None else posterior
    parts = []
    for number, packs in enumerate(parts_of(packs_of(genome.lengths), bases_per_job)):
        part = folder / "parts" / str(number)
        part.mkdir(parents=True)
        called = [
            CalledPack(
                pack, genome.lengths[pack.first : pack.end], *(
                    values[pack.start : pack.start + pack.bases]
                    for values in (genome.tokens, path, posterior)
                ),
            )
            for pack in packs
        ]  # fmt: skip
        write_part(part, called, genome, states)
        parts.append(part)
    gather(
        parts, genome, ABOUT, dict(zip(ascii_uppercase, states, strict=False)),
        bed=folder / "segments.bed.gz",
        gff3=folder / "segments.gff3.gz", posteriors=folder / "posteriors",
        summary=folder / "summary.tsv", distributions=folder / "distributions.tsv",
    )  # fmt: skip
    return folder
