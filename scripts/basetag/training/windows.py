"""Training windows: which stretch of which segment a step sees, as a function of seed and step.

Every step's draws come from a counter-based generator (Philox: Salmon et al. 2011) keyed by the
seed with the step as its counter, so step 1,000 can be drawn without drawing the 999 before it and
a resumed run sees the very same windows, each on the very same strand. What is drawn does not
depend on the device, nor on how many processes share the batch.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from basetag.corpus import UNLABELLED
from basetag.features import FeatureColumns
from basetag.segments import Segments
from basetag.substates import Substates

log = logging.getLogger(__name__)

#: Mean length of a masked run, in bases.
MASKED_RUN = 10
#: Share of a GPU's free memory that tokens and labels may take to be kept there.
CORPUS_SHARE = 0.5
_NUMBERS_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Windows:
    """A batch of windows, or some rows of one, on the device that computes.

    Attributes
    ----------
    tokens : Tensor of uint8, (rows, length)
        The longest first, padded behind their ends; of int32 where uint8 holds too few.
    labels : Tensor of uint8, (rows, length)
        What a head is told of each base: its label, or the number of labels + its substate where
        the reader knows that. `UNLABELLED` in the padding.
    lengths : ndarray of int64, (rows,)
    features : Tensor of float32, (rows, length, features), or None
        NaN where one is missing, and in the padding.
    kept : tuple of Tensor, (rows, units) each
        By what the units of each layer are multiplied: dropout.
    targets : Tensor of float32, (rows,) or (rows, length), or None
        The number of each row's record, or that behind each of its bases, NaN in the padding.
    further : tuple of Tensor of uint8, (rows, length) each
        Labels of the further heads, in their order; `UNLABELLED` in the padding.
    """

    tokens: Tensor
    labels: Tensor
    lengths: NDArray[np.int64]
    features: Tensor | None = None
    kept: tuple[Tensor, ...] = ()
    targets: Tensor | None = None
    further: tuple[Tensor, ...] = ()

    @property
    def told(self) -> Tensor:
        """What a head is told: numbers, (rows,) or (length, rows), or labels, (length, rows)."""
        if self.targets is None:
            return self.labels.T
        return self.targets if self.targets.ndim == 1 else self.targets.T

    def part(self, index: int, parts: int) -> Windows:
        """Return every `parts`-th row from `index` on: parts of about the same lengths."""
        lengths = self.lengths[index::parts]
        longest = int(lengths.max(initial=0))
        return Windows(
            self.tokens[index::parts, :longest],
            self.labels[index::parts, :longest],
            lengths,
            None if self.features is None else self.features[index::parts, :longest],
            tuple(mask[index::parts] for mask in self.kept),
            None if self.targets is None else _columns(self.targets[index::parts], longest),
            tuple(labels[index::parts, :longest] for labels in self.further),
        )


def _columns(targets: Tensor, longest: int) -> Tensor:
    """Return what is told of rows, cut to the longest of them where it is of their bases."""
    return targets if targets.ndim == 1 else targets[:, :longest]


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


class WindowReader:
    """Reads windows from where the corpus lies: on the GPU where it fits, else in its files.

    Parameters
    ----------
    tokens, labels : ndarray of uint8, (bases,)
        The corpus, usually memory-mapped.
    unknown : int
        Token of the code that stands for every letter.
    device : torch.device
        Where the windows are wanted.
    features : FeatureColumns of float32, (bases, features), optional
        Those of the corpus, where some are to be read.
    substates : Substates, optional
        Those of the corpus, where they are to be learnt.
    complement : ndarray of uint8, (tokens,), optional
        Token of each token's complement. With it, each window is read on the other strand with
        probability 1/2.
    mirror : sequence of int, optional
        What each label becomes there; needed with `complement`.
    targets : (ndarray of int64, ndarray of float32), (records,) each, optional
        Where each record begins in the corpus, and its number. Windows are whole records then.
    further : sequence of ndarray of uint8, (bases,)
        Labels of further heads, which are the same on the other strand.
    values : ndarray of float32, (bases,), optional
        The number that is to be told at each base, where that is the next of a series.
    """

    def __init__(
        self,
        tokens: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        unknown: int,
        device: torch.device,
        features: FeatureColumns | None = None,
        substates: Substates | None = None,
        complement: NDArray[np.uint8] | None = None,
        mirror: Sequence[int] = (),
        targets: tuple[NDArray[np.int64], NDArray[np.float32]] | None = None,
        further: Sequence[NDArray[np.uint8]] = (),
        values: NDArray[np.float32] | None = None,
    ) -> None:
        self.unknown = unknown
        self._values = None if values is None else torch.from_numpy(values)
        self._targets = targets
        self.device = device
        self._features = self._columns = self._substates = None
        self._n_labels = 0 if substates is None else max(substates.label_of) + 1
        #: What each token and each thing told becomes on the other strand.
        self._turned: tuple[Tensor, Tensor] | None = None
        with warnings.catch_warnings():
            # Of maps that cannot be written: nobody does.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            # torch can do little with numbers of 16 bits without a sign.
            self._wide = tokens.dtype == np.uint16
            tokens = tokens.view(np.int16) if self._wide else tokens
            self._tokens, self._labels = torch.from_numpy(tokens), torch.from_numpy(labels)
            self._further = [torch.from_numpy(own) for own in further]
            if substates is not None:
                self._substates = torch.from_numpy(substates.labels)
            if features is not None:
                self._features = torch.from_numpy(features.values)
                self._columns = torch.from_numpy(features.columns)
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            n_features = 0 if features is None else features.columns.size
            of_letters = (2 if substates is None else 3) + len(further)
            if tokens.size * (of_letters + self._wide + 4 * n_features) <= CORPUS_SHARE * free:
                self._tokens, self._labels = self._tokens.to(device), self._labels.to(device)
                self._further = [own.to(device) for own in self._further]
                if self._substates is not None:
                    self._substates = self._substates.to(device)
                if features is not None:
                    self._features = _on_device(features, device)
                    self._columns = torch.arange(n_features, device=device)
            else:
                log.info("the corpus does not fit on the GPU; windows are read from its files")
        if complement is not None:
            told = np.arange(UNLABELLED + 1, dtype=np.uint8)
            both = [*mirror]
            if substates is not None:
                both += [len(mirror) + substate for substate in substates.mirror]
            told[: len(both)] = both
            at = self._tokens.device
            self._turned = torch.tensor(complement, device=at), torch.tensor(told, device=at)

    def read(
        self,
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        mask: float,
        generator: np.random.Generator,
    ) -> Windows:
        """Read windows, order them from the longest on, pad them, and hide some bases.

        On the other strand everything comes from the last base to the first; features are the same
        on both.

        Parameters
        ----------
        starts, lengths : ndarray of int64, (rows,)
            As `WindowSampler.draw` gives them.
        mask : float
            Fraction of bases shown to the network as `unknown`, in runs, so that N is no
            evidence. Their features stay.
        generator : numpy.random.Generator
        """
        order = np.argsort(-lengths, kind="stable")
        starts, lengths = starts[order], lengths[order]
        shape = (lengths.size, int(lengths[0]))
        runs = masked_runs(lengths.size * int(lengths[0]), mask, generator)

        at = self._tokens.device
        position = torch.arange(shape[1], device=at)
        inside = position < torch.from_numpy(lengths).to(at)[:, None]  # (rows, length)
        first = torch.from_numpy(starts).to(at)[:, None]
        turns = None
        if self._turned is not None:
            turns = torch.from_numpy(generator.random(lengths.size) < 0.5).to(at)[:, None]
            last = torch.from_numpy(lengths - 1).to(at)[:, None]
            position = torch.where(turns, last - position, position)
        index = torch.where(inside, first + position, first)
        hidden = _covered(runs, inside.numel(), at)
        tokens, labels = self._tokens[index], self._told(index)
        if self._wide:
            tokens = tokens.to(torch.int32) & 0xFFFF
        if self._turned is not None and turns is not None:
            complement, mirror = self._turned
            tokens = torch.where(turns, complement[tokens.long()], tokens)
            labels = torch.where(turns, mirror[labels.long()], labels)
        tokens = tokens.masked_fill(~inside | hidden.view(shape), self.unknown)
        labels = labels.masked_fill(~inside, UNLABELLED)
        further = tuple(
            own[index].masked_fill(~inside, UNLABELLED).to(self.device) for own in self._further
        )
        features = None
        if self._features is not None:
            features = self._features[index[..., None], self._columns]
            features = features.masked_fill(~inside[..., None], torch.nan).to(self.device)
        targets = None
        if self._targets is not None:
            begins, of_records = self._targets
            record = np.searchsorted(begins, starts, side="right") - 1
            targets = torch.from_numpy(of_records[record]).to(self.device)
        elif self._values is not None:
            of_bases = self._values[index.to(self._values.device)]
            targets = of_bases.to(self.device).masked_fill(~inside.to(self.device), torch.nan)
        return Windows(
            tokens.to(self.device), labels.to(self.device), lengths, features, targets=targets,
            further=further,
        )  # fmt: skip

    def _told(self, index: Tensor) -> Tensor:
        """Return what a head is told of the bases at `index`."""
        labels = self._labels[index]
        if self._substates is None:
            return labels
        substates = self._substates[index]
        known = (labels != UNLABELLED) & (substates != UNLABELLED)
        return torch.where(known, substates + self._n_labels, labels)


def _on_device(features: FeatureColumns, device: torch.device) -> Tensor:
    """Return features on a device, (bases, features); never all of them in memory."""
    there = torch.empty(features.shape, dtype=torch.float32, device=device)
    step = max(1, _NUMBERS_AT_ONCE // features.columns.size)
    for start in range(0, len(there), step):
        part = np.asarray(features[start : start + step])
        there[start : start + step] = torch.from_numpy(part).to(device)
    return there


def _covered(
    runs: tuple[NDArray[np.int64], NDArray[np.int64]], size: int, device: torch.device
) -> Tensor:
    """Return which of `size` bases lie in a run, (size,)."""
    change = torch.zeros(size + 1, dtype=torch.int32, device=device)
    for ends, step in zip(runs, (1, -1), strict=True):
        at = torch.from_numpy(ends).to(device)
        change.index_add_(0, at, torch.full_like(at, step, dtype=torch.int32))
    return change[:size].cumsum(0) > 0


def masked_runs(
    size: int, fraction: float, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and ends of runs that cover `fraction` of `size` bases, (runs,) each.

    Runs begin at random bases, their lengths are geometric with mean `MASKED_RUN`; where two
    overlap they merge, so the rate of starts is that which leaves 1 - `fraction` uncovered.
    """
    # A base stays uncovered with probability exp(-rate * MASKED_RUN).
    rate = -np.log1p(-fraction) / MASKED_RUN
    starts = generator.integers(size, size=generator.poisson(rate * size))
    return starts, np.minimum(starts + generator.geometric(1 / MASKED_RUN, size=starts.size), size)
