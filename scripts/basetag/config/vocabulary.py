"""The key `vocabulary` of datasets of texts, and what goes with it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from basetag.config.section import Section, mistake
from basetag.text_words import MOST_WORDS

#: Words or characters up to which each can be a 1 in its own place.
MOST_ONE_HOT = 256


class VocabularyKeys(Section):
    """The words, or characters, that are told apart: those of the training split."""

    of: Literal["words", "characters"] = Field(
        default="words",
        description="What a text is split into: `words`, runs of letters and digits with the "
        "apostrophes inside them, or `characters`, every run of blanks being one of them.",
    )
    most: int = Field(
        default=20_000,
        ge=1,
        le=MOST_WORDS,
        description="The most frequent of them are told apart, so many at most; all others are "
        "one, the unknown.",
        json_schema_extra={"unit": "words"},
    )
    least: int = Field(
        default=2,
        ge=1,
        le=10**6,
        description="How often one of them must stand in the training split at least. Those that "
        "stand there more rarely teach what an unknown one says.",
        json_schema_extra={"unit": "times"},
    )
    fold_case: bool = Field(
        default=True, description="Whether upper and lower case letters are one."
    )


#: The key itself.
VOCABULARY = Field(
    default=None,
    description="In place of `alphabet`, where sequences are texts: their words, or characters, "
    "that occur in the training split are told apart. Null where they are letters of an alphabet.",
)


def check_vocabulary(dataset: Any) -> None:
    """Refuse what a dataset of texts cannot have."""
    if dataset.vocabulary is None:
        return
    if "alphabet" in dataset.model_fields_set:
        raise mistake(
            "a text has words or characters, and no alphabet beside them",
            "remove one of alphabet and vocabulary",
            "alphabet",
        )
    if dataset.columns.context is not None:
        raise mistake(
            "what comes with a text is no letter of its own", "remove it", "columns", "context"
        )


def alphabet_in_words(vocabulary: VocabularyKeys) -> str:
    """Return what the alphabet of texts is called: no letters of a user's own can be so."""
    return f"a vocabulary of {vocabulary.of}"
