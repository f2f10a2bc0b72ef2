"""Training windows: which stretch of which segment a step sees, as a function of seed and step.

Every step's draws come from a counter-based generator (Philox: Salmon et al. 2011) keyed by the
seed with the step as its counter, so step 1,000 can be drawn without drawing the 999 before it and
a resumed run sees the very same windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED
from basetag.splits import Segments

#: Mean length of a masked run, in bases.
MASKED_RUN = 10


@dataclass(frozen=True)
class Windows:
    """A batch of windows, padded on the right.

    Attributes
    ----------
    tokens : ndarray of uint8, (rows, length)
    labels : ndarray of uint8, (rows, length)
        `UNLABELLED` in the padding.
    lengths : ndarray of int64, (rows,)
    """

    tokens: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    lengths: NDArray[np.int64]


def step_generator(seed: int, step: int) -> np.random.Generator:
    """Return the generator of one step: equal for equal seed and step, else independent."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, step]))


def draw_windows(
    segments: Segments,
    tokens: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    *,
    rows: int,
    length: int,
    mask: float,
    unknown: int,
    generator: np.random.Generator,
) -> Windows:
    """Draw windows from `segments`, every base as likely as any other to lie under one.

    A base is drawn uniformly, then the window's start within reach of it; windows are pushed back
    inside their segment, and a segment shorter than `length` is taken whole.

    Parameters
    ----------
    segments : Segments
        Where windows may lie; none crosses a border.
    tokens, labels : ndarray of uint8, (bases,)
        The corpus, usually memory-mapped.
    rows, length : int
        Shape of the batch.
    mask : float
        Fraction of bases shown to the network as `unknown`, in runs, so that N is no evidence.
    unknown : int
        Token of the code that stands for every letter.
    generator : numpy.random.Generator

    Returns
    -------
    Windows
    """
    ends = np.cumsum(segments.lengths)
    base = generator.integers(ends[-1], size=rows)
    segment = np.searchsorted(ends, base, side="right")
    within = base - (ends[segment] - segments.lengths[segment])
    lengths = np.minimum(segments.lengths[segment], length)
    starts = within - generator.integers(length, size=rows)
    starts = np.clip(starts, 0, segments.lengths[segment] - lengths) + segments.offset[segment]

    position = np.arange(int(lengths.max()))
    inside = position < lengths[:, None]  # (rows, length)
    index = np.where(inside, starts[:, None] + position, starts[:, None])
    seen = np.where(inside, tokens[index], unknown).astype(np.uint8)
    seen[masked_runs(seen.shape, mask, generator)] = unknown
    return Windows(
        tokens=seen,
        labels=np.where(inside, labels[index], UNLABELLED).astype(np.uint8),
        lengths=lengths,
    )


def masked_runs(
    shape: tuple[int, ...], fraction: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which bases to mask: runs of geometric length that cover `fraction` of `shape`.

    Runs begin at random bases of the flattened batch, with mean length `MASKED_RUN`; where two
    overlap they merge, so the rate of starts is that which leaves 1 - `fraction` uncovered.
    """
    size = int(np.prod(shape))
    # A base stays uncovered with probability exp(-rate * MASKED_RUN).
    rate = -np.log1p(-fraction) / MASKED_RUN
    starts = generator.integers(size, size=generator.poisson(rate * size))
    ends = np.minimum(starts + generator.geometric(1 / MASKED_RUN, size=starts.size), size)
    change = np.bincount(starts, minlength=size + 1) - np.bincount(ends, minlength=size + 1)
    return (np.cumsum(change[:size]) > 0).reshape(shape)
