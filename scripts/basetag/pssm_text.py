"""PSI-BLAST's position-specific scores in text files: what `psiblast -out_ascii_pssm` writes.

A folder has a file for each record, called by its name: a heading, a line of residues, then a row
for each residue of the record with its number, its letter, and a score for each of the twenty
residues (log odds, in half bits); further columns, and what stands below, are passed over. Rows are
held against the record's letters, so that a matrix of another sequence is no matrix of this one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import PROTEIN
from basetag.errors import InputError, nearest
from basetag.places import Places
from basetag.text_lines import decoded_blocks

#: The columns of scores, in this order whatever that of the file.
PSSM_COLUMNS = tuple(PROTEIN.letters)
#: What the file of a record is called behind its name.
ENDINGS = (".pssm", ".pssm.gz")

_N = len(PSSM_COLUMNS)
_UNKNOWN = "X"  # of residues that PSI-BLAST masked, or has no column for
_LEAST = "-I"  # a score that stands for minus infinity: not a number
_ADVICE = "is it what psiblast -out_ascii_pssm writes, and whole?"
_OTHER = "is it the matrix of another sequence?"


def read_pssm(path: Path, places: Places) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the scores of each record, and the base at which it begins.

    Parameters
    ----------
    path : Path
        A folder with a file for each record that has letters; or the file of the only record.
    places : Places
        The records; where their letters are known, rows are held against them.

    Yields
    ------
    start : int
        Among the bases of all records.
    values : ndarray of float32, (bases, 20)
        In the order of `PSSM_COLUMNS`; NaN where a score is minus infinity.

    Raises
    ------
    InputError
        Where a record has no file; at a row that cannot be read, is missing or superfluous, or
        has another letter than the record.
    """
    with_letters = np.flatnonzero(places.lengths).tolist()
    if path.is_file() and len(with_letters) > 1:
        raise InputError(
            f"one file has the scores of one record, and there are {len(with_letters):,}",
            file=path, advice="name a folder with a file for each, called by its name and .pssm",
        )  # fmt: skip
    for record in with_letters:
        file = path if path.is_file() else _file_of(places.names[record], path)
        letters = None if places.letters_of is None else places.letters_of(record)
        values = _read_file(file, places.names[record], int(places.lengths[record]), letters)
        yield int(places.starts[record]), values


def _file_of(record: str, folder: Path) -> Path:
    for ending in ENDINGS:
        if "/" not in record and (folder / f"{record}{ending}").is_file():
            return folder / f"{record}{ending}"
    like = nearest(f"{record}.pssm", sorted(own.name for own in folder.iterdir()))
    raise InputError(
        f"the folder has no file {record}.pssm",
        file=folder, record=record,
        advice=(f"did you mean {like!r}? " if like else "")
        + "Every record has one, called by its name and .pssm or .pssm.gz",
    )  # fmt: skip


def _read_file(path: Path, record: str, length: int, letters: str | None) -> NDArray[np.float32]:
    """Return the scores of one record, (bases, 20)."""
    values = np.full((length, _N), np.nan, dtype=np.float32)
    order: list[int] | None = None
    n_rows = 0
    for number, line in _lines(path):
        fields = line.split()
        if order is None:
            if sorted(fields[:_N]) == list(PSSM_COLUMNS):
                order = [PSSM_COLUMNS.index(letter) for letter in fields[:_N]]
            continue
        if not fields:
            break
        expected = "" if letters is None else letters[n_rows : n_rows + 1]
        found = _problem(fields, n_rows, length, expected)
        if found is not None:
            raise InputError(found[0], file=path, line=number, record=record, advice=found[1])
        values[n_rows, order] = _scores(fields[2 : _N + 2], path, number, record)
        n_rows += 1
    if order is None:
        raise InputError(
            "has no line with the twenty residues", file=path, record=record, advice=_ADVICE
        )
    if n_rows < length:
        raise InputError(
            f"has {n_rows} rows for its {length} residues", file=path, record=record,
            advice="is the file cut short, or the matrix of another sequence?",
        )  # fmt: skip
    return values


def _problem(fields: list[str], n_rows: int, length: int, expected: str) -> tuple[str, str] | None:
    """Return what is wrong with a row behind `n_rows` others, and what to do; None for nothing.

    `expected` is the record's letter, empty where nobody knows it.
    """
    if len(fields) < _N + 2:
        return f"the row has {len(fields)} columns, and {_N + 2} are the least", _ADVICE
    if fields[0] != str(n_rows + 1):
        return f"found the row {fields[0]!r} behind the row {n_rows}", _ADVICE
    if n_rows == length:
        return f"this is one row more than it has residues ({length})", _OTHER
    own = fields[1].upper()
    if expected and own not in (expected, _UNKNOWN):
        return f"the row is of {own!r}, and residue {n_rows + 1} is {expected!r}", _OTHER
    return None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for first, block in decoded_blocks(path):
        yield from enumerate(block, first)


def _scores(fields: list[str], path: Path, line: int, record: str) -> list[float]:
    found = []
    for field in fields:
        try:
            score = math.nan if field == _LEAST else float(field)
            if math.isinf(score) or "_" in field or (math.isnan(score) and field != _LEAST):
                raise ValueError
        except ValueError:
            raise InputError(
                f"{field!r} is no score", file=path, line=line, record=record, advice=_ADVICE
            ) from None
        found.append(score)
    return found
