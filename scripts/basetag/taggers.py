"""Any tagger from its file: networks and baselines behind the same few names.

A tagger has a `card` (what its file says of itself) and `posterior` for tokens. `load_tagger` is
the one door to both kinds, and adds `predict` for plain strings. torch is imported only for a
network's file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.baselines import BASELINES
from basetag.decoding import ARGMAX, Decoding, call_states
from basetag.errors import ConfigError, InputError, nearest
from basetag.tagger import Tagger, TellsFurther, feature_names, tells_numbers
from basetag.tagger_card import labels_records, tells_classes
from basetag.tagger_file import read_tagger
from basetag.vocabulary import alphabet_of


@dataclass(frozen=True)
class Prediction:
    """What a tagger says of one sequence.

    Attributes
    ----------
    states : str
        The called state of each base, one letter per base.
    probabilities : ndarray of float32, (bases, states)
        P(state | sequence); the columns are in the order of the tagger's states.
    further : dict of str to ndarray of float32, (bases, states)
        The same of each further head, by its name, in the order of `LoadedTagger.further_states`.
    """

    states: str
    probabilities: NDArray[np.float32]
    further: dict[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class Classification:
    """What a tagger says of one sequence as a whole.

    Attributes
    ----------
    called : str
        Name of the most probable class.
    probabilities : dict of str to float
        Name of each class, in the tagger's order, to its probability.
    number : float or None
        What a tagger that was trained on numbers tells of the sequence; None of all others.
    """

    called: str
    probabilities: dict[str, float]
    number: float | None = None


@dataclass(frozen=True)
class LoadedTagger:
    """A tagger read from its file, ready for plain strings.

    Parameters
    ----------
    tagger : Tagger
    decoding : Decoding
        How it calls states.
    """

    tagger: Tagger
    decoding: Decoding = ARGMAX

    @property
    def alphabet(self) -> Alphabet:
        """The alphabet of its sequences."""
        return alphabet_of(self.tagger.card)

    @property
    def states(self) -> tuple[str, ...]:
        """One letter per state, in the order of the probabilities' columns."""
        return tuple(self.tagger.card["states"])

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features that it reads beside the letters, by column; none for most."""
        return feature_names(self.tagger.card)

    @property
    def further_states(self) -> dict[str, tuple[str, ...]]:
        """The letters of the states of each further head, by its name; none for most."""
        return self.tagger.further_states if isinstance(self.tagger, TellsFurther) else {}

    @property
    def tells_numbers(self) -> bool:
        """Whether it tells a number of each sequence, beside its class."""
        return tells_numbers(self.tagger)

    @property
    def class_names(self) -> list[str]:
        """What each state means, in the order of the probabilities."""
        return [self.tagger.card["state_names"][state] for state in self.states]

    def classify(
        self,
        sequences: Iterable[str],
        threads: int = 1,
        *,
        records: Sequence[str] | None = None,
        contexts: Sequence[str] | None = None,
    ) -> list[Classification]:
        """Tell the class of each sequence as a whole.

        Parameters
        ----------
        sequences : iterable of str
            In any case; ambiguous codes allowed.
        threads : int
            CPU threads to use.
        records : sequence of str, optional
            What each sequence is called in an error; without it, they are numbered.
        contexts : sequence of str, optional
            What each sequence comes with, of a tagger that was trained with such a column.

        Returns
        -------
        list of Classification
            In the order of `sequences`.

        Raises
        ------
        ConfigError
            If the tagger labels bases; without contexts where it reads them, and with them where
            not.
        InputError
            For a sequence without letters, or a letter outside the alphabet, with its place; for a
            text without words, and a context that training did not have.
        """
        card = self.tagger.card
        if not tells_classes(card):
            raise ConfigError(
                f"{card['name']!r} labels each base, and no sequence as a whole",
                advice="take predict, or a tagger made on a dataset with task: classify",
            )
        tokens, alphabet = [], self.alphabet
        if (contexts is None) == bool(alphabet.contexts):
            raise ConfigError(
                f"{card['name']!r} was trained with {'a' if alphabet.contexts else 'no'} column of "
                "what each sequence comes with",
                advice="give a table with that column: {table: new.tsv, context: allele}"
                if alphabet.contexts
                else "remove context",
            )
        for number, sequence in enumerate(sequences):
            name = f"sequence {number + 1}" if records is None else records[number]
            if not sequence:
                raise InputError(
                    "has no letters, and nothing to classify", record=name, advice="remove it"
                )
            own = alphabet.encode(sequence, record=name)
            if contexts is not None:
                own = np.append(_context_token(alphabet, contexts[number], name), own)
            tokens.append(own)
        if not tokens:
            return []
        lengths = np.array([part.size for part in tokens], dtype=np.int64)
        joined = np.concatenate(tokens)
        told: list[float | None] = [None] * lengths.size
        if tells_numbers(self.tagger):
            numbers = self.tagger.numbers(joined, lengths, threads)
            told, of_records = numbers.tolist(), self.tagger.posterior_of_numbers(numbers)
        else:
            posterior = self.tagger.posterior(joined, lengths, threads)
            of_records = posterior[np.cumsum(lengths) - 1]
        names = self.class_names
        return [
            Classification(
                names[int(row.argmax())], dict(zip(names, row.tolist(), strict=True)), number
            )
            for row, number in zip(of_records, told, strict=True)
        ]

    def predict(
        self,
        sequences: Iterable[str],
        threads: int = 1,
        features: Sequence[NDArray[np.floating]] | None = None,
    ) -> list[Prediction]:
        """Label every base of each sequence.

        Parameters
        ----------
        sequences : iterable of str
            In any case; ambiguous codes allowed.
        threads : int
            CPU threads to use.
        features : sequence of ndarray, (bases, features) each, optional
            For each sequence the numbers of its bases, a column for each of `feature_names`, NaN
            where one is missing. Needed where the tagger reads some, and else refused.

        Returns
        -------
        list of Prediction
            In the order of `sequences`.

        Raises
        ------
        InputError
            For a letter outside the alphabet, with the sequence's number and the position; for
            features that are missing or of another shape; where the decoding finds no path.
        ConfigError
            If the tagger tells the classes of whole sequences.
        """
        if labels_records(self.tagger.card):
            raise ConfigError(
                f"{self.tagger.card['name']!r} tells the class of a sequence as a whole, and "
                "labels no base",
                advice="take classify",
            )
        tokens = [
            self.alphabet.encode(sequence, record=f"sequence {number}")
            for number, sequence in enumerate(sequences, start=1)
        ]
        if not tokens:
            return []
        lengths = np.array([part.size for part in tokens], dtype=np.int64)
        joined, cuts = np.concatenate(tokens), np.cumsum(lengths)[:-1]
        numbers = _joined_features(features, lengths, self.feature_names)
        posterior = self.tagger.posterior(joined, lengths, threads, features=numbers)
        calls = call_states(
            self.tagger, joined, lengths, posterior, self.decoding, threads, features=numbers
        )
        letters = np.array(self.states)
        found = [
            Prediction("".join(letters[called]), part)
            for called, part in zip(np.split(calls, cuts), np.split(posterior, cuts), strict=True)
        ]
        if isinstance(self.tagger, TellsFurther):
            for name in self.further_states:
                of_head = self.tagger.further_posterior(
                    name, joined, lengths, threads, features=numbers
                )
                for prediction, part in zip(found, np.split(of_head, cuts), strict=True):
                    prediction.further[name] = part
        return found


def _joined_features(
    features: Sequence[NDArray[np.floating]] | None,
    lengths: NDArray[np.int64],
    names: tuple[str, ...],
) -> NDArray[np.float32] | None:
    """Return the features of all sequences one behind the other, if they are what is read."""
    if not names and features is None:
        return None
    if not names:
        raise InputError("the tagger reads no features", advice="leave features away")
    wanted = f"the tagger reads {', '.join(names)} beside the letters"
    if features is None or len(features) != len(lengths):
        found = "none are" if features is None else f"{len(features)} are"
        raise InputError(
            f"{wanted}, and {found} given for {len(lengths)} sequences",
            advice="give features: for each sequence an array of the shape (bases, features)",
        )
    for number, (part, length) in enumerate(zip(features, lengths, strict=True), start=1):
        if np.shape(part) != (length, len(names)):
            raise InputError(
                f"{wanted}, and is given an array of the shape {np.shape(part)}",
                record=f"sequence {number}",
                advice=f"its shape must be ({length}, {len(names)})",
            )
        infinite = np.isinf(part).any(axis=1)
        if infinite.any():
            raise InputError(
                "infinity is no number to read",
                record=f"sequence {number}",
                position=int(infinite.argmax()) + 1,
                advice="write NaN where a number is missing",
            )
    return np.concatenate([np.asarray(part, dtype=np.float32) for part in features])


def load_tagger(
    path: str | os.PathLike[str],
    gpus: int = 0,
    *,
    decoding: Decoding | str | Mapping[str, Any] = "argmax",
    memory: int | None = None,
    both_strands: bool | None = None,
) -> LoadedTagger:
    """Read any tagger from its file.

    Parameters
    ----------
    path : path-like
        A tagger.safetensors.
    gpus : int
        0 predicts on the CPU, 1 on a GPU, which stays claimed until the process ends and is
        waited for where other jobs have claimed all; baselines always run on the CPU.
    decoding : Decoding, str or mapping
        How states are called, as in a config: `argmax`, `viterbi`, or
        ``{"method": "viterbi", "minimum_length": 50}``.
    memory : int, optional
        Bytes that the process should stay below when a network predicts; 1 GiB without it.
    both_strands : bool, optional
        Whether a network's predictions are the mean over a sequence and its reverse complement;
        what its config said without it.

    Returns
    -------
    LoadedTagger

    Raises
    ------
    InputError
        If the file is no tagger or is of a newer format.
    DeviceError
        If a GPU was asked for and there is none, or more than one was.
    ConfigError
        If both strands are asked of a baseline, or where the alphabet has one; and for a decoding
        that there is not, or lengths of states that the tagger does not have.
    """
    chosen = Decoding.of(decoding)
    tensors, card = read_tagger(path)
    chosen.minimum_lengths(card["states"])  # refuses strange ones before a GPU is waited for
    if card["kind"] != "network":
        if both_strands:
            raise ConfigError(
                f"both strands are asked for, and {card['name']!r} is a baseline, which reads one",
                advice="leave both_strands away, or take a network",
            )
        return LoadedTagger(BASELINES[card["architecture"]["baseline"]](card, tensors), chosen)
    from basetag.devices import choose_device
    from basetag.inference import MEMORY
    from basetag.network_tagger import NetworkTagger

    return LoadedTagger(
        NetworkTagger.from_tensors(
            tensors,
            card,
            choose_device(gpus),
            memory=MEMORY if memory is None else memory,
            both_strands=both_strands,
        ),
        chosen,
    )


def _context_token(alphabet: Alphabet, word: str, record: str) -> NDArray[np.uint8]:
    """Return the token of what a sequence comes with, (1,)."""
    if word not in alphabet.contexts:
        like = nearest(word, alphabet.contexts)
        raise InputError(
            f"comes with {word!r}, which training did not have",
            record=record,
            advice="leave it out" if like is None else f"did you mean {like!r}?",
        )
    return np.array([alphabet.context_token(word)], dtype=np.uint8)
