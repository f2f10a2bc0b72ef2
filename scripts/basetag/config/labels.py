"""The keys of `datasets.NAME.labels`: where the label of each base comes from.

Labels are letters in a second FASTA file, or come from an annotation: features that give states to
their bases, or a bigWig track that is high or low. What a state is called, its letter and its
column are made out here; who reads the files does not ask the config again.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    model_validator,
)

from basetag.config.feature_rules import (
    CODING_SEQUENCE,
    UNLABELLED_STATE,
    NamedFeatures,
    StateName,
    TypedFeatures,
    rules_of,
)
from basetag.config.section import Section, mistake, one_of
from basetag.errors import nearest
from basetag.hmm_spec import MAXIMUM_STATES
from basetag.letters import letters_problem, state_letters, states_problem

Settings = dict[str, Any]

_STRANDS = "+-"
_CODON = "123"


def check_states(states: dict[str, str]) -> dict[str, str]:
    """Refuse states, letter to meaning, that cannot be told apart."""
    found = states_problem(states)
    if found is not None:
        raise mistake(found.problem, found.advice, *found.keys)
    return states


#: State letters of a file, and what they mean.
GivenStates = Annotated[
    dict[str, str],
    AfterValidator(check_states),
    Field(min_length=2, max_length=MAXIMUM_STATES),
]

LeaveOut = Annotated[
    tuple[Literal["masked", "unknown"], ...],
    Strict(False),
    Field(
        description="Bases that get no label: `masked` (lower-case letters), `unknown` (N and all "
        "other letters that stand for several)."
    ),
]


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


def _numbers_as_texts(names: Any) -> Any:
    """Return a mapping of names with those that YAML takes for whole numbers as texts."""
    if not isinstance(names, dict):
        return names
    pairs = ((_number_as_text(name), _number_as_text(own)) for name, own in names.items())
    return dict(pairs)


def _number_as_text(name: Any) -> Any:
    return str(name) if isinstance(name, int) and not isinstance(name, bool) else name


class _FromAnnotation(Section):
    """Keys that all labels made from an annotation share."""

    background: StateName | None = Field(
        default=None,
        description="State of all bases to which nothing gives one. Without it they are "
        "unlabelled: what is not annotated is not known to be something else.",
    )
    letters: dict[str, str] = Field(
        default={},
        description="A letter for a state, by its name, as in `{coding+: C, coding-: c}`; "
        "docs/labels.md says which letters the other states get.",
    )
    rename: Annotated[dict[str, str | None], BeforeValidator(_numbers_as_texts)] = Field(
        default={},
        description="What the sequences call a record of the annotation, by its name there, as in "
        '`{"1": chr1}`; null leaves the record out.',
    )
    strip: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(),
        description="Beginnings of names that do not count, on both sides, as in `[chr]`; "
        "`version` for a number behind the last dot (NC_000913.3).",
    )
    subset: bool = Field(
        default=False,
        description="Whether the sequences are only some of the annotated records. Without it, "
        "an annotated record that is not among them is an error.",
    )

    def columns(self) -> list[str]:
        """Return the names of the states in the order of the columns."""
        raise NotImplementedError

    def letters_and_names(self) -> dict[str, str]:
        """Return the letters of the states and their names, in the order of the columns."""
        return state_letters(self.columns(), self.letters)

    def _check_letters(self) -> None:
        columns = self.columns()
        for name, letter in self.letters.items():
            if name not in columns:
                close = nearest(name, columns)
                raise mistake(
                    f"there is no state {name!r}",
                    f"did you mean {close}?" if close else f"the states are {', '.join(columns)}",
                    "letters",
                    name,
                )
            found = letters_problem([letter])
            if found is not None:
                raise mistake(found.problem, found.advice, "letters", name)
            first = next(other for other, own in self.letters.items() if own == letter)
            if first != name:
                raise mistake(
                    f"{letter!r} is the letter of {first!r} already",
                    "give each state a letter of its own",
                    "letters",
                    name,
                )
        found = states_problem(self.letters_and_names())
        if found is not None:
            raise mistake(found.problem, found.advice)

    def _check_strip(self) -> None:
        if not all(self.strip):
            raise mistake("a beginning of names is empty", "remove it", "strip")


class _BigWigFile(Section):
    bigwig: str = Field(min_length=1, description="Path of the bigWig file.")


class BigWigLabels(_FromAnnotation, _BigWigFile):
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
        if UNLABELLED_STATE in (self.state, self.background):
            raise mistake(f"{UNLABELLED_STATE!r} is the name of no state", "choose another")
        self._check_letters()
        self._check_strip()
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


class FeatureLabels(_FromAnnotation):
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
        self._check_letters()
        self._check_strip()
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

    def substates(self) -> list[str]:
        """Return the names of what the states are parted into; the states where nothing parts them.

        Of a coding state those of the three positions in a codon.
        """
        coding = [state for name in self.coding_states() for state in self._on_strands(name)]
        return [
            substate
            for state in self.columns()
            for substate in ([state + n for n in _CODON] if state in coding else [state])
        ]

    def settings(self) -> Settings:
        """Return what of the section the labels depend on, states and `leave_out` apart.

        `rules` in the order in which they are tried; `stranded` and `codons`, the states (without
        strand) that have strands and positions in a codon; `priority`, groups of states that win
        alike, the strongest first; and the other keys as they are.
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
    codon_positions: bool = Field(
        default=False,
        description="Whether bases of coding sequences (CDS) also have their position in the codon "
        "as a finer state (coding+1, coding+2, coding+3), which networks can be trained on.",
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
