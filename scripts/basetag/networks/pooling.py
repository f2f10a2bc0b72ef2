"""What is known of a record's bases, summed up in one vector for the record.

A record may be longer than what is held of it at a time. So a pooling makes a summary of each
chunk; summaries are merged, in any order, and what comes out is that of the whole record within
rounding. A record in one chunk goes the same way, in training too. Sums are carried in double
precision from chunk to chunk.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.networks.activations import padding_of
from basetag.networks.attention import AttentionPooling

#: What is kept of the bases that were seen, (rows, ...) each.
Summary = tuple[Tensor, ...]


class Pooling(nn.Module):
    """A way to sum up a row."""

    description: str

    @property
    def operations(self) -> int:
        """Multiply-adds of a base."""
        return 0

    def summary(self, hidden: Tensor, first: int, lengths: NDArray[np.int64]) -> Summary:
        """Return what is to be kept of some places of rows that all have a base there.

        Parameters
        ----------
        hidden : Tensor, (places, rows, width)
            What stands behind a row's end reaches nothing.
        first : int
            The first of the places within the rows.
        lengths : ndarray of int64, (rows,)
            Of the whole rows, from the longest on.
        """
        places, rows = hidden.shape[:2]
        active = np.searchsorted(-lengths, -np.arange(first, first + places), side="left")
        padding = padding_of(active, rows, hidden.device)
        if padding is not None:
            hidden = hidden.masked_fill(padding[:, :, None], 0.0)
        return self._summary(hidden, padding, first, lengths)

    def _summary(
        self, hidden: Tensor, padding: Tensor | None, first: int, lengths: NDArray[np.int64]
    ) -> Summary:
        """Return the summary of `hidden`, zero where `padding`, (places, rows), is."""
        raise NotImplementedError

    def merged(self, one: Summary, other: Summary) -> Summary:
        """Return the summary of all bases of two."""
        raise NotImplementedError

    def pooled(self, summary: Summary, lengths: NDArray[np.int64]) -> Tensor:
        """Return what the summaries of whole rows come to, (rows, width)."""
        raise NotImplementedError

    def forward(self, hidden: Tensor, lengths: NDArray[np.int64]) -> Tensor:
        """Return each row summed up, (rows, width), of the type of `hidden`.

        Parameters
        ----------
        hidden : Tensor, (length, rows, width)
        lengths : ndarray of int64, (rows,)
            From the longest on.

        Raises
        ------
        ValueError
            If a row has no base.
        """
        if lengths.min(initial=1) < 1:
            raise ValueError(f"{int((lengths < 1).sum())} of {lengths.size} rows have no base")
        return self.pooled(self.summary(hidden, 0, lengths), lengths).to(hidden.dtype)

    def of_chunks(self, summaries: Iterable[Summary]) -> Summary:
        """Return the summary of rows whose chunks have these; later rows end in earlier chunks."""
        return functools.reduce(self._merged_rows, summaries)

    def _merged_rows(self, one: Summary, other: Summary) -> Summary:
        """Merge summaries of which one may lack the last rows, which have ended before."""
        if len(one[0]) < len(other[0]):
            one, other = other, one
        rows = len(other[0])
        both = self.merged(tuple(part[:rows] for part in one), other)
        return tuple(torch.cat([new, old[rows:]]) for new, old in zip(both, one, strict=True))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights, if there are any."""


class LastPooling(Pooling):
    """The last state of each direction: of the one to the right that at a row's last base.

    Of the one to the left it is that at the first base. That is the h_n of torch's networks.

    Parameters
    ----------
    width : int
        Numbers for each base that come in: those to the right first.
    bidirectional : bool
        Whether the second half of them comes from the right.
    """

    def __init__(self, width: int, bidirectional: bool) -> None:
        super().__init__()
        self.rightward = width // 2 if bidirectional else width
        self.description = "the state at the last base"
        if bidirectional:
            self.description = "the state of each direction at the base that it reads last"

    def _summary(
        self, hidden: Tensor, padding: Tensor | None, first: int, lengths: NDArray[np.int64]
    ) -> Summary:
        places, rows = hidden.shape[:2]
        last = lengths - 1 - first
        inside = torch.from_numpy((last >= 0) & (last < places)).to(hidden.device)
        at = torch.from_numpy(np.clip(last, 0, places - 1)).to(hidden.device)
        right = hidden[at, torch.arange(rows, device=hidden.device), : self.rightward]
        left = hidden[0, :, self.rightward :]
        # Of any other chunk, zeros, which add nothing.
        return right * inside[:, None], left if first == 0 else torch.zeros_like(left)

    def merged(self, one: Summary, other: Summary) -> Summary:
        """Return the sum: all parts but one are zero."""
        return tuple(a + b for a, b in zip(one, other, strict=True))

    def pooled(self, summary: Summary, lengths: NDArray[np.int64]) -> Tensor:
        """Return both states side by side."""
        return torch.cat(summary, dim=-1)


class MeanPooling(Pooling):
    """The mean of each unit over the bases of a row."""

    description = "the mean of each unit over all bases"

    def _summary(
        self, hidden: Tensor, padding: Tensor | None, first: int, lengths: NDArray[np.int64]
    ) -> Summary:
        wide = torch.promote_types(hidden.dtype, torch.float32)
        return (hidden.sum(0, dtype=wide).double(),)

    def merged(self, one: Summary, other: Summary) -> Summary:
        """Return the sum."""
        return (one[0] + other[0],)

    def pooled(self, summary: Summary, lengths: NDArray[np.int64]) -> Tensor:
        """Return the sums over the lengths."""
        counts = torch.from_numpy(lengths).to(summary[0].device)
        return summary[0] / counts[:, None]


class MaxPooling(Pooling):
    """The largest number of each unit along a row: where in it, does not matter."""

    description = "the largest of each unit over all bases"

    def _summary(
        self, hidden: Tensor, padding: Tensor | None, first: int, lengths: NDArray[np.int64]
    ) -> Summary:
        if padding is not None:
            hidden = hidden.masked_fill(padding[:, :, None], -torch.inf)
        return (hidden.amax(0),)

    def merged(self, one: Summary, other: Summary) -> Summary:
        """Return the larger ones."""
        return (torch.maximum(one[0], other[0]),)

    def pooled(self, summary: Summary, lengths: NDArray[np.int64]) -> Tensor:
        """Return the largest ones."""
        return summary[0]


class WeighedPooling(Pooling):
    """The mean weighed by additive attention (`AttentionPooling`).

    A summary is a row's largest score, the sum of exp(score - largest), and the sum of the states
    weighed by that.

    Parameters
    ----------
    width : int
        Numbers for each base that come in; the attention has as many units.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = AttentionPooling(width, width)
        self.description = f"the mean over all bases, weighed by attention of {width} units"

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: its score, and the weighed sum."""
        width = self.attention.projection.in_features
        return self.attention.projection.weight.numel() + 2 * width

    def _summary(
        self, hidden: Tensor, padding: Tensor | None, first: int, lengths: NDArray[np.int64]
    ) -> Summary:
        scores = self.attention.scores(hidden, padding)
        # A factor of both sums, out of which it falls again.
        largest = scores.detach().amax(0)
        shares = torch.exp(scores - largest)
        weighed = torch.einsum("lr,lrw->rw", shares, hidden.to(shares.dtype))
        return largest.double(), shares.sum(0).double(), weighed.double()

    def merged(self, one: Summary, other: Summary) -> Summary:
        """Return the sums, both brought to the larger of the largest scores."""
        largest = torch.maximum(one[0], other[0])
        factors = [torch.exp(each[0] - largest) for each in (one, other)]
        total = sum(each[1] * factor for each, factor in zip((one, other), factors, strict=True))
        weighed = sum(
            each[2] * factor[:, None] for each, factor in zip((one, other), factors, strict=True)
        )
        assert isinstance(total, Tensor)  # noqa: S101 - of two
        assert isinstance(weighed, Tensor)  # noqa: S101 - of two
        return largest, total, weighed

    def pooled(self, summary: Summary, lengths: NDArray[np.int64]) -> Tensor:
        """Return the weighed sums over the sums of the weights."""
        _, total, weighed = summary
        return weighed / total[:, None]

    def weights(self, hidden: Tensor, summary: Summary) -> Tensor:
        """Return the weight of each base, (places, rows).

        Parameters
        ----------
        hidden : Tensor, (places, rows, width)
            Of no use behind a row's end.
        summary : Summary
            That of the whole rows.
        """
        largest, total, _ = summary
        scores = self.attention.scores(hidden).double()
        return torch.exp(scores - largest) / total

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights of the attention."""
        self.attention.initialise(generator)


def pooling_named(name: str, width: int, *, bidirectional: bool) -> Pooling:
    """Return the pooling that the config calls `name`, of `width` numbers for each base."""
    if name == "last":
        return LastPooling(width, bidirectional)
    if name == "attention":
        return WeighedPooling(width)
    return {"mean": MeanPooling, "max": MaxPooling}[name]()
