"""Corpora written: from FASTA files of bases and their states, or from tokens.

One pass over each file, in memory that does not grow with them. What a corpus is, and how it is
read, says `corpus`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus_files import (
    DESCRIPTION,
    LABELS,
    RECORDS,
    TOKENS,
    CorpusCounts,
    Encoded,
    all_empty,
    encode_letters,
    finish_corpus,
    growing_array,
    state_table,
)
from basetag.errors import InputError
from basetag.files import written_whole
from basetag.intervals import check_names
from basetag.left_out import letters_to_tokens


def write_corpus(
    folder: str | os.PathLike[str],
    sequences: str | os.PathLike[str],
    alphabet: Alphabet,
    *,
    labels: str | os.PathLike[str] | None = None,
    states: Mapping[str, str] | None = None,
    leave_out: Collection[str] = (),
    drop_duplicates: bool = False,
) -> CorpusCounts:
    """Encode a FASTA file, and a FASTA file of its bases' states, into a corpus.

    One pass over each file, in memory that does not grow with them (but for the names). Written
    whole or not at all: tokens.npy, records.tsv, corpus.json, and labels.npy where there are
    labels.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie.
    sequences : path-like
        FASTA of the bases; what `fasta.encode_fasta` reads.
    alphabet : Alphabet
        Of the bases.
    labels : path-like, optional
        FASTA of the same records, in the same order, with one state letter for each base, or
        `.` or `-` for a base without a label. Without it the corpus is a genome to be annotated,
        and its names must be such that tracks can hold them.
    states : mapping of str to str, optional
        State letters with their meanings, in the order of the labels 0, 1, ... Needed with
        `labels`.
    leave_out : collection of str
        Kinds of bases that get no label: see `left_out`.
    drop_duplicates : bool
        Whether records go whose sequence an earlier one has: see `duplicates`.

    Returns
    -------
    CorpusCounts

    Raises
    ------
    InputError
        What is wrong in either file, and where the two do not agree: names, lengths.
    """
    folder, sequences = Path(folder), Path(sequences)
    states = dict(states or {})
    leave_out = () if labels is None else leave_out
    names = [TOKENS, RECORDS, DESCRIPTION] + ([LABELS] if labels is not None else [])
    with written_whole(*(folder / name for name in names)) as places:
        place = dict(zip(names, places, strict=True))
        encoded = encode_letters(sequences, letters_to_tokens(alphabet, leave_out), place[TOKENS])
        if not encoded.bases:
            raise all_empty(len(encoded.names), sequences)
        label_counts = None
        if labels is None:
            check_names(encoded.names, sequences)
        else:
            found = encode_letters(labels, state_table(tuple(states)), place[LABELS])
            check_same_records(sequences, labels, encoded, found)
            label_counts = found.counts
        return finish_corpus(
            place,
            alphabet,
            states,
            encoded,
            label_counts,
            leave_out=leave_out,
            drop_duplicates=drop_duplicates,
        )


def write_tokens(
    folder: str | os.PathLike[str],
    alphabet: Alphabet,
    records: Iterable[tuple[str, NDArray[np.uint8]]],
) -> None:
    """Write a corpus without labels from tokens, one record in memory at a time.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie; written whole or not at all.
    alphabet : Alphabet
    records : iterable of (str, ndarray of uint8, (bases,))
        Name and tokens of each record.
    """
    folder = Path(folder)
    names: list[str] = []
    lengths: list[int] = []
    token_counts = np.zeros(256, dtype=np.int64)
    files = (TOKENS, RECORDS, DESCRIPTION)
    with written_whole(*(folder / name for name in files)) as places:
        with growing_array(places[0]) as file:
            for name, tokens in records:
                names.append(name)
                lengths.append(tokens.size)
                file.write(tokens.tobytes())
                token_counts += np.bincount(tokens, minlength=256)
        encoded = Encoded(names, lengths, token_counts)
        finish_corpus(dict(zip(files, places, strict=True)), alphabet, {}, encoded, None)


def check_same_records(
    sequences: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    expected: Encoded,
    found: Encoded,
) -> None:
    """Raise an error at the first record in which bases and labels do not agree."""
    if (expected.names, expected.lengths) == (found.names, found.lengths):
        return
    for number, (base_name, label_name) in enumerate(zip_longest(expected.names, found.names), 1):
        if base_name != label_name:
            was = f"is {label_name!r}" if label_name is not None else "is missing"
            should = f"is {base_name!r}" if base_name is not None else "is missing"
            raise InputError(
                f"record number {number} {was} here and {should} in {sequences}",
                file=Path(labels),
                advice="labels need the same records in the same order",
            )
    for name, base_length, label_length in zip(
        expected.names, expected.lengths, found.lengths, strict=True
    ):
        if base_length != label_length:
            raise InputError(
                f"has {label_length} labels for the {base_length} bases in {sequences}",
                file=Path(labels),
                record=name,
                advice="every base needs one label ('.' where there is none)",
            )
