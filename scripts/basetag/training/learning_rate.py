"""How the learning rate moves in the course of a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """Return the learning rate of `step` (Smith & Topin 2019): up and down again by cosines.

    It starts at a 25th of `peak`, reaches it after the fraction `warmup` of all steps and ends at
    a 10,000th of it.
    """
    rise = max(1.0, warmup * steps)
    if step < rise:
        return _cosine(peak / 25, peak, step / rise)
    return _cosine(peak, peak / 1e4, (step - rise) / max(1.0, steps - rise))


def cosine(step: int, steps: int, peak: float, warmup: float) -> float:
    """Return the learning rate of `step`: linear to `peak`, then down a cosine to a hundredth.

    The fall is that of Loshchilov & Hutter (2017), without restarts.
    """
    rise = max(1.0, warmup * steps)
    if step < rise:
        return peak * (step + 1) / (rise + 1)
    return _cosine(peak, peak / 100, (step - rise) / max(1.0, steps - rise))


def _cosine(begin: float, end: float, along: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * along)) / 2


#: By the name that `training.schedule` has.
SCHEDULES: Mapping[str, Callable[[int, int, float, float], float]] = {
    "one_cycle": one_cycle,
    "cosine": cosine,
}
