"""Training windows: which stretch of which segment a step sees, as a function of seed and step.

Every step's draws come from a counter-based generator (Philox: Salmon et al. 2011) keyed by the
seed with the step as its counter, so step 1,000 can be drawn without drawing the 999 before it and
a resumed run sees the very same windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True)
class WindowSampler:
    """Draws windows that cover every base equally often on average.

    A segment no longer than the window is taken whole. On a longer one the window's start is
    uniform over all places where it meets the segment, and what hangs over an end is cut off, so
    that bases near an end are seen as often as others, and with little context, as they will be
    in prediction.

    Parameters
    ----------
    segments : Segments
        Where windows may lie; none crosses a border. Those without bases are never drawn.
    length : int
        Longest window.
    """

    segments: Segments
    length: int

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """How often to draw each segment, (segments,)."""
        lengths = self.segments.lengths
        # A window on a long segment covers each base with probability length / places.
        places = lengths + self.length - 1
        return np.where(lengths > self.length, places / self.length, np.minimum(lengths, 1.0))

    @cached_property
    def _cumulated(self) -> NDArray[np.float64]:
        return np.cumsum(self._weights)

    @property
    def expected_bases(self) -> float:
        """Bases in a window, on average."""
        return float(self.segments.bases / self._cumulated[-1])

    def draw(
        self, rows: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where `rows` windows begin in the corpus and how long they are, (rows,) each."""
        at = generator.random(rows) * self._cumulated[-1]
        segment = np.searchsorted(self._cumulated, at, side="right")
        lengths = self.segments.lengths[segment]
        # Whole where it fits; else from 1 - length, the last base of the window on the first of
        # the segment, to the segment's last base.
        start = generator.integers(1 - self.length, np.maximum(lengths, 2 - self.length))
        start = np.where(lengths > self.length, start, 0)
        end = np.where(lengths > self.length, np.minimum(start + self.length, lengths), lengths)
        start = np.maximum(start, 0)
        return self.segments.offset[segment] + start, end - start


def read_windows(
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    tokens: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    *,
    mask: float,
    unknown: int,
    generator: np.random.Generator,
) -> Windows:
    """Read windows from the corpus, pad them, and hide some bases.

    Parameters
    ----------
    starts, lengths : ndarray of int64, (rows,)
        As `WindowSampler.draw` gives them.
    tokens, labels : ndarray of uint8, (bases,)
        The corpus, usually memory-mapped.
    mask : float
        Fraction of bases shown to the network as `unknown`, in runs, so that N is no evidence.
    unknown : int
        Token of the code that stands for every letter.
    generator : numpy.random.Generator

    Returns
    -------
    Windows
    """
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
