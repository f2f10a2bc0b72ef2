"""Corpora of records that have a class or a number each: from a table, or from FASTA and a table.

The class of a record stands at its last base, all others are unlabelled. So a corpus of classes has
the files of every other one, and whoever reads labels finds one for each record. Numbers stand in a
file of their own beside it; the class of a record is then whether its number reaches a threshold.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus import CLASSIFY, REGRESS
from basetag.corpus_files import (
    DESCRIPTION,
    LABELS,
    RECORDS,
    TARGET_TABLE,
    TARGETS,
    TOKENS,
    CorpusCounts,
    Encoded,
    encode_letters,
    finish_corpus,
    growing_array,
)
from basetag.errors import InputError, nearest
from basetag.fasta import LetterTable
from basetag.files import written_whole
from basetag.labelling.record_values import check_resolution, read_record_values
from basetag.labelling.sequence_table import read_sequence_table
from basetag.left_out import letters_to_tokens
from basetag.letters import UNLABELLED

#: Files of every corpus of records.
FILES = (TOKENS, LABELS, RECORDS, DESCRIPTION)
#: Labels of records whose number reaches the threshold, and of the others.
ABOVE, BELOW = 0, 1
_MOST_NAMES = 10_000  # among which one like a wrong one is looked for

AnyPath = str | os.PathLike[str]
Floats = NDArray[np.float64]


class Told(Protocol):
    """What a column says of records."""

    @property
    def task(self) -> str:
        """What the corpus is for."""

    @property
    def files(self) -> tuple[str, ...]:
        """Files of the corpus besides those of every one."""

    @property
    def threshold(self) -> float | None:
        """What parts the classes, if they come from numbers."""

    @property
    def one(self) -> str:
        """In words: one of it."""

    @property
    def nothing(self) -> str:
        """In words: what is left to do where a record has no letters."""

    def value(self, text: str, path: Path, row: Any) -> float:
        """Return what the column says as a number, or raise InputError at its row."""

    def check(self, values: Floats, path: Path) -> None:
        """Raise InputError where the values of all records, (records,), are of no use."""

    def labels(self, values: Floats) -> NDArray[np.uint8]:
        """Return the class of each record, (records,)."""

    def write(self, place: Mapping[str, Path], names: Sequence[str], values: Floats) -> None:
        """Write the files besides those of every corpus."""


class _Classes:
    """A column of classes; as a number, a class is its label."""

    task = CLASSIFY
    files: tuple[str, ...] = ()
    threshold: float | None = None
    one, nothing = "class", "nothing to classify"

    def __init__(self, scheme: Mapping[str, Any]) -> None:
        self._column = scheme["label"]
        self._label_of = {value: label for label, value in enumerate(scheme["classes"])}

    def value(self, text: str, path: Path, row: Any) -> float:
        if text in self._label_of:
            return self._label_of[text]
        known = ", ".join(repr(name) for name in self._label_of)
        like = nearest(text, list(self._label_of))
        raise InputError(
            f"{text!r} is no class" if text else f"column {self._column!r} is empty",
            file=path, line=row.line, record=_name(row),
            advice=(f"did you mean {like!r}? " if like else "")
            + f"the config's classes are {known}",
        )  # fmt: skip

    def check(self, values: Floats, path: Path) -> None:
        """Refuse nothing."""

    def labels(self, values: Floats) -> NDArray[np.uint8]:
        return values.astype(np.uint8)

    def write(self, place: Mapping[str, Path], names: Sequence[str], values: Floats) -> None:
        """Write nothing."""


class _Targets:
    """A column of numbers."""

    task, files = REGRESS, (TARGETS, TARGET_TABLE)
    one, nothing = "number", "nothing to tell a number of"

    def __init__(self, scheme: Mapping[str, Any]) -> None:
        self._column = scheme["target"]
        self.threshold = float(scheme["threshold"])

    def value(self, text: str, path: Path, row: Any) -> float:
        try:
            value = math.nan if "_" in text else float(text)
        except ValueError:
            value = math.nan
        if abs(value) <= float(np.finfo(np.float32).max):  # NaN is not
            return value
        raise InputError(
            f"column {self._column!r} has {text!r}, which is no finite number"
            if text
            else f"column {self._column!r} is empty",
            file=path, line=row.line, record=_name(row),
            advice="give every record a number, such as 0.426 or 4.26e-1, or remove the record",
        )  # fmt: skip

    def check(self, values: Floats, path: Path) -> None:
        check_resolution(values, path, str(self._column))

    def labels(self, values: Floats) -> NDArray[np.uint8]:
        # Both as they are stored: of equal texts none is below the other.
        reached = values.astype(np.float32) >= np.float32(self.threshold)
        return np.where(reached, ABOVE, BELOW).astype(np.uint8)

    def write(self, place: Mapping[str, Path], names: Sequence[str], values: Floats) -> None:
        targets = values.astype(np.float32)
        with place[TARGETS].open("wb") as file:
            np.save(file, targets)
        with place[TARGET_TABLE].open("w", encoding="utf-8", newline="\n") as table:
            table.write("record\ttarget\n")
            for name, target in zip(names, targets, strict=True):
                table.write(f"{name}\t{target!s}\n")


def told_by(scheme: Mapping[str, Any]) -> Told:
    """Return what a scheme, as that of `write_classified_table`, says is told of records."""
    return _Targets(scheme) if "target" in scheme else _Classes(scheme)


def _name(row: Any) -> str:
    """Return the record of a row of either kind of table."""
    return str(row.record if hasattr(row, "record") else row.name)


def write_classified_table(
    folder: AnyPath,
    path: AnyPath,
    alphabet: Alphabet,
    states: Mapping[str, str],
    scheme: Mapping[str, Any],
) -> CorpusCounts:
    """Encode a table with a sequence and its class, or number, on each row.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie; written whole or not at all.
    path : path-like
        What `sequence_table.read_sequence_table` reads.
    alphabet : Alphabet
    states : mapping of str to str
        A letter for each class, and its name.
    scheme : mapping
        Columns of the `sequence`, the `label`, the `name` and the `context`; `classes`, the values
        that stand for them, in order. Of numbers, in place of `label` and `classes` the column
        `target`, and the `threshold` that the first class reaches.

    Raises
    ------
    InputError
        What is wrong in the table: also a row without letters, a class that is not named, and what
        is no finite number.
    """
    path = Path(path)
    letters, context = LetterTable.of_alphabet(alphabet), scheme.get("context")
    if context is not None:
        words = _contexts(path, scheme["sequence"], context)
        try:
            alphabet = alphabet.with_contexts(words)
        except InputError as error:
            raise InputError(f"column {context!r}: {error}", file=path) from error
    tokens = letters_to_tokens(alphabet, ())
    told = told_by(scheme)
    names: list[str] = []
    lengths: list[int] = []
    values: list[float] = []
    counts = np.zeros(256, dtype=np.int64)
    files = FILES + told.files
    with written_whole(*(Path(folder) / name for name in files)) as places:
        place = dict(zip(files, places, strict=True))
        rows = read_sequence_table(
            path,
            sequence=scheme["sequence"],
            states=None,
            name=scheme["name"],
            others=(
                scheme["target" if "target" in scheme else "label"],
                *(() if context is None else (context,)),
            ),
            letters=letters,
        )
        with growing_array(place[TOKENS]) as file:
            for row in rows:
                if not row.sequence:
                    raise _empty(told, row.name, path, row.line)
                values.append(told.value(row.others[0], path, row))
                own = row.sequence.encode("ascii").translate(tokens.values)
                if context is not None:
                    own = bytes([alphabet.context_token(row.others[1])]) + own
                names.append(row.name)
                lengths.append(len(own))
                file.write(own)
                counts += np.bincount(np.frombuffer(own, dtype=np.uint8), minlength=256)
        told.check(np.array(values), path)
        encoded = Encoded(names, lengths, counts)
        return finish_records(place, alphabet, states, encoded, told, np.array(values))


def write_classified_fasta(
    folder: AnyPath,
    sequences: AnyPath,
    classes: AnyPath,
    alphabet: Alphabet,
    states: Mapping[str, str],
    scheme: Mapping[str, Any],
) -> CorpusCounts:
    """Encode a FASTA file whose records' classes, or numbers, stand in a table.

    Parameters
    ----------
    folder, alphabet, states
        As `write_classified_table`.
    sequences : path-like
        FASTA; what `fasta.encode_fasta` reads.
    classes : path-like
        A table with a row for each record, in any order.
    scheme : mapping
        Its columns of the `record` and the `label`; `classes`, the values that stand for them, in
        order. Of numbers as for `write_classified_table`.

    Raises
    ------
    InputError
        What is wrong in either file: also a record without letters, without a class or with two,
        and a class that is not named, or of a record that the sequences lack.
    """
    sequences, classes = Path(sequences), Path(classes)
    told = told_by(scheme)
    files = FILES + told.files
    with written_whole(*(Path(folder) / name for name in files)) as places:
        place = dict(zip(files, places, strict=True))
        encoded = encode_letters(sequences, letters_to_tokens(alphabet, ()), place[TOKENS])
        for name, length in zip(encoded.names, encoded.lengths, strict=True):
            if not length:
                raise _empty(told, name, sequences)
        values = _values_of(encoded.names, classes, scheme, told, sequences)
        told.check(values, classes)
        return finish_records(place, alphabet, states, encoded, told, values)


def _contexts(path: Path, sequence: Any, column: Any) -> list[str]:
    """Return the different words of a column, in order."""
    words = set()
    for row in read_sequence_table(path, sequence=sequence, states=None, others=(column,)):
        if not row.others[0]:
            raise InputError(
                f"column {column!r} is empty", file=path, line=row.line, record=row.name,
                advice="give every sequence a context, or name no column of them",
            )  # fmt: skip
        words.add(row.others[0])
    return sorted(words)


def _values_of(
    names: Sequence[str], path: Path, scheme: Mapping[str, Any], told: Told, sequences: Path
) -> Floats:
    """Return what is told of each record, (records,)."""
    index_of = {name: index for index, name in enumerate(names)}
    values = np.full(len(names), np.nan)
    column = scheme["target" if "target" in scheme else "label"]
    for row in read_record_values(path, record=scheme["record"], column=column):
        index = index_of.get(row.record)
        if index is None:
            like = nearest(row.record, names[:_MOST_NAMES])
            raise InputError(
                f"{sequences} has no record {row.record!r}", file=path, line=row.line,
                advice=f"did you mean {like!r}?" if like else "remove the row, or name its record",
            )  # fmt: skip
        value = told.value(row.value, path, row)
        if not np.isnan(values[index]) and values[index] != value:
            raise InputError(
                f"another row gives it another {told.one}",
                file=path, line=row.line, record=row.record, advice="keep one of the two",
            )  # fmt: skip
        values[index] = value
    without = np.flatnonzero(np.isnan(values))
    if without.size:
        more = f", and {without.size - 1} more have none" if without.size > 1 else ""
        raise InputError(
            f"has no row for the record {names[without[0]]!r} of {sequences}{more}", file=path,
            advice=f"every record needs a {told.one}",
        )  # fmt: skip
    return values


def _empty(told: Told, name: str, path: Path, line: int | None = None) -> InputError:
    return InputError(
        f"has no letters, and {told.nothing}", file=path, line=line, record=name,
        advice="remove it",
    )  # fmt: skip


def finish_records(
    place: Mapping[str, Path],
    alphabet: Alphabet,
    states: Mapping[str, str],
    encoded: Encoded,
    told: Told,
    values: Floats,
) -> CorpusCounts:
    """Write what goes beside the tokens, whose last ones of each record have its class."""
    labels = told.labels(values)
    told.write(place, encoded.names, values)
    with growing_array(place[LABELS]) as file:
        for length, label in zip(encoded.lengths, labels.tolist(), strict=True):
            file.write(bytes([UNLABELLED]) * (length - 1) + bytes([label]))
    counts = np.bincount(labels, minlength=256)
    counts[UNLABELLED] = encoded.bases - labels.size
    return finish_corpus(
        place, alphabet, states, encoded, counts, task=told.task, threshold=told.threshold
    )
