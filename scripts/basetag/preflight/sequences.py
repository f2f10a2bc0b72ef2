"""What sequences are, read before anything else is: names, lengths, letters.

Read as they are encoded later, so that what is wrong in them is told in the same words. Of very
long ones the letters of the first part alone are looked at; names and lengths are read of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus_files import all_empty, count_values, values_of
from basetag.fasta import LetterTable, encode_fasta
from basetag.left_out import MASKED, letters_to_tokens, without_case

#: Letters that are looked at, at least, before the rest is only counted.
MOST_LETTERS = 1_000_000_000

_LOWER_CASE = 128  # from which on values are those of lower-case letters


@dataclass(frozen=True)
class Survey:
    """What a FASTA file holds.

    Parameters
    ----------
    names : list of str
    lengths : list of int
        Of the records, in letters.
    counts : ndarray of int64, (256,)
        How often each value occurs among the letters that were looked at: all, but in very long
        files.
    """

    names: list[str]
    lengths: list[int]
    counts: NDArray[np.int64]

    @property
    def letters(self) -> int:
        """Letters of all records."""
        return sum(self.lengths)


def survey_fasta(path: Path, table: LetterTable, *, most_letters: int = MOST_LETTERS) -> Survey:
    """Read a FASTA file without keeping its letters.

    Parameters
    ----------
    path : Path
    table : LetterTable
        Of the letters that may stand there.
    most_letters : int
        From which on letters are not looked at any more.

    Raises
    ------
    InputError
        As `fasta.encode_fasta`, and where all records are empty.
    """
    names: list[str] = []
    lengths: list[int] = []
    counts = np.zeros(256, dtype=np.int64)
    order = values_of(table)
    for block in encode_fasta(path, table, most_letters=most_letters):
        if block.continued:
            lengths[-1] += block.continued
        names += block.names
        lengths += block.lengths
        count_values(np.frombuffer(block.values, dtype=np.uint8), order, counts)
    if not any(lengths):
        raise all_empty(len(names), path)
    return Survey(names, lengths, counts)


def letters_with_case(alphabet: Alphabet) -> LetterTable:
    """Return the table from letters to tokens that also tells lower case, where it is no letter."""
    return letters_to_tokens(alphabet, () if alphabet.case_sensitive else (MASKED,))


def about_sequences(survey: Survey, alphabet: Alphabet) -> dict[str, Any]:
    """Return what preflight.json says of sequences that were read by `letters_with_case`.

    Returns
    -------
    dict
        `records`, `empty_records`, `bases`; `letters`, how often each letter or ambiguous code
        occurs among the `letters_of` that were looked at; `unknown`, those of them that stand for
        several; `lower_case`, None where case tells letters apart.
    """
    tokens = survey.counts if alphabet.case_sensitive else without_case(survey.counts)
    ambiguous = dict(zip(alphabet.symbols, alphabet.is_ambiguous, strict=True))
    letters = {s: int(n) for s, n in zip(alphabet.symbols, tokens, strict=False) if n}
    return {
        "records": len(survey.names),
        "empty_records": survey.lengths.count(0),
        "bases": survey.letters,
        "letters": letters,
        "letters_of": int(survey.counts.sum()),
        "unknown": sum(n for s, n in letters.items() if ambiguous[s]),
        "lower_case": None if alphabet.case_sensitive else int(survey.counts[_LOWER_CASE:].sum()),
    }
