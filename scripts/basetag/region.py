"""A part of a record, as people write it: ``chr1:1-20,000``, from 1, both ends in."""

from __future__ import annotations

import re
from typing import NamedTuple

_FORM = re.compile(r"(.+):([0-9,]+)-([0-9,]+)")


class Region(NamedTuple):
    """A part of a record.

    Attributes
    ----------
    record : str
    start, end : int
        0-based, half-open.
    """

    record: str
    start: int
    end: int

    @classmethod
    def of_text(cls, text: str) -> Region | None:
        """Return the region that `text` names; None where it names none.

        A record's name may have colons, as those of HLA alleles do.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            return None
        start, end = (int(number.replace(",", "") or 0) for number in found.group(2, 3))
        return cls(found[1], start - 1, end) if 1 <= start <= end else None

    def __str__(self) -> str:
        return f"{self.record}:{self.start + 1:,}-{self.end:,}"
