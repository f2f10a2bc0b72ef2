"""The loss of a batch and its gradient, whoever computes it and in however many parts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.corpus import UNLABELLED, Corpus
from basetag.devices import is_out_of_memory
from basetag.label_statistics import label_frequencies
from basetag.networks.activations import active_rows
from basetag.networks.tagger_network import TaggerNetwork
from basetag.segments import Segments
from basetag.training.windows import Windows

log = logging.getLogger(__name__)


class SharedBatch:
    """The gradient of a batch, whoever computes it and in however many parts.

    Parameters
    ----------
    fabric : Fabric
    network : TaggerNetwork
    weights : ndarray of float64, (states,), optional
        What a base of each state counts; 1 without them.
    """

    def __init__(
        self, fabric: Fabric, network: TaggerNetwork, weights: NDArray[np.float64] | None
    ) -> None:
        self.fabric = fabric
        self.network = network
        counts = np.ones(network.n_labels) if weights is None else weights
        self.weights = torch.tensor(counts, dtype=torch.float32, device=fabric.device)
        #: In how many parts this process computes its share.
        self.parts = 1

    def backward(self, windows: Windows) -> Tensor:
        """Leave the gradient of the batch's mean loss in the network, and return the main head's.

        To that of the main head those of further ones are added, each a mean over the bases that
        it has labels of, times what it counts. What is returned is the main head's alone: it is
        what validation looks at, too.

        Every process is given the whole batch and computes every n-th row of it. Where memory
        does not suffice, it starts again with twice as many parts, and stays with these.
        """
        counts = self.network.head.weights_of_told(self.weights)
        weight = counts[windows.labels.long()].sum().clamp(min=1e-12)
        labelled = [(told != UNLABELLED).sum().clamp(min=1) for told in windows.further]
        own = windows.part(self.fabric.global_rank, self.fabric.world_size)
        while True:
            loss = self._in_parts(own, weight, labelled)
            if loss is not None:
                break
            self.parts *= 2
            log.warning("out of memory: each batch goes through in %d parts", self.parts)
            if self.fabric.device.type == "cuda":
                torch.cuda.empty_cache()
        if self.fabric.world_size > 1:
            # One sum for all: networks of this size gain nothing from several that overlap.
            gradients = [v.grad for v in self.network.parameters() if v.grad is not None]
            flat = nn.utils.parameters_to_vector([*gradients, loss])
            summed = summed_over_processes(self.fabric, flat)
            nn.utils.vector_to_parameters(summed, [*gradients, loss])
            # A view would keep the gradients of every step whose loss is not yet looked at.
            loss = loss.clone()
        return loss

    def _in_parts(self, own: Windows, weight: Tensor, labelled: Sequence[Tensor]) -> Tensor | None:
        """Return this process's share of the loss; None where memory did not suffice."""
        for value in self.network.parameters():
            # Zeros, not nothing: a process without rows has a gradient, too.
            value.grad = torch.zeros_like(value) if value.requires_grad else None
        total = torch.zeros((), device=self.fabric.device)
        try:
            for index in range(min(self.parts, own.lengths.size)):
                part = own.part(index, self.parts)
                with self.fabric.autocast():
                    numbers = None if part.features is None else part.features.transpose(0, 1)
                    scores, *further = self.network.scores_of_all(
                        part.tokens.T, part.lengths, part.kept, numbers
                    )
                active = active_rows(part.lengths)
                loss = self.network.head.loss(scores, part.told, active, self.weights) / weight
                whole = loss
                for (name, importance), own_scores, told, count in zip(
                    self.network.importance.items(), further, part.further, labelled, strict=True
                ):
                    # What counts nothing must not touch the last bits of the rest.
                    if importance:
                        head = self.network.further_head(name)
                        alike = torch.ones(head.n_labels, device=self.fabric.device)
                        summed = head.loss(own_scores, told.T, active, alike)
                        whole = whole + importance * summed / count
                self.fabric.backward(whole)
                total += loss.detach()
        except Exception as error:
            if not is_out_of_memory(error) or self.parts >= own.lengths.size:
                raise
            return None
        return total


def state_weights(
    choice: str | Mapping[str, float] | None, corpus: Corpus, training: Segments
) -> NDArray[np.float64] | None:
    """Return what a base of each state counts in the loss, (states,); None for all alike.

    `balanced` weights a state by bases / (states * its bases), as scikit-learn does: weighted,
    all states are equally frequent.

    Raises
    ------
    InputError
        Where no base of the training split has a label.
    """
    if choice is None:
        return None
    if isinstance(choice, str):
        frequencies = label_frequencies(corpus, training)
        # A state that the training split lacks counts nothing, and is never predicted.
        return np.divide(
            1 / len(corpus.states), frequencies, out=np.zeros_like(frequencies),
            where=frequencies > 0,
        )  # fmt: skip
    return np.array([choice[state] for state in corpus.states])


def summed_over_processes(fabric: Fabric, values: Tensor) -> Tensor:
    """Return the sum of `values` over all processes."""
    if fabric.world_size == 1:
        return values
    summed = fabric.all_reduce(values.to(fabric.device), reduce_op="sum")
    assert isinstance(summed, Tensor)  # noqa: S101 - of one tensor it is one
    return summed
