"""The written form of a hidden Markov model: a YAML file, and whether it describes one.

A file names the states and gives the probabilities of starting in, moving between and emitting
from them; where several states stand for one label, it says which. It is checked here, with every
mistake told as one line, and turned into plain settings; what is computed from them lies in
`basetag.hmm`. Nothing here needs arrays, so that a config with many models is checked at once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from basetag.errors import ConfigError, nearest
from basetag.letters import Problem, alphabet_problem, plain_letters, states_problem
from basetag.yaml_file import load_yaml

#: How far from 1 the sum of a row may be: room for 20 probabilities written with six digits.
SUM_TOLERANCE = 1e-5
MAXIMUM_STATES = 32

_ROW_SHOWN = 8

Probability = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


class LabelSpec(BaseModel):
    """A label that several states of a model bear."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What the label means.")
    states: tuple[str, ...] = Field(
        description="The names of the states that bear the label, as a list; numbers in quotes."
    )


class HMMSpec(BaseModel):
    """A hidden Markov model as a file states it: checked, and kept as written.

    The chain has to be ergodic (every state can be reached from every other, with no fixed
    period): only then is there one stationary distribution to start from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="What the model is called.")
    description: str = Field(default="", description="What the model is for, in words.")
    source: str = Field(default="", description="Where the numbers come from.")
    alphabet: str = Field(
        default="dna",
        description="`dna`, `protein`, or the letters that are emitted, as one word.",
    )
    states: dict[str, str] = Field(
        description="A letter for each state, and what it means; with `labels`, any one word for "
        "it. Their order is kept."
    )
    labels: dict[str, LabelSpec] | None = Field(
        default=None,
        description="A letter for each label, its `name`, and the `states` that bear it; without "
        "it, each state is a label of its own.",
    )
    start: Literal["stationary"] | dict[str, Probability] = Field(
        default="stationary",
        description="Probability of each state at the first base of a record, or `stationary`.",
    )
    transition: dict[str, dict[str, Probability]] = Field(
        description="For each state, the probability of the next base's state; left out means 0."
    )
    emission: dict[str, dict[str, Probability]] = Field(
        description="For each state, the probability of each letter; left out means 0."
    )

    @property
    def letters(self) -> str:
        """The plain letters that the states emit."""
        return plain_letters(self.alphabet)

    @property
    def label_names(self) -> dict[str, str]:
        """The letter of each label and what it means, in order."""
        if self.labels is None:
            return dict(self.states)
        return {letter: label.name for letter, label in self.labels.items()}

    def settings(self) -> dict[str, Any]:
        """Return what the numbers depend on, as plain JSON.

        Returns
        -------
        dict
            `alphabet` (name or letters), `states` (list of the letter of each one's label),
            `start` (``"stationary"`` or list), `transition` (list of rows), `emission` (list of
            rows); and `labels` (list of letters), but where they are the states. Lists, since the
            order of the states counts and that of JSON's keys does not; all words are left out,
            those for the states too.
        """
        states = list(self.states)
        labels = list(self.label_names)
        bearing = {
            state: letter for letter, label in (self.labels or {}).items() for state in label.states
        }
        letters = [bearing.get(state, state) for state in states]
        return {
            "alphabet": self.alphabet,
            "states": letters,
            **({} if labels == letters else {"labels": labels}),
            "start": self.start if isinstance(self.start, str) else _row(self.start, states),
            "transition": [_row(self.transition[state], states) for state in states],
            "emission": [_row(self.emission[state], self.letters) for state in states],
        }

    @model_validator(mode="after")
    def _check(self) -> HMMSpec:
        _refuse_any("alphabet", alphabet_problem(self.alphabet))
        if self.labels is None:
            _refuse_any("states", states_problem(self.states))
        if not 2 <= len(self.states) <= MAXIMUM_STATES:
            _refuse(
                "states",
                f"{len(self.states)} states were given",
                f"2 to {MAXIMUM_STATES} are possible",
            )
        if self.labels is not None:
            _check_labels(self.labels, self.states)
        if not isinstance(self.start, str):
            _check_distribution("start", self.start, self.states, "state")
        for key, rows, columns, kind in (
            ("transition", self.transition, list(self.states), "state"),
            ("emission", self.emission, list(self.letters), "letter"),
        ):
            _check_names(key, rows, self.states, "state")
            for state in self.states:
                if state not in rows:
                    _refuse(f"{key}.{state}", "is missing", "every state needs a row")
                _check_distribution(f"{key}.{state}", rows[state], columns, kind)
        _check_ergodic(self.transition, list(self.states))
        return self


def load_hmm_spec(path: str | os.PathLike[str]) -> HMMSpec:
    """Read the model in the YAML file `path`.

    Raises
    ------
    ConfigError
        At the first mistake: file, key, what is wrong, and what to do.
    """
    path = Path(path)
    content = load_yaml(path)
    if not isinstance(content, dict):
        keys = ", ".join(HMMSpec.model_fields)
        raise ConfigError("is not a mapping of keys to values", file=path, advice=f"keys: {keys}")
    try:
        return HMMSpec.model_validate(content)
    except ValidationError as error:
        key, problem, advice = _explain(error.errors(include_url=False))
        raise ConfigError(f"{key}: {problem}", file=path, advice=advice) from None


def _row(row: Mapping[str, float], names: Iterable[str]) -> list[float]:
    return [row.get(name, 0.0) for name in names]


def _refuse(key: str, problem: str, advice: str) -> NoReturn:
    raise PydanticCustomError(
        "hmm", "{key}: {problem}; {advice}", {"key": key, "problem": problem, "advice": advice}
    )


def _refuse_any(key: str, found: Problem | None) -> None:
    if found is not None:
        _refuse(".".join((key, *found.keys)), found.problem, found.advice)


def _check_labels(labels: Mapping[str, LabelSpec], states: Mapping[str, str]) -> None:
    for state in states:
        if state.split() != [state]:
            _refuse("states", f"{state!r} is no name of a state", "use one word")
    _refuse_any("labels", states_problem({letter: label.name for letter, label in labels.items()}))
    if len(labels) < 2:
        _refuse("labels", f"{len(labels)} labels were given", "2 at least are needed")
    letter_of: dict[str, str] = {}
    for letter, label in labels.items():
        key = f"labels.{letter}.states"
        if not label.states:
            _refuse(key, "no state bears the label", "name one, or remove the label")
        _check_names(key, dict.fromkeys(label.states), states, "state")
        for state in label.states:
            if state in letter_of:
                _refuse(
                    f"{key}.{state}",
                    f"the state bears the label {letter_of[state]} already",
                    "name each state once",
                )
            letter_of[state] = letter
    for state in states:
        if state not in letter_of:
            _refuse("labels", f"the state {state} bears no label", "add it to the states of one")


def _check_names(key: str, row: Mapping[str, Any], names: Iterable[str], kind: str) -> None:
    names = list(names)
    for name in row:
        if name not in names:
            folded = {other.lower(): other for other in names}
            close = folded.get(name.lower()) or nearest(name, names)
            known = ", ".join(names)
            advice = f"did you mean {close}?" if close else f"the {kind}s are {known}"
            _refuse(f"{key}.{name}", f"{name!r} is no {kind} of this model", advice)


def _check_distribution(
    key: str, row: Mapping[str, float], names: Iterable[str], kind: str
) -> None:
    _check_names(key, row, names, kind)
    total = math.fsum(row.values())
    if abs(total - 1) > SUM_TOLERANCE:
        shown = " + ".join(f"{value:g}" for value in list(row.values())[:_ROW_SHOWN])
        shown += " + ..." if len(row) > _ROW_SHOWN else ""
        _refuse(
            key,
            f"the probabilities sum to {total:.8g}, not to 1 ({shown})",
            "correct the one that is wrong",
        )


def _check_ergodic(transition: Mapping[str, Mapping[str, float]], states: list[str]) -> None:
    step_of: dict[str, int] = {}
    for first in states:
        distance = _distances(transition, first)
        lost = [state for state in states if state not in distance]
        if lost:
            _refuse(
                "transition",
                f"the chain is not ergodic: from {first}, never reached: {', '.join(lost)}",
                "give every state a way into and out of every other",
            )
        step_of = step_of or distance
    # Every cycle's length is a multiple of the period (Norris 1997, Markov Chains, 1.8): the
    # greatest common divisor of how much each transition differs from one step forward.
    period = 0
    for state in states:
        for following, probability in transition[state].items():
            if probability > 0:
                period = math.gcd(period, step_of[state] + 1 - step_of[following])
    if period != 1:
        _refuse(
            "transition",
            f"the chain is not ergodic: it returns to a state only every {period} bases",
            "give a state some probability to stay",
        )


def _distances(transition: Mapping[str, Mapping[str, float]], first: str) -> dict[str, int]:
    """Return the fewest steps from `first` to each state that it can reach."""
    distance = {first: 0}
    queue = [first]
    for state in queue:
        for following, probability in transition[state].items():
            if probability > 0 and following not in distance:
                distance[following] = distance[state] + 1
                queue.append(following)
    return distance


def _explain(errors: list[ErrorDetails]) -> tuple[str, str, str | None]:
    """Return key, problem and advice of the first of pydantic's `errors`."""
    # A misspelled key is both an unknown and a missing one: the unknown one says more.
    error = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    keys = [str(part) for part in error["loc"]]
    if error["type"] == "hmm":
        context = error["ctx"]
        return context["key"], context["problem"], context["advice"]
    if keys[0] == "start":
        # Both forms were tried: what is wrong with the mapping says more, where it is one.
        inner = [error for error in errors if error["loc"][0] == "start" and len(error["loc"]) > 2]
        if not inner:
            found = "a list" if isinstance(error["input"], list) else repr(error["input"])
            return "start", f"{found} is no start", "write stationary, or a probability per state"
        error = inner[0]
        keys = [str(part) for part in error["loc"][:1] + error["loc"][2:]]
    key = ".".join(keys)
    owner: type[BaseModel] = LabelSpec if len(keys) > 1 else HMMSpec
    if error["type"] == "extra_forbidden":
        names = list(owner.model_fields)
        close = nearest(keys[-1], names)
        advice = f"did you mean {close}?" if close else f"the keys are {', '.join(names)}"
        return key, f"is no key of a {'label' if owner is LabelSpec else 'model'}", advice
    if error["type"] == "missing":
        return key, "is missing", owner.model_fields[keys[-1]].description
    found = repr(error["input"])
    if error["type"] == "model_type":
        return key, f"{found[:60]} is no label", _kind_of_value(keys)
    problem = f"{error['msg'][0].lower()}{error['msg'][1:]}, found {found[:60]}"
    return key, problem, _kind_of_value(keys)


def _kind_of_value(keys: list[str]) -> str | None:
    field = HMMSpec.model_fields.get(keys[0])
    if keys[0] == "labels" and len(keys) > 2:
        field = LabelSpec.model_fields[keys[2]]
    elif len(keys) > 2 or keys[0] == "start":
        return "probabilities lie in 0 to 1"
    return field.description if field else None
