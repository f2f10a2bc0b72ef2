"""Corpora of numeric series: what is told of each place is the number behind it.

Tokens say nothing, being all unknown; the numbers are the corpus' one feature, and those to be told
its targets. The label of a place is whether the series falls to the next one from the last that is
known, so that calls and probabilities are those of two states.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from basetag.alphabet import Alphabet
from basetag.corpus import NEXT_VALUE
from basetag.corpus_files import (
    DESCRIPTION,
    LABELS,
    RECORDS,
    TARGETS,
    TOKENS,
    CorpusCounts,
    Encoded,
    finish_corpus,
    growing_array,
)
from basetag.errors import InputError
from basetag.features import FEATURE_NAMES, FEATURES
from basetag.files import written_whole
from basetag.labelling.record_values import RecordValue, check_resolution, read_record_values
from basetag.letters import UNLABELLED
from basetag.series import FALLS, RISES, VALUE, last_known, next_values

_FILES = (TOKENS, LABELS, RECORDS, DESCRIPTION, TARGETS, FEATURES, FEATURE_NAMES)
#: What stands in a table where nobody knows a number.
MISSING = ("", "NA", "NaN", "nan", ".")
#: The name of the one series of a table without a column of records.
ONLY = "series"
_LARGEST = float(np.finfo(np.float32).max)


def write_series_corpus(
    folder: str | os.PathLike[str],
    path: str | os.PathLike[str],
    alphabet: Alphabet,
    states: Mapping[str, str],
    scheme: Mapping[str, str | None],
) -> CorpusCounts:
    """Encode the series of a table, a row for each time step.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie; written whole or not at all.
    path : path-like
        A table with a line of column names; the rows of one record stand together, in the order
        of time.
    alphabet : Alphabet
        Of which the unknown letter stands at each place.
    states : mapping of str to str
        Letter and name of what is at the last known number or above it, and of what is below.
    scheme : mapping
        Columns of the `value` and, unless it is None, of the `record`.

    Raises
    ------
    InputError
        What is wrong in the table: also what is neither a finite number nor one of `MISSING`,
        a record whose rows stand apart, and a table without two numbers in a row.
    """
    path = Path(path)
    names: list[str] = []
    lengths: list[int] = []
    seen: set[str] = set()
    told: list[float] = []
    column = str(scheme["value"])
    for row in read_record_values(path, record=scheme["record"], column=column):
        name = _name(row, scheme["record"], path)
        if not names or names[-1] != name:
            if name in seen:
                raise InputError(
                    "its rows do not stand together: another record is between them",
                    file=path, line=row.line, record=name,
                    advice="sort the table by record, and the rows of each by time",
                )  # fmt: skip
            seen.add(name)
            names.append(name)
            lengths.append(0)
        lengths[-1] += 1
        told.append(_number(row, column, name, path))
    while scheme["record"] is None and told and math.isnan(told[-1]):
        told.pop()  # empty lines at the end of a file are no steps
        lengths[-1] -= 1
    check_resolution(np.array(told), path, column)
    values, sizes = np.array(told, dtype=np.float32), np.array(lengths, dtype=np.int64)
    targets = next_values(values, sizes) if values.size else values
    known = ~np.isnan(targets)
    if not known.any():
        raise InputError(
            f"column {column!r} has no number with a known one behind it", file=path,
            advice="a series needs two numbers in a row at least; are the rows in order?",
        )  # fmt: skip
    labels = np.where(targets >= last_known(values, sizes), RISES, FALLS).astype(np.uint8)
    labels[~known] = UNLABELLED
    with written_whole(*(Path(folder) / name for name in _FILES)) as places:
        place = dict(zip(_FILES, places, strict=True))
        tokens = np.full(values.size, alphabet.unknown, dtype=np.uint8)
        for name, array in ((TOKENS, tokens), (LABELS, labels)):
            with growing_array(place[name]) as file:
                file.write(array.tobytes())
        for name, numbers in ((TARGETS, targets), (FEATURES, values[:, np.newaxis])):
            with place[name].open("wb") as file:
                np.save(file, numbers)
        place[FEATURE_NAMES].write_text(
            json.dumps({"features": [VALUE]}, indent=1) + "\n", encoding="utf-8"
        )
        counts = np.bincount(tokens, minlength=256), np.bincount(labels, minlength=256)
        return finish_corpus(
            place, alphabet, states, Encoded(names, lengths, counts[0]), counts[1],
            task=NEXT_VALUE, threshold=0.0,
            # Whoever reads numbers hangs on this file, which is small: a rerun looks at its bytes.
            digest=hashlib.sha256(values.tobytes()).hexdigest(),
        )  # fmt: skip


def _name(row: RecordValue, column: str | None, path: Path) -> str:
    """Return the record of a row."""
    if column is None:
        return ONLY
    if not row.record:
        raise InputError(
            f"column {column!r} is empty", file=path, line=row.line,
            advice="name the record of every row, or name no column of records",
        )  # fmt: skip
    return row.record


def _number(row: RecordValue, column: str, name: str, path: Path) -> float:
    """Return the number of a row, NaN where it is missing."""
    if row.value in MISSING:
        return math.nan
    try:
        value = math.nan if "_" in row.value else float(row.value)
    except ValueError:
        value = math.nan
    if abs(value) <= _LARGEST:  # NaN is not
        return value
    raise InputError(
        f"column {column!r} has {row.value!r}, which is no finite number",
        file=path, line=row.line, record=name,
        advice="write a number, such as 0.426 or 4.26e-1, or NA where nobody knows it"
        + ("; decimals stand behind a point" if "," in row.value else ""),
    )  # fmt: skip
