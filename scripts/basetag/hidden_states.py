"""The hidden states of the records that the report shows: hidden.npz.

What a network's head reads, or pools, at each base; of a network that labels records as wholes also
what each base does to its record's label. Written where a network predicts, read where a tagger is
judged; which records are shown is for `basetag.pieces`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.features import BaseFeatures
from basetag.files import written_whole
from basetag.pieces import shown_segments
from basetag.segments import Segments
from basetag.sequence_effects import is_affordable, mutagenesis
from basetag.tagger import Tagger

#: What hidden.npz has besides of a network that labels records as wholes.
EFFECTS = ("attention", "mutagenesis")


class HasHiddenStates(Tagger, Protocol):
    """A tagger whose hidden states can be looked at."""

    @property
    def labels_records(self) -> bool:
        """Whether each sequence as a whole has one label."""

    def attention(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32] | None:
        """Return what each base weighs in its sequence, (bases,); None where nothing is weighed."""

    def hidden(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        shown: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return the hidden states of the first `shown` bases of each sequence, (bases, units)."""


def write_hidden_states(
    path: str | os.PathLike[str],
    tagger: HasHiddenStates,
    corpus: Corpus,
    segments: Segments,
    *,
    records: int,
    bases: int,
    threads: int,
) -> None:
    """Write the hidden states of the shown bases, each segment being read as a whole.

    Parameters
    ----------
    path : path-like
        The target, hidden.npz: `lengths` int64 (segments,), and `hidden` float16 (bases, units),
        the segments one behind the other; no units where the head reads nothing but letters. Where
        the tagger labels records as wholes also `mutagenesis` float32 (bases, letters, labels), see
        `basetag.sequence_effects.mutagenesis`, NaN in segments for which it would take too long;
        and, where it pools by attention, `attention` float32 (bases,), the bases' weights, which
        sum to 1 over a whole segment.
    tagger : HasHiddenStates
    corpus : Corpus
        With the features that the tagger reads.
    segments : Segments
        The test split.
    records, bases : int
        See `shown_segments`.
    threads : int
        CPU threads of the tagger.
    """
    whole, shown = shown_segments(segments, records, bases)
    found: dict[str, list[NDArray[np.float32]]] = {"hidden": []}
    for index, n_shown in enumerate(shown.lengths.tolist()):
        part = whole.chosen(np.array([index]))  # one at a time: they may be chromosomes
        tokens, features = part.gathered(corpus.tokens), part.gathered_features(corpus)
        hidden = tagger.hidden(tokens, part.lengths, shown.lengths[[index]], threads, features)
        found["hidden"].append(hidden)
        if not tagger.labels_records:
            continue
        n_letters = corpus.alphabet.replacements.size
        effects = np.full((n_shown, n_letters, len(corpus.states)), np.nan, dtype=np.float32)
        if is_affordable(tokens.size, n_shown, n_letters):
            effects = mutagenesis(tagger, tokens, shown=n_shown, threads=threads, features=features)
        found.setdefault("mutagenesis", []).append(effects)
        weights = tagger.attention(tokens, part.lengths, threads, features)
        if weights is not None:
            found.setdefault("attention", []).append(weights[:n_shown])
    arrays = {name: np.concatenate(parts) for name, parts in found.items() if parts}
    states = arrays.pop("hidden", np.empty((0, 0), np.float32))
    largest = float(np.finfo(np.float16).max)
    with written_whole(path) as (place,):
        np.savez(
            place,
            allow_pickle=False,
            lengths=shown.lengths.astype(np.int64),
            hidden=np.clip(states, -largest, largest).astype(np.float16),
            **arrays,
        )


def read_hidden_states(path: str | os.PathLike[str], shown: Segments) -> NDArray[np.float16]:
    """Read what `write_hidden_states` wrote.

    Parameters
    ----------
    path : path-like
        A hidden.npz.
    shown : Segments
        What the report shows.

    Returns
    -------
    ndarray of float16, (bases, units)

    Raises
    ------
    InputError
        If the file holds something else, or other bases than those shown.
    """
    states: NDArray[np.float16] = _read(path, shown)["hidden"]
    return states


def read_effects(path: str | os.PathLike[str], shown: Segments) -> dict[str, NDArray[np.float32]]:
    """Read what each base does to its record's label, where `write_hidden_states` wrote that.

    Parameters
    ----------
    path, shown
        As for `read_hidden_states`.

    Returns
    -------
    dict
        `attention` (bases,) and `mutagenesis` (bases, letters, labels), those of them that are
        there; see `write_hidden_states`.

    Raises
    ------
    InputError
        As `read_hidden_states`.
    """
    arrays = _read(path, shown)
    return {name: arrays[name] for name in EFFECTS if name in arrays}


def _read(path: str | os.PathLike[str], shown: Segments) -> dict[str, NDArray[Any]]:
    """Read a hidden.npz that must hold the bases shown."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
            lengths, hidden = arrays["lengths"], arrays["hidden"]
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise InputError(f"cannot be read as hidden states ({error})", file=Path(path)) from None
    others = [len(arrays[name]) for name in EFFECTS if name in arrays]
    if not np.array_equal(lengths, shown.lengths) or {len(hidden), *others} != {shown.bases}:
        raise InputError(
            f"holds the hidden states of {len(hidden)} bases, and {shown.bases} are shown",
            file=Path(path),
            advice="predict again",
        )
    return arrays
