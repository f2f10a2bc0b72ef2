"""Outside programs as taggers: run on letters, they call states, and that is all that they say.

A program is added by a class that is a `Program`, a line in `PROGRAMS`, and its keys in
`basetag.config.programs`. How it is cut to size, what its calls are worth and where it is saved is
the same for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.baseline import Lengths, Tensors, Tokens
from basetag.gene_finder import Pyrodigal
from basetag.hard_callers import HardCaller


class Program(Protocol):
    """A program that gives each base of a sequence one of a few roles.

    Attributes
    ----------
    roles : tuple of str
        What it tells apart: keys of the config, each of which names a state.
    most_training_bases : int
        It is trained on so many bases of the training split at most, the first.
    longest, margin : int
        A longer sequence than `longest` bases is given to it in pieces of these, with `margin`
        further bases on either side, whose roles are not taken.
    """

    roles: ClassVar[tuple[str, ...]]
    most_training_bases: ClassVar[int]
    longest: ClassVar[int]
    margin: ClassVar[int]

    @classmethod
    def trained(cls, parameters: Mapping[str, Any], sequences: Sequence[bytes]) -> Program:
        """Return the program with its settings in the config, trained on `sequences` if it is."""

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Program:
        """Return the program that gave `tensors`."""

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all that it needs to be built again."""

    @property
    def description(self) -> str:
        """One line in words, its version among them."""

    @property
    def n_parameters(self) -> int:
        """Number of fitted numbers."""

    def groups(self, sequence: bytes) -> NDArray[np.uint8]:
        """Return the role of each base of `sequence`, an index of `roles`, (bases,)."""


#: The programs, by their names in the config.
PROGRAMS: dict[str, type[Program]] = {"pyrodigal": Pyrodigal}


def letters_of(alphabet: Alphabet, tokens: Tokens) -> bytes:
    """Return a sequence in letters, one byte each."""
    return np.frombuffer(alphabet.symbols.encode("ascii"), dtype=np.uint8)[tokens].tobytes()


class ProgramCalls:
    """What a program calls on tokens.

    Parameters
    ----------
    program : Program
    alphabet : Alphabet
    """

    def __init__(self, program: Program, alphabet: Alphabet) -> None:
        self.program = program
        self.alphabet = alphabet

    def of_bases(
        self, tokens: Tokens, lengths: Lengths
    ) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """Yield pieces of sequences and the role of each base, (bases in the piece,)."""
        program, begin = self.program, 0
        for length in lengths.tolist():
            end = begin + length
            for start in range(begin, end, program.longest):
                stop = min(start + program.longest, end)
                low, high = max(begin, start - program.margin), min(end, stop + program.margin)
                groups = program.groups(letters_of(self.alphabet, tokens[low:high]))
                yield slice(start, stop), groups[start - low : stop - low]
            begin = end


class ProgramTagger(HardCaller):
    """An outside program, whose calls are as probable as on validation."""

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        program = PROGRAMS[card["architecture"]["baseline"]].from_tensors(tensors)
        super().__init__(card, tensors, ProgramCalls(program, self.alphabet_of(card)))
