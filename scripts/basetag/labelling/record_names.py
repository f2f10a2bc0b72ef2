"""Records of an annotation found among those of the sequences: chr1, 1, NC_000001.11.

Names agree letter by letter, or as the config says. Nothing is guessed: what looks like another
name is told, and the user decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from basetag.errors import InputError, nearest

#: In the config's `strip`, what stands for the number behind the last dot of an accession.
VERSION = "version"

_VERSION = re.compile(r"\.[0-9]+$")
# NCBI's accessions of human chromosomes: 23 and 24 are X and Y.
_HUMAN = re.compile(r"NC_0000([0-2][0-9])(\.[0-9]+)?$")
_MOST_NAMES = 10_000  # among which a name like a wrong one is looked for


class RecordNames:
    """The records of the sequences, looked up by the names that an annotation gives them.

    Parameters
    ----------
    known : sequence of str
        Names of the sequences, all distinct.
    names : mapping of str to str
        What the sequences call a record of the annotation, by its name there.
    strip : iterable of str
        Beginnings of names that do not count, and `VERSION`.
    subset : bool
        Whether records that the sequences lack are passed over.

    Raises
    ------
    InputError
        Where `names` leads to a record that is not there, or two records become one by `strip`.
    """

    def __init__(
        self,
        known: Sequence[str],
        names: Mapping[str, str] | None = None,
        strip: Iterable[str] = (),
        *,
        subset: bool = False,
    ) -> None:
        self.known = known
        self._strip = tuple(strip)
        self._subset = subset
        self._index_of = {name: index for index, name in enumerate(known)}
        self._given: dict[str, int] = {}
        for name, own in (names or {}).items():
            if own not in self._index_of:
                raise InputError(
                    f"the sequences have no record {own!r}, to which the config's names lead",
                    record=name,
                    advice=_did_you_mean(nearest(own, known[:_MOST_NAMES]), known),
                )
            self._given[name] = self._index_of[own]
        self._stripped: dict[str, int] = {}
        for name, index in self._index_of.items() if self._strip else ():
            other = self._stripped.setdefault(self._without(name), index)
            if other != index:
                raise InputError(
                    f"{known[other]!r} and {name!r} become one name by strip: "
                    f"{', '.join(self._strip)}",
                    advice="strip less, or give the config names",
                )

    def index_of(self, name: str, file: Path, line: int) -> int | None:
        """Return the index of a record; None where it is passed over.

        Raises
        ------
        InputError
            For a name that the sequences do not have, with what it could mean.
        """
        found = self.find(name)
        if found is None and not self._subset:
            raise InputError(
                f"the sequences have no record {name!r}",
                file=file,
                line=line,
                advice=f"{self._advice(name)}; where they are only some of the records: "
                "subset: true",
            )
        return found

    def find(self, name: str) -> int | None:
        """Return the index of a record; None where the sequences do not have it."""
        for found in (self._given.get(name), self._index_of.get(name)):
            if found is not None:
                return found
        return self._stripped.get(self._without(name)) if self._strip else None

    def _without(self, name: str) -> str:
        for part in self._strip:
            name = _VERSION.sub("", name) if part == VERSION else name.removeprefix(part)
        return name

    def _advice(self, name: str) -> str:
        """Return what a name could mean, and how to say so."""
        human = _HUMAN.match(name)
        number = int(human[1]) if human else 0
        plain = {23: "X", 24: "Y"}.get(number, str(number))
        for candidate in (plain, f"chr{plain}") if number else ():
            if candidate in self._index_of:
                return f"is it {candidate!r}? Say so: names: {{{name}: {candidate}}}"
        for candidate, strip in (
            (name.removeprefix("chr"), "chr"),
            (f"chr{name}", "chr"),
            (_VERSION.sub("", name), VERSION),
        ):
            if candidate in self._index_of:
                return f"is it {candidate!r}? Say so: strip: [{strip}]"
        versions = (known for known in self.known if _VERSION.sub("", known) == name)
        version = next(versions, None)
        if version is not None:
            return f"is it {version!r}? Say so: strip: [{VERSION}]"
        close = nearest(name, self.known[:_MOST_NAMES])
        if close is None:
            return _did_you_mean(None, self.known)
        return f"is it {close!r}? Say so: names: {{{name}: {close}}}"


def _did_you_mean(close: str | None, known: Sequence[str]) -> str:
    if close is not None:
        return f"did you mean {close!r}?"
    return f"the first of them is {known[0]!r}" if known else "there are none"
