"""Tables with a sequence and its states on each row: TSV or CSV, mostly with a line of names.

What parts the columns, the first line says: a tab if it has one, else a comma, else a semicolon; in
a table without names the first of these that leaves something in each column asked for.
Fields may stand in double quotes, and hold tabs, commas and line ends then. Letters come back as
they stand; what they become is the business of whoever asked.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from basetag.errors import InputError, nearest
from basetag.fasta import LetterTable
from basetag.text_lines import decoded_blocks

#: A column: its name in the first line, or its number in a table without names.
Column = str | int

_LONGEST_FIELD = 1 << 30


@dataclass(frozen=True, slots=True)
class TableRecord:
    """One row.

    Parameters
    ----------
    name : str
        That of its column, or `row1`, `row2`, … where no column has names.
    sequence : str
        Its letters.
    states : str or None
        Of equal length; None where no column of states was asked for.
    others : tuple of str
        Its fields in the further columns asked for.
    line : int
        On which the row begins, from 1.
    """

    name: str
    sequence: str
    states: str | None
    others: tuple[str, ...]
    line: int


def read_sequence_table(
    path: str | os.PathLike[str],
    *,
    sequence: Column = "dna",
    states: Column | None = "hidden_state",
    name: Column | None = None,
    others: Sequence[Column] = (),
    letters: LetterTable | None = None,
    state_letters: LetterTable | None = None,
) -> Iterator[TableRecord]:
    """Yield the rows of a table, one at a time.

    Blanks around a field are no part of it. Empty lines are passed over.

    Parameters
    ----------
    path : path-like
        Plain, gzip or BGZF.
    sequence, states, name : str, int or None
        Names of the columns, or the numbers of all of them, from 1 on, where the first line is a
        row already. Without `states` rows have none; without `name` they are counted.
    others : sequence of str or int
        Further columns that are wanted.
    letters, state_letters : LetterTable, optional
        What may stand in the two strings; without, anything may.

    Raises
    ------
    InputError
        Where the table has no such column; at a row with more or fewer fields than the first
        line, with strings of unequal length, a letter that may not be there, no name, or one that
        another row has; for a table without rows, or one that cannot be read.
    """
    path = Path(path)
    wanted = [sequence, *((states,) if states is not None else ())]
    wanted += [*((name,) if name is not None else ()), *others]
    numbers = [column for column in wanted if isinstance(column, int)]
    rows = _rows(path, numbers)
    header = [field.strip() for field in next(rows)[1]]
    if not any(header):
        lacks = "no fields" if numbers else "no column names"
        raise InputError(f"has {lacks} in its first line", file=path, line=1)
    places = {column: _place(column, header, path) for column in wanted}
    known: dict[str, int] = {}
    number = 0
    for line, fields in rows:
        if len(fields) != len(header):
            found = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
            raise InputError(
                f"found {found}, and the first line {'has' if numbers else 'names'} {len(header)}",
                file=path, line=line, advice="a field that holds the sign between columns stands"
                " in double quotes",
            )  # fmt: skip
        number += 1
        own = f"row{number}" if name is None else fields[places[name]].strip()
        _check_name(own, known, name, path, line)
        known[own] = line
        text = fields[places[sequence]].strip()
        _check_letters(text, letters, sequence, own, path, line)
        labels = None
        if states is not None:
            labels = fields[places[states]].strip()
            if len(labels) != len(text):
                raise InputError(
                    f"column {sequence!r} has {len(text)} letters, and column {states!r} has"
                    f" {len(labels)}",
                    file=path, line=line, record=own, advice="every letter has one state",
                )  # fmt: skip
            _check_letters(labels, state_letters, states, own, path, line)
        further = tuple(fields[places[column]].strip() for column in others)
        yield TableRecord(own, text, labels, further, line)
    if not number:
        raise InputError("holds no rows", file=path, advice="is it the right file?")


def _rows(path: Path, numbers: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each row and the line on which it begins.

    First those of the first line, which says what parts the columns; with `numbers` of columns it
    comes again, as a row.
    """
    csv.field_size_limit(_LONGEST_FIELD)  # 131,072 letters otherwise
    lines = (line for _, block in decoded_blocks(path) for line in block)
    first = next(lines, "")
    signs = [sign for sign in "\t,;" if sign in first] or ["\t"]
    sign = next((sign for sign in signs if _fills(first.split(sign), numbers)), signs[0])
    yield 1, next(csv.reader([first], delimiter=sign), [])
    if numbers:
        lines = (line for line in chain([first], lines))
    skipped = 0 if numbers else 1
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=sign, strict=True)
    begin = 1 + skipped
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"cannot be read ({error})", file=path, line=begin,
                advice="is a double quote missing? One within a field is written twice",
            ) from error  # fmt: skip
        # Of a table of one column, two quotes are a row whose only field is empty.
        if any(field.strip() for field in fields) or fields == [""]:
            yield begin, fields
        begin = reader.line_num + 1 + skipped


def _fills(fields: Sequence[str], numbers: Sequence[int]) -> bool:
    """Whether there is something in each of the numbered fields."""
    return all(number <= len(fields) and fields[number - 1].strip() for number in numbers)


def _place(column: Column, header: Sequence[str], path: Path) -> int:
    """Return where a column is."""
    if isinstance(column, int):
        if column <= len(header):
            return column - 1
        raise InputError(
            f"has no column {column}: its first line has {len(header)}", file=path, line=1,
            advice="columns are counted from 1 on",
        )  # fmt: skip
    if header.count(column) == 1:
        return header.index(column)
    if column in header:
        raise InputError(
            f"{header.count(column)} columns bear the name {column!r}", file=path, line=1,
            advice="rename all but one",
        )  # fmt: skip
    like = nearest(column, header) or nearest(column.lower(), [name.lower() for name in header])
    like = next((name for name in header if like and name.lower() == like.lower()), None)
    shown = ", ".join(name[:30] for name in header[:8]) + (", …" if len(header) > 8 else "")
    raise InputError(
        f"has no column {column!r}", file=path, line=1,
        advice=f"did you mean {like!r}? The first line names {shown}"
        if like
        else f"the first line names {shown}",
    )  # fmt: skip


def _check_name(
    own: str, known: dict[str, int], column: Column | None, path: Path, line: int
) -> None:
    advice = "give every row a name of one word, of its own, or name no column of names"
    if not own:
        raise InputError(f"column {column!r} is empty", file=path, line=line, advice=advice)
    if len(own.split()) > 1:
        raise InputError(f"the name {own!r} has blanks", file=path, line=line, advice=advice)
    if own in known:
        raise InputError(
            f"a row of this name stands in line {known[own]} already",
            file=path, line=line, record=own, advice=advice,
        )  # fmt: skip


def _check_letters(
    text: str, table: LetterTable | None, column: Column, record: str, path: Path, line: int
) -> None:
    """Refuse the first letter that is none of `table`."""
    if table is None:
        return
    values = text.encode("latin-1", errors="replace").translate(table.values)
    at = values.find(table.wrong)
    if at >= 0 or not text.isascii():
        at = next(i for i, (value, letter) in enumerate(zip(values, text, strict=True))
                  if value == table.wrong or not letter.isascii())  # fmt: skip
        raise InputError(
            f"column {column!r} has {text[at]!r}, which is no letter of {table.called}",
            file=path, line=line, record=record, position=at + 1,
            advice=table.advice(text[at]),
        )  # fmt: skip
