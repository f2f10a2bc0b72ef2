"""The keys of labels that annotated features give: GFF, GTF, GenBank and BED."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Strict, Tag, model_validator

from basetag.config.annotation_keys import FromAnnotation, LeaveOut
from basetag.config.feature_rules import (
    CODING_SEQUENCE,
    UNLABELLED_STATE,
    NamedFeatures,
    TypedFeatures,
    rules_of,
)
from basetag.config.section import Section, mistake
from basetag.errors import nearest
from basetag.hmm_spec import MAXIMUM_STATES

Settings = dict[str, Any]

_STRANDS = "+-"
_CODON = ("1", "2", "3")
_ENDS = "ends"


def _check_ends(value: Any) -> Any:
    if value != _ENDS:
        raise mistake(
            f"found {value!r}, expected true, false or {_ENDS}",
            "ends tells start and stop codons from the others",
        )
    return value


CodonPositions = Annotated[
    Annotated[bool, Tag("<all>")]
    | Annotated[Literal["ends"], BeforeValidator(_check_ends), Tag("<ends>")],
    Discriminator(lambda value: "<all>" if isinstance(value, bool) else "<ends>"),
]


class FeatureLabels(FromAnnotation):
    """The label of a base by the annotated features that it lies in."""

    features: NamedFeatures = Field(
        description="The state that intervals give to their bases: one for all, as in `island`; by "
        "name (column 4), as in `{exon: coding}`; or a list of rules, of which the first that an "
        "interval meets counts. Intervals that meet none are passed over."
    )
    stranded: bool = Field(
        default=False,
        description="Whether each state is two, one on each strand: coding+ and coding-. The "
        "background stays one.",
    )
    priority: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(),
        description="States that win where features overlap, the strongest first; any that is not "
        "named yields to them. Bases of features of several states, none of which wins, are "
        "unlabelled.",
    )
    leave_out: LeaveOut = ()
    circular: bool = Field(
        default=False,
        description="Whether all records are circular, so that a feature may pass the end and go "
        "on at the beginning; those that the annotation itself calls circular are so anyway.",
    )

    @model_validator(mode="after")
    def _check(self) -> FeatureLabels:
        self._check_states()
        self._check_priority()
        self.check_letters()
        self.check_strip()
        return self

    def _check_states(self) -> None:
        if self.background == UNLABELLED_STATE:
            raise mistake(
                f"{UNLABELLED_STATE!r} is the name of no state",
                "leave the background out: what nothing labels is unlabelled",
                "background",
            )
        for name in self._own_states() if self.stranded else ():
            if name[-1] in _STRANDS:
                raise mistake(
                    f"the state {name!r} would become {name}+ and {name}-",
                    f"name it {name[:-1]}, or leave out stranded",
                    "features",
                )
        columns = self.columns()
        if len(columns) < 2:
            raise mistake(
                f"{columns[0]!r} would be the only state" if columns else "there is no state",
                "name a background, if all other bases are known to be something else",
            )
        for what, names in (("states", columns), ("states in all", self.substates())):
            if len(names) > MAXIMUM_STATES:
                raise mistake(
                    f"{len(names)} {what} are more than {MAXIMUM_STATES}",
                    "let several types of features share a state",
                    "features",
                )

    def _check_priority(self) -> None:
        given = {rule.state for rule in rules_of(self.features)} - {UNLABELLED_STATE}
        known = given.union(*(self._on_strands(name) for name in given))
        ranked: list[str] = []
        for index, name in enumerate(self.priority):
            if name not in known:
                close = nearest(name, sorted(known))
                raise mistake(
                    "the background yields to all features"
                    if name == self.background
                    else f"no feature gives the state {name!r}",
                    f"did you mean {close}?" if close else "remove it",
                    "priority",
                    index,
                )
            if set(ranked) & set(self._on_strands(name)):
                raise mistake(f"{name!r} stands twice", "name each state once", "priority", index)
            ranked += self._on_strands(name)

    def _own_states(self) -> list[str]:
        """Return the states that features give, but for the background, without their strands."""
        states = {rule.state for rule in rules_of(self.features)}
        return sorted(states - {self.background, UNLABELLED_STATE})

    def _on_strands(self, name: str) -> list[str]:
        """Return the states that a name in `priority` stands for."""
        stranded = self.stranded and name in self._own_states()
        return [name + strand for strand in _STRANDS] if stranded else [name]

    def columns(self) -> list[str]:
        """Return the names of the states in the order of the columns.

        Those of `priority` as listed, the others by name, + before -, and the background last.
        """
        first = [state for name in self.priority for state in self._on_strands(name)]
        others = [state for name in self._own_states() for state in self._on_strands(name)]
        columns = [name for name in dict.fromkeys([*first, *others]) if name != self.background]
        return columns if self.background is None else [*columns, self.background]

    def coding_states(self) -> list[str]:
        """Return the states, without strand, whose bases have a position in a codon."""
        return []

    def tells_ends(self) -> bool:
        """Whether start and stop codons are told from the others."""
        return False

    def substates(self) -> list[str]:
        """Return the names of what the states are parted into; the states where nothing parts them.

        Of a coding state those of the three positions in a codon, and in a start and a stop codon
        where these are told apart.
        """
        codons = ("", "start", "stop") if self.tells_ends() else ("",)
        coding = [state for name in self.coding_states() for state in self._on_strands(name)]
        return [
            substate
            for state in self.columns()
            for substate in (
                [state + codon + n for codon in codons for n in _CODON]
                if state in coding
                else [state]
            )
        ]

    def settings(self) -> Settings:
        """Return what of the section the labels depend on, states and `leave_out` apart.

        `rules` in the order in which they are tried; `stranded` and `codons`, the states (without
        strand) that have strands and positions in a codon; `ends`, whether start and stop codons
        are told apart; `priority`, groups of states that win alike, the strongest first; and the
        other keys as they are.
        """
        rules = [rule.model_dump() for rule in rules_of(self.features)]
        for rule in rules:
            rule["without"] = sorted(set(rule["without"]))
            rule["attributes"] = {
                name: sorted(set(values)) for name, values in rule["attributes"].items()
            }
        return {
            "rules": rules,
            "stranded": self._own_states() if self.stranded else [],
            "codons": self.coding_states(),
            "ends": self.tells_ends(),
            "background": self.background,
            "priority": [self._on_strands(name) for name in self.priority],
            "rename": self.rename,
            "strip": sorted(set(self.strip)),
            "subset": self.subset,
            "circular": self.circular,
        }


class CodingLabels(FeatureLabels):
    """The label of a base by annotated features, among them coding sequences with a phase."""

    features: TypedFeatures = Field(
        description="The state that features give to their bases: by type, as in `{CDS: coding}`, "
        "or a list of rules, of which the first that a feature meets counts. Features that meet "
        "none are passed over."
    )
    codon_positions: CodonPositions = Field(
        default=False,
        description="Whether bases of coding sequences (CDS) also have their position in the codon "
        "as a finer state (coding+1, coding+2, coding+3), which networks can be trained on; with "
        "`ends`, start and stop codons have their own (coding+start1 to coding+stop3).",
    )

    @model_validator(mode="after")
    def _check_codons(self) -> CodingLabels:
        if self.codon_positions and not self.stranded:
            raise mistake(
                "a position in a codon is one of a strand", "add stranded: true", "codon_positions"
            )
        if self.codon_positions and not self.coding_states():
            raise mistake(
                f"no rule of features gives a state to the type {CODING_SEQUENCE}",
                "remove it, or add one: only those have a phase",
                "codon_positions",
            )
        return self

    def coding_states(self) -> list[str]:
        """Return the states, without strand, whose bases have a position in a codon."""
        coding = {rule.state for rule in rules_of(self.features) if rule.type == CODING_SEQUENCE}
        return [name for name in self._own_states() if self.codon_positions and name in coding]

    def tells_ends(self) -> bool:
        """Whether start and stop codons are told from the others."""
        return self.codon_positions == _ENDS


class _GffFile(Section):
    gff: str = Field(
        min_length=1, description="Path of a GFF3 file, plain or compressed (gzip, BGZF)."
    )


class _GtfFile(Section):
    gtf: str = Field(
        min_length=1, description="Path of a GTF file, plain or compressed (gzip, BGZF)."
    )


class _GenBankFile(Section):
    genbank: str = Field(
        min_length=1,
        description="Path of a GenBank file, plain or compressed (gzip, BGZF). Its own sequences "
        "are not looked at.",
    )


class _BedFile(Section):
    bed: str = Field(
        min_length=1, description="Path of a BED file, plain or compressed (gzip, BGZF)."
    )


class GffLabels(CodingLabels, _GffFile):
    """The label of a base by the features of a GFF3 file."""


class GtfLabels(CodingLabels, _GtfFile):
    """The label of a base by the features of a GTF file."""


class GenBankLabels(CodingLabels, _GenBankFile):
    """The label of a base by the features of a GenBank file."""


class BedLabels(FeatureLabels, _BedFile):
    """The label of a base by the intervals of a BED file."""
