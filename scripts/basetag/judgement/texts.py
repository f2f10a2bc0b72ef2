"""What a vocabulary covers: how many words of the splits it has, for metrics.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from basetag.corpus import Corpus
from basetag.segments import Segments
from basetag.vocabulary import Vocabulary

_AT_ONCE = 1 << 22


def vocabulary_section(corpus: Corpus, training: Segments, test: Segments) -> dict[str, Any]:
    """Return what metrics.json says of the words of texts.

    Parameters
    ----------
    corpus : Corpus
        Of texts.
    training, test : Segments

    Returns
    -------
    dict
        `of` and `fold_case`, how texts are split; `size`, words that are told apart; and of both
        splits how many words they have, and how many of these are unknown: `training_words`,
        `training_unknown`, `test_words`, `test_unknown`.
    """
    alphabet = corpus.alphabet
    if not isinstance(alphabet, Vocabulary):
        raise TypeError("the corpus is of letters")
    found: dict[str, Any] = {
        "of": alphabet.of,
        "fold_case": alphabet.fold_case,
        "size": len(alphabet.words),
    }
    for name, split in (("training", training), ("test", test)):
        parts = split.cut(_AT_ONCE).batches(_AT_ONCE)
        unknown = sum(
            int(np.count_nonzero(part.gathered(corpus.tokens) == alphabet.unknown))
            for part in parts
        )
        found[f"{name}_words"], found[f"{name}_unknown"] = split.bases, unknown
    return found
