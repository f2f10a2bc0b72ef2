"""Paths through a chain on top of a network whose runs have least lengths.

They are found by `basetag.viterbi`, from the head's scores of every base, on the CPU whatever the
device: the scores have come from there by then, and a base's few states cost little.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from basetag.networks.heads import ChainHead
from basetag.viterbi import Chain

#: Bases whose scores are turned into likelihoods at a time.
_BLOCK = 1 << 18
#: A state at a base is at least so likely beside the likeliest one.
_LEAST = 1e-30


def chain_of_scores(
    head: ChainHead, rows: NDArray[np.float32], lengths: NDArray[np.int64]
) -> Chain:
    """Return the chain of a head for paths whose runs have least lengths.

    Parameters
    ----------
    head : ChainHead
    rows : ndarray of float32, (bases, states)
        The head's scores of every base; made their likelihoods, up to a factor, in place.
    lengths : ndarray of int64, (sequences,)
    """

    def weights(scores: Tensor) -> NDArray[np.float64]:
        """Return exp(scores) beside the largest of all."""
        return (scores - scores.max()).double().exp().cpu().numpy()

    with torch.no_grad():
        scores = head.chain
        end = scores.end.double().cpu().numpy()
        start, transition = weights(scores.start), weights(scores.transition)
    last = np.cumsum(lengths)[lengths > 0] - 1
    rows[last] += end
    for left in range(0, len(rows), _BLOCK):
        block = rows[left : left + _BLOCK]
        np.exp(block - block.max(axis=1, keepdims=True), out=block)

    def impossible(base: int) -> tuple[str, str]:
        return "the network's scores are no numbers there", "train it with a smaller learning rate"

    label_of = head.label_of.cpu().numpy().astype(np.uint8)
    ones = np.ones(start.size)
    return Chain(start, transition, label_of, rows, None, ones, _LEAST, impossible)
