"""A preflight.json held against itself: counts of letters, labels and splits that must agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basetag.errors import InputError


def check_preflight(preflight: Mapping[str, Any], path: str | Path) -> None:
    """Hold the sums of a preflight.json against the totals beside them.

    Raises
    ------
    InputError
        At the first that differ.
    """

    def check(what: str, total: int, parts: int) -> None:
        if total != parts:
            raise InputError(
                f"{what} is {total}, and the counts beside it give {parts}",
                file=path,
                advice="the file is damaged or was edited: delete it and run again",
            )

    for kind in ("datasets", "genomes"):
        for name, about in preflight[kind].items():
            if "letters" in about:
                check(f"letters_of of {name}", about["letters_of"], sum(about["letters"].values()))
            if "states" in about:
                labels = sum(about["states"].values()) + about["unlabelled"]
                check(f"labels_of of {name}", about["labels_of"], labels)
            if about.get("splits"):
                parts = sum(split["bases"] for split in about["splits"].values())
                check(f"bases of {name}", about["bases"], parts + about["in_no_split"])
