"""The whole network: tokens in, a score per base, or per record, and state out.

Tokens → embedding, beside it a base's own features, if any → convolutions, if any → layers of
recurrence, if any → pooling, if any, of all bases into one vector → head. A layer holds one cell
per direction, so that training, which sees whole windows, and prediction, which carries the state
from chunk to chunk, run the very same weights. Inside, arrays are time first. Nothing here knows of
files or devices.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.alphabet import Alphabet
from basetag.networks.activations import Activations, active_rows
from basetag.networks.convolution import Convolution
from basetag.networks.embedding import Embedding
from basetag.networks.heads import ChainHead, PooledHead, SoftmaxHead
from basetag.networks.number_head import NumberHead
from basetag.networks.pooling import Pooling, pooling_named
from basetag.networks.recurrent_layer import RecurrentLayer
from basetag.networks.standardised import Standardised


class Part(NamedTuple):
    """A part of a network, for whoever reads its card.

    Attributes
    ----------
    name, description : str
        What it is called, and what it is in words.
    parameters : int
        How many numbers of it are learnt.
    operations : int
        Multiply-adds of one base in prediction. Counted are the products with matrices and
        kernels, as if each base's vector were multiplied for itself and records fitted into one
        chunk; not counted are look-ups, biases, and what is done to each number alone (gates,
        norms, functions).
    """

    name: str
    description: str
    parameters: int
    operations: int


class TaggerNetwork(nn.Module):
    """A tagger's network. A one-directional one sees nothing to the right of a base.

    Parameters
    ----------
    alphabet : Alphabet
        Of the tokens.
    n_labels : int
        Number of labels.
    cell : str
        Name of the recurrence (`basetag.architecture.CELLS`), or `none`.
    hidden, layers, bidirectional
        See `RecurrentLayer`; `layers` of them are stacked.
    embedding : mapping, optional
        `k` and `dimensions` of `Embedding`.
    convolution : mapping, optional
        `widths` and `channels` of `Convolution`.
    dropout : float
        Share of the units that a layer hands on to the next as zero, in training.
    residual, normalised : bool
        How the second layer and those above stand on the one below; see `RecurrentLayer`. With
        `normalised`, what the last one hands on is normalised, too.
    longest_memory : int, optional
        Bases over which gates should at first be able to keep something.
    n_features : int
        Further numbers that are read of each base.
    head : mapping, optional
        `label_of` and `allowed` of `ChainHead`; without it the head is a `SoftmaxHead`.
    label_of : sequence of int, optional
        Of the `SoftmaxHead`; without it each label is one state.
    pooling : str, optional
        `last`, `mean`, `max` or `attention`: how the bases of a record are summed up, so that each
        record has one vector of scores, by a `PooledHead`. Without it each base has one.
    threshold : float, optional
        Of a `NumberHead`, which then stands in the place of the `PooledHead`: each record has a
        number. Without pooling each place has one, the next of its series.
    further : mapping of str to (int, float), optional
        Heads beside the main one, by name: the number of their labels, and what their loss counts
        where that of the main head counts 1. Each is a `SoftmaxHead` on what the main one reads.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        n_labels: int,
        *,
        cell: str,
        hidden: int = 32,
        layers: int = 1,
        bidirectional: bool = False,
        embedding: Mapping[str, Any] | None = None,
        convolution: Mapping[str, Any] | None = None,
        dropout: float = 0.0,
        residual: bool = False,
        normalised: bool = False,
        longest_memory: int | None = None,
        n_features: int = 0,
        head: Mapping[str, Any] | None = None,
        label_of: Sequence[int] | None = None,
        pooling: str | None = None,
        threshold: float | None = None,
        further: Mapping[str, tuple[int, float]] | None = None,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.longest_memory = longest_memory
        causal = not bidirectional
        self.embedding = Embedding(alphabet, **(embedding or {}), causal=causal)
        self.features = Standardised(n_features) if n_features else None
        width = self.read_width
        self.convolution = None
        if convolution is not None:
            self.convolution = Convolution(width, **convolution, causal=causal)
            width = self.convolution.width
        self.layers = nn.ModuleList()
        for depth in range(layers if cell != "none" else 0):
            layer = RecurrentLayer(
                cell, width, hidden, bidirectional,
                residual=residual and depth > 0, normalised=normalised and depth > 0,
            )  # fmt: skip
            self.layers.append(layer)
            width = layer.outputs
        self.norm = nn.LayerNorm(width) if normalised and self.layers else None
        self.pooling: Pooling | None = None
        self.head: SoftmaxHead | ChainHead | PooledHead | NumberHead
        if pooling is not None:
            if head is not None or label_of is not None:
                raise ValueError("what is pooled has labels, and no states of its own")
            self.pooling = pooling_named(pooling, width, bidirectional=bidirectional)
            if threshold is None:
                self.head = PooledHead(width, n_labels)
            else:
                self.head = NumberHead(width, threshold)
        elif threshold is not None:
            if head is not None or label_of is not None or bidirectional:
                raise ValueError("what tells the next number reads in one direction, without a CRF")
            self.head = NumberHead(width, threshold, of_places=True)
        elif head is None:
            self.head = SoftmaxHead(width, label_of or range(n_labels))
        else:
            self.head = ChainHead(width, **head)
        if further and pooling is not None:
            raise ValueError("further labels are of bases, and what is pooled is of records")
        # As attributes of a module, names of heads could be names of its own.
        self.further = nn.ModuleDict(
            {f"of_{name}": SoftmaxHead(width, range(n)) for name, (n, _) in (further or {}).items()}
        )
        #: What the loss of each further head counts, in their order.
        self.importance = {name: importance for name, (_, importance) in (further or {}).items()}

    def further_head(self, name: str) -> SoftmaxHead:
        """Return the further head of a name."""
        head = self.further[f"of_{name}"]
        assert isinstance(head, SoftmaxHead)  # noqa: S101 - there are no others
        return head

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return self.head.n_labels

    @property
    def reach(self) -> tuple[int, int]:
        """How many bases to the left and to the right of a base the front end sees."""
        parts = [self.embedding.reach]
        if self.convolution is not None:
            parts.append(self.convolution.reach)
        left, right = zip(*parts, strict=True)
        return sum(left), sum(right)

    @property
    def n_features(self) -> int:
        """Further numbers that are read of each base."""
        return 0 if self.features is None else self.features.width

    @property
    def read_width(self) -> int:
        """Numbers for each base that its letter, or word, and its features become."""
        return self.embedding.width + self.n_features

    @property
    def outside(self) -> int:
        """Token of a place beyond the ends of a record."""
        return self.embedding.outside

    @property
    def looks_left_alone(self) -> bool:
        """Whether nothing to the right of a base enters its probabilities."""
        one_way = all(layer.leftward is None for layer in self.recurrent_layers())
        head = self.pooling is None and isinstance(self.head, SoftmaxHead | NumberHead)
        return one_way and not self.reach[1] and head

    def parts(self) -> list[Part]:
        """Return the parts from the tokens on; each parameter belongs to one of them."""
        named: list[tuple[str, Any]] = [("embedding", self.embedding)]
        if self.convolution is not None:
            named.append(("convolution", self.convolution))
        layers = self.recurrent_layers()
        for number, layer in enumerate(layers, start=1):
            named.append((f"layer {number}" if len(layers) > 1 else "recurrence", layer))
        parts = [
            Part(name, part.description, _parameters(part), part.operations)
            for name, part in [*named, ("head", self.head)]
        ]
        own = [(name, self.further_head(name)) for name in self.importance]
        beside = [
            Part(f"head {name}", head.description, _parameters(head), head.operations)
            for name, head in own
        ]
        if self.norm is not None:
            words = "what the last layer hands on, normalised to mean 0 and variance 1"
            parts.insert(-1, Part("norm", words, _parameters(self.norm), 0))
        if self.pooling is not None:
            pooling = self.pooling
            counts = _parameters(pooling), pooling.operations
            parts.insert(-1, Part("pooling", pooling.description, *counts))
        return [*parts, *beside]

    def recurrent_layers(self) -> list[RecurrentLayer]:
        """Return the layers from the first to the last."""
        return [layer for layer in self.layers if isinstance(layer, RecurrentLayer)]

    def front(self, tokens: Tensor, numbers: Tensor | None = None) -> Activations:
        """Return what the first layer reads of all bases but those that `reach` needs.

        Parameters
        ----------
        tokens : Tensor, (left + length + right, rows)
            `outside` beyond the ends of a row.
        numbers : Tensor of float32, (left + length + right, rows, n_features), optional
            The bases' own features; NaN where one is missing, and beyond the ends of a row.
            Needed where the network reads some.
        """
        activations: Activations = self.embedding(tokens)
        if self.features is not None:
            assert numbers is not None  # noqa: S101 - the caller has them
            before, behind = self.embedding.reach
            own = self.features(numbers[before : len(numbers) - behind])
            activations = Activations.of_bases(torch.cat([activations.dense(), own], dim=-1))
        if self.convolution is not None:
            activations = self.convolution(activations)
        return activations

    def stacked(
        self,
        activations: Activations,
        read: Callable[[RecurrentLayer, Activations], Tensor],
        kept: Sequence[Tensor] = (),
        upto: int | None = None,
    ) -> Activations:
        """Return what the last layer hands on, or that before the one numbered `upto`.

        `read` and, for the first layers, `kept` are what these are given.
        """
        layers = self.recurrent_layers()[:upto]
        for layer, mask in itertools.zip_longest(layers, kept):
            activations = layer(activations, read, mask)
        return activations

    @property
    def has_hidden_states(self) -> bool:
        """Whether the head reads anything but the letters themselves."""
        learnt = self.embedding.weight is not None or self.convolution is not None
        return learnt or bool(self.layers)

    def hidden(self, activations: Activations) -> Tensor:
        """Return what the head reads of what the last layer handed on, (length, rows, units).

        With pooling, that is what is pooled.
        """
        dense = activations.dense()
        return dense if self.norm is None else self.norm(dense)

    def scores(self, activations: Activations) -> Tensor:
        """Return the head's scores of what the last layer handed on, (length, rows, states)."""
        scores: Tensor = self.head(self.hidden(activations))
        return scores

    def scores_of_records(self, activations: Activations, lengths: NDArray[np.int64]) -> Tensor:
        """Return the head's scores of whole records, (rows, states), with pooling."""
        assert self.pooling is not None  # noqa: S101 - the caller has looked
        scores: Tensor = self.head(self.pooling(self.hidden(activations), lengths))
        return scores

    def forward(
        self,
        tokens: Tensor,
        lengths: NDArray[np.int64],
        kept: Sequence[Tensor] = (),
        numbers: Tensor | None = None,
    ) -> Tensor:
        """Return the scores of whole records, (length, rows, states); pooled, (rows, states).

        Parameters are those of `scores_of_all`.
        """
        return self.scores_of_all(tokens, lengths, kept, numbers)[0]

    def scores_of_all(
        self,
        tokens: Tensor,
        lengths: NDArray[np.int64],
        kept: Sequence[Tensor] = (),
        numbers: Tensor | None = None,
    ) -> list[Tensor]:
        """Return the scores of the main head, as `forward`, and those of the further ones.

        Parameters
        ----------
        tokens : Tensor of uint8, (length, rows)
            Rows are ordered from the longest on, and padded behind their ends.
        lengths : ndarray of int64, (rows,)
            The first one is `length`.
        kept : sequence of Tensor
            What `dropout_masks` gives.
        numbers : Tensor of float32, (length, rows, n_features), optional
            The bases' own features, NaN where one is missing. Needed where the network reads some.
        """
        active = active_rows(lengths)
        if any(self.reach):
            inside = torch.from_numpy(active).to(tokens.device)[:, None] > torch.arange(
                tokens.shape[1], device=tokens.device
            )
            tokens = tokens.masked_fill(~inside, self.outside)
            tokens = nn.functional.pad(tokens, (0, 0, *self.reach), value=self.outside)
            if numbers is not None:
                numbers = numbers.masked_fill(~inside[..., None], torch.nan)
                numbers = nn.functional.pad(numbers, (0, 0, 0, 0, *self.reach), value=torch.nan)
        activations = self.front(tokens, numbers)
        stacked = self.stacked(activations, lambda layer, inner: layer.read(inner, active), kept)
        if self.pooling is not None:
            return [self.scores_of_records(stacked, lengths)]
        hidden = self.hidden(stacked)
        return [self.head(hidden), *(self.further_head(name)(hidden) for name in self.importance)]

    def dropout_masks(self, rows: int, generator: np.random.Generator) -> list[Tensor]:
        """Return by what each unit is multiplied that a layer hands on to the next.

        A mask is the same at every base of a row (Gal & Ghahramani 2016): noise that changed from
        base to base would be averaged away by whoever reads many of them.

        Returns
        -------
        list of Tensor
            One for each layer but the last, (rows, outputs); none without dropout.
        """
        if not self.dropout:
            return []
        return [
            torch.from_numpy(
                (generator.random((rows, layer.outputs)) >= self.dropout).astype(np.float32)
                / np.float32(1 - self.dropout)
            )
            for layer in self.recurrent_layers()[:-1]
        ]

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights from `generator`, as each part says."""
        self.head.initialise(generator)
        self.embedding.initialise(generator)
        if self.convolution is not None:
            self.convolution.initialise(generator)
        for layer in self.recurrent_layers():
            layer.initialise(generator, self.longest_memory)
        if self.norm is not None:
            self.norm.reset_parameters()
        if self.pooling is not None:
            self.pooling.initialise(generator)
        # Last, so that all else is drawn as it would be without them.
        for name in self.importance:
            self.further_head(name).initialise(generator)


def _parameters(part: nn.Module) -> int:
    return sum(parameter.numel() for parameter in part.parameters())
