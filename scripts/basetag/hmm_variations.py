"""Variations of a hidden Markov model: other run lengths, clearer emissions, other orders.

Each turns the settings of a model (`HMMSpec.settings`) into those of another, in which every state
is a label of its own or, where runs are no longer geometric, is split into several that bear its
label. So simulation and exact inference need nothing that they do not have. Nothing here needs
arrays, because a config with thousands of variations is checked at once.
"""

from __future__ import annotations

import math
from typing import Any

from basetag.hmm_spec import MAXIMUM_STATES

Settings = dict[str, Any]

# Rounding may put a probability this far beyond 0 or 1.
_ROUNDING = 1e-12


class ImpossibleVariationError(ValueError):
    """A variation that a model does not have.

    Attributes
    ----------
    key : str
        The variation: `mean_length`, `contrast`, `dwell_shape` or `second_order`.
    problem, advice : str
        What is wrong, and what would be right.
    """

    def __init__(self, key: str, problem: str, advice: str) -> None:
        self.key, self.problem, self.advice = key, problem, advice
        super().__init__(f"{key}: {problem}; {advice}")


def varied(
    settings: Settings,
    *,
    mean_length: float | None = None,
    contrast: float = 1.0,
    dwell_shape: int = 1,
    second_order: float = 0.0,
) -> Settings:
    """Return the settings of a model with all variations laid over it; these defaults change none.

    Parameters
    ----------
    settings : dict
        As `HMMSpec.settings` gives them.
    mean_length : float, optional
        See `with_mean_length`.
    contrast : float
        See `with_contrast`.
    dwell_shape : int
        See `with_dwell_shape`.
    second_order : float
        See `with_second_order`.

    Raises
    ------
    ImpossibleVariationError
    """
    given = {
        "mean_length": mean_length is not None,
        "contrast": contrast != 1,
        "dwell_shape": dwell_shape != 1,
        "second_order": second_order != 0,
    }
    if "labels" in settings:
        for key in given:
            if given[key]:
                raise ImpossibleVariationError(
                    key,
                    "several states of the model bear one label, so its runs have no one length",
                    "remove it, and write the model that you mean as a file",
                )
    if mean_length is not None:
        settings = with_mean_length(settings, mean_length)
    if given["contrast"]:
        settings = with_contrast(settings, contrast)
    if given["dwell_shape"] and given["second_order"]:
        raise ImpossibleVariationError(
            "second_order", "dwell_shape says how long runs last, too", "remove one of the two"
        )
    if given["dwell_shape"]:
        settings = with_dwell_shape(settings, dwell_shape)
    if given["second_order"]:
        settings = with_second_order(settings, second_order)
    return settings


def with_mean_length(settings: Settings, mean_length: float) -> Settings:
    """Return the model whose runs of each state last `mean_length` bases on average.

    A state stays with probability 1 - 1/`mean_length`; which one follows it is as before. So where
    the runs of some states were longer than those of others, states are no longer as common as
    they were.
    """
    rows = []
    for state, leaving in enumerate(_leaving(settings)):
        row = [share / mean_length for share in leaving]
        row[state] = 1 - 1 / mean_length
        rows.append(row)
    return {**settings, "transition": rows}


def with_contrast(settings: Settings, contrast: float) -> Settings:
    """Return the model whose emissions differ `contrast` times as much from their mean over states.

    That mean is a plain one: b'(x) = m(x) + contrast · (b(x) - m(x)) for each letter x. With 0 all
    states emit the same, and nothing can be known of them.

    Raises
    ------
    ImpossibleVariationError
        Where a probability would leave 0 to 1.
    """
    emission = settings["emission"]
    mean = [math.fsum(column) / len(emission) for column in zip(*emission, strict=True)]
    rows = [[m + contrast * (b - m) for b, m in zip(row, mean, strict=True)] for row in emission]
    if any(not -_ROUNDING <= b <= 1 + _ROUNDING for row in rows for b in row):
        largest = _largest_contrast(emission, mean)
        raise ImpossibleVariationError(
            "contrast",
            f"{contrast:g} times the differences between its emissions would leave 0 to 1",
            f"this model has at most {math.floor(largest * 1000) / 1000:g}",
        )
    # What is 0 but for rounding is 0: a letter that a state does not emit.
    emission = [[0.0 if b <= _ROUNDING else min(b, 1.0) for b in row] for row in rows]
    return {**settings, "emission": emission}


def with_dwell_shape(settings: Settings, shape: int) -> Settings:
    """Return the model in which each run is as long as `shape` geometric ones, the mean kept.

    An explicit-duration model (Rabiner 1989, Proc IEEE 77:257, section IV.D) with negative binomial
    durations, written as `shape` states in tandem for each label (Durbin et al. 1998, Biological
    Sequence Analysis, section 3.4). Each of these is left with probability q = shape/m, where m is
    the label's mean run; a run then has the mean m and the variance m²/shape - m, in place of
    m² - m. A record begins anywhere in a run: a start that is given for a label is shared out
    evenly among its states.

    Raises
    ------
    ImpossibleVariationError
        Where a run is too short on average for so many, or the model would have too many states.
    """
    n = len(settings["states"])
    if n * shape > MAXIMUM_STATES:
        raise ImpossibleVariationError(
            "dwell_shape",
            f"{shape} hidden states for each of {n} labels are more than {MAXIMUM_STATES}",
            f"take at most {MAXIMUM_STATES // n}",
        )
    means = _mean_runs(settings)
    shortest = min(means)
    if shape >= shortest:
        raise ImpossibleVariationError(
            "dwell_shape",
            f"a run of {shortest:g} bases on average cannot be as long as {shape} runs",
            f"take less than {shortest:g}, or a longer mean_length",
        )
    leaving = _leaving(settings)
    rows = []
    for label in range(n):
        leave = shape / means[label]
        for phase in range(shape):
            row = [0.0] * (n * shape)
            if phase < shape - 1:
                row[label * shape + phase + 1] = leave
            else:
                for other in range(n):
                    row[other * shape] = leaving[label][other] * leave
            row[label * shape + phase] = 1 - leave
            rows.append(row)
    even = [[1 / shape] * shape] * n
    return _split(settings, even, rows)


def with_second_order(settings: Settings, strength: float) -> Settings:
    """Return the model in which a label follows the two before it, the mean run kept.

    A run that is one base old, which shows in the two labels before, ends with probability
    1 - (1 - strength)(1 - q); an older one with (1 - strength) q, where q is the probability with
    which the state was left. So runs of one base become more common by the share `strength` of the
    others, which last longer: (1/q) / (1 - strength) bases more on average. The mean stays 1/q. As
    the pairs of labels (other, own) and (own, own) are all that counts, each label has two states.
    A record begins anywhere in a run, as with `with_dwell_shape`.

    Raises
    ------
    ImpossibleVariationError
        For a state that never stays, or a model with too many states.
    """
    n = len(settings["states"])
    if 2 * n > MAXIMUM_STATES:
        raise ImpossibleVariationError(
            "second_order",
            f"two hidden states for each of {n} labels are more than {MAXIMUM_STATES}",
            "take a model of fewer states",
        )
    means = _mean_runs(settings)
    if min(means) <= 1:
        raise ImpossibleVariationError(
            "second_order", "a state of the model never stays", "give a longer mean_length"
        )
    leaving = _leaving(settings)
    rows, shares = [], []
    for label, mean in enumerate(means):
        leave = 1 / mean
        shares.append([leave, 1 - leave])
        for stays in ((1 - strength) * (1 - leave), 1 - (1 - strength) * leave):
            row = [0.0] * (2 * n)
            for other in range(n):
                row[2 * other] = leaving[label][other] * (1 - stays)
            row[2 * label + 1] = stays
            rows.append(row)
    return _split(settings, shares, rows)


def _split(
    settings: Settings, shares: list[list[float]], transition: list[list[float]]
) -> Settings:
    """Return the model of `transition`, in which each state is split into as many as its shares.

    `shares` are, for each state, the shares of its bases that each of its parts has.
    """
    start = settings["start"]
    if not isinstance(start, str):
        start = [p * share for p, parts in zip(start, shares, strict=True) for share in parts]
    letters = settings["states"]
    return {
        **settings,
        "states": [letter for letter, parts in zip(letters, shares, strict=True) for _ in parts],
        "labels": list(letters),
        "start": start,
        "transition": transition,
        "emission": [
            list(row)
            for row, parts in zip(settings["emission"], shares, strict=True)
            for _ in parts
        ],
    }


def _leaving(settings: Settings) -> list[list[float]]:
    """Return, for each state, the probability of each other one to follow when it is left."""
    rows = []
    for state, row in enumerate(settings["transition"]):
        others = [p if other != state else 0.0 for other, p in enumerate(row)]
        total = math.fsum(others)
        rows.append([p / total for p in others])
    return rows


def _mean_runs(settings: Settings) -> list[float]:
    """Return the mean length of the runs of each state, in bases."""
    return [
        math.fsum(row) / math.fsum(p for other, p in enumerate(row) if other != state)
        for state, row in enumerate(settings["transition"])
    ]


def _largest_contrast(emission: list[list[float]], mean: list[float]) -> float:
    """Return the largest contrast that keeps every probability within 0 to 1."""
    limits = [
        (1 - m if b > m else m) / abs(b - m)
        for row in emission
        for b, m in zip(row, mean, strict=True)
        if b != m
    ]
    return min(limits)
