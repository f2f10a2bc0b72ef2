"""The keys that all labels share, and those of labels that an annotation or a track gives.

What the states are called, and which letter each of them has, is made out here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from basetag.config.feature_rules import StateName
from basetag.config.section import Section, mistake
from basetag.errors import nearest
from basetag.hmm_spec import MAXIMUM_STATES
from basetag.letters import letters_problem, state_letters, states_problem


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


def _numbers_as_texts(names: Any) -> Any:
    """Return a mapping of names with those that YAML takes for whole numbers as texts."""
    if not isinstance(names, dict):
        return names
    pairs = ((_number_as_text(name), _number_as_text(own)) for name, own in names.items())
    return dict(pairs)


def _number_as_text(name: Any) -> Any:
    return str(name) if isinstance(name, int) and not isinstance(name, bool) else name


class FromAnnotation(Section):
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

    def check_letters(self) -> None:
        """Refuse letters of states that are not there, or of several states."""
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

    def check_strip(self) -> None:
        """Refuse an empty beginning of names."""
        if not all(self.strip):
            raise mistake("a beginning of names is empty", "remove it", "strip")
