"""The classes of the records of a FASTA file, or of the rows of a table, batch by batch."""

from __future__ import annotations

import csv
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from basetag.errors import InputError
from basetag.fasta import read_fasta
from basetag.files import written_whole
from basetag.labelling.sequence_table import read_sequence_table
from basetag.taggers import LoadedTagger
from basetag.vocabulary import Vocabulary

#: Letters that go through a tagger at a time, or one record.
LETTERS_AT_ONCE = 1 << 20

log = logging.getLogger(__name__)

AnyPath = str | os.PathLike[str]


def classify_fasta(
    loaded: LoadedTagger,
    sequences: AnyPath,
    table: AnyPath,
    *,
    threads: int = 1,
    letters_at_once: int = LETTERS_AT_ONCE,
) -> int:
    """Write the class of each record, and how probable each class is; return how many there are.

    Parameters
    ----------
    loaded : LoadedTagger
        One that tells classes.
    sequences : path-like
        FASTA, plain or compressed (gzip, BGZF).
    table : path-like
        The target, parted by tabs, written whole or not at all: `record`, `class` (its name) and,
        for each class, `p_NAME`, its probability, with six digits; of a tagger that tells numbers
        also `number`; of one that reads texts also `words`, and how many of them are `unknown`. A
        row for each record, in the order of the file.
    threads : int
        CPU threads.
    letters_at_once : int
        Letters in memory; the longest record's, where it has more.

    Raises
    ------
    InputError
        What is wrong in the file: also a record without letters, or with one that is not in the
        tagger's alphabet.
    ConfigError
        If the tagger labels bases.
    """
    path = Path(sequences)
    alphabet = loaded.alphabet
    if isinstance(alphabet, Vocabulary):
        raise InputError(
            f"is FASTA, and the tagger reads the {alphabet.of} of texts", file=path,
            advice="give a table with a text on each row: {table: texts.csv, column: text}",
        )  # fmt: skip
    records = (
        (name, sequence.decode("utf-8", errors="replace")) for name, _, sequence in read_fasta(path)
    )
    return _classify(loaded, records, path, Path(table), threads, letters_at_once)


def classify_table(
    loaded: LoadedTagger,
    sequences: AnyPath,
    table: AnyPath,
    *,
    column: str | int,
    name: str | int | None = None,
    context: str | int | None = None,
    threads: int = 1,
    letters_at_once: int = LETTERS_AT_ONCE,
) -> int:
    """Write the class of each row of a table of sequences, or texts; return how many there are.

    Parameters
    ----------
    loaded, table, threads, letters_at_once
        As for `classify_fasta`.
    sequences : path-like
        What `sequence_table.read_sequence_table` reads.
    column, name, context : str or int
        Columns of the sequences, of their names, without which rows are counted, and of what each
        comes with, where the tagger reads that.

    Raises
    ------
    InputError, ConfigError
        As `classify_fasta`; also at a text without words.
    """
    others = () if context is None else (context,)
    rows = read_sequence_table(sequences, sequence=column, states=None, name=name, others=others)
    records = ((row.name, row.sequence, *row.others) for row in rows)
    return _classify(loaded, records, Path(sequences), Path(table), threads, letters_at_once)


def _classify(
    loaded: LoadedTagger,
    records: Iterable[tuple[str, ...]],
    path: Path,
    table: Path,
    threads: int,
    letters_at_once: int,
) -> int:
    """Write the classes of named sequences that come from `path`, each with its context or none."""
    names, alphabet = loaded.class_names, loaded.alphabet
    of_texts = alphabet if isinstance(alphabet, Vocabulary) else None
    more = ["number"] if loaded.tells_numbers else []
    more += [] if of_texts is None else ["words", "unknown"]
    total = 0
    with written_whole(table) as (place,), place.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow(["record", "class", *(f"p_{name}" for name in names), *more])
        for batch in _batches(records, letters_at_once):
            own_names, letters, *others = zip(*batch, strict=True)
            contexts = others[0] if others else None
            try:
                told = loaded.classify(letters, threads, records=own_names, contexts=contexts)
            except InputError as error:
                raise InputError(str(error), file=path) from None
            for record, text, one in zip(own_names, letters, told, strict=True):
                shares = [f"{one.probabilities[name]:.6g}" for name in names]
                shares += [] if one.number is None else [f"{one.number:.6g}"]
                if of_texts is not None:
                    tokens = of_texts.encode(text)
                    unknown = np.count_nonzero(tokens == of_texts.unknown)
                    shares += [str(tokens.size), str(unknown)]
                rows.writerow([record, one.called, *shares])
            total += len(batch)
    log.info("classified %d sequences", total)
    return total


def _batches(
    records: Iterable[tuple[str, ...]], letters_at_once: int
) -> Iterator[list[tuple[str, ...]]]:
    """Yield names, letters and contexts of neighbouring records."""
    batch: list[tuple[str, ...]] = []
    letters = 0
    for record in records:
        size = len(record[1])
        if batch and letters + size > letters_at_once:
            yield batch
            batch, letters = [], 0
        batch.append(record)
        letters += size
    if batch:
        yield batch
