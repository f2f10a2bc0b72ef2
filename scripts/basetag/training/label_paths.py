"""Whether the hidden states of a chain can bear the labels that it is to be trained on."""

from __future__ import annotations

import numpy as np
import torch

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.networks.activations import active_rows
from basetag.networks.chain import propagate
from basetag.networks.heads import ChainHead
from basetag.networks.tagger_network import TaggerNetwork
from basetag.pieces import PIECE
from basetag.segments import Segments

#: Stretches side by side.
ROWS = 64


def refuse_labels_without_a_path(
    network: TaggerNetwork, corpus: Corpus, training: Segments
) -> None:
    """Raise where no allowed path of hidden states bears the labels.

    The allowed steps say which labels follow each other, and for how long one may last. Windows
    with other labels would count nothing in the loss, and nobody would know. Long records are
    looked at in pieces, so what only labels on both sides of a cut forbid is not seen.

    Parameters
    ----------
    network : TaggerNetwork
        On the CPU.
    corpus : Corpus
        With labels.
    training : Segments

    Raises
    ------
    InputError
        With the record, and the first base of whose label there is no path.
    """
    head = network.head
    if not isinstance(head, ChainHead) or not head.forbidden.any():
        return
    if corpus.substates is not None:
        return  # their allowed steps were made for these labels
    pieces = training.cut(PIECE)
    order = np.argsort(-pieces.lengths, kind="stable")
    order = order[pieces.lengths[order] > 0]
    for first in range(0, order.size, ROWS):
        part = pieces.chosen(order[first : first + ROWS])
        labels = np.zeros((int(part.lengths[0]), part.lengths.size), dtype=np.uint8)
        for row, (at, length) in enumerate(zip(part.offset, part.lengths, strict=True)):
            labels[:length, row] = corpus.known_labels[at : at + length]
        active = active_rows(part.lengths)
        with torch.no_grad():
            shape = (*labels.shape, head.out_features)
            scores = torch.zeros(shape).masked_fill(
                head.not_borne(torch.from_numpy(labels)), -torch.inf
            )
            messages, _, _ = propagate(scores, head.chain, active)
            # What reaches a base from the left and is of its label.
            reached = (messages * scores.exp()).amax(dim=-1).numpy() > 0
        lost = ~reached & (np.arange(len(active))[:, None] < part.lengths)
        if lost.any():
            row = int(lost.any(axis=0).argmax())
            base = int(lost[:, row].argmax())
            letter = corpus.states[int(labels[base, row])]
            raise InputError(
                f"no path of hidden states that head.allowed leaves goes on to the label {letter}"
                " there",
                record=corpus.names[int(part.record[row])],
                position=int(part.start[row]) + base + 1,
                advice="allow more steps, or correct the labels: the steps also say for how long"
                " a label lasts",
            )
