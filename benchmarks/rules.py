"""Hold what calls states itself against real annotation, without a workflow; print the figures.

    python benchmarks/rules.py ../shared/data > benchmarks/rules.md

Pyrodigal is run by itself, not as a tagger: trained on the whole genome of E. coli K-12 MG1655, on
which it then finds genes. The rule of CpG islands reads two human windows of 2 Mb. Figures are per
base; those of genes are per base and strand, so that a base under genes of both strands counts for
both.
"""

import argparse
import gzip
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyrodigal
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402

from basetag.alphabet import DNA  # noqa: E402
from basetag.cpg_rule import CpGRule  # noqa: E402

GENOME = "ecoli_mg1655/GCF_000005845.2_ASM584v2_genomic"
RULES = {
    "Gardiner-Garden & Frommer": (200, 0.5, 0.6, 200, False),
    "the same, whole windows": (200, 0.5, 0.6, 200, True),
    "Takai & Jones, middles of windows": (200, 0.55, 0.65, 500, False),
    "Takai & Jones": (200, 0.55, 0.65, 500, True),
}


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a compressed file."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        for line in file:
            yield line.rstrip("\n")


def sequence_of(path: Path) -> str:
    """Return the letters of a FASTA file of one record."""
    return "".join(line for line in lines(path) if not line.startswith(">"))


def scores(called: NDArray[np.bool_], true: NDArray[np.bool_]) -> str:
    """Return F1, precision and recall as cells of a table."""
    both = np.count_nonzero(called & true)
    n_called, n_true = np.count_nonzero(called), np.count_nonzero(true)
    figures = 2 * both / (n_called + n_true), both / n_called, both / n_true
    return " | ".join(f"{figure:.4f}" for figure in figures)


def genes(folder: Path) -> None:
    """Print how well Pyrodigal finds the annotated coding sequences."""
    sequence = sequence_of(folder / f"{GENOME}.fna.gz")
    true = np.zeros((2, len(sequence)), dtype=bool)
    for line in lines(folder / f"{GENOME}.gff.gz"):
        fields = line.split("\t")
        if len(fields) == 9 and fields[2] == "CDS":
            true["+-".index(fields[6]), int(fields[3]) - 1 : int(fields[4])] = True
    print("| genes of E. coli | F1 | precision | recall | four-way label right | training | Mb/s |")
    print("|---|---|---|---|---|---|---|")
    for meta in (False, True):
        finder = pyrodigal.GeneFinder(meta=meta)
        began = time.perf_counter()
        if not meta:
            finder.train(sequence)
        trained = time.perf_counter()
        called = np.zeros_like(true)
        for gene in finder.find_genes(sequence):
            called[0 if gene.strand == 1 else 1, gene.begin - 1 : gene.end] = True
        seconds = time.perf_counter() - trained
        right = np.mean((called == true).all(axis=0))
        name = "ready profiles" if meta else "trained on the genome"
        training = "none" if meta else f"{trained - began:.1f} s"
        print(
            f"| {name} | {scores(called, true)} | {right:.4f} | {training} "
            f"| {len(sequence) / seconds / 1e6:.2f} |"
        )


def islands(folder: Path) -> None:
    """Print how well the rule finds CpG islands."""
    windows = {"chr3": "chr3.42M.fa.gz", "chr4": "chr4.103M.fa.gz"}
    records = [sequence_of(folder / "human_cpg" / name) for name in windows.values()]
    lengths = np.array([len(record) for record in records])
    begins = dict(zip(windows, np.cumsum(lengths) - lengths, strict=True))
    true = np.zeros(lengths.sum(), dtype=bool)
    for line in (folder / "human_cpg" / "islands.bed").read_text().splitlines():
        name, start, end, *_ = line.split("\t")
        true[begins[name] + int(start) : begins[name] + int(end)] = True
    tokens = DNA.encode("".join(records))
    print("\n| CpG islands on 4 Mb of chr3 and chr4 | F1 | precision | recall | Mb/s |")
    print("|---|---|---|---|---|")
    for name, settings in RULES.items():
        began = time.perf_counter()
        parts = [island for _, island in CpGRule(DNA, *settings).of_bases(tokens, lengths)]
        speed = tokens.size / (time.perf_counter() - began) / 1e6
        print(f"| {name} | {scores(np.concatenate(parts) > 0, true)} | {speed:.0f} |")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the real data")
    folder = parser.parse_args().data
    print("# Rules and programs on real annotation\n")
    print("`python benchmarks/rules.py ../shared/data`\n")
    print(f"{describe_machine('numpy', 'pyrodigal')}\n")
    genes(folder)
    islands(folder)


if __name__ == "__main__":
    main()
