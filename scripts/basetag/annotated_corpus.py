"""Corpora whose labels come from an annotation, or, with the sequences, from a table.

The labels of a FASTA file of states are `corpus_encoding.write_corpus`'s.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus_files import (
    DESCRIPTION,
    LABELS,
    RECORDS,
    SUBSTATES,
    TOKENS,
    CorpusCounts,
    Encoded,
    all_empty,
    count_values,
    encode_letters,
    encode_records,
    finish_corpus,
    growing_array,
    state_table,
)
from basetag.fasta import LetterTable
from basetag.files import written_whole
from basetag.labelling.genbank import read_genbank_sequences
from basetag.labelling.record_labels import RecordLabels
from basetag.labelling.sequence_table import read_sequence_table
from basetag.left_out import letters_to_tokens
from basetag.letters import UNLABELLED

#: Of the records' names and lengths, what labels them.
Labelling = Callable[[Sequence[str], Sequence[int]], RecordLabels]


def write_annotated_corpus(
    folder: str | os.PathLike[str],
    sequences: str | os.PathLike[str],
    alphabet: Alphabet,
    states: Mapping[str, str],
    labelling: Labelling,
    *,
    kind: str = "fasta",
    finer: bool = False,
    leave_out: Collection[str] = (),
    drop_duplicates: bool = False,
) -> tuple[CorpusCounts, list[str]]:
    """Encode sequences, and the labels that an annotation or a track gives to their bases.

    One pass over the sequences, then one over their bases, in memory that does not grow with them
    but with the annotation. Written whole or not at all: tokens.npy, labels.npy, records.tsv,
    corpus.json, and with `finer` substates.npy.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie.
    sequences : path-like
        FASTA, or GenBank.
    alphabet : Alphabet
        Of the bases.
    states : mapping of str to str
        State letters with their names, in the order of the labels.
    labelling : callable
        Called with the names and lengths of the records when these are known.
    kind : str
        Of the file of sequences: fasta or genbank.
    finer : bool
        Whether the labelling has substates.
    leave_out : collection of str
        Kinds of bases that get no label: see `left_out`.
    drop_duplicates : bool
        Whether records go whose sequence an earlier one has: see `duplicates`.

    Returns
    -------
    counts : CorpusCounts
    notes : list of str
        What the labelling says of itself.

    Raises
    ------
    InputError
        What is wrong in either file, and where the two do not agree.
    """
    folder, sequences = Path(folder), Path(sequences)
    files = [TOKENS, LABELS, RECORDS, DESCRIPTION, *([SUBSTATES] if finer else [])]
    with written_whole(*(folder / name for name in files)) as places:
        place = dict(zip(files, places, strict=True))
        table = letters_to_tokens(alphabet, leave_out)
        if kind == "genbank":
            records = ((name, text) for name, _, text in read_genbank_sequences(sequences))
            encoded = encode_records(records, table, sequences, place[TOKENS])
        else:
            encoded = encode_letters(sequences, table, place[TOKENS])
        if not encoded.bases:
            raise all_empty(len(encoded.names), sequences)
        found = labelling(encoded.names, encoded.lengths)
        label_counts = _write_labels(found, len(encoded.names), len(states), place)
        counts = finish_corpus(
            place,
            alphabet,
            states,
            encoded,
            label_counts,
            leave_out=leave_out,
            drop_duplicates=drop_duplicates,
            mirror=found.mirror,
            substates=found.substates if finer else None,
        )
        return counts, found.notes()


def write_table_corpus(
    folder: str | os.PathLike[str],
    path: str | os.PathLike[str],
    alphabet: Alphabet,
    states: Mapping[str, str],
    columns: Mapping[str, str | None],
    *,
    leave_out: Collection[str] = (),
    drop_duplicates: bool = False,
) -> CorpusCounts:
    """Encode a table with a sequence and its states on each row into a corpus.

    Parameters
    ----------
    folder, alphabet, states, leave_out, drop_duplicates
        As `write_annotated_corpus`.
    path : path-like
        Table parted by tabs or commas; what `sequence_table.read_sequence_table` reads.
    columns : mapping
        Names of the columns of the `sequence`, the `states` and the `name`.

    Raises
    ------
    InputError
        What is wrong in the table.
    """
    folder, path = Path(folder), Path(path)
    tokens = letters_to_tokens(alphabet, leave_out)
    labels = state_table(tuple(states))
    files = (TOKENS, LABELS, RECORDS, DESCRIPTION)
    names: list[str] = []
    lengths: list[int] = []
    counts = {name: np.zeros(256, dtype=np.int64) for name in (TOKENS, LABELS)}
    with written_whole(*(folder / name for name in files)) as places:
        place = dict(zip(files, places, strict=True))
        with growing_array(place[TOKENS]) as bases, growing_array(place[LABELS]) as values:
            rows = read_sequence_table(
                path,
                sequence=str(columns["sequence"]),
                states=columns["states"],
                name=columns["name"],
                letters=LetterTable.of_alphabet(alphabet),
                state_letters=labels,
            )
            for row in rows:
                names.append(row.name)
                lengths.append(len(row.sequence))
                for name, text, table, file in (
                    (TOKENS, row.sequence, tokens, bases),
                    (LABELS, str(row.states), labels, values),
                ):
                    own = text.encode("ascii").translate(table.values)
                    file.write(own)
                    counts[name] += np.bincount(np.frombuffer(own, dtype=np.uint8), minlength=256)
        if not sum(lengths):
            raise all_empty(len(names), path)
        encoded = Encoded(names, lengths, counts[TOKENS])
        return finish_corpus(
            place,
            alphabet,
            states,
            encoded,
            counts[LABELS],
            leave_out=leave_out,
            drop_duplicates=drop_duplicates,
        )


def _write_labels(
    labelling: RecordLabels, n_records: int, n_states: int, place: Mapping[str, Path]
) -> NDArray[np.int64]:
    """Write the labels, and the substates where there is a place for them; count the labels."""
    counts = np.zeros(256, dtype=np.int64)
    order = np.array([*range(n_states), UNLABELLED], dtype=np.uint8)
    with ExitStack() as open_files:
        files = [
            open_files.enter_context(growing_array(place[name]))
            for name in (LABELS, SUBSTATES)
            if name in place
        ]
        for record in range(n_records):
            for values in labelling.chunks(record):
                count_values(values[0], order, counts)
                for file, own in zip(files, values, strict=False):
                    file.write(own.tobytes())
    return counts
