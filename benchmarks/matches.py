"""How fast near copies are found among records, and test bases inside a match to training.

Run from the repository's root: python benchmarks/matches.py [megabases]. Bases are random; of the
records every tenth is a copy of another one with 1 % of its letters changed. The test split is a
tenth of the bases, and a thousandth of it comes from training. Seconds are those of the processor,
one core, the best of three; memory is what arrays of the search itself take at most.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from machine import describe_machine

from basetag.alphabet import DNA
from basetag.corpus import Corpus
from basetag.segments import Segments, whole_records
from basetag.splits.matches import mark_matches
from basetag.splits.near_copies import groups_of_near_copies


def corpus_of(tokens: np.ndarray, length: int) -> Corpus:
    """Return records of one length."""
    n = tokens.size // length
    starts = np.arange(n, dtype=np.int64) * length
    names = [f"r{number}" for number in range(n)]
    return Corpus(
        DNA, ("H",), {"H": "h"}, names, starts, np.full(n, length), tokens[: n * length], None
    )


def with_near_copies(bases: int, length: int) -> Corpus:
    """Return random records, every tenth a mutated copy of that before it."""
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, 4, bases // length * length, dtype=np.uint8)
    records = tokens.reshape(-1, length)
    copies = records[0:-1:10].copy()
    changed = rng.random(copies.shape, dtype=np.float32) < 0.01
    copies[changed] = (copies[changed] + 1) % 4
    records[1::10][: len(copies)] = copies
    return corpus_of(tokens, length)


def with_matches(bases: int) -> tuple[Corpus, Segments, Segments]:
    """Return one record, the stretch of it that trains and that which tests."""
    rng = np.random.default_rng(2)
    tokens = rng.integers(0, 4, bases, dtype=np.uint8)
    cut = bases // 10
    for at in range(0, cut - 100, 100_000):
        tokens[at : at + 100] = tokens[cut + at : cut + at + 100]

    def stretch(start: int, end: int) -> Segments:
        return Segments(np.zeros(1, np.int64), *(np.array([at]) for at in (start, end, start)))

    return corpus_of(tokens, bases), stretch(cut, bases), stretch(0, cut)


def timed(run: Callable[[], object], times: int = 3) -> tuple[float, float]:
    """Return the seconds of the fastest run and the megabytes of its arrays."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(seconds), peak / 1e6


def main(megabases: int) -> None:
    """Print the speeds."""
    bases = megabases * 1_000_000
    print(describe_machine("numpy", "numba"))
    small = with_near_copies(10_000, 500)
    groups_of_near_copies(small, whole_records(small), np.arange(20), 0.5)  # compiled here
    print(f"near copies, {megabases} Mb\nrecords of\tMb/s\tMB\tpairs found")
    for length in (200, 500, 10_000, bases // 100):
        corpus = with_near_copies(bases, length)
        records, alone = whole_records(corpus), np.arange(len(corpus.names))
        seconds, memory = timed(
            lambda c=corpus, r=records, a=alone: groups_of_near_copies(c, r, a, 0.5)
        )
        groups = groups_of_near_copies(corpus, records, alone, 0.5)
        n_copies = len(groups[1::10][: len(groups[0:-1:10])])
        found = len(groups) - int(groups.max()) - 1
        print(f"{length:,}\t{megabases / seconds:.0f}\t{memory:.0f}\t{found / n_copies:.1%}")
    print(f"matches, {megabases} Mb, a tenth of it test\nslots\tMb/s\tMB\tmarked")
    corpus, training, test = with_matches(bases)
    for slots in (1 << 26, 1 << 23, 1 << 20):
        marks = np.zeros(test.bases, dtype=np.bool_)
        seconds, memory = timed(
            lambda m=marks, s=slots: mark_matches(corpus, training, test, m, s),
            times=3 if slots > 1 << 20 else 1,
        )
        print(
            f"2^{slots.bit_length() - 1}\t{megabases / seconds:.0f}\t{memory:.0f}\t{marks.sum():,}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
