"""The keys of `datasets.NAME.labels`: where the label of each base comes from.

Labels are letters in a second FASTA file, or come from an annotation: features that give states to
their bases, or a bigWig track that is high or low.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from basetag.config.annotation_keys import FromAnnotation, GivenStates, LeaveOut
from basetag.config.feature_labels import BedLabels, GenBankLabels, GffLabels, GtfLabels
from basetag.config.feature_rules import UNLABELLED_STATE, StateName
from basetag.config.section import Section, mistake, one_of

Settings = dict[str, Any]


class FastaLabels(Section):
    """The label of every base as a second FASTA file: same records, a letter for each base."""

    fasta: str = Field(min_length=1, description="Path of the FASTA file of labels.")
    states: GivenStates = Field(
        description="Each letter of that file, and what it means. Their order is the order of "
        "the columns of all results.",
    )
    leave_out: LeaveOut = ()

    def letters_and_names(self) -> dict[str, str]:
        """Return the letters of the states and their names, in the order of the columns."""
        return dict(self.states)

    def settings(self) -> Settings:
        """Return what of the section the labels depend on, states and `leave_out` apart."""
        return {}


class _BigWigFile(Section):
    bigwig: str = Field(min_length=1, description="Path of the bigWig file.")


class BigWigLabels(FromAnnotation, _BigWigFile):
    """Bases whose number in a bigWig track is high, and the others."""

    threshold: float = Field(
        ge=-1e30,
        le=1e30,
        description="Bases of this number or a higher one have the state.",
        json_schema_extra={"unit": "in the unit of the track"},
    )
    state: StateName = Field(description="Name of the state of those bases.")
    missing: Literal["unlabelled", "background"] = Field(
        default="unlabelled",
        description="What bases are for which the track has no number: `unlabelled`, as nobody "
        "knows, or `background`.",
    )
    leave_out: LeaveOut = ()

    @model_validator(mode="after")
    def _check(self) -> BigWigLabels:
        if self.background is None:
            raise mistake(
                f"{self.state!r} would be the only state",
                "name a background: the state of the other bases",
            )
        if self.background == self.state:
            raise mistake(
                "is the state of the other bases, too", "give it another name", "background"
            )
        if UNLABELLED_STATE in (self.state, self.background):
            raise mistake(f"{UNLABELLED_STATE!r} is the name of no state", "choose another")
        self.check_letters()
        self.check_strip()
        return self

    def columns(self) -> list[str]:
        """Return the names of the states in the order of the columns."""
        return [self.state, str(self.background)]

    def settings(self) -> Settings:
        """Return what of the section the labels depend on, states and `leave_out` apart."""
        return {
            "threshold": self.threshold,
            "state": self.state,
            "background": self.background,
            "missing": self.missing,
            "rename": self.rename,
            "strip": sorted(set(self.strip)),
            "subset": self.subset,
        }


LABEL_FILES = ("fasta", "gff", "gtf", "bed", "genbank", "bigwig")

AnyLabels = FastaLabels | GffLabels | GtfLabels | BedLabels | GenBankLabels | BigWigLabels


def label_path(labels: AnyLabels) -> tuple[str, str]:
    """Return the kind and the path of the file of labels."""
    kind = next(key for key in LABEL_FILES if hasattr(labels, key))
    return kind, getattr(labels, kind)


def _labels_tag(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((f"<{key}>" for key in LABEL_FILES if key in value), None)
    return next((f"<{key}>" for key in LABEL_FILES if hasattr(value, key)), None)


Labels = Annotated[
    Annotated[FastaLabels, Tag("<fasta>")]
    | Annotated[GffLabels, Tag("<gff>")]
    | Annotated[GtfLabels, Tag("<gtf>")]
    | Annotated[BedLabels, Tag("<bed>")]
    | Annotated[GenBankLabels, Tag("<genbank>")]
    | Annotated[BigWigLabels, Tag("<bigwig>")],
    Discriminator(_labels_tag),
    one_of(*LABEL_FILES),
]
