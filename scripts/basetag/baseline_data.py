"""What a baseline is fitted on, and what its fitting gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.baseline import Grouping, Lengths, Tensors, Tokens
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import ConfigError
from basetag.hmm import HMM
from basetag.segments import Segments

_BASES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class FittingData:
    """What a baseline may be fitted on.

    Parameters
    ----------
    corpus : Corpus
        With labels.
    split : mapping of str to Segments
    hmm_settings : mapping, optional
        `HMMSpec.settings` of a model that is given.
    """

    corpus: Corpus
    split: Mapping[str, Segments]
    hmm_settings: Mapping[str, Any] | None

    def batches(self, split: str) -> Iterator[tuple[Tokens, NDArray[np.uint8], Lengths]]:
        """Yield tokens, labels and lengths of the segments, some millions of bases at once."""
        segments = self.split[split]
        batch = np.cumsum(segments.lengths) // _BASES_AT_ONCE
        for number in np.unique(batch):
            yield self.gathered(segments.chosen(batch == number))

    def gathered(self, segments: Segments) -> tuple[Tokens, NDArray[np.uint8], Lengths]:
        """Return tokens and labels, (bases,), and lengths of the segments."""
        assert self.corpus.labels is not None  # noqa: S101
        tokens, labels = (segments.gathered(v) for v in (self.corpus.tokens, self.corpus.labels))
        return tokens, labels, segments.lengths

    def labels_by(self, split: str, rule: Grouping, size: int) -> NDArray[np.int64]:
        """Count the labels of the bases of each of `size` groups, (groups, states)."""
        n_states = len(self.corpus.states)
        counts = np.zeros(size * n_states, dtype=np.int64)
        for tokens, labels, lengths in self.batches(split):
            for here, group in rule.of_bases(tokens, lengths):
                known = labels[here] != UNLABELLED
                cell = group[known].astype(np.int64) * n_states + labels[here][known]
                counts += np.bincount(cell, minlength=counts.size)
        return counts.reshape(size, n_states)

    def given_hmm(self) -> HMM:
        """Return the model that is given, its labels in the dataset's order.

        Raises
        ------
        ConfigError
            Where none is, or where its labels are not the dataset's states.
        """
        if self.hmm_settings is None:
            raise ConfigError(
                "exact posteriors come from the simulating HMM, and the dataset is not simulated",
                advice="take hmm, hmm_counts or hmm_em",
            )
        hmm = HMM.from_settings(self.hmm_settings)
        if set(hmm.labels) != set(self.corpus.states):
            raise ConfigError(
                f"the HMM has the states {', '.join(hmm.labels)}, the dataset "
                f"{', '.join(self.corpus.states)}"
            )
        return replace(hmm, labels=self.corpus.states)


@dataclass(frozen=True)
class Fitted:
    """What fitting gives: the arrays, and what the card says of them."""

    tensors: Tensors
    description: str
    parameters: int
    architecture: dict[str, Any] = field(default_factory=dict)
