"""What was called of each state: segments, their lengths, confidence and share of G and C.

Segments are counted by length, which has fewer distinct values than the square root of twice the
bases, and by mean posterior and share of G and C in steps of a thousandth. So quantiles of
lengths are exact, memory does not grow with the segments, and counts of parts add up.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.files import write_table
from basetag.tracks.segments import POSTERIOR_UNIT, CalledSegments

#: Columns of summary.tsv, a row for each state; empty where no segment has it.
SUMMARY_COLUMNS = (
    "state", "name", "segments", "bases", "fraction", "mean_length", "shortest", "length_q05",
    "length_q25", "median_length", "length_q75", "length_q95", "longest", "mean_posterior",
    "segment_posterior_q05", "segment_posterior_median", "segment_posterior_q95", "gc",
    "segment_gc_q05", "segment_gc_median", "segment_gc_q95",
)  # fmt: skip
#: Columns of distributions.tsv: how many segments of a state lie from `low` to below `high`
#: (with `high` where that is the last one: 1).
DISTRIBUTION_COLUMNS = ("state", "name", "measure", "low", "high", "segments")

# Of mean posteriors and shares of G and C: steps to count, and bins to draw.
_STEPS, _BINS = 1000, 50
_LENGTHS_PER_DECADE = 5


@dataclass
class StateCounts:
    """Segments of one state, counted.

    Parameters
    ----------
    bases : int
    posterior : int
        Posterior of the state, summed over its bases, in units of 2**-30.
    gc, known : int
        Bases that are G or C, and those of which it is known.
    lengths, posteriors, shares : mapping of int to int
        Segments by length, and by mean posterior and share of G and C in thousandths.
    """

    bases: int = 0
    posterior: int = 0
    gc: int = 0
    known: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    posteriors: Counter[int] = field(default_factory=Counter)
    shares: Counter[int] = field(default_factory=Counter)

    def add(self, segments: CalledSegments) -> None:
        """Count segments, all of this state."""
        self.bases += int(segments.lengths.sum())
        self.posterior += int(segments.posterior_sums.sum())
        self.gc += int(segments.gc.sum())
        self.known += int(segments.known.sum())
        told = segments.known > 0
        _count(self.lengths, segments.lengths)
        _count(self.posteriors, _in_steps(segments.mean_posteriors))
        _count(self.shares, _in_steps(segments.gc[told] / segments.known[told]))

    def __add__(self, other: StateCounts) -> StateCounts:
        return StateCounts(*(a + b for a, b in zip(self._values(), other._values(), strict=True)))

    def _values(self) -> tuple[Any, ...]:
        """Return the fields in their order."""
        return tuple(vars(self).values())

    def to_json(self) -> list[Any]:
        """Return the fields as JSON has them."""
        return [
            sorted(value.items()) if isinstance(value, Counter) else value
            for value in self._values()
        ]

    @classmethod
    def of_json(cls, values: list[Any]) -> StateCounts:
        """Return what `to_json` gave."""
        fields: list[Any] = [Counter(dict(v)) if isinstance(v, list) else v for v in values]
        return cls(*fields)


class SegmentCounts:
    """The same of every state.

    Parameters
    ----------
    states : list of StateCounts
        By label.
    """

    def __init__(self, states: list[StateCounts]) -> None:
        self.states = states

    def add(self, segments: CalledSegments) -> None:
        """Count segments of any states."""
        for label, state in enumerate(self.states):
            own = segments.chosen(segments.labels == label)
            if len(own):
                state.add(own)

    def write(self, path: Path) -> None:
        """Write what was counted, for `read_counts`."""
        path.write_text(json.dumps([state.to_json() for state in self.states]), encoding="ascii")


def read_counts(paths: Sequence[Path]) -> SegmentCounts:
    """Return what was counted in all of some parts."""
    total: list[StateCounts] = []
    for path in paths:
        rows = json.loads(path.read_text(encoding="ascii"))
        states = [StateCounts.of_json(row) for row in rows]
        total = [a + b for a, b in zip(total, states, strict=True)] if total else states
    return SegmentCounts(total)


def write_summary(path: Path, counts: SegmentCounts, states: Mapping[str, str]) -> None:
    """Write summary.tsv: a row for each of `states`, letter to name, in the order of labels."""
    all_bases = sum(state.bases for state in counts.states)
    write_table(
        path,
        SUMMARY_COLUMNS,
        [
            (letter, name, *_summary(state, all_bases))
            for (letter, name), state in zip(states.items(), counts.states, strict=True)
        ],
    )


def write_distributions(path: Path, counts: SegmentCounts, states: Mapping[str, str]) -> None:
    """Write distributions.tsv, from which histograms are drawn."""
    rows: list[tuple[object, ...]] = []
    for (letter, name), state in zip(states.items(), counts.states, strict=True):
        for measure, counted, edges in (
            ("length", state.lengths, _length_edges(max(state.lengths, default=1))),
            ("mean_posterior", state.posteriors, _step_edges()),
            ("gc", state.shares, _step_edges()),
        ):
            unit = 1 if measure == "length" else _STEPS
            for low, high, n in _binned(counted, edges):
                rows.append((letter, name, measure, f"{low / unit:g}", f"{high / unit:g}", n))
    write_table(path, DISTRIBUTION_COLUMNS, rows)


def _summary(state: StateCounts, all_bases: int) -> tuple[object, ...]:
    segments = state.lengths.total()
    if not segments:
        return 0, 0, "0", *[""] * (len(SUMMARY_COLUMNS) - 5)
    lengths = quantiles(state.lengths, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1))
    posteriors = quantiles(state.posteriors, (0.05, 0.5, 0.95))
    shares = quantiles(state.shares, (0.05, 0.5, 0.95)) if state.shares else []
    return (
        segments,
        state.bases,
        f"{state.bases / all_bases:.6g}",
        f"{state.bases / segments:.6g}",
        *lengths,
        f"{state.posterior / state.bases / POSTERIOR_UNIT:.6g}",
        *(f"{value / _STEPS:g}" for value in posteriors),
        f"{state.gc / state.known:.6g}" if state.known else "",
        *([f"{value / _STEPS:g}" for value in shares] or [""] * 3),
    )


def quantiles(counted: Mapping[int, int], shares: Sequence[float]) -> list[int]:
    """Return the smallest values that at least these shares of all that was counted do not pass.

    Parameters
    ----------
    counted : mapping of int to int
        Value to how often it occurs; not empty.
    shares : sequence of float
        0 to 1; 0 gives the smallest value.
    """
    values = sorted(counted)
    reached = np.cumsum([counted[value] for value in values])
    # The tolerance is for shares that no float holds: 0.05 of 20 is one, not two.
    wanted = np.maximum(np.ceil(np.array(shares) * reached[-1] - 1e-9), 1)
    return [values[place] for place in np.searchsorted(reached, wanted).tolist()]


def _count(counter: Counter[int], values: NDArray[np.int64]) -> None:
    found, times = np.unique(values, return_counts=True)
    for value, n in zip(found.tolist(), times.tolist(), strict=True):
        counter[value] += n


def _in_steps(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(shares * _STEPS).astype(np.int64)


def _length_edges(longest: int) -> NDArray[np.int64]:
    """Return borders of bins, about five to a power of ten, the last one beyond `longest`."""
    powers = np.arange(_LENGTHS_PER_DECADE * (len(str(longest)) + 1))
    return np.unique(np.rint(10 ** (powers / _LENGTHS_PER_DECADE)).astype(np.int64))


def _step_edges() -> NDArray[np.int64]:
    return np.arange(_BINS + 1) * (_STEPS // _BINS)


def _binned(counted: Mapping[int, int], edges: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield the ends of each bin, from the first to the last that holds any, and how many."""
    if not counted:
        return
    values = np.array(list(counted))
    bins = np.minimum(np.searchsorted(edges, values, side="right") - 1, len(edges) - 2)
    held = np.zeros(len(edges) - 1, dtype=np.int64)
    np.add.at(held, bins, list(counted.values()))
    for place in range(int(bins.min()), int(bins.max()) + 1):
        yield int(edges[place]), int(edges[place + 1]), int(held[place])
