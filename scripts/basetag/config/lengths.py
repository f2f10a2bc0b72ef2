"""The key `length` of simulations: how long records are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag, model_validator

from basetag.config.section import Section, mistake


class LengthRange(Section):
    """Lengths drawn uniformly, both ends included."""

    minimum: int = Field(
        ge=1, le=10**9, description="Shortest record.", json_schema_extra={"unit": "bases"}
    )
    maximum: int = Field(
        ge=1, le=10**9, description="Longest record.", json_schema_extra={"unit": "bases"}
    )

    @model_validator(mode="after")
    def _check(self) -> LengthRange:
        if self.minimum > self.maximum:
            raise mistake(
                f"the minimum {self.minimum} is above the maximum {self.maximum}", "swap them"
            )
        return self


RecordLength = Annotated[
    Annotated[
        Annotated[Annotated[int, Field(ge=1, le=10**9)], Tag("<fixed>")]
        | Annotated[LengthRange, Tag("<range>")],
        Discriminator(
            lambda value: "<range>" if isinstance(value, dict | LengthRange) else "<fixed>"
        ),
    ],
    Field(
        description="Length of each sequence: one number, or `{minimum: 100, maximum: 900}` to "
        "draw each uniformly between the two.",
        json_schema_extra={"unit": "bases"},
    ),
]


def mean_length(length: int | LengthRange) -> float:
    """Return the mean length of records."""
    return (length.minimum + length.maximum) / 2 if isinstance(length, LengthRange) else length


def shortest(length: int | LengthRange) -> int:
    """Return the length of the shortest record that there may be."""
    return length.minimum if isinstance(length, LengthRange) else length
