"""The errors that a user sees: one line that says where, what was found, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class BasetagError(Exception):
    """Something that the user can mend: a wrong config, a wrong file, a missing device.

    Parameters
    ----------
    message : str
        What is wrong: what was found and what was expected.
    file : str or Path, optional
        The file in which it was found.
    line : int, optional
        Line number in `file`, from 1.
    column : int, optional
        Column in that line, from 1.
    record : str, optional
        Name of the sequence.
    position : int, optional
        Position in the record, in bases from 1.
    advice : str, optional
        What to do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
        record: str | None = None,
        position: int | None = None,
        advice: str | None = None,
    ) -> None:
        place = []
        if file is not None:
            place.append(str(file))
        if line is not None:
            place.append(f"line {line}")
        if column is not None:
            place.append(f"column {column}")
        if record is not None:
            place.append(f"record {record!r}")
        if position is not None:
            place.append(f"position {position}")
        text = f"{', '.join(place)}: {message}" if place else message
        if advice is not None:
            text = f"{text}; {advice}"
        super().__init__(" ".join(text.split()))


class ConfigError(BasetagError):
    """A key or value of the config that cannot be used."""


class InputError(BasetagError):
    """An input file that cannot be read as what it should be."""


class SequenceError(InputError):
    """A base of one of many sequences that cannot be; whose record it is, the caller knows.

    Parameters
    ----------
    message : str
        What is wrong there.
    sequence, position : int
        Number of the sequence, and of the base in it, from 0.
    advice : str
        What to do about it.
    """

    def __init__(self, message: str, sequence: int, position: int, advice: str) -> None:
        super().__init__(
            f"sequence {sequence + 1}, position {position + 1}: {message}", advice=advice
        )
        self.message, self.advice = message, advice
        self.sequence, self.position = sequence, position

    def of_sequence(self, sequence: int) -> SequenceError:
        """Return the error under the number that the sequence has among others."""
        return SequenceError(self.message, sequence, self.position, self.advice)

    def of_record(self, record: str, start: int) -> InputError:
        """Return the error for a sequence that begins at base `start`, from 0, of `record`."""
        position = start + self.position + 1
        return InputError(self.message, record=record, position=position, advice=self.advice)


class DeviceError(BasetagError):
    """A device that was asked for and is not there."""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice spelled most like `word`, or None where none is close."""
    matches = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return matches[0] if matches else None
