"""The loss on the validation split, by which weights are chosen and trainings ended.

It is the cross-entropy of labels, whatever a network is trained on: what is compared, and judged
later, is how well taggers know those. Of a network that tells numbers it is their squared error, in
variances of the training targets, as in training.
"""

from __future__ import annotations

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.inference import ROWS, Predictor
from basetag.networks.number_head import NumberHead
from basetag.networks.tagger_network import TaggerNetwork
from basetag.pieces import PIECE, spread_pieces
from basetag.segments import Segments
from basetag.training.loss import summed_over_processes


class Validation:
    """The loss on the validation split, each process looking at its share of it.

    Parameters
    ----------
    fabric : Fabric
    network : TaggerNetwork
        As it is when the loss is asked for.
    corpus : Corpus
        With labels.
    split : Segments
        The validation split.
    bases : int
        At most this many of its bases are looked at.
    weights : ndarray of float64, (states,), optional
        What a base of each state counts; 1 without them.
    both_strands : bool
        Whether predictions average a record and its reverse complement.

    Raises
    ------
    InputError
        Where no base of the split has a label.
    """

    def __init__(
        self,
        fabric: Fabric,
        network: TaggerNetwork,
        corpus: Corpus,
        split: Segments,
        bases: int,
        weights: NDArray[np.float64] | None,
        both_strands: bool,
    ) -> None:
        longest = PIECE if network.pooling is None else None  # a record's label is of all of it
        pieces = spread_pieces(split, corpus.known_labels, bases, longest=longest)
        own = np.arange(fabric.global_rank, len(pieces.start), fabric.world_size)
        self._fabric = fabric
        self._corpus = corpus
        self._pieces = pieces.chosen(own)
        self._weights = weights
        complement = corpus.alphabet.complement if both_strands else None
        # Rows by measurement would differ from run to run, and last bits of the losses with them.
        self._predictor = Predictor(
            network, fabric.device, complement=complement, mirror=corpus.mirror, rows=ROWS
        )

    def mean_loss(self) -> float:
        """Return the mean cross-entropy over labelled bases, nats, or squared error over records.

        Raises
        ------
        InputError
            Where all labelled bases are of states that count nothing.
        """
        head = self._predictor.network.head
        if isinstance(head, NumberHead):
            total, count = summed_squared_error(self._predictor, self._corpus, self._pieces)
            sums = total / float(head.deviation) ** 2, float(count)
        else:
            sums = summed_cross_entropy(self._predictor, self._corpus, self._pieces, self._weights)
        own = torch.tensor(sums, dtype=torch.float64)
        total, weight = summed_over_processes(self._fabric, own).tolist()
        if not weight:
            raise InputError(
                "no labelled base of the validation split is of a state that counts",
                advice="draw the split with another seed, or change training.class_weights",
            )
        return float(total / weight)


def summed_cross_entropy(
    predictor: Predictor,
    corpus: Corpus,
    segments: Segments,
    weights: NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """Return the summed cross-entropy over labelled bases, nats, and the weight of these.

    Parameters
    ----------
    predictor : Predictor
    corpus : Corpus
        With labels.
    segments : Segments
    weights : ndarray of float64, (states,), optional
        What a base of each state counts; 1 without them.
    """
    total, weight = 0.0, 0.0
    for part in segments.batches_of(corpus):
        tokens, labels = part.gathered(corpus.tokens), part.gathered(corpus.known_labels)
        posterior = predictor.posterior(
            tokens, part.lengths, features=part.gathered_features(corpus)
        )
        scored = labels != UNLABELLED
        losses = -np.log(np.maximum(posterior[scored, labels[scored]].astype(np.float64), 1e-6))
        counts = np.ones(losses.size) if weights is None else weights[labels[scored]]
        total += float((losses * counts).sum())
        weight += float(counts.sum())
    return total, weight


def summed_squared_error(
    predictor: Predictor, corpus: Corpus, segments: Segments
) -> tuple[float, int]:
    """Return the summed squared error of the numbers told, and how many these are.

    Parameters
    ----------
    predictor : Predictor
    corpus : Corpus
        With targets, in whose unit squared the sum is.
    segments : Segments
        Whole records, where these have numbers.
    """
    total, count = 0.0, 0
    assert corpus.targets is not None  # noqa: S101 - the head would have nothing to learn
    for part in segments.batches_of(corpus):
        tokens = part.gathered(corpus.tokens)
        told = predictor.numbers(tokens, part.lengths, part.gathered_features(corpus))
        if corpus.of_values:
            errors = told - part.gathered(corpus.targets)
            errors = errors[~np.isnan(errors)]
        else:
            errors = told[np.cumsum(part.lengths) - 1] - corpus.targets[part.record]
        total += float((errors**2).sum())
        count += errors.size
    return total, count
