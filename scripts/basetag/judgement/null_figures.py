"""A null distribution of matches, and the figures of metrics.json that follow from it.

A null is a way to make labels that know nothing of the prediction, or the reverse: how often they
match is what an observed number of matches is held against. The nulls themselves are in `chance`,
`shift_null` and `path_null`; here is what all of them have in common, so that the page and its
checks treat them alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Below as many effective shifts there is too little to test on: p could not reach 1/20.
FEWEST_SHIFTS = 20
#: Above this share of changes of label at seams, shifts reject too often what is unrelated.
MOST_AT_SEAMS = 1 / 6

_BINS = 40

# Below it a double begins to lose digits.
_SMALLEST_P = 1e-300


@dataclass(frozen=True)
class NullDistribution:
    """How many bases match under a null.

    Parameters
    ----------
    draws : ndarray of int64, (draws,)
        Matches of each draw.
    mean, sd : float
        Of the law itself where it is known, else of the draws; matches.
    log10_effective_shifts : float, optional
        log10 of how many really different outcomes there are, where they are limited.
    seam_share : float, optional
        Of circles that are no circles: the share of their changes of label that lie where an end
        meets a beginning; the geometric mean of that of the labels and that of the calls.
    source : str, optional
        What the labels were drawn from, where there is a choice.
    """

    draws: NDArray[np.int64]
    mean: float
    sd: float
    log10_effective_shifts: float | None = None
    seam_share: float | None = None
    source: str | None = None

    @property
    def constant(self) -> bool:
        """Whether no draw can differ from another, so that there is nothing to test."""
        return self.sd == 0

    @property
    def too_short(self) -> bool:
        """Whether stretches are too short: too few different outcomes, or too many seams."""
        if self.constant or self.log10_effective_shifts is None:
            return False
        few = self.log10_effective_shifts < math.log10(FEWEST_SHIFTS)
        return few or self._torn

    @property
    def _torn(self) -> bool:
        return self.seam_share is not None and self.seam_share > MOST_AT_SEAMS

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that can come out: by the draws, or by what can differ."""
        by_draws = 1 / (self.draws.size + 1)
        if self.log10_effective_shifts is None:
            return by_draws
        return max(by_draws, 10 ** max(-self.log10_effective_shifts, math.log10(_SMALLEST_P)))

    def figures(
        self, observed: int, length: int, binomial_log10_p: float | None = None
    ) -> dict[str, Any]:
        """Return what metrics.json says of the null and of where the observed matches lie in it.

        Parameters
        ----------
        observed : int
            Matches of the tagger with the truth.
        length : int
            Scored bases.
        binomial_log10_p : float, optional
            log10 of the exact tail, where matches are independent from base to base.

        Returns
        -------
        dict
            Plain JSON. `accuracy`, the mean rate of matches, and `mean_matches`, `sd_matches`;
            `pairs`, the draws; `length`; the histogram of the draws, `edges` and `counts`;
            `observed_matches`, and `at_least_observed`, the draws with as many or more; `p`, one
            sided, (b + 1) / (m + 1) (Phipson and Smyth 2010, Stat Appl Genet Mol Biol 9:39) but
            never below `smallest_p`, with `p_text` as it is shown; `z` in standard deviations;
            `effect`, 0 at the mean and 1 where all bases match; `effective_sample_size`, the
            number of independent bases that would scatter as much (None where nothing scatters,
            or too many changes lie at seams); and the reasons for which `p` is None:
            `too_short`, `constant`. The rest as in the class.
        """
        reached = int(np.count_nonzero(self.draws >= observed))
        m = int(self.draws.size)
        p = None
        if not (self.constant or self.too_short):
            p = max((reached + 1) / (m + 1), self.smallest_p)
        edges, counts = histogram(self.draws)
        size = None
        if not (self.constant or self._torn):
            size = self.mean * (length - self.mean) / self.sd**2
        return {
            "accuracy": self.mean / length,
            "pairs": m,
            "length": length,
            "mean_matches": self.mean,
            "sd_matches": self.sd,
            "edges": edges,
            "counts": counts,
            "observed_matches": observed,
            "at_least_observed": reached,
            "p": p,
            "p_text": None if p is None else p_text(p, reached, m),
            "smallest_p": self.smallest_p,
            "binomial_log10_p": binomial_log10_p,
            "z": None if self.constant else (observed - self.mean) / self.sd,
            "effect": (observed - self.mean) / (length - self.mean) if self.mean < length else None,
            "effective_sample_size": size,
            "log10_effective_shifts": self.log10_effective_shifts,
            "seam_share": self.seam_share,
            "too_short": self.too_short,
            "constant": self.constant,
            "source": self.source,
        }


def p_text(p: float, reached: int, draws: int) -> str:
    """Return a p-value as it is shown: a bound, < 1/m, where none of m draws reached as many."""
    if reached == 0 and p <= 1 / (draws + 1):
        return f"< 1/{draws}"
    return f"{p:.3g}"


def histogram(draws: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Return edges (bins + 1) and counts (bins) of whole numbers, in at most 40 equal bins."""
    low, high = int(draws.min()), int(draws.max()) + 1
    width = -(-(high - low) // _BINS)
    edges = np.arange(low, high + width, width)
    return edges.tolist(), np.histogram(draws, edges)[0].tolist()
