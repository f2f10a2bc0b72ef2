"""What BED and GFF share: lines of columns with positions and a strand, and their errors."""

from __future__ import annotations

from pathlib import Path

from basetag.errors import InputError

#: What each sign of a strand means: "?" is one that has a strand, which nobody knows.
STRANDS = {"+": "+", "-": "-", ".": ".", "?": "."}

_LONGEST_NUMBER = 18  # digits, so that it fits into 64 bits


def wrong_position(text: str, what: str, path: Path, line: int, advice: str) -> InputError:
    """Return the error for a column that should be a position and is none."""
    return InputError(
        f"the {what} {text[:40]!r} is no position", file=path, line=line, advice=advice
    )


def is_position(text: str) -> bool:
    """Whether a column is a whole number of 0 or more, in plain digits."""
    return text.isdecimal() and text.isascii() and len(text) <= _LONGEST_NUMBER


def wrong_strand(text: str, path: Path, line: int) -> InputError:
    """Return the error for a strand that is none."""
    return InputError(
        f"the strand is {text[:40]!r}", file=path, line=line, advice="it is one of + - . ?"
    )


def wrong_columns(n: int, text: str, path: Path, line: int, advice: str) -> InputError:
    """Return the error for a line of too few or too many columns."""
    shown = text[:40] + ("…" if len(text) > 40 else "")
    columns = "1 column" if n == 1 else f"{n} columns"
    return InputError(f"found {columns} ({shown!r})", file=path, line=line, advice=advice)


def no_features(path: Path) -> InputError:
    """Return the error for a file without a feature."""
    return InputError("holds no features", file=path, advice="is it the right file?")
