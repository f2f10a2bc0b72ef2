"""A split as the config asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.splits.drawing import make_split
from basetag.splits.table import Split


def split_by_settings(corpus: Corpus, settings: Mapping[str, Any], table: Path | None) -> Split:
    """Return the split of a corpus.

    Parameters
    ----------
    corpus : Corpus
    settings : mapping
        `Config.split_settings`.
    table : Path or None
        The table that gives it, where one does.

    Raises
    ------
    InputError
        As the ways to split.
    """
    return make_split(corpus, **settings)
