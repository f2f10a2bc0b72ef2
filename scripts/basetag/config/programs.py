"""The keys of outside programs that are run as taggers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from basetag.config.decoding import TaggerDecoding
from basetag.config.section import Section, mistake

#: The genetic codes that Prodigal has, by NCBI's numbers.
TranslationTable = Literal[
    1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 21, 22, 23, 24, 25, 26, 29, 30, 32, 33
]


class Pyrodigal(Section):
    """The gene finder Pyrodigal (Larralde 2022, JOSS 7:4296), which is Prodigal; DNA only.

    It is trained on the letters of the training split, and calls the genes of each strand.
    """

    program: Literal["pyrodigal"] = Field(description="Name of the program.")
    meta: bool = Field(
        default=False,
        description="Whether the best of Prodigal's 50 ready profiles is taken for each sequence "
        "(metagenomic mode), and nothing is trained.",
    )
    translation_table: TranslationTable | None = Field(
        default=None,
        description="NCBI's number of the genetic code to train with; without it 11, that of "
        "bacteria. Profiles have their own.",
    )
    forward: str | None = Field(
        default=None,
        min_length=1,
        description="The dataset's state of genes on the strand as it is written, by its name or "
        "its letter; without it, the one whose name ends in +.",
    )
    reverse: str | None = Field(
        default=None,
        min_length=1,
        description="The state of genes on the other strand; without it, the one whose name ends "
        "in -.",
    )
    background: str | None = Field(
        default=None,
        min_length=1,
        description="The state of all other bases; without it, the one that is left.",
    )
    decoding: TaggerDecoding = "argmax"

    @model_validator(mode="after")
    def _check(self) -> Pyrodigal:
        if self.meta and self.translation_table is not None:
            raise mistake(
                "the profiles of the metagenomic mode have genetic codes of their own",
                "remove it, or meta",
                "translation_table",
            )
        return self
