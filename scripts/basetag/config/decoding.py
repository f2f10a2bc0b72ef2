"""The key `decoding` of taggers and annotations: how posteriors become called states."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from basetag.config.section import Section, mistake
from basetag.errors import nearest
from basetag.letters import letters_problem
from basetag.run_length import LONGEST_MINIMUM

_NAMES = ("argmax", "viterbi")


def _check_name(value: Any) -> Any:
    if value not in _NAMES:
        close = nearest(str(value), _NAMES)
        raise mistake(
            f"found {value!r}, expected argmax, viterbi or a mapping",
            f"did you mean {close}?" if close else "such as {method: viterbi, minimum_length: 50}",
        )
    return value


def _check_method(value: Any) -> Any:
    if value == "argmax":
        raise mistake(
            "argmax calls each base alone, and has no minimum_length",
            "take viterbi, or write decoding: argmax",
        )
    return value


def _check_letters(lengths: dict[str, int]) -> dict[str, int]:
    found = letters_problem(lengths)
    if found is not None:
        raise mistake(found.problem, found.advice, *found.keys)
    return lengths


_Length = Annotated[int, Field(ge=1, le=LONGEST_MINIMUM)]


class Viterbi(Section):
    """The most probable path of states, with runs that are not too short to be believed."""

    method: Annotated[Literal["viterbi"], BeforeValidator(_check_method)] = Field(
        description="Name of the method."
    )
    minimum_length: Annotated[
        Annotated[_Length, Tag("<all>")]
        | Annotated[
            Annotated[dict[str, _Length], Field(min_length=1), AfterValidator(_check_letters)],
            Tag("<each>"),
        ],
        Discriminator(lambda value: "<each>" if isinstance(value, dict) else "<all>"),
    ] = Field(
        default=1,
        description="Fewest bases of a run of one state, but for the runs that a beginning or an "
        "end of a sequence cuts off: one number, or one for each state letter, as in "
        "`{H: 200, L: 50}`; a state that is not named may be as short as one base.",
        json_schema_extra={"unit": "bases"},
    )


Decoding = Annotated[
    Annotated[Literal["argmax", "viterbi"], BeforeValidator(_check_name), Tag("<name>")]
    | Annotated[Viterbi, Tag("<settings>")],
    Discriminator(lambda value: "<settings>" if isinstance(value, dict | Viterbi) else "<name>"),
]

#: The key as taggers have it.
TaggerDecoding = Annotated[
    Decoding,
    Field(
        description="How states are called from probabilities: `argmax` (the likeliest state of "
        "each base alone; of a rule or a program that calls states itself, what it calls), "
        "`viterbi` (the most probable path of states, which keeps long segments whole), or "
        "`{method: viterbi, minimum_length: 50}`. Training does not depend on it."
    ),
]
