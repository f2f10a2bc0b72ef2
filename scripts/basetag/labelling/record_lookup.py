"""The records of the sequences, looked up by the names that an annotation gives them.

Names agree letter by letter, or as the config says: by a map, or without some of their parts. What
an unknown name could mean, `record_names` says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from basetag.errors import InputError
from basetag.labelling.record_names import check_rename, unknown_records

#: Among parts of names that do not count, the number behind the last dot of an accession.
VERSION = "version"

_VERSION = re.compile(r"\.[0-9]+$")
_LEFT_OUT = -1


class RecordLookup:
    """The index of a record, by its name in an annotation.

    Parameters
    ----------
    known : sequence of str
        Names of the sequences, all distinct.
    path : path-like
        The annotation, for errors.
    rename : mapping of str to str or None
        What the sequences call a record, by its name in the annotation; None leaves it out.
    strip : iterable of str
        Beginnings of names that do not count, on both sides, the longest that fits; and
        `VERSION`.
    subset : bool
        Whether records that the sequences lack are passed over.

    Raises
    ------
    InputError
        Where `rename` leads to a record that is not there, or two records become one by `strip`.
    """

    def __init__(
        self,
        known: Sequence[str],
        path: str | os.PathLike[str],
        *,
        rename: Mapping[str, str | None] | None = None,
        strip: Iterable[str] = (),
        subset: bool = False,
    ) -> None:
        self.known, self.path = known, Path(path)
        self._strip, self._subset = tuple(strip), subset
        self._index_of = {name: index for index, name in enumerate(known)}
        self._stripped: dict[str, int] = {}
        self._unknown: dict[str, int | None] = {}
        for name, index in self._index_of.items() if self._strip else ():
            other = self._stripped.setdefault(self._without(name), index)
            if other != index:
                raise InputError(
                    f"the records {known[other]!r} and {name!r} have one name without "
                    f"{', '.join(self._strip)}",
                    file=self.path,
                    advice="strip less, or map names by rename",
                )
        check_rename(rename or {}, known, path)
        self._renamed = {
            name: _LEFT_OUT if own is None else self._index_of[own]
            for name, own in (rename or {}).items()
        }

    def find(self, name: str) -> int | None:
        """Return the index of a record; None where the sequences do not have it."""
        found = self._renamed.get(name, self._index_of.get(name))
        if found is None and self._strip:
            found = self._stripped.get(self._without(name))
        return None if found == _LEFT_OUT else found

    def of_line(self, name: str, line: int | None) -> int | None:
        """Return the same for a name that a line must have; unknown ones are kept in mind."""
        found = self.find(name)
        if found is None and not self._subset and name not in self._renamed:
            self._unknown.setdefault(name, line)
        return found

    def check(self) -> None:
        """Refuse the unknown names that `of_line` met.

        Raises
        ------
        InputError
            With the first of them, what it may mean, and how many others there are.
        """
        if self._unknown:
            raise unknown_records(self._unknown, self.known, self.path)

    def _without(self, name: str) -> str:
        fitting = [part for part in self._strip if part != VERSION and name.startswith(part)]
        name = name.removeprefix(max(fitting, key=len, default=""))
        return _VERSION.sub("", name) if VERSION in self._strip else name
