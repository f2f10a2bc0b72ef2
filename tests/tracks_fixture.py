"""An annotation on disk, made from labels and posteriors that a test gives, by no tagger."""

from __future__ import annotations

from pathlib import Path
from string import ascii_uppercase

import numpy as np

import annotate_part
import gather_annotation
import plan_annotation
from basetag.alphabet import DNA
from basetag.composition import compare_composition, warning
from basetag.corpus import Corpus
from basetag.files import write_json
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


def annotate_by_scripts(
    folder: Path,
    corpus: Path,
    tagger: Path,
    settings: dict,
    bases_per_job: int | None = None,
) -> Path:
    """Annotate a genome as the rules do, job by job; return the folder of the tracks."""
    plan_annotation.main({"bases_per_job": bases_per_job}, corpus, folder / "parts.tsv")
    n_parts = len((folder / "parts.tsv").read_text().splitlines()) - 1
    parts = [folder / "parts" / str(part) for part in range(n_parts)]
    for number, part in enumerate(parts):
        annotate_part.main(
            settings, gpus=0, mem_mb=1500, threads=1, corpus=corpus, tagger=tagger,
            plan=folder / "parts.tsv", part=number, folder=part,
        )  # fmt: skip
    wildcards = {"genome": "phage", "dataset": "tiny", "tagger": "gru", "seed": "1"}
    outputs = outputs_in(folder) | {"composition": folder / "composition.json"}
    gather_annotation.main(settings, wildcards, parts, corpus, tagger, outputs)
    return folder


def outputs_in(folder: Path) -> dict[str, Path]:
    """Return where the tracks of a genome lie in its folder."""
    return {
        "bed": folder / "segments.bed.gz",
        "gff3": folder / "segments.gff3.gz",
        "posteriors": folder / "posteriors",
        "summary": folder / "summary.tsv",
        "distributions": folder / "distributions.tsv",
    }


def write_tracks(
    folder: Path,
    genome: Corpus,
    path: np.ndarray,
    states: list[str],
    posterior: np.ndarray | None = None,
    bases_per_job: int | None = None,
    training: dict | None = None,
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
    letters = dict(zip(ascii_uppercase, states, strict=False))
    gather(parts, genome, ABOUT, letters, **outputs_in(folder))
    found = compare_composition(training, genome)
    write_json(folder / "composition.json", found | {"warning": warning(found)})
    return folder
