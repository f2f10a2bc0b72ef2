"""How generated sequences differ from what their network was trained on: letters and pairs of them.

Letters near each other are alike, so that errors are not those of independent draws: each side is
cut into about fifty stretches, and the spread among these tells how far a frequency may be off by
chance (the linearised variance of a ratio; Cochran 1977, Sampling techniques, chapter 6). Of a word
that is rare the stretches tell too little, so an error is at least that of independent draws at the
frequency of both sides together.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.word_kernels import count_words

#: Stretches that each side is cut into, about.
STRETCHES = 50
_SHORTEST = 20  # pairs over an end are not counted

Tokens = NDArray[np.uint8]
Counts = NDArray[np.int64]


def stretches(records: Iterable[Tokens], total: int) -> list[Tokens]:
    """Return records cut into about `STRETCHES` stretches of one length, ends apart; fewer of few.

    Parameters
    ----------
    records : iterable of ndarray of uint8, (letters,)
    total : int
        Letters of all.
    """
    longest = max(_SHORTEST, -(-total // STRETCHES))
    return [
        record[start : start + longest]
        for record in records
        for start in range(0, record.size, longest)
    ]


def compare_letters(
    generated: list[Tokens], training: list[Tokens], alphabet: Alphabet
) -> dict[str, Any]:
    """Hold the frequencies of letters and pairs in generated stretches against those of training.

    Parameters
    ----------
    generated, training : list of ndarray of uint8, (letters,)
        Stretches; see `stretches`. Ambiguous codes, and pairs with one, are not counted.
    alphabet : Alphabet

    Returns
    -------
    dict
        `letters` and `pairs`, a list each, and `gc` (None where the alphabet lacks G or C): of each
        `word`, the frequency and its standard error, `generated`, `generated_error`, `training`,
        `training_error`, and `z`, the difference in units of its standard error; an error is None
        of fewer than two stretches, and z where there is no error. `largest_z` is the largest of
        all, either sign.
    """
    sides = {"generated": generated, "training": training}
    found: dict[str, Any] = {}
    for name, k in (("letters", 1), ("pairs", 2)):
        counts = {side: _counts(own, alphabet.n_letters, k) for side, own in sides.items()}
        words = ["".join(word) for word in product(alphabet.letters, repeat=k)]
        found[name] = [
            _compared(word, {side: own[:, i] for side, own in counts.items()}, counts)
            for i, word in enumerate(words)
        ]
        if k == 1 and {"G", "C"} <= set(alphabet.letters):
            both = [alphabet.letters.index(letter) for letter in "GC"]
            own = {side: counts[side][:, both].sum(axis=1) for side in sides}
            found["gc"] = _compared("G or C", own, counts)
    found.setdefault("gc", None)
    every = [*found["letters"], *found["pairs"], *([found["gc"]] if found["gc"] else [])]
    sizes = [abs(row["z"]) for row in every if row["z"] is not None]
    return found | {"largest_z": max(sizes, default=None)}


def _counts(parts: list[Tokens], n_letters: int, k: int) -> Counts:
    """Return how often each word of k letters occurs in each stretch, (stretches, words)."""
    counts = np.zeros((len(parts), n_letters**k), dtype=np.int64)
    for part, own in zip(parts, counts, strict=True):
        count_words(np.ascontiguousarray(part), np.array([part.size]), n_letters, k, own)
    return counts


def _compared(word: str, own: dict[str, Counts], counts: dict[str, Counts]) -> dict[str, Any]:
    row: dict[str, Any] = {"word": word}
    of = {side: found.sum(axis=1) for side, found in counts.items()}
    everything = sum(int(found.sum()) for found in of.values())
    pooled = sum(int(found.sum()) for found in own.values()) / max(everything, 1)
    for side, found in own.items():
        row[side], row[f"{side}_error"] = _share(found, of[side], pooled)
    errors = [row["generated_error"], row["training_error"]]
    row["z"] = None
    if None not in errors and any(errors):
        row["z"] = (row["generated"] - row["training"]) / float(np.hypot(*errors))
    return row


def _share(own: Counts, of: Counts, pooled: float) -> tuple[float | None, float | None]:
    """Return a share over all stretches, and its standard error; `pooled` is that of both sides."""
    total, n = int(of.sum()), int(np.count_nonzero(of))
    if not total:
        return None, None
    share = float(own.sum() / total)
    if n < 2:
        return share, None
    residuals = own - share * of
    spread = float(np.sqrt(n / (n - 1) * (residuals**2).sum()) / total)
    return share, max(spread, float(np.sqrt(pooled * (1 - pooled) / total)))
