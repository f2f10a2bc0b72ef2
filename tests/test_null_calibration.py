"""Are the nulls calibrated? Labels and calls that have nothing to do with one another.

2,000 pairs of independent two-state chains, segments of 100 bases on average. A test at 5 % that
keeps its word rejects 5 % of them; the standard error of that rate is 0.5 %. All settings, and the
same for other lengths of segments: `benchmarks/calibration.md`.
"""

from __future__ import annotations

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.hmm import HMM
from basetag.judgement.chance import binomial_log10_tail
from basetag.judgement.path_law import PathLaw
from basetag.judgement.path_null import path_null
from basetag.judgement.semi_markov import fit_semi_markov
from basetag.judgement.shift_null import shift_null
from basetag.segments import Segments
from basetag.simulation import sample_paths

PAIRS = 2000
DRAWS = 99
CHAIN = HMM(
    DNA,
    ("H", "L"),
    np.full(2, 0.5),
    np.array([[0.99, 0.01], [0.01, 0.99]]),
    np.full((2, 4), 0.25),
)


@pytest.mark.parametrize(("records", "length"), [(100, 1000), (1, 100_000)])
def test_nulls_that_keep_the_autocorrelation_reject_what_they_should(records, length):
    rng = np.random.default_rng([1, records])
    start = np.zeros(records, dtype=np.int64)
    segments = Segments(np.arange(records), start, start + length, np.arange(records) * length)
    chain = PathLaw.of_hmm(CHAIN, start)
    rejected = dict.fromkeys(("uniform", "shift", "hmm", "semi_markov"), 0)
    for _ in range(PAIRS):
        labels, calls, others = (
            sample_paths(CHAIN, np.full(records, length), rng) for _ in range(3)
        )
        matches = int((labels == calls).sum())
        fit = fit_semi_markov(others, segments, 2, records)
        assert fit is not None
        nulls = {
            "shift": shift_null(labels, calls, segments, 2, DRAWS, rng),
            "hmm": path_null(labels, calls, segments, chain, DRAWS, rng),
            "semi_markov": path_null(labels, calls, segments, fit, DRAWS, rng),
        }
        for name, null in nulls.items():
            p = null.figures(matches, labels.size)["p"]
            assert p is not None
            rejected[name] += p <= 0.05
        rejected["uniform"] += 10 ** binomial_log10_tail(matches, labels.size, 0.5) <= 0.05
    rates = {name: count / PAIRS for name, count in rejected.items()}
    print(f"{records} x {length}: {rates}")
    assert rates.pop("uniform") > 0.3
    assert all(0.03 <= rate <= 0.07 for rate in rates.values()), rates
