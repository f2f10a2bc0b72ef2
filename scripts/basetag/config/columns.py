"""Columns of tables with a sequence on each row, by name or by number."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from basetag.config.section import Section, mistake

#: A column by the name in the first line, or by its number in a table without such a line.
Column = Annotated[int, Field(ge=1, le=10_000)] | Annotated[str, Field(min_length=1)]


def check_columns(columns: dict[str, Any]) -> None:
    """Refuse columns of which some are numbered and others named, or two are one."""
    numbers = [key for key, value in columns.items() if isinstance(value, int)]
    if numbers and len(numbers) < len(columns):
        other = next(key for key in columns if key not in numbers)
        raise mistake(
            "columns are given by number and by name",
            "number all of them where the table has no line of names, or name all",
            other,
        )
    known: dict[Any, str] = {}
    for key, value in columns.items():
        if value in known:
            raise mistake(f"is the column of {known[value]}, too", "name another column", key)
        known[value] = key


class SequenceColumns(Section):
    """Columns of a table of sequences, whatever stands beside them.

    By the names in its first line, or all of them by their numbers, from 1 on, where its first line
    is a sequence already.
    """

    sequence: Column = Field(default="sequence", description="Column of the sequences.")
    name: Column | None = Field(
        default=None, description="Column of the records' names; without it they are numbered."
    )
    context: Column | None = Field(
        default=None,
        description="Column of what each sequence comes with, such as the allele that presents a "
        "peptide; up to 94 different words, each of which is read as one letter in front.",
    )

    @model_validator(mode="after")
    def _check(self) -> SequenceColumns:
        check_columns({key: value for key, value in self if value is not None})
        return self
