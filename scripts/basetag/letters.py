"""What may stand for a base and for a state: the letters of an alphabet, and states with names.

A model's file and the config both name letters and states, and both are held against the same
rules here. What an alphabet computes with lies in `basetag.alphabet`; nothing here needs arrays.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

#: Label of a base that belongs to no state: never a class, never scored.
UNLABELLED = 255

_PLAIN = string.ascii_uppercase + string.ascii_lowercase + string.digits

#: The plain letters of the alphabets with names, as `basetag.alphabet`, which would bring numpy.
NAMED_ALPHABETS = {"dna": "ACGT", "protein": "ACDEFGHIKLMNPQRSTVWY"}


class Problem(NamedTuple):
    """Something wrong with letters or names: the keys below them, what it is, what to do."""

    keys: tuple[str, ...]
    problem: str
    advice: str


def plain_letters(alphabet: str) -> str:
    """Return the plain letters of what a config or a file calls `alphabet`."""
    return NAMED_ALPHABETS.get(alphabet, alphabet)


def tells_case(alphabet: str) -> bool:
    """Return whether lower-case letters of what a config calls `alphabet` are others."""
    return alphabet not in NAMED_ALPHABETS


def one_word(name: str) -> str:
    """Return the name of a state as it stands in a BED file: blanks become underscores."""
    return "_".join(name.split())


def alphabet_problem(alphabet: str) -> Problem | None:
    """Return why `alphabet`, a name or letters as one word, cannot be one; None where it can."""
    meant = alphabet.lower().removesuffix("s")
    if alphabet not in NAMED_ALPHABETS and meant in NAMED_ALPHABETS:
        return Problem((), f"{alphabet!r} is not known", f"did you mean {meant}?")
    letters = plain_letters(alphabet)
    for letter in letters:
        if not _stands_for_a_base(letter):
            return _no_letter((), letter)
        if letters.count(letter) > 1:
            return Problem((), f"the letter {letter!r} stands twice", "name each letter once")
    if len(letters) < 2:
        advice = f"write {' or '.join(NAMED_ALPHABETS)}, or all letters as one word"
        return Problem((), "has fewer than 2 letters", advice)
    if {"?", "*"} <= set(letters):
        return Problem((), "has both ? and *", "leave one of them free to stand for unknown")
    return None


def states_problem(states: Mapping[str, str]) -> Problem | None:
    """Return why `states`, letter to meaning, cannot be told apart; None where they can."""
    found = letters_problem(states)
    if found is not None:
        return found
    letter_of: dict[str, str] = {}
    for letter, name in states.items():
        word = one_word(name)
        if not word:
            return Problem((letter,), "the state has no name", "say what it means")
        if word in letter_of:
            return Problem(
                (letter,),
                f"the name {word!r} in a BED file would stand for {letter_of[word]} too",
                "give each state a name of its own",
            )
        letter_of[word] = letter
    return None


def letters_problem(letters: Iterable[str]) -> Problem | None:
    """Return which of `letters` no state can have; None where states can have all of them."""
    for letter in letters:
        if not _stands_for_a_base(letter):
            return _no_letter((letter,), letter)
    return None


def state_letters(names: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return a letter for each state, those of `given` (name to letter) first: letter to name.

    Every other state gets the first free one of: the first letter of its name, in upper case, or
    in lower case where the name ends in ``-`` (the minus strand); the further letters of the name,
    in the same case; A to Z; a to z; 0 to 9.
    """
    names = list(names)
    taken = set(given.values())
    letter_of = dict(given)
    for name in names:
        if name not in letter_of:
            own = name.lower() if name.endswith("-") else name.upper()
            plain = (letter for letter in own if letter in _PLAIN)
            letter_of[name] = next(c for c in chain(plain, _PLAIN) if c not in taken)
            taken.add(letter_of[name])
    return {letter_of[name]: name for name in names}


def _stands_for_a_base(letter: str) -> bool:
    return len(letter) == 1 and "!" <= letter <= "~" and letter not in ">;"


def _no_letter(keys: tuple[str, ...], letter: str) -> Problem:
    return Problem(
        keys,
        f"{letter!r} cannot stand for one base in a FASTA file",
        "use one printable character other than > and ;",
    )
