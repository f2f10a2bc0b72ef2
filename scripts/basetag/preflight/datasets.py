"""A dataset before its run: encoded and split where nobody sees it, and what that shows.

A dataset of ordinary size is encoded and split in a folder that is thrown away, by the code of the
rules themselves: whatever they would refuse is refused now, in their words, and the balance of
labels and splits is that of the run. Of a large one the files are read, as far as seconds allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from basetag.alphabet import Alphabet
from basetag.corpus import Corpus
from basetag.corpus_encoding import check_same_records
from basetag.corpus_files import Encoded, state_table
from basetag.dataset_corpus import write_dataset_corpus, write_further_labels
from basetag.errors import InputError
from basetag.feature_encoding import write_features
from basetag.label_statistics import label_counts, target_scale
from basetag.labelling.record_labels import record_labels
from basetag.letters import UNLABELLED
from basetag.preflight.findings import Finding
from basetag.preflight.sequences import (
    Survey,
    about_sequences,
    letters_with_case,
    survey_fasta,
)
from basetag.segments import Segments
from basetag.splits.choice import split_by_settings
from basetag.splits.table import SPLITS
from basetag.text_corpus import as_words

#: Bases up to which a dataset is encoded and split beforehand.
MOST_REHEARSED = 200_000_000
# Labels that are encoded for a look however many there are: their records are short, or they are
# the letters themselves.
_REHEARSED = ("classes", "targets", "next_token", "next_value")
# Those without which no tagger whatever can be made, or judged.
_LABELLED_SPLITS = ("train", "test")


@dataclass(frozen=True)
class Files:
    """A user's files of a dataset.

    Parameters
    ----------
    sequences, labels : Path
        One file can be both.
    table : Path or None
        What splits the records.
    features, heads : sequence of Path
        In the order of the settings.
    """

    sequences: Path
    labels: Path
    table: Path | None = None
    features: Sequence[Path] = ()
    heads: Sequence[Path] = ()


@dataclass(frozen=True)
class Look:
    """What a look at a dataset or genome showed.

    Parameters
    ----------
    about : dict
        Counts, as preflight.json has them.
    notes : list of Finding
        What the readers say of the files.
    """

    about: dict[str, Any]
    notes: list[Finding]


def look_at_dataset(
    name: str,
    settings: Mapping[str, Any],
    files: Files,
    folder: Path,
    *,
    most_rehearsed: int = MOST_REHEARSED,
) -> Look:
    """Read the files of a dataset, and encode and split it in `folder` where it is not too large.

    Parameters
    ----------
    name : str
    settings : mapping
        `encode`, `split` and `features`, as the rules of these names have them; and `heads`, name
        and settings of the further labels.
    files : Files
    folder : Path
        Of its own, to be thrown away.
    most_rehearsed : int
        Bases of a dataset that is not too large.

    Returns
    -------
    Look

    Raises
    ------
    InputError
        As those rules.
    """
    encode = settings["encode"]
    survey = None
    if encode["sequences"] == "fasta":
        alphabet = Alphabet.named(encode["alphabet"])
        survey = survey_fasta(files.sequences, letters_with_case(alphabet))
        if survey.letters > most_rehearsed and encode["labels"] not in _REHEARSED:
            return _look_at_large(name, encode, files, survey, most_rehearsed)
    counts, notes = write_dataset_corpus(encode, files.sequences, files.labels, folder, files.table)
    heads = settings.get("heads", ())
    for (head, own), file in zip(heads, files.heads, strict=True):
        write_further_labels(own, files.sequences, file, folder, head)
    corpus = Corpus.open(folder, heads=[head for head, _ in heads])
    if settings["features"]:
        sources = [(*s, file) for s, file in zip(settings["features"], files.features, strict=True)]
        write_features(folder, corpus.places, sources)
    # The letters of series say nothing.
    # Of records that are told as wholes only the last base has a label, and none is missing one.
    labels_of = counts.records if corpus.of_records else counts.bases
    own = corpus.alphabet  # with the contexts that the table has
    ambiguous = dict(zip(own.symbols, own.is_ambiguous, strict=True)) | {"unknown": True}
    about = {
        "task": corpus.task,
        "records": counts.records,
        "empty_records": counts.empty_records,
        "bases": counts.bases,
        "letters": counts.symbols,
        "letters_of": counts.bases,
        "unknown": 0
        if corpus.of_values
        else sum(n for s, n in counts.symbols.items() if ambiguous.get(s)),
        "lower_case": None,
        # The file's own counts; those of what is left of it, where copies went.
        **({} if survey is None or counts.dropped else about_sequences(survey, alphabet)),
        "labels_of": labels_of,
        "states": {
            corpus.state_names[letter]: counts.labels.get(letter, 0) for letter in corpus.states
        },
        "unlabelled": 0 if corpus.of_records else counts.labels.get(".", 0),
        **_split(name, as_words(corpus, folder), settings["split"], files.table),
    }
    found = [Finding("note", f"dataset {name}", "labels", note) for note in notes]
    if counts.dropped is not None:
        found.append(Finding("note", f"dataset {name}", "duplicates", str(counts.dropped)))
    return Look(about, found)


def _split(
    name: str, corpus: Corpus, settings: Mapping[str, Any], table: Path | None
) -> dict[str, Any]:
    """Return the sizes of the splits, and the states in each."""
    try:
        drawn = split_by_settings(corpus, settings, table)
    except InputError as error:
        # Of a split without a table it says no file: several datasets may have one like it.
        raise error if table is not None else InputError(f"dataset {name}: {error}") from error
    states = [corpus.state_names[letter] for letter in corpus.states]
    splits = {}
    for split in SPLITS:
        part = drawn.of(split)
        own = label_counts(corpus, part).tolist()
        if split in _LABELLED_SPLITS and not any(own):
            raise InputError(
                f"dataset {name}: no base of the {split} split has a label",
                advice="label some of its records, or draw another split",
            )
        if split == "train":
            _check_learnable(name, corpus, part)
        splits[split] = {
            "pieces": len(part.start),
            "bases": part.bases,
            "states": dict(zip(states, own, strict=True)),
        }
    return {
        "splits": splits,
        "in_no_split": drawn.left_out,
        "copies": drawn.duplicates,
        "near_copies": drawn.near_copies,
    }


def _check_learnable(name: str, corpus: Corpus, training: Segments) -> None:
    """Refuse numbers that are all the same, and a further head whose labels nobody has."""
    if corpus.targets is not None:
        try:
            target_scale(corpus, training)
        except InputError as error:
            raise InputError(f"dataset {name}: {error}") from error
    for further in corpus.further:
        if not label_counts(corpus.as_labelled_by(further), training).any():
            raise InputError(
                f"dataset {name}: no base of the train split has a label of the head"
                f" {further.name!r}",
                advice="label some of its records, draw another split, or remove the head",
            )


def _look_at_large(
    name: str, encode: Mapping[str, Any], files: Files, survey: Survey, most: int
) -> Look:
    """Read a dataset that is too large to be encoded for a look."""
    states = tuple(encode["state_names"][letter] for letter in encode["states"])
    counts = np.zeros(256, dtype=np.int64)
    if encode["labels"] == "fasta":
        found = survey_fasta(files.labels, state_table(tuple(encode["states"])))
        check_same_records(files.sequences, files.labels, _encoded(survey), _encoded(found))
        counts = found.counts
    else:
        labels = record_labels(
            encode["labels"], files.labels, encode["scheme"], states, survey.names, survey.lengths
        )
        chunks = (
            values for record in range(len(survey.names)) for values, _ in labels.chunks(record)
        )
        for values in chunks:
            counts += np.bincount(values, minlength=256)
            if counts.sum() >= most:
                break
    about = {
        **about_sequences(survey, Alphabet.named(encode["alphabet"])),
        "labels_of": int(counts.sum()),
        "states": {state: int(counts[label]) for label, state in enumerate(states)},
        "unlabelled": int(counts[UNLABELLED]),
        "splits": None,
    }
    large = Finding(
        "note",
        f"dataset {name}",
        "size",
        f"{survey.letters:,} bases are too many to encode and split them for a look",
        advice="names, lengths and coordinates were read of all, letters and labels of the first "
        "part; split and features were not looked at",
    )
    return Look(about, [large])


def _encoded(survey: Survey) -> Encoded:
    return Encoded(survey.names, survey.lengths, survey.counts)
