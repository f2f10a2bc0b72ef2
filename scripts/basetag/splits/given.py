"""A split that somebody gives, record by record: by names, or by a column of a table.

Nothing is drawn, and copies may lie on different sides: what training holds of the test split is
marked instead (`matches`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError, nearest
from basetag.labelling.record_values import RecordValue, read_record_values
from basetag.segments import whole_records
from basetag.splits.table import SPLITS, Split

_NONE = -1
_MOST_NAMES = 10_000  # among which one like a wrong one is looked for
_SHOWN = 5


def split_by_name(
    corpus: Corpus, names: Mapping[str, Sequence[str]], rest: str | None = None
) -> Split:
    """Return the split that gives each record to the list that names it.

    Parameters
    ----------
    corpus : Corpus
    names : mapping of str to sequence of str
        For each of `SPLITS` names of records, or patterns as a shell has them: `*`, `?`, `[…]`.
        Upper and lower case differ.
    rest : str, optional
        Split of the records that none names; without it they belong to none.

    Raises
    ------
    InputError
        For a name or pattern that no record has, a record in two lists, and an empty split.
    """
    index_of = {name: index for index, name in enumerate(corpus.names)}
    assignment = np.full(len(corpus.names), _NONE, dtype=np.int64)
    named_by: dict[int, str] = {}
    for number, split in enumerate(SPLITS):
        for word in names[split]:
            found = _records_named(word, index_of, corpus.names)
            if not found and word in corpus.duplicates:
                continue
            if not found:
                raise _unknown(f"{split} names {word!r}, and no record is called so", word, corpus)
            for record in found:
                if assignment[record] not in (_NONE, number):
                    raise InputError(
                        f"{SPLITS[assignment[record]]} (by {named_by[record]!r}) and {split} "
                        f"(by {word!r}) both name it",
                        record=corpus.names[record],
                        advice="name each record in one list; `rest` takes what no list names",
                    )
                assignment[record] = number
                named_by[record] = word
    if rest is not None:
        assignment[assignment == _NONE] = SPLITS.index(rest)
    return _given(corpus, assignment, "name other records")


def split_by_table(
    corpus: Corpus,
    path: str | os.PathLike[str],
    *,
    record: str,
    column: str,
    values: Mapping[str, Sequence[str]],
) -> Split:
    """Return the split that a column of a table gives.

    Parameters
    ----------
    corpus : Corpus
    path : path-like
        Parted by tabs, commas or semicolons; plain, gzip or BGZF.
    record, column : str
        Columns of the records' names and of what decides.
    values : mapping of str to sequence of str
        For each of `SPLITS`, and for `unused`, the values that stand for it.

    Raises
    ------
    InputError
        For a table that cannot be read, a record that the corpus lacks or that has two values, a
        value that stands for nothing, a record without a row, and an empty split.
    """
    path = Path(path)
    index_of = {name: index for index, name in enumerate(corpus.names)}
    split_of = dict.fromkeys(values.get("unused", ()), _NONE)
    for number, split in enumerate(SPLITS):
        split_of |= dict.fromkeys(values[split], number)
    assignment = np.full(len(corpus.names), _NONE, dtype=np.int64)
    first: dict[int, RecordValue] = {}
    for row in read_record_values(path, record=record, column=column):
        own = index_of.get(row.record)
        if own is None and row.record in corpus.duplicates:
            continue
        if own is None:
            problem = f"the sequences have no record {row.record!r}"
            raise _unknown(problem, row.record, corpus, file=path, line=row.line)
        if row.value not in split_of:
            known = ", ".join(repr(value) for value in split_of)
            raise InputError(
                f"{row.value!r} stands for no split"
                if row.value
                else f"column {column!r} is empty",
                file=path, line=row.line, record=row.record,
                advice=f"split.values has {known}; add it there, to `unused` if to no split",
            )  # fmt: skip
        before = first.setdefault(own, row)
        if before.value != row.value:
            raise InputError(
                f"is {row.value!r} here and {before.value!r} in line {before.line}",
                file=path, line=row.line, record=row.record, advice="give each record one value",
            )  # fmt: skip
        assignment[own] = split_of[row.value]
    with_bases = np.flatnonzero(corpus.lengths).tolist()
    missing = [corpus.names[index] for index in with_bases if index not in first]
    if missing:
        others = f" (nor {len(missing) - 1:,} others)" if len(missing) > 1 else ""
        raise InputError(
            f"has no row for the record {missing[0]!r}{others}",
            file=path,
            advice="give every record of the sequences one",
        )
    return _given(corpus, assignment, "correct split.values, or the table", path)


def _records_named(word: str, index_of: Mapping[str, int], names: Sequence[str]) -> list[int]:
    """Return the records of that very name, else those that fit it as a pattern."""
    if word in index_of:
        return [index_of[word]]
    if not re.search(r"[*?[]", word):
        return []
    fits = re.compile(translate(word)).match
    return [index for index, name in enumerate(names) if fits(name)]


def _given(
    corpus: Corpus, assignment: NDArray[np.int64], advice: str, file: Path | None = None
) -> Split:
    """Return the split of whole records, (records of the corpus,) of them assigned."""
    records = whole_records(corpus)
    assigned = assignment[records.record]
    chosen = assigned != _NONE
    for number, split in enumerate(SPLITS):
        if not (assigned == number).any():
            empty = " but empty ones" if (assignment == number).any() else ""
            raise InputError(
                f"no record{empty} belongs to the split {split}", file=file, advice=advice
            )
    segments = records.chosen(chosen)
    return Split(segments, assigned[chosen], left_out=records.bases - segments.bases)


def _unknown(
    problem: str, name: str, corpus: Corpus, file: Path | None = None, line: int | None = None
) -> InputError:
    """Return the error for a name that is no record's."""
    like = nearest(name, corpus.names[:_MOST_NAMES])
    more = ", …" if len(corpus.names) > _SHOWN else ""
    known = f"the records are {', '.join(corpus.names[:_SHOWN])}{more}"
    return InputError(
        problem, file=file, line=line, advice=f"did you mean {like!r}?" if like else known
    )
