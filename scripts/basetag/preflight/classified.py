"""Sequences and texts whose classes a run is to tell, read before it.

The taggers that tell them are trained by then; what is wrong in a file of sequences is told now.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basetag.alphabet import Alphabet
from basetag.errors import InputError
from basetag.fasta import LetterTable
from basetag.labelling.sequence_table import read_sequence_table
from basetag.preflight.sequences import survey_fasta
from basetag.text_words import split_text


def look_at_classified(settings: Mapping[str, Any], path: Path) -> None:
    """Read a file as the rule classify_sequences will.

    Parameters
    ----------
    settings : mapping
        `alphabet`, of sequences its name, or `vocabulary`, of texts (`of`, `fold_case`); of a table
        `column`, `name` and `context`.
    path : Path

    Raises
    ------
    InputError
        What is wrong in the file: also a sequence without letters, and a text without words.
    """
    vocabulary = settings.get("vocabulary")
    letters = None if vocabulary is not None else LetterTable.of_alphabet(_plain(settings))
    if "column" not in settings:
        assert letters is not None  # noqa: S101 - the config refuses FASTA where texts are read
        survey = survey_fasta(path, letters)
        for name, length in zip(survey.names, survey.lengths, strict=True):
            if not length:
                raise _nothing("letters", path, name, None)
        return
    for row in read_sequence_table(
        path,
        sequence=settings["column"],
        states=None,
        name=settings["name"],
        others=() if settings["context"] is None else (settings["context"],),
        letters=letters,
    ):
        if vocabulary is None:
            if not row.sequence:
                raise _nothing("letters", path, row.name, row.line)
        elif not split_text(row.sequence, vocabulary["of"], fold_case=vocabulary["fold_case"]):
            raise _nothing(vocabulary["of"], path, row.name, row.line)


def _plain(settings: Mapping[str, Any]) -> Alphabet:
    """Return the alphabet of sequences, without what they come with."""
    return Alphabet.named(Alphabet.named(settings["alphabet"]).plain_name)


def _nothing(what: str, path: Path, record: str, line: int | None) -> InputError:
    return InputError(
        f"has no {what}, and nothing to classify", file=path, line=line, record=record,
        advice="remove it",
    )  # fmt: skip
