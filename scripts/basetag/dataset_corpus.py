"""The corpus of a dataset, whatever its files are: what the config says, put to its writer."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basetag.alphabet import Alphabet
from basetag.annotated_corpus import write_annotated_corpus, write_table_corpus
from basetag.classified_corpus import write_classified_fasta, write_classified_table
from basetag.corpus_encoding import write_corpus
from basetag.corpus_files import LABELS, CorpusCounts
from basetag.further_labels import keep_further_labels
from basetag.labelling.record_labels import record_labels
from basetag.next_token_corpus import write_next_token_corpus
from basetag.series_corpus import write_series_corpus
from basetag.text_corpus import write_text_corpus


def write_dataset_corpus(
    settings: Mapping[str, Any],
    sequences: Path,
    labels: Path,
    folder: Path,
    split_table: Path | None = None,
) -> tuple[CorpusCounts, list[str]]:
    """Encode a dataset's sequences, and what labels their bases, into a corpus.

    Parameters
    ----------
    settings : mapping
        `Config.encode_settings`.
    sequences, labels : Path
        Of the kinds that the settings name; one file can be both.
    folder : Path
        Where the corpus shall lie; written whole or not at all.
    split_table : Path, optional
        The table that gives the split, where there is one; texts need it for their vocabulary.

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
    states = {letter: settings["state_names"][letter] for letter in settings["states"]}
    scheme, kind = settings["scheme"], settings["labels"]
    if "vocabulary" in settings:
        vocabulary = settings["vocabulary"]
        return write_text_corpus(folder, labels, states, scheme, vocabulary, split_table)
    alphabet = Alphabet.named(settings["alphabet"])
    without: Any = {name: settings[name] for name in ("leave_out", "drop_duplicates")}
    notes: list[str] = []
    if kind == "next_token":
        counts = write_next_token_corpus(
            folder, sequences, alphabet, states, kind=settings["sequences"]
        )
    elif kind == "next_value":
        counts = write_series_corpus(folder, labels, alphabet, states, scheme)
    elif kind in ("classes", "targets") and settings["sequences"] == "table":
        counts = write_classified_table(folder, labels, alphabet, states, scheme)
    elif kind in ("classes", "targets"):
        counts = write_classified_fasta(folder, sequences, labels, alphabet, states, scheme)
    elif kind == "fasta":
        counts = write_corpus(folder, sequences, alphabet, labels=labels, states=states, **without)
    elif kind == "table":
        counts = write_table_corpus(folder, labels, alphabet, states, scheme, **without)
    else:
        counts, notes = write_annotated_corpus(
            folder,
            sequences,
            alphabet,
            states,
            lambda *records: record_labels(kind, labels, scheme, tuple(states.values()), *records),
            kind=settings["sequences"],
            finer=bool(scheme.get("codons")),
            **without,
        )
    return counts, notes


def write_further_labels(
    settings: Mapping[str, Any], sequences: Path, labels: Path, folder: Path, head: str
) -> CorpusCounts:
    """Encode further labels of a dataset's bases, as its main ones are, and keep them beside these.

    The sequences are encoded with them once more, and thrown away: what is refused of labels, and
    what becomes of copies and of bases that are left out, is the same for all of them.

    Parameters
    ----------
    settings : mapping
        `Config.encode_head_settings`.
    sequences, labels : Path
        As for `write_dataset_corpus`; the latter with the states of the head.
    folder : Path
        Where the dataset's corpus lies, or will.
    head : str
        Name of the head.

    Raises
    ------
    InputError
        As `write_dataset_corpus`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".encoding-", dir=folder) as scratch:
        counts, _ = write_dataset_corpus(settings, sequences, labels, Path(scratch))
        states = {letter: settings["state_names"][letter] for letter in settings["states"]}
        keep_further_labels(Path(scratch) / LABELS, folder, head, states, counts.labels)
    return counts
