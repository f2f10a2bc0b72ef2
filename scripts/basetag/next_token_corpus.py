"""Corpora without labels: what is told of each letter is the letter behind it.

The states are the plain letters. A letter has no label at the end of its record, and where the one
behind it is an ambiguous code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus import NEXT_TOKEN
from basetag.corpus_files import (
    DESCRIPTION,
    LABELS,
    RECORDS,
    TOKENS,
    CorpusCounts,
    Encoded,
    all_empty,
    encode_letters,
    encode_records,
    finish_corpus,
    growing_array,
)
from basetag.files import written_whole
from basetag.labelling.genbank import read_genbank_sequences
from basetag.left_out import letters_to_tokens
from basetag.letters import UNLABELLED

_FILES = (TOKENS, LABELS, RECORDS, DESCRIPTION)
_AT_ONCE = 1 << 22


def write_next_token_corpus(
    folder: str | os.PathLike[str],
    sequences: str | os.PathLike[str],
    alphabet: Alphabet,
    states: Mapping[str, str],
    *,
    kind: str = "fasta",
) -> CorpusCounts:
    """Encode sequences, the label of each letter being the letter behind it.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie; written whole or not at all.
    sequences : path-like
        FASTA, or GenBank.
    alphabet : Alphabet
    states : mapping of str to str
        The plain letters, in the order of their tokens, with their names.
    kind : str
        Of the file: fasta or genbank.

    Raises
    ------
    InputError
        What is wrong in the file, also where it has no letters.
    ValueError
        For states that are not the plain letters.
    """
    if tuple(states) != tuple(alphabet.letters):
        raise ValueError(f"the states are {', '.join(states)}, not {alphabet.letters}")
    sequences = Path(sequences)
    table = letters_to_tokens(alphabet, ())
    with written_whole(*(Path(folder) / name for name in _FILES)) as places:
        place = dict(zip(_FILES, places, strict=True))
        if kind == "genbank":
            records = ((name, text) for name, _, text in read_genbank_sequences(sequences))
            encoded = encode_records(records, table, sequences, place[TOKENS])
        else:
            encoded = encode_letters(sequences, table, place[TOKENS])
        if not encoded.bases:
            raise all_empty(len(encoded.names), sequences)
        counts = _write_labels(place, encoded, alphabet.n_letters)
        return finish_corpus(place, alphabet, states, encoded, counts, task=NEXT_TOKEN)


def next_letters(
    tokens: NDArray[np.uint8], lengths: NDArray[np.int64], n_letters: int
) -> NDArray[np.uint8]:
    """Return the label of each letter of whole sequences, (bases,).

    Parameters
    ----------
    tokens : ndarray of uint8, (bases,)
        Sequences, one behind the other; plain letters lie below `n_letters`.
    lengths : ndarray of int64, (sequences,)
    n_letters : int
    """
    labels = np.full(tokens.size, UNLABELLED, dtype=np.uint8)
    labels[:-1] = tokens[1:]
    labels[labels >= n_letters] = UNLABELLED
    labels[np.cumsum(lengths)[lengths > 0] - 1] = UNLABELLED
    return labels


def _write_labels(place: Mapping[str, Path], encoded: Encoded, n_letters: int) -> NDArray[np.int64]:
    """Write the labels of what is encoded, chunk by chunk, and count them, (256,)."""
    tokens = np.load(place[TOKENS], mmap_mode="r")
    lengths = np.array(encoded.lengths, dtype=np.int64)
    last = np.cumsum(lengths)[lengths > 0] - 1
    counts = np.zeros(256, dtype=np.int64)
    with growing_array(place[LABELS]) as file:
        for start in range(0, tokens.size, _AT_ONCE):
            # One letter more is the label of the last one.
            here = np.asarray(tokens[start : start + _AT_ONCE + 1])
            size = min(_AT_ONCE, tokens.size - start)
            labels = next_letters(here, np.array([here.size]), n_letters)[:size]
            labels[last[(last >= start) & (last < start + size)] - start] = UNLABELLED
            file.write(labels.tobytes())
            counts += np.bincount(labels, minlength=256)
    return counts
