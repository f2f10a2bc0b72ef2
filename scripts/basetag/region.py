"""A part of a record, as people write it: ``chr1:1-20,000``, from 1, both ends in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from basetag.errors import InputError, nearest

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


def region_within(text: str, names: Sequence[str], lengths: Sequence[int]) -> Region:
    """Return the region that `text` names in a genome.

    Parameters
    ----------
    text : str
    names : sequence of str
        Of the genome's records.
    lengths : sequence of int
        Their bases.

    Raises
    ------
    InputError
        For what is no region, one of a record that the genome does not have, or beyond its end.
    """
    region = Region.of_text(text)
    if region is None:
        raise InputError(f"{text!r} is no region", advice="write it as chr1:1-20000")
    if region.record not in names:
        like = nearest(region.record, names)
        raise InputError(
            f"the region {text} lies in no record of the genome",
            advice=f"did you mean {like!r}?" if like else f"it has {names[0]!r}, for one",
        )
    length = lengths[names.index(region.record)]
    if region.end > length:
        raise InputError(
            f"the region {text} ends beyond the record, which has {length} bases",
            record=region.record,
            advice="make it shorter",
        )
    return region
