"""The corpus of a dataset, whatever its files are: what the config says, put to its writer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basetag.alphabet import Alphabet
from basetag.annotated_corpus import write_annotated_corpus, write_table_corpus
from basetag.corpus_encoding import write_corpus
from basetag.corpus_files import CorpusCounts
from basetag.labelling.record_labels import record_labels


def write_dataset_corpus(
    settings: Mapping[str, Any], sequences: Path, labels: Path, folder: Path
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
    alphabet = Alphabet.named(settings["alphabet"])
    states = {letter: settings["state_names"][letter] for letter in settings["states"]}
    scheme, kind, leave_out = settings["scheme"], settings["labels"], settings["leave_out"]
    if kind == "fasta":
        counts = write_corpus(
            folder, sequences, alphabet, labels=labels, states=states, leave_out=leave_out
        )
        return counts, []
    if kind == "table":
        counts = write_table_corpus(folder, labels, alphabet, states, scheme, leave_out=leave_out)
        return counts, []
    return write_annotated_corpus(
        folder,
        sequences,
        alphabet,
        states,
        lambda *records: record_labels(kind, labels, scheme, tuple(states.values()), *records),
        kind=settings["sequences"],
        finer=bool(scheme.get("codons")),
        leave_out=leave_out,
    )
