"""The ninth column of GFF3 (`ID=x;Parent=y`) and of GTF (`gene_id "x"; transcript_id "y";`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from basetag.errors import InputError

_BEGINS_AS_GFF3 = re.compile(r'[^=\s"]+=')
_GTF_PAIR = re.compile(r'\s*([^\s;"]+)\s+(?:"([^"]*)"|([^\s;"]+))\s*(?:;|$)')
_WORD = re.compile(r"[^\s;=\"]+;?")
_EMPTY = ("", ".")


@dataclass(frozen=True)
class Dialect:
    """One of the two ways to write attributes.

    Parameters
    ----------
    name : str
    read : callable
        Returns the attributes of a line, given the column, and the path and line for an error.
    joining : sequence of str
        Attributes whose value parts of one feature share, the first that is there.
    escaped : bool
        Whether %09 and so on stand for letters.
    """

    name: str
    read: Callable[[str, Path, int], Mapping[str, tuple[str, ...]]]
    joining: Sequence[str]
    escaped: bool


def dialect_of(text: str) -> Dialect | None:
    """Return the dialect of a file whose first attributes are `text`.

    None where they do not tell: there are none, or nothing but one word.
    """
    text = text.strip()
    if text in _EMPTY or _WORD.fullmatch(text):
        return None
    return GFF3 if _BEGINS_AS_GFF3.match(text) else GTF


def _read_gff3(text: str, path: Path, line: int) -> Mapping[str, tuple[str, ...]]:
    """Return the attributes of a line of GFF3: values parted by commas, escapes decoded.

    One that stands several times has the values of all.
    """
    if text in _EMPTY:
        return {}
    pairs = [pair.split("=", 1) for pair in text.split(";")]
    if pairs[-1] == [""]:
        del pairs[-1]
    try:
        values = dict(pairs)
    except ValueError:
        values = {}
    if len(values) != len(pairs) or "" in values or " " in text or "%" in text:
        return _read_odd_gff3(pairs, path, line)
    if "," in text:
        return {name: tuple(value.split(",")) for name, value in values.items()}
    return dict(zip(values, zip(values.values(), strict=True), strict=True))


def _read_odd_gff3(pairs: list[list[str]], path: Path, line: int) -> Mapping[str, tuple[str, ...]]:
    """Return the same where there may be blanks, escapes, names that stand twice, or mistakes."""
    found: dict[str, tuple[str, ...]] = {}
    for name, *value in pairs:
        if not name.strip() and not value:
            continue
        if not name.strip() or not value:
            raise InputError(
                f"the attribute {'='.join([name, *value]).strip()[:40]!r} is no name=value",
                file=path, line=line,
                advice="attributes of GFF3 are parted by ; (which a value writes as %3B)",
            )  # fmt: skip
        values = value[0].split(",")
        if "%" in name or "%" in value[0]:
            name, values = unquote(name), [unquote(part) for part in values]
        found[name.strip()] = (*found.get(name.strip(), ()), *values)
    return found


def _read_gtf(text: str, path: Path, line: int) -> Mapping[str, tuple[str, ...]]:
    """Return the attributes of a line of GTF; one that stands several times has several values.

    A column of one word, as AUGUSTUS writes it for genes, is the attribute `group` of GFF1. A
    comment (`#`) may end the line.
    """
    # Lines differ in what stands between quotes; the rest is mostly that of a line before.
    pieces = text.split('"')
    layout = _gtf_layout(tuple(pieces[::2])) if len(pieces) % 2 else None
    if layout is None:
        return _gtf_attributes(_gtf_pairs(text, path, line))
    values: dict[str, tuple[str, ...]] = dict(
        zip(layout.names, zip(pieces[1::2], strict=True), strict=True)
    )
    values.update(layout.unquoted)
    for name, places in layout.several:
        values[name] = tuple([pieces[place] for place in places])
    return values


@dataclass(frozen=True, slots=True)
class _Layout:
    """The ninth column of GTF without what stands in quotes."""

    names: tuple[str, ...]  # of each value in quotes
    several: tuple[tuple[str, tuple[int, ...]], ...]  # names of several, and where they stand
    unquoted: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1 << 12)
def _gtf_layout(between: tuple[str, ...]) -> _Layout | None:
    """Return the layout of what stands before, between and behind values in quotes.

    None where there is none: something is wrong, or a name stands both with and without quotes.
    """
    try:
        pairs = _gtf_pairs('""'.join(between), Path(), 0)
    except InputError:
        return None
    names = [name for name, value in pairs if not value]
    unquoted = _gtf_attributes([(name, value) for name, value in pairs if value])
    if len(names) != len(between) - 1 or unquoted.keys() & set(names):
        return None
    several = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    return _Layout(
        tuple(names),
        tuple((s, tuple(2 * i + 1 for i, name in enumerate(names) if name == s)) for s in several),
        unquoted,
    )


def _gtf_attributes(pairs: Sequence[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


def _gtf_pairs(text: str, path: Path, line: int) -> list[tuple[str, str]]:
    """Return names and values in their order; a value outside quotes is never empty."""
    found: list[tuple[str, str]] = []
    at, end = 0, len(text)
    while at < end and (pair := _GTF_PAIR.match(text, at)):
        name, quoted, plain = pair.groups()
        found.append((name, plain if quoted is None else quoted))
        at = pair.end()
    rest = text[at:].strip()
    if not rest or rest.startswith("#") or (not found and rest == "."):
        return found
    if not found and _WORD.fullmatch(rest):
        return [("group", rest.rstrip(";"))]
    raise InputError(
        f"the attribute {rest[:40]!r} cannot be read", file=path, line=line,
        advice='attributes of GTF are name "value", parted by ;',
    )  # fmt: skip


GFF3 = Dialect("GFF3", _read_gff3, ("ID", "Parent", "transcript_id", "protein_id"), True)
GTF = Dialect("GTF", _read_gtf, ("transcript_id", "protein_id"), False)
