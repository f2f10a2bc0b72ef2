"""Time the random-match simulation against the plain Python loop that it replaces.

Run from the repository's root: ``PYTHONPATH=scripts python benchmarks/chance.py``. The loop draws
both strings of a pair letter by letter and compares them, as one would write it down; both sides
draw every string.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np

from basetag.judgement.chance import simulate_matches

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


def main() -> None:
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


if __name__ == "__main__":
    main()
