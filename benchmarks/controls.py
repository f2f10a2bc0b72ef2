"""Time the dinucleotide-preserving shuffle, and the same written in plain Python.

Run from the repository's root: ``PYTHONPATH=scripts:. python benchmarks/controls.py``. The plain
way is that of the paper (Altschul and Erickson 1985): lists of what follows each letter, last exits
drawn until they lead to the last letter, the rest shuffled, the lists walked. Times are those of
the processor, so that other work on the machine counts little.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from benchmarks.machine import describe_machine

from basetag.alphabet import DNA
from basetag.controls import homogeneous_tokens
from basetag.euler_shuffle import euler_shuffle

BASES = 10_000_000
PLAIN_BASES = 1_000_000


def plain_shuffle(text: str) -> str:
    """Shuffle a string of letters, keeping its dinucleotides."""
    behind: dict[str, list[str]] = {letter: [] for letter in set(text)}
    for before, after in pairwise(text):
        behind[before].append(after)
    last = text[-1]
    others = [letter for letter in behind if letter != last]
    while True:
        exits = {letter: random.choice(behind[letter]) for letter in others}  # noqa: S311
        if all(_leads_to(last, letter, exits) for letter in others):
            break
    for letter, following in behind.items():
        if letter != last:
            following.remove(exits[letter])
        random.shuffle(following)
        if letter != last:
            following.append(exits[letter])
    ways = {letter: iter(following) for letter, following in behind.items()}
    letters = [text[0]]
    for _ in range(len(text) - 1):
        letters.append(next(ways[letters[-1]]))
    return "".join(letters)


def _leads_to(last: str, letter: str, exits: dict[str, str]) -> bool:
    seen = set()
    while letter != last and letter not in seen:
        seen.add(letter)
        letter = exits[letter]
    return letter == last


def shuffle_records(records: list[np.ndarray]) -> None:
    """Shuffle records as make_controls does, each with random numbers of its own."""
    for number, tokens in enumerate(records):
        key = np.random.SeedSequence(1, spawn_key=(1, number))
        euler_shuffle(tokens, DNA.n_letters, np.random.default_rng(key))


def cpu_seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the processor's seconds of the fastest of `repeats` runs."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


def main() -> None:
    """Print the speed of both, by the length of a record."""
    print(describe_machine("numpy", "numba"))
    rng = np.random.default_rng(1)
    tokens = homogeneous_tokens(np.array([3, 2, 2, 3]), BASES, rng)
    text = DNA.decode(tokens[:1000])
    assert Counter(pairwise(plain_shuffle(text))) == Counter(pairwise(text))
    print("bases in a record  compiled, Mb/s  plain Python, Mb/s  ratio")
    for length in (500, 1000, 10_000, 100_000, BASES):
        cuts = list(range(length, BASES, length))
        records = np.split(tokens, cuts)
        shuffle_records(records[:1])
        fast = BASES / cpu_seconds(lambda own=records: shuffle_records(own), 5) / 1e6
        few = [DNA.decode(own) for own in records[: max(1, PLAIN_BASES // length)]]
        few = [own[:PLAIN_BASES] for own in few]
        bases = sum(map(len, few))
        plain = bases / cpu_seconds(lambda own=few: [plain_shuffle(t) for t in own], 3) / 1e6
        print(f"{length:17,d}  {fast:14.1f}  {plain:18.2f}  {fast / plain:5.0f}")
    counts = np.array([3, 2, 2, 3])
    seconds = cpu_seconds(lambda: homogeneous_tokens(counts, BASES, rng), 3)
    print(f"independent letters: {BASES / seconds / 1e6:.0f} Mb/s")


if __name__ == "__main__":
    main()
