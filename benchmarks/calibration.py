"""How often each null of chance rejects labels that have nothing to do with one another.

    python benchmarks/calibration.py > benchmarks/calibration.md

Each pair is two paths of a Markov chain of two states, drawn independently: one in the place of
the truth, the other in that of the calls. The semi-Markov chain is fitted for each pair anew, to a
third path of as many records, and to one of eight times as many.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402

from basetag.alphabet import DNA  # noqa: E402
from basetag.hmm import HMM  # noqa: E402
from basetag.judgement.chance import binomial_log10_tail, match_probability  # noqa: E402
from basetag.judgement.path_law import PathLaw  # noqa: E402
from basetag.judgement.path_null import path_null  # noqa: E402
from basetag.judgement.semi_markov import fit_semi_markov  # noqa: E402
from basetag.judgement.shift_null import shift_null  # noqa: E402
from basetag.segments import Segments  # noqa: E402
from basetag.simulation import sample_paths  # noqa: E402

PAIRS = 2000
DRAWS = 199
LEVEL = 0.05
#: Records, their length, and mean lengths of the segments, in bases.
SETTINGS = [
    (records, length, mean)
    for records, length in ((100, 1000), (1, 100_000), (200, 500))
    for mean in (10, 100, 1000)
]
#: Nulls, as the table names them.
NULLS = ("uniform", "frequencies", "shift", "any shift", "HMM", "fit to 1x", "fit to 8x")


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
) -> tuple[list[float], float | None]:
    """Return the p-values of one pair, as in `NULLS`, and the effective sample size.

    Where the shifts are too short to test, the p-value is NaN.
    """

    def path(times: int = 1) -> NDArray[np.uint8]:
        return sample_paths(hmm, np.full(times * records, length), rng)

    truth, calls = path(), path()
    segments = whole_records(records, length)
    confusion = np.bincount(2 * truth.astype(np.intp) + calls, minlength=4).reshape(2, 2)
    bases, matches = int(confusion.sum()), int(np.trace(confusion))
    found = [
        10 ** binomial_log10_tail(matches, bases, probability)
        for probability in (0.5, match_probability(confusion))
    ]
    shift = shift_null(truth, calls, segments, 2, DRAWS, rng).figures(matches, bases)
    found.append(math.nan if shift["p"] is None else shift["p"])
    found.append((shift["at_least_observed"] + 1) / (DRAWS + 1))
    laws = [PathLaw.of_hmm(hmm, segments.start)]
    for times in (1, 8):
        law = fit_semi_markov(path(times), whole_records(times * records, length), 2, records)
        assert law is not None
        laws.append(law)
    for law in laws:
        null = path_null(truth, calls, segments, law, DRAWS, rng)
        found.append(null.figures(matches, bases)["p"])
    return found, shift["effective_sample_size"]


def main(pairs: int) -> None:
    """Print the rate of rejection of each null in each setting."""
    error = 100 * math.sqrt(LEVEL * (1 - LEVEL) / pairs)
    print("# Calibration of the nulls of chance\n")
    print("`python benchmarks/calibration.py > benchmarks/calibration.md`\n")
    print(describe_machine("numpy", "numba", "scipy"), end="\n\n")
    print(
        f"How often each null rejects at 5 % two label paths that have nothing to do with one\n"
        f"another: {pairs:,} pairs of independent two-state chains in each row, {DRAWS} draws of\n"
        f"each null. A test that keeps its word rejects 5 %; the standard error of that is\n"
        f"{error:.1f} %. `shift` rejects nothing that is too short to test, and the share of\n"
        "such pairs stands behind; `any shift` tests them all the same, which shows why not to.\n"
        "`HMM`: fresh paths of the chain itself; `fit`: of a semi-Markov chain fitted to another\n"
        "path, of as many or of eight times as many records. The last column is the median\n"
        "effective sample size by shifts, in bases of a thousand.\n"
    )
    print("| records | mean length | " + " | ".join(NULLS) + " | too short | effective |")
    print("|" + "---|" * (len(NULLS) + 4))
    for records, length, mean in SETTINGS:
        began = time.perf_counter()
        rng = np.random.default_rng([records, length, mean])
        hmm = chain(mean)
        found = []
        sizes = []
        for _ in range(pairs):
            p, size = p_values(hmm, records, length, rng)
            found.append(p)
            if size is not None:
                sizes.append(1000 * size / (records * length))
        table = np.array(found)  # (pairs, nulls)
        rates = " | ".join(f"{100 * rate:.1f} %" for rate in (table <= LEVEL).mean(axis=0))
        short = 100 * np.isnan(table).any(axis=1).mean()
        effective = f"{np.median(sizes):.3g}" if sizes else ""
        print(
            f"| {records:,} x {length:,} | {mean:,} | {rates} | {short:.0f} % | {effective} |",
            flush=True,
        )
        print(f"{records} x {length}, {mean}: {time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    main(parser.parse_args().pairs)
