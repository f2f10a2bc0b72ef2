"""A split as the config asks for it: drawn, a fold, or given by names or by a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.splits.drawing import make_split
from basetag.splits.folds import split_by_fold
from basetag.splits.given import split_by_name, split_by_table
from basetag.splits.table import Split


def split_by_settings(
    corpus: Corpus, settings: Mapping[str, Any], table: Path | None = None
) -> Split:
    """Return the split of a corpus.

    Parameters
    ----------
    corpus : Corpus
    settings : mapping
        `Config.split_settings`.
    table : Path or None
        The table that gives it, where they say that one does.

    Raises
    ------
    InputError
        As the ways to split.
    """
    if settings["by"] == "name":
        return split_by_name(corpus, settings, settings["rest"])
    if settings["by"] == "table" and table is not None:
        wanted = {key: settings[key] for key in ("record", "column", "values")}
        return split_by_table(corpus, table, **wanted)
    if settings["by"] == "fold":
        return split_by_fold(corpus, **{key: settings[key] for key in settings if key != "by"})
    return make_split(corpus, **settings)
