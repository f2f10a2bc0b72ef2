"""A trained network as a tagger: its file, its card, its posterior."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.architecture import chain_of, describe
from basetag.composition import training_composition
from basetag.corpus import Corpus
from basetag.errors import ConfigError, InputError
from basetag.features import BaseFeatures
from basetag.head_paths import chain_of_scores
from basetag.inference import MEMORY, Predictor
from basetag.networks.heads import ChainHead
from basetag.networks.number_head import NumberHead
from basetag.networks.pooling import WeighedPooling
from basetag.networks.tagger_network import TaggerNetwork
from basetag.segments import Segments
from basetag.series import last_known
from basetag.steps import Steps
from basetag.tagger import feature_names
from basetag.tagger_file import new_card, read_tagger, write_tagger
from basetag.viterbi import most_probable_path, path_of_posterior
from basetag.vocabulary import alphabet_of

log = logging.getLogger(__name__)


class NetworkTagger:
    """A trained network with the card that its file carries.

    Parameters
    ----------
    network : TaggerNetwork
    card : mapping
        See `basetag.tagger_file`; `architecture` holds the network's arguments.
    device : torch.device
        Where it predicts.
    memory : int
        Bytes that the process should stay below when it predicts.
    both_strands : bool, optional
        Whether predictions are the mean over a sequence and its reverse complement; what the
        card says without it.

    Raises
    ------
    ConfigError
        If both strands are asked for and the alphabet has one.
    """

    kind = "network"

    def __init__(
        self,
        network: TaggerNetwork,
        card: Mapping[str, Any],
        device: torch.device,
        *,
        memory: int = MEMORY,
        both_strands: bool | None = None,
    ) -> None:
        self.network = network.to(device)
        self.card = dict(card)
        complement = None
        if self.card["both_strands"] if both_strands is None else both_strands:
            complement = alphabet_of(card).complement
            if complement is None:
                raise ConfigError(
                    f"both strands are asked for, and sequences of {card['alphabet']!r} have only"
                    " one",
                    advice="leave both_strands away",
                )
        substates = self.card.get("substates")
        self._predictor = Predictor(
            self.network, device, memory=memory, complement=complement,
            mirror=self.card.get("mirror"),
            state_mirror=None if substates is None else substates["mirror"],
        )  # fmt: skip

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, NDArray[Any]],
        card: Mapping[str, Any],
        device: torch.device,
        *,
        memory: int = MEMORY,
        both_strands: bool | None = None,
    ) -> NetworkTagger:
        """Rebuild the network that `card` describes and give it its weights."""
        alphabet = alphabet_of(card)
        network = build_network(
            alphabet, card["states"], card["architecture"], len(feature_names(card)),
            card.get("substates"), card.get("target", {}).get("threshold"), card.get("heads", ()),
        )  # fmt: skip
        network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
        return cls(network, card, device, memory=memory, both_strands=both_strands)

    @classmethod
    def trained(
        cls,
        network: TaggerNetwork,
        corpus: Corpus,
        training: Segments,
        name: str,
        architecture: Mapping[str, Any],
        device: torch.device,
        *,
        both_strands: bool = False,
        steps: Steps | None = None,
    ) -> NetworkTagger:
        """Give a network that was trained on `training` its card.

        Parameters
        ----------
        network : TaggerNetwork
        corpus : Corpus
            With substates and further labels where the network was trained on these.
        training : Segments
        name : str
            What the config calls it.
        architecture : mapping
            What `build_network` made it from.
        device : torch.device
        both_strands : bool
            Whether predictions average a sequence and its reverse complement.
        steps : Steps, optional
            How states follow each other in training, where these are substates, or the other
            strand was read as well.
        """
        card = new_card(
            corpus,
            training,
            kind="network",
            name=name,
            description=describe(
                architecture, 0 if corpus.substates is None else len(corpus.substates.names)
            ),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            architecture=architecture,
            composition=training_composition(corpus, training),
        )
        parts = network.parts()
        if isinstance(network.head, NumberHead):
            card["target"] = {
                "threshold": network.head.threshold,
                "mean": float(network.head.mean),
                "deviation": float(network.head.deviation),
            }
        if corpus.further:
            card["heads"] = card_of_heads(corpus, network.importance)
            card["description"] += f", beside it {_listed(list(network.importance))}"
        card["both_strands"] = both_strands
        card["features"] = list(corpus.feature_names)
        if steps is not None:
            card["substates"] = card_of_substates(corpus, steps)
            card["path"] = {
                "label_of": list(steps.label_of),
                "prior": steps.frequencies.tolist(),
                "transition": steps.transition.tolist(),
            }
        card["parts"] = [part._asdict() for part in parts]
        strands = 2 if both_strands else 1
        card["operations_per_base"] = strands * sum(part.operations for part in parts)
        return cls(network, card, device)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tagger file, whole or not at all."""
        write_tagger(path, self.tensors(), self.card)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the weights by name, on the CPU."""
        return {
            name: value.detach().cpu().contiguous().numpy()
            for name, value in self.network.state_dict().items()
        }

    @property
    def description(self) -> str:
        """One line in words: cell, units, layers, directions."""
        return str(self.card["description"])

    def posterior(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        positions: NDArray[np.int64] | None = None,  # a network reads every sequence alike
        out: NDArray[np.float32] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return P(state | record), (bases, states); see `Predictor.posterior`.

        Raises
        ------
        InputError
            If the network reads features and those given are not they.
        """
        if self.tells_values:
            found = self.next_values(tokens, lengths, threads, features)[1]
            if out is None:
                return found
            out[:] = found
            return out
        torch.set_num_threads(threads)
        return self._predictor.posterior(tokens, lengths, out, self._read(features, tokens.size))

    @property
    def further_states(self) -> dict[str, tuple[str, ...]]:
        """The states of each further head, by its name."""
        return {head["name"]: tuple(head["states"]) for head in self.card.get("heads", ())}

    def further_posterior(
        self,
        name: str,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        out: NDArray[np.float32] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return P(state of the further head `name` | record), (bases, states), as `posterior`."""
        torch.set_num_threads(threads)
        features = self._read(features, tokens.size)
        return self._predictor.further_posterior(name, tokens, lengths, out, features)

    def most_probable_path(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        posterior: NDArray[np.float32],
        minimum_lengths: NDArray[np.int64],
        threads: int = 1,
        positions: NDArray[np.int64] | None = None,
        out: NDArray[np.uint8] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.uint8]:
        """Return the most probable states, (bases,): see `Tagger`.

        By the chain on top, where there is one; else, and where both strands are averaged, by the
        posteriors, those of the substates where it was trained on these.

        Raises
        ------
        ConfigError
            If the network labels whole sequences.
        """
        if self.network.pooling is not None:
            raise ConfigError(
                f"{self.card['name']!r} labels whole sequences, which have no path of states",
                advice="take decoding: argmax",
            )
        head = self.network.head
        by_posterior = not isinstance(head, ChainHead) or self._predictor.complement is not None
        if by_posterior and self.card.get("substates") is None:
            return path_of_posterior(self.card, posterior, lengths, minimum_lengths, threads, out)
        torch.set_num_threads(threads)
        features = self._read(features, tokens.size)
        if not by_posterior and (minimum_lengths <= 1).all():
            return self._predictor.path(tokens, lengths, out, features)
        with _rows_on_disk(tokens.size, head.out_features) as rows:
            if not isinstance(head, ChainHead) or by_posterior:
                self._predictor.state_posterior(tokens, lengths, rows, features)
                return path_of_posterior(self.card, rows, lengths, minimum_lengths, threads, out)
            self._predictor.scores(tokens, lengths, rows, features)
            chain = chain_of_scores(head, rows, lengths)
            return most_probable_path(chain, lengths, minimum_lengths, threads, out)

    def _read(self, features: BaseFeatures | None, bases: int) -> BaseFeatures | None:
        """Return the features that the network reads, or say what is wrong with those given."""
        names = feature_names(self.card)
        if names and (features is None or features.shape != (bases, len(names))):
            found = "none" if features is None else f"an array of the shape {features.shape}"
            raise InputError(
                f"{self.card['name']!r} reads {', '.join(names)} beside the letters, and was given"
                f" {found} for {bases} bases",
                advice="give an array of the shape (bases, features)",
            )
        return features if names else None

    def hidden(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        shown: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return what the head reads at the first `shown` bases of each sequence, (bases, units).

        No units where these are the letters themselves; see `Predictor.hidden`.
        """
        if not self.network.has_hidden_states:
            return np.empty((int(shown.sum()), 0), dtype=np.float32)
        torch.set_num_threads(threads)
        return self._predictor.hidden(tokens, lengths, shown, self._read(features, tokens.size))

    @property
    def tells_numbers(self) -> bool:
        """Whether each sequence as a whole has a number."""
        head = self.network.head
        return isinstance(head, NumberHead) and not head.of_places

    @property
    def tells_values(self) -> bool:
        """Whether each place of a series has a number: the next one."""
        head = self.network.head
        return isinstance(head, NumberHead) and head.of_places

    def next_values(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the next number of each place and its probabilities: see `TellsValues`."""
        torch.set_num_threads(threads)
        read = self._read(features, tokens.size)
        told = self._predictor.numbers(tokens, lengths, read).astype(np.float32)
        values = np.asarray(read, dtype=np.float32)[:, 0]
        change = np.nan_to_num(told - last_known(values, lengths))
        return told, self.posterior_of_numbers(change)

    def numbers(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return the number of each sequence, (sequences,): see `TellsNumbers`."""
        torch.set_num_threads(threads)
        told = self._predictor.numbers(tokens, lengths, self._read(features, tokens.size))
        numbers = np.full(lengths.size, np.nan, dtype=np.float32)
        numbers[lengths > 0] = told[np.cumsum(lengths)[lengths > 0] - 1]
        return numbers

    def posterior_of_numbers(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return P(label | number told), (sequences, 2): see `TellsNumbers`."""
        head = self.network.head
        assert isinstance(head, NumberHead)  # noqa: S101 - the caller has asked
        return head.posterior(torch.from_numpy(numbers).to(head.error.device)).cpu().numpy()

    def measure_error(self, corpus: Corpus, validation: Segments, threads: int = 1) -> None:
        """Keep the mean squared error of numbers on the validation split, by which labels are sure.

        Of a network that tells labels, nothing.
        """
        head = self.network.head
        if not isinstance(head, NumberHead) or corpus.targets is None:
            return
        total, count = 0.0, 0
        for part in validation.batches_of(corpus):
            tokens, features = part.gathered(corpus.tokens), part.gathered_features(corpus)
            if head.of_places:
                told = self.next_values(tokens, part.lengths, threads, features)[0]
                wanted = part.gathered(corpus.targets)
            else:
                told = self.numbers(tokens, part.lengths, threads, features)
                wanted = corpus.targets[part.record]
            known = ~np.isnan(wanted)
            total += float(((told[known].astype(np.float64) - wanted[known]) ** 2).sum())
            count += int(known.sum())
        head.set_error(total / max(1, count))
        self.card["target"]["error"] = float(head.error)

    @property
    def labels_records(self) -> bool:
        """Whether each sequence as a whole has one label: the network pools."""
        return self.network.pooling is not None

    def attention(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32] | None:
        """Return what each base weighs in its sequence, (bases,); see `Predictor.attention`.

        None where the network does not pool by attention.
        """
        if not isinstance(self.network.pooling, WeighedPooling):
            return None
        torch.set_num_threads(threads)
        return self._predictor.attention(
            tokens, lengths, features=self._read(features, tokens.size)
        )


@contextmanager
def _rows_on_disk(bases: int, n_states: int) -> Iterator[NDArray[np.float32]]:
    """Yield an array, (bases, states); of a chromosome it takes as much as its posteriors."""
    with tempfile.TemporaryFile() as file:
        shape = (max(1, bases), n_states)
        # A full disk is an error now, and not the end of the process later.
        os.posix_fallocate(file.fileno(), 0, 4 * shape[0] * shape[1])
        yield np.memmap(file, dtype=np.float32, mode="w+", shape=shape)[:bases]


def card_of_substates(corpus: Corpus, steps: Steps) -> dict[str, Any] | None:
    """Return what a network's card says of the substates that it is trained on; None of none.

    `names`; the label of each, `label_of`; what each becomes on the other strand, `mirror`; and
    for each those that may follow it in a chain, `allowed`.
    """
    if corpus.substates is None or steps.allowed is None:
        return None
    return {
        "names": list(corpus.substates.names),
        "label_of": list(corpus.substates.label_of),
        "mirror": list(corpus.substates.mirror),
        "allowed": steps.allowed.tolist(),
    }


def card_of_heads(corpus: Corpus, importance: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return what a network's card says of its further heads, in order.

    `name`, `states`, `state_names`, and as `weight` what its loss counts beside the main one.
    """
    return [
        {
            "name": own.name,
            "states": list(own.states),
            "state_names": dict(own.state_names),
            "weight": importance[own.name],
        }
        for own in corpus.further
    ]


def build_network(
    alphabet: Alphabet,
    states: Sequence[str],
    architecture: Mapping[str, Any],
    n_features: int = 0,
    substates: Mapping[str, Any] | None = None,
    threshold: float | None = None,
    heads: Sequence[Mapping[str, Any]] = (),
) -> TaggerNetwork:
    """Return the network of `architecture`, its weights not yet drawn or loaded.

    Parameters
    ----------
    alphabet : Alphabet
    states : sequence of str
        Letters of the labels, in order.
    architecture : mapping
        As `Config.train_settings` gives it.
    n_features : int
        How many numbers for each base its `features` are: a table has several.
    substates : mapping, optional
        What `card_of_substates` says of the data, where the network is trained on substates.
    threshold : float, optional
        What parts the states, where the network tells a number of each record.
    heads : sequence of mapping
        What `card_of_heads` says of further labels, where there are some.
    """
    apart = ("features", "substates")
    parts = {key: value for key, value in architecture.items() if key not in apart}
    chain = chain_of(parts.pop("head", "softmax"), states, substates)
    return TaggerNetwork(
        alphabet, len(states), head=chain, n_features=n_features,
        label_of=None if substates is None else substates["label_of"], threshold=threshold,
        further={head["name"]: (len(head["states"]), head["weight"]) for head in heads},
        **parts,
    )  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def load_network(
    path: str | os.PathLike[str], device: torch.device, *, memory: int = MEMORY
) -> NetworkTagger:
    """Read a trained network from its file.

    Parameters
    ----------
    path : path-like
        A tagger.safetensors.
    device : torch.device
        Where it predicts.
    memory : int
        Bytes that the process should stay below when it predicts.

    Raises
    ------
    InputError
        If the file is no tagger, or of a newer format.
    """
    tensors, card = read_tagger(path)
    return NetworkTagger.from_tensors(tensors, card, device, memory=memory)
