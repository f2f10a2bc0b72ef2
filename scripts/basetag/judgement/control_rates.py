"""What a tagger sees where there is nothing to see: its false segments on the negative controls.

In a control no state ever changes, so each border that a tagger calls within a record is false. The
exact posterior calls some, too: now and then chance makes letters look like another state, and it
is right to say so. A tagger is flagged where it does so more often than that reference, by more
than the two rates' own uncertainty explains. What the controls are says `basetag.controls`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.judgement.figure_places import FEWEST_UNITS
from basetag.judgement.intervals import Figure, ratio_figures
from basetag.judgement.prediction_files import AnyPath, open_array

_MB = 1e6
_TAIL = 0.025


@dataclass(frozen=True)
class ControlCalls:
    """What a tagger calls in one control.

    Parameters
    ----------
    bases : ndarray of int64, (records,)
        Length of each record.
    false_segments : ndarray of int64, (records,)
        Called segments beyond the first one of each record.
    states : ndarray of int64, (states,)
        Bases called each state.
    """

    bases: NDArray[np.int64]
    false_segments: NDArray[np.int64]
    states: NDArray[np.int64]


def judge_controls(
    controls: Mapping[str, Corpus],
    calls_path: AnyPath,
    n_states: int,
    *,
    reference: str | None = None,
    reference_path: AnyPath | None = None,
    draws_seed: int = 1,
) -> dict[str, Any] | None:
    """Return the part `controls` of metrics.json.

    Parameters
    ----------
    controls : mapping of str to Corpus
        By name, in the order in which calls on them lie one behind the other.
    calls_path : path-like
        The tagger's calls.controls.npy.
    n_states : int
        Number of states, K.
    reference : str, optional
        Name of the tagger that it is held against.
    reference_path : path-like, optional
        The calls.controls.npy of that one.
    draws_seed : int
        Seed of the intervals.

    Returns
    -------
    dict or None
        For each control, None where the tagger cannot explain it, or else: `bases`, `records` and
        called `segments`; `false_segments`, those beyond the first of each record, and `per_mb`,
        their rate with its 95 % interval; `called`, the bases called each state, and
        `other_share`, the share of those that are not called the commonest one; `reference`, its
        name, `reference_false_segments`, `reference_per_mb` and `ratio`, the tagger's rate over
        the reference's, or None where there is none; `flagged`. Where the controls are empty,
        there is nothing but None.

    Raises
    ------
    InputError
        Where a file does not hold calls of these controls.

    See Also
    --------
    rate_ratio : the interval that `flagged` follows.
    """
    if not any(control.tokens.size for control in controls.values()):
        return None
    own = read_calls(calls_path, controls, n_states)
    others: dict[str, ControlCalls | None] = dict.fromkeys(controls)
    if reference is not None and reference_path is not None:
        others = read_calls(reference_path, controls, n_states)
    return {
        name: None if calls is None else _judged(calls, reference, others[name], draws_seed)
        for name, calls in own.items()
    }


def read_calls(
    path: AnyPath, controls: Mapping[str, Corpus], n_states: int
) -> dict[str, ControlCalls | None]:
    """Count what a file of calls says of each control; None where it is left out."""
    shape = (sum(control.tokens.size for control in controls.values()),)
    calls = open_array(path, "calls", np.dtype(np.uint8), shape)
    counted: dict[str, ControlCalls | None] = {}
    first = 0
    for name, control in controls.items():
        called = calls[first : first + control.tokens.size]
        first += control.tokens.size
        states = np.bincount(called, minlength=UNLABELLED + 1)
        if states[UNLABELLED] == called.size:
            counted[name] = None
            continue
        if states[n_states:].any():
            raise InputError(
                f"calls the state {int(called.max())} on the control {name}, and the last of the "
                f"dataset is {n_states - 1}",
                file=str(path),
                advice="predict again",
            )
        false = count_borders(called, control.lengths)
        counted[name] = ControlCalls(control.lengths, false, states[:n_states])
    return counted


def count_borders(calls: NDArray[np.uint8], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often the call changes within each record.

    Parameters
    ----------
    calls : ndarray of uint8, (bases,)
        The records' calls, one behind the other.
    lengths : ndarray of int64, (records,)
        Bases in each record; 0 is possible.

    Returns
    -------
    ndarray of int64, (records,)
    """
    starts = np.cumsum(lengths) - lengths
    changes = np.flatnonzero(calls[1:] != calls[:-1]) + 1
    # Of records that begin at one place, the last is the one that has bases.
    record = np.searchsorted(starts, changes, side="right") - 1
    within = changes != starts[record]
    return np.bincount(record[within], minlength=len(lengths))


def rate_of(calls: ControlCalls, seed: int = 1) -> Figure:
    """Return the rate of false segments per Mb, with its 95 % interval over records.

    The interval is a bootstrap-t. Where all records have the same rate, such as none at all, their
    spread says nothing, and it is the exact one of a Poisson count (Garwood 1936, Biometrika
    28:437). There is none below 10 records.
    """
    false, bases = (part.astype(np.float64) for part in (calls.false_segments, calls.bases))
    figure = ratio_figures({"rate": (false, bases)}, seed=seed)["rate"]
    low, high = figure.low, figure.high
    if (low is None or high is None) and np.count_nonzero(bases) >= FEWEST_UNITS:
        low, high = (b / float(bases.sum()) for b in poisson_interval(int(false.sum())))
    if low is None or high is None:
        return Figure(figure.value * _MB, None, None)
    return Figure(figure.value * _MB, max(low, 0.0) * _MB, high * _MB)


def poisson_interval(count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of the mean of a Poisson count (Garwood 1936)."""
    low = float(gammaincinv(count, _TAIL)) if count else 0.0
    return low, float(gammaincinv(count + 1, 1 - _TAIL))


def rate_ratio(rate: Figure, reference: Figure) -> Figure | None:
    """Return the ratio of two rates with a 95 % interval, as if of separate sequences.

    The interval follows from those of the two rates (MOVER-R: Donner and Zou 2012, Stat Methods
    Med Res 21:347; Newcombe 2016, Stat Methods Med Res 25:1774). It lies above 1 exactly where
    that of their difference, made in the same way, lies above 0. Both rates come from the same
    sequences, and a paired interval would be shorter: that is left aside on purpose, because it
    would tell apart taggers that differ by a tenth of a percent, which means nothing.

    Parameters
    ----------
    rate, reference : Figure
        Not negative, with their intervals.

    Returns
    -------
    Figure or None
        With `high` infinite where the reference may be 0, and `value`, too, where it is. None
        where both rates are 0, or one has no interval.
    """
    if rate.low is None or rate.high is None or reference.low is None or reference.high is None:
        return None
    r, s = rate.value, reference.value
    if r == s == 0:
        return None

    def bound(own: float, other: float) -> tuple[float, float]:
        """Return both roots x, the lower first, of (r - x s)^2 = own^2 + x^2 other^2."""
        above, below = r**2 - own**2, s**2 - other**2
        root = math.sqrt(max((r * s) ** 2 - above * below, 0.0))
        lower = above / (r * s + root) if r * s + root > 0 else 0.0
        return lower, (r * s + root) / below if below > 0 else math.inf

    low = bound(r - rate.low, reference.high - s)[0]
    high = bound(rate.high - r, s - reference.low)[1]
    return Figure(r / s if s > 0 else math.inf, max(low, 0.0), high)


def _judged(
    calls: ControlCalls, reference: str | None, other: ControlCalls | None, seed: int
) -> dict[str, Any]:
    bases, false = int(calls.bases.sum()), int(calls.false_segments.sum())
    records = int(np.count_nonzero(calls.bases))
    rate = rate_of(calls, seed)
    beside = None if other is None else rate_of(other, seed)
    ratio = None if beside is None else rate_ratio(rate, beside)
    return {
        "bases": bases,
        "records": records,
        "segments": records + false,
        "false_segments": false,
        "per_mb": _json(rate),
        "called": calls.states.tolist(),
        "other_share": 1 - int(calls.states.max()) / bases,
        "reference": None if other is None else reference,
        "reference_false_segments": None if other is None else int(other.false_segments.sum()),
        "reference_per_mb": None if beside is None else _json(beside),
        "ratio": None if ratio is None else _json(ratio),
        "flagged": ratio is not None and ratio.low is not None and ratio.low > 1,
    }


def _json(figure: Figure) -> dict[str, float | None]:
    """Return a figure as plain JSON, which has no infinity."""
    values = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {name: v if v is not None and math.isfinite(v) else None for name, v in values.items()}
