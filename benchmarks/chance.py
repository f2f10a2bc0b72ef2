"""Time the nulls of chance: random strings, all shifts of a long path, a whole evaluation.

Run from the repository's root: ``PYTHONPATH=scripts python benchmarks/chance.py``. The loop that
random strings are held against draws both strings of a pair letter by letter and compares them, as
one would write it down; both sides draw every string.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from basetag.corpus import Corpus
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.judgement.chance import simulate_matches
from basetag.judgement.nulls import chance_figures
from basetag.judgement.shift_null import effective_shifts, matches_at_all_shifts
from basetag.segments import Segments
from basetag.simulation import sample_paths

HMMS = Path(__file__).resolve().parent.parent / "resources/hmms"
LENGTH = 500


def loop(pairs: int, length: int, n_states: int) -> list[int]:
    """Count the matches of explicit pairs, one letter at a time."""
    states = "HLABCDEF"[:n_states]
    matches = []
    for _ in range(pairs):
        first = [random.choice(states) for _ in range(length)]  # noqa: S311
        second = [random.choice(states) for _ in range(length)]  # noqa: S311
        matches.append(sum(a == b for a, b in zip(first, second, strict=True)))
    return matches


def seconds(task: Callable[[], object], repeats: int) -> float:
    """Return the shortest of `repeats` timings."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        best = min(best, time.perf_counter() - start)
    return best


def preset(name: str) -> HMM:
    """Return a model of resources/hmms."""
    return HMM.from_settings(load_hmm_spec(HMMS / f"{name}.yaml").settings())


def random_strings() -> None:
    """Print the time of a pair on both sides and their ratio."""
    print(f"pairs of random strings of length {LENGTH}")
    print("states  loop, us a pair  vectorised, us a pair  ratio")
    for n_states in (2, 3, 4, 8):
        rng = np.random.default_rng(1)
        plain = seconds(lambda k=n_states: loop(200, LENGTH, k), 3) / 200
        fast = (
            seconds(lambda k=n_states, rng=rng: simulate_matches(100_000, LENGTH, k, rng), 3)
            / 100_000
        )
        few = seconds(lambda k=n_states, rng=rng: simulate_matches(1000, LENGTH, k, rng), 20) / 1000
        print(
            f"{n_states:6d}  {plain * 1e6:15.1f}  {fast * 1e6:21.3f}  {plain / fast:5.0f}"
            f"   (1,000 pairs in one call: {plain / few:.0f})"
        )
    rng = np.random.default_rng(1)
    for n_states in (2, 3):
        took = seconds(lambda k=n_states: simulate_matches(1000, 1_200_000, k, rng), 1)
        print(f"1,000 pairs of 1.2 Mb, {n_states} states: {took:.2f} s")


def all_shifts() -> None:
    """Print the time of the matches at all shifts of one long path."""
    print("\nall shifts of one path, two states, by FFT")
    print("     bases  matches, s  and effective shifts, s")
    rng = np.random.default_rng(1)
    blocks = preset("blocks")
    for length in (10_000_000, 9_999_991, 1 << 24):  # the second is prime
        labels, calls = (sample_paths(blocks, np.array([length]), rng)[None] for _ in range(2))
        start = time.perf_counter()
        matches = matches_at_all_shifts(labels, calls, 2)
        counted = time.perf_counter() - start
        effective_shifts(matches)
        print(f"{length:10,}  {counted:10.1f}  {time.perf_counter() - start:23.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak resident memory of all: {peak:.1f} GiB")


def evaluation() -> None:
    """Print what the four nulls add to the evaluation of a tagger."""
    print("\nthe four nulls of one tagger, 1.2 Mb of test bases, 1,000 draws, fresh paths from")
    for name, records, length in (("toy", 2400, 500), ("blocks", 120, 10_000)):
        hmm = preset(name)
        number = np.arange(9 * records)
        start = np.zeros(number.size, dtype=np.int64)
        rows = Segments(number, start, start + length, number * length)
        rng = np.random.default_rng(1)
        labels = hmm.label_of_state[sample_paths(hmm, rows.lengths, rng)]
        corpus = Corpus(hmm.alphabet, hmm.labels, {}, [], rows.offset, rows.lengths, labels, labels)
        test, train = rows.chosen(number[:records]), rows.chosen(number[records:])
        true = test.gathered(labels)
        calls = np.where(rng.random(true.size) < 0.2, 1 - true, true)
        confusion = np.bincount(2 * true.astype(np.intp) + calls, minlength=4).reshape(2, 2)
        judge = partial(chance_figures, corpus, test, calls, confusion, train=train, pairs=1000)
        for source, model in (("the model", hmm), ("a fit to 9.6 Mb", None)):
            task = partial(judge, hmm=model, seed=1)
            task()
            print(f"{name:6s}  {records:5,} x {length:6,}  {source:15s}  {seconds(task, 3):.2f} s")


def main() -> None:
    """Print all times."""
    random_strings()
    all_shifts()
    evaluation()


if __name__ == "__main__":
    main()
