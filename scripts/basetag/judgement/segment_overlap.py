"""The segment overlap measure SOV'99: how well called runs cover the true ones, as a whole.

Zemla, Venclovas, Fidelis & Rost 1999, Proteins 34:220-223. A true run may be called a little
shorter or longer, or shifted, without a loss; one that is called in pieces costs much. Of a record,
and of a state i,

    SOV(i) = 1 / N(i) * sum over S(i) of (minov + delta) / maxov * length of the true run

S(i) are all pairs of a true and a called run of the state that overlap, minov what the two have in
common, maxov what they cover together, and delta the least of maxov - minov, minov, and half of
either length, rounded down. N(i) is the length of the true run of each pair, and of each true run
without any. That of all states has the sums of all states above and below the line.

Over several records it is their mean, each weighted by its labelled bases (for a state, those of
the state), as for a set of proteins. A record is a segment of the split; where bases are unlabelled
runs end. From 0 to 1 here, where the paper has percent.

Bases stream through in chunks; memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.judgement.figures import plain
from basetag.judgement.intervals import ratio_figures
from basetag.judgement.overlap_kernels import N_NOW, end, scan

_SHARE = (0.0, 1.0)


class OverlapScan:
    """Sums the segment overlap of labels and calls that are given chunk by chunk.

    Parameters
    ----------
    n_units, n_states : int
        Number of units and of states.
    """

    def __init__(self, n_units: int, n_states: int) -> None:
        self._now = np.zeros(N_NOW, dtype=np.int64)
        self._now[1] = -1  # no segment yet
        self._sums = (
            np.zeros(n_states),
            np.zeros(n_states, dtype=np.int64),
            np.zeros(n_states, dtype=np.int64),
            np.zeros((n_units, n_states + 1)),
            np.zeros((n_units, n_states + 1), dtype=np.int64),
        )

    def add(
        self,
        labels: NDArray[np.uint8],
        calls: NDArray[np.uint8],
        segment: NDArray[np.int64],
        unit: NDArray[np.int64],
    ) -> None:
        """Add bases that follow those added before.

        Parameters
        ----------
        labels, calls : ndarray of uint8, (bases,)
            True states, 255 where there is none, and called ones.
        segment, unit : ndarray of int64, (bases,)
            Segment of the split and unit of each base. The whole of a segment counts for the unit
            of its first labelled base.
        """
        scan(labels, calls, segment, unit, self._now, *self._sums)

    def sums(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return overlap times weight, and weight, by state and of all; nothing can be added more.

        Returns
        -------
        overlaps, weights : ndarray of float64, (units, states + 1)
            The last column is that of all states.
        """
        end(self._now, *self._sums)
        return self._sums[-2], self._sums[-1].astype(np.float64)


def segment_overlap(
    labels: NDArray[np.uint8], calls: NDArray[np.uint8], n_states: int
) -> tuple[float, list[float | None]]:
    """Return the SOV of one record, of all states and of each; None of a state without a base.

    Parameters
    ----------
    labels, calls : ndarray of uint8, (bases,)
        True states, 255 where there is none, and called ones.
    n_states : int
    """
    one = np.zeros(len(labels), dtype=np.int64)
    scanned = OverlapScan(1, n_states)
    scanned.add(labels, calls, one, one)
    (overlaps,), (weights,) = scanned.sums()
    found = [float(own / n) if n else None for own, n in zip(overlaps, weights, strict=True)]
    return (found[-1] or 0.0), found[:-1]


def overlap_section(scanned: OverlapScan, states: Sequence[str], *, seed: int) -> dict[str, Any]:
    """Return the SOV of all records, and what it follows from, as it stands in metrics.json.

    Returns
    -------
    dict
        `sov`, a figure; `sum` and `bases`, which it is the ratio of; `classes`, the three of each
        state. A figure is None where no record has a base of the state.
    """
    overlaps, weights = scanned.sums()
    names = [*(f"of {state}" for state in states), "all"]
    ratios = {
        name: (overlaps[:, column], weights[:, column])
        for column, name in enumerate(names)
        if weights[:, column].any()
    }
    figures = ratio_figures(ratios, seed=seed, bounds=dict.fromkeys(ratios, _SHARE))
    parts = [
        {
            "sov": plain(figures.get(name)),
            "sum": float(overlaps[:, column].sum()),
            "bases": int(weights[:, column].sum()),
        }
        for column, name in enumerate(names)
    ]
    return {**parts[-1], "classes": dict(zip(states, parts, strict=False))}
