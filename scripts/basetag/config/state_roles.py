"""Which of a dataset's states a tagger means: by letter, by name, by strand.

States are a mapping of letter to name, in order, as `Config.states` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping

from basetag.config.programs import Pyrodigal
from basetag.errors import nearest
from basetag.letters import Problem

#: What a gene finder tells apart, by its keys in the config.
STRANDS = ("background", "forward", "reverse")


def letter_of(wanted: str, states: Mapping[str, str]) -> str | None:
    """Return the letter of the state that `wanted` is the letter or the name of, if any."""
    if wanted in states:
        return wanted
    return next((letter for letter, name in states.items() if name == wanted), None)


def no_state(key: str, wanted: str, dataset: str, states: Mapping[str, str]) -> Problem:
    """Return what is wrong with a key whose value `wanted` is no state of `dataset`."""
    close = nearest(wanted, states.values())
    return Problem(
        (key,),
        f"the dataset {dataset!r} has no state {wanted!r}",
        f"did you mean {close}?" if close else f"its states are {listed(states)}",
    )


def listed(states: Mapping[str, str]) -> str:
    """Return states as text: ``I (island), O (sea)``."""
    return ", ".join(f"{letter} ({name})" for letter, name in states.items())


def matched_labels(labels: Mapping[str, str], states: Mapping[str, str]) -> dict[str, str] | None:
    """Return the letter of the state that each label of a model is; None where they do not agree.

    All go by their names, in whatever case; or, where those are others, all by their letters.
    """
    by_name = {name.casefold(): letter for letter, name in states.items()}
    names = {letter: name.casefold() for letter, name in labels.items()}
    if sorted(names.values()) == sorted(by_name) and len(by_name) == len(states):
        return {letter: by_name[name] for letter, name in names.items()}
    if sorted(labels) == sorted(states):
        return {letter: letter for letter in labels}
    return None


def strand_roles(
    tagger: Pyrodigal, dataset: str, states: Mapping[str, str]
) -> dict[str, str] | Problem:
    """Return the letter of the state for each of `STRANDS`, or why there is none."""
    found: dict[str, str] = {}
    for key, ending in (("forward", "+"), ("reverse", "-"), ("background", "")):
        wanted = getattr(tagger, key)
        if wanted is not None:
            letter = letter_of(wanted, states)
            if letter is None:
                return no_state(key, wanted, dataset, states)
        else:
            left = [
                letter
                for letter, name in states.items()
                if (name.endswith(ending) if ending else letter not in found.values())
            ]
            if len(left) != 1:
                what = f"whose name ends in {ending}" if ending else "left for all other bases"
                return Problem(
                    ("program",),
                    f"the dataset {dataset!r} has {len(left) or 'no'} state"
                    f"{'s' if len(left) > 1 else ''} {what}: {listed(states)}",
                    f"name one with {key}",
                )
            letter = left[0]
        found[key] = letter
    if found["background"] in (found["forward"], found["reverse"]):
        return Problem(
            ("background",),
            f"{states[found['background']]} is the state of genes, too",
            "name another",
        )
    return {key: found[key] for key in STRANDS}
