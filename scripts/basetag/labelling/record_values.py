"""Two columns of a table: names of records, and what is said of each, a split or a class.

What parts the columns, the first line says: a tab if it has one, else a comma, else a semicolon.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError, nearest
from basetag.text_lines import decoded_blocks

# A column beside the two may hold whole sequences.
_LONGEST_FIELD = 1 << 30
# So many steps of single precision numbers should differ by, at least.
_STEPS = 100


def check_resolution(values: NDArray[np.float64], path: Path, column: str) -> None:
    """Refuse numbers whose differences single precision, in which they are kept, cannot hold.

    Parameters
    ----------
    values : ndarray of float64, (values,)
        NaN where one is missing.
    path : Path
        Where they are from.
    column : str
        Its column.

    Raises
    ------
    InputError
        Where their deviation is below `_STEPS` steps of the numbers that there are at their size.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return
    step = float(np.spacing(np.float32(np.abs(known).max())))
    if 0 < known.std() < _STEPS * step:
        raise InputError(
            f"the numbers of column {column!r} lie close together around {known.mean():.6g}, and "
            f"are kept in single precision, in steps of {step:.2g} there",
            file=path,
            advice="subtract their mean from all of them",
        )


@dataclass(frozen=True, slots=True)
class RecordValue:
    """A row of the table: its record, its value, its line in the file."""

    record: str
    value: str
    line: int


def read_record_values(path: Path, *, record: str | None, column: str) -> Iterator[RecordValue]:
    """Yield the rows of a table. Blanks around a field are no part of it, nor are empty lines.

    Without a column of records their names are empty; and where the table has one column alone, an
    empty line is a row whose value is missing.

    Raises
    ------
    InputError
        Where the table has no such column, at a row with more or fewer fields than the first
        line, and for a file that cannot be read.
    """
    csv.field_size_limit(_LONGEST_FIELD)  # 131,072 letters otherwise
    lines = (line for _, block in decoded_blocks(path) for line in block)
    first = next(lines, "")
    sign = next((sign for sign in "\t,;" if sign in first), "\t")
    # With their ends: a field in quotes can go on in the next line.
    reader = csv.reader(
        (f"{line}\n" for line in chain([first], lines)), delimiter=sign, strict=True
    )
    header: list[str] | None = None
    places: list[int] = []
    while True:
        try:
            fields = [field.strip() for field in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"cannot be read ({error})", file=path, line=reader.line_num,
                advice="is a double quote missing? One within a field is written twice",
            ) from error  # fmt: skip
        if header is None:
            header = fields
            places = [_place(name, header, path) for name in (record, column) if name is not None]
        elif any(fields) or (record is None and (len(header) == 1 or len(fields) > 1)):
            fields = fields or [""]
            if len(fields) != len(header):
                found = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
                raise InputError(
                    f"found {found}, and the first line names {len(header)}",
                    file=path, line=reader.line_num,
                    advice="a field that holds the sign between columns stands in double quotes",
                )  # fmt: skip
            name = "" if record is None else fields[places[0]]
            yield RecordValue(name, fields[places[-1]], reader.line_num)


def _place(column: str, header: Sequence[str], path: Path) -> int:
    """Return where a column is."""
    if header.count(column) == 1:
        return header.index(column)
    shown = ", ".join(name[:30] for name in header[:8]) + (", …" if len(header) > 8 else "")
    problem, advice = f"has no column {column!r}", f"the first line names {shown}"
    if column in header:
        problem, advice = f"{header.count(column)} columns are called {column!r}", "rename one"
    elif like := nearest(column, header):
        advice = f"did you mean {like!r}? {advice.capitalize()}"
    raise InputError(problem, file=path, line=1, advice=advice)
