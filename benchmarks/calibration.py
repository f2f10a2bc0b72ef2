"""How often each null of chance rejects labels that have nothing to do with one another.

Run from the repository's root: ``PYTHONPATH=scripts python benchmarks/calibration.py``. Each pair
is two paths of a Markov chain of two states, drawn independently: one in the place of the truth,
the other in that of the calls. A test at 5 % should reject 5 % of such pairs. The semi-Markov
chain is fitted for each pair anew, to a third path, of as many or of eight times as many records.
"""

from __future__ import annotations

import math
import sys
import time

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import DNA
from basetag.hmm import HMM
from basetag.judgement.chance import binomial_log10_tail, match_probability
from basetag.judgement.path_law import PathLaw
from basetag.judgement.path_null import path_null
from basetag.judgement.semi_markov import fit_semi_markov
from basetag.judgement.shift_null import shift_null
from basetag.simulation import sample_paths
from basetag.splits import Segments

PAIRS = 2000
DRAWS = 199
LEVEL = 0.05
#: Records, their length, and mean lengths of the segments, in bases.
SETTINGS = [
    (records, length, mean)
    for records, length in ((100, 1000), (1, 100_000), (200, 500))
    for mean in (10, 100, 1000)
]
COLUMNS = ("uniform", "frequencies", "shift", "HMM", "semi-Markov, 1x", "semi-Markov, 8x")


def chain(mean: float) -> HMM:
    """Return two equally common states that last `mean` bases on average."""
    leave = 1 / mean
    transition = np.array([[1 - leave, leave], [leave, 1 - leave]])
    return HMM(DNA, ("H", "L"), np.full(2, 0.5), transition, np.full((2, 4), 0.25))


def whole_records(records: int, length: int) -> Segments:
    """Return records of equal length that lie one behind the other."""
    number = np.arange(records)
    start = np.zeros(records, dtype=np.int64)
    return Segments(number, start, start + length, number * length)


def p_values(
    hmm: HMM, records: int, length: int, rng: np.random.Generator
) -> tuple[list[float | None], float | None]:
    """Return the p-values of one pair, as in `COLUMNS`, and the effective sample size."""

    def path(times: int = 1) -> NDArray[np.uint8]:
        return sample_paths(hmm, np.full(times * records, length), rng)

    truth, calls = path(), path()
    segments = whole_records(records, length)
    confusion = np.bincount(2 * truth.astype(np.intp) + calls, minlength=4).reshape(2, 2)
    bases, matches = int(confusion.sum()), int(np.trace(confusion))
    found: list[float | None] = [
        10 ** binomial_log10_tail(matches, bases, probability)
        for probability in (0.5, match_probability(confusion))
    ]
    shift = shift_null(truth, calls, segments, 2, DRAWS, rng).figures(matches, bases)
    found.append(shift["p"])
    laws = [PathLaw.of_hmm(hmm, segments.start)]
    for times in (1, 8):
        law = fit_semi_markov(path(times), whole_records(times * records, length), 2, records)
        assert law is not None
        laws.append(law)
    for law in laws:
        null = path_null(truth, calls, segments, law, DRAWS, rng)
        found.append(null.figures(matches, bases)["p"])
    return found, shift["effective_sample_size"]


def main(pairs: int = PAIRS) -> None:
    """Print the rate of rejection of each null in each setting."""
    error = math.sqrt(LEVEL * (1 - LEVEL) / pairs)
    print(f"{pairs} pairs, {DRAWS} draws; standard error of a rate of 5 %: {100 * error:.1f} %")
    print("| records | mean length | " + " | ".join(COLUMNS) + " | effective bases per kb |")
    print("|" + "---|" * (len(COLUMNS) + 3))
    for records, length, mean in SETTINGS:
        began = time.perf_counter()
        rng = np.random.default_rng([records, length, mean])
        hmm = chain(mean)
        rejected = np.zeros(len(COLUMNS))
        untested = 0
        sizes = []
        for _ in range(pairs):
            found, size = p_values(hmm, records, length, rng)
            rejected += [p is not None and p <= LEVEL for p in found]
            untested += None in found
            sizes.append(0 if size is None else size)
        rates = " | ".join(f"{100 * rate:.1f} %" for rate in rejected / pairs)
        per_kb = 1000 * float(np.median(sizes)) / (records * length)
        print(f"| {records:,} x {length:,} | {mean:,} | {rates} | {per_kb:.3g} |", flush=True)
        if untested:
            print(f"  ({untested} pairs too short to test by shifts count as not rejected)")
        print(f"  {time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
