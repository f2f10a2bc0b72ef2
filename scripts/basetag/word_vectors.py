"""Vectors of words (k-mers) from a file: the text format of word2vec, which dna2vec writes too.

A word and its numbers on a line, separated by blanks; a first line with the counts of words and
of numbers may stand above them.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import NOT_A_LETTER, Alphabet
from basetag.errors import InputError


def read_word_vectors(
    path: str | os.PathLike[str], alphabet: Alphabet, k: int, dimensions: int
) -> NDArray[np.float32]:
    """Read the vectors of all words of `k` plain letters.

    Parameters
    ----------
    path : path-like
        Plain text, or gzipped where the name ends in .gz. Words of other lengths are passed over:
        dna2vec keeps several in one file.
    alphabet : Alphabet
    k : int
    dimensions : int

    Returns
    -------
    ndarray of float32, (letters ** k, dimensions)
        In the alphabetical order of the alphabet's letters.

    Raises
    ------
    InputError
        For a line that is no word with `dimensions` finite numbers, a word given twice, or one
        that is missing.
    """
    file = os.fspath(path)
    vectors = np.full((alphabet.n_letters**k, dimensions), np.nan, dtype=np.float32)
    found = 0
    for number, (word, *numbers) in _lines(path):
        if len(word) != k or word.startswith("<"):
            continue  # </s> and <unk> are words of texts
        tokens = alphabet.token_of_byte[np.frombuffer(word.encode(), dtype=np.uint8)]
        if tokens.size != k or (tokens == NOT_A_LETTER).any():
            raise InputError(
                f"{word!r} is no word of the alphabet {alphabet.name!r}",
                file=file, line=number, advice=f"its letters are {alphabet.letters}",
            )  # fmt: skip
        if (tokens >= alphabet.n_letters).any():
            continue  # a word with an ambiguous letter is the mean of those that it may be
        if len(numbers) != dimensions:
            raise InputError(
                f"{word} has {len(numbers)} numbers, and {dimensions} dimensions were asked for",
                file=file, line=number, advice=f"give dimensions: {len(numbers)}",
            )  # fmt: skip
        try:
            vector = np.array(numbers, dtype=np.float32)
        except ValueError:
            vector = np.array([np.nan])
        if not np.isfinite(vector).all():
            raise InputError(
                f"what follows {word} are no finite numbers",
                file=file, line=number, advice="correct the line",
            )  # fmt: skip
        at = int(tokens @ alphabet.n_letters ** np.arange(k - 1, -1, -1))
        if not np.isnan(vectors[at, 0]):
            raise InputError(
                f"{word} is given twice", file=file, line=number, advice="remove one of the lines"
            )
        vectors[at] = vector
        found += 1
    if found < len(vectors):
        missing = int(np.isnan(vectors[:, 0]).argmax())
        letters = [
            alphabet.letters[missing // alphabet.n_letters**place % alphabet.n_letters]
            for place in range(k - 1, -1, -1)
        ]
        raise InputError(
            f"of the {len(vectors)} words of {k} letters {len(vectors) - found} are missing, the"
            f" first is {''.join(letters)}",
            file=file,
            advice="add them, or take a k that the file has",
        )
    return vectors


def _lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line and its fields, a header and empty lines left out."""
    path = Path(path)
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                fields = line.split()
                header = number == 1 and len(fields) == 2 and all(map(str.isdigit, fields))
                if fields and not header:
                    yield number, fields
    except (OSError, UnicodeDecodeError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read as text ({error})", file=os.fspath(path)) from None
