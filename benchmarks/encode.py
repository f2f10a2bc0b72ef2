"""How fast a FASTA file becomes a corpus, against Biopython's fast parser and a lookup table.

Run from the repository's root: python benchmarks/encode.py [megabases]. Both sides read the same
file of random bases in lines of 80, plain and gzipped, and end with all tokens in one .npy file;
the first also counts the letters, checks them, and writes the record table. Seconds are those of
the processor (both use one core), the best of five in turns.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from Bio.SeqIO.FastaIO import SimpleFastaParser

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from basetag.alphabet import DNA
from basetag.corpus import Corpus
from basetag.corpus_encoding import write_corpus

LINE = 80


def write_random_fasta(path: Path, bases: int, record_length: int) -> None:
    """Write records of random bases, wrapped."""
    rng = np.random.default_rng(1)
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    with path.open("wb") as file:
        for number in range(bases // record_length):
            lines = np.full((record_length // LINE, LINE + 1), ord("\n"), dtype=np.uint8)
            lines[:, :LINE] = letters[rng.integers(0, 4, size=(len(lines), LINE))]
            file.write(b">record%d\n" % number + lines.tobytes())


def encode_with_biopython(path: Path, folder: Path) -> None:
    """Do the same with SimpleFastaParser and a table for each record."""
    table = DNA.token_of_byte
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as file:
        tokens = [
            table[np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)]
            for _, sequence in SimpleFastaParser(file)
        ]
    np.save(folder / "biopython.npy", np.concatenate(tokens))


def best_seconds(*runs: Callable[[], object], times: int = 5) -> list[float]:
    """Return the shortest time that each of `runs` took; they take turns."""
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(times):
        for run, taken in zip(runs, seconds, strict=True):
            start = time.process_time()
            run()
            taken.append(time.process_time() - start)
    return [min(taken) for taken in seconds]


def main(megabases: int) -> None:
    """Print the speeds and their ratios."""
    bases = megabases * 1_000_000
    print(f"{megabases} Mb in lines of {LINE}; Mb per second")
    print("records of\tfile\tbasetag\tbiopython+lookup\tratio")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for record_length in (bases // 10, 10_000, 400):
            plain = folder / "random.fa"
            write_random_fasta(plain, bases, record_length)
            zipped = plain.with_suffix(".fa.gz")
            zipped.write_bytes(gzip.compress(plain.read_bytes(), compresslevel=1))
            for path in (plain, zipped):
                ours, theirs = best_seconds(
                    lambda path=path: write_corpus(folder / "corpus", path, DNA),
                    lambda path=path: encode_with_biopython(path, folder),
                )
                assert np.array_equal(
                    Corpus.open(folder / "corpus").tokens, np.load(folder / "biopython.npy")
                )
                print(
                    f"{record_length:,}\t{path.suffix[1:]}\t{megabases / ours:.0f}"
                    f"\t{megabases / theirs:.0f}\t{theirs / ours:.2f}"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
