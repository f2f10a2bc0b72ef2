"""Further numbers for each base of a corpus, of which a network reads some columns.

`features.npy` lies beside the tokens, a row for each base and a column for each feature, NaN where
nobody gave a number; `features.json` names the columns. Neither the array nor the columns that
somebody chooses of it are ever in memory as a whole. How they are written is told in
`feature_encoding`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError, nearest

FEATURES, FEATURE_NAMES = "features.npy", "features.json"


@dataclass(frozen=True)
class FeatureColumns:
    """Some columns of an array of features; nothing is copied before it becomes an array.

    Parameters
    ----------
    values : ndarray of float32, (bases, all columns)
        Usually memory-mapped.
    columns : ndarray of int64, (features,)
        Which are meant, in what order.
    """

    values: NDArray[np.float32]
    columns: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        """Bases and features."""
        return len(self.values), self.columns.size

    def __getitem__(self, bases: slice) -> FeatureColumns:
        return FeatureColumns(self.values[bases], self.columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.values[:, self.columns], dtype=dtype)


#: (bases, features), float32.
BaseFeatures = NDArray[np.float32] | FeatureColumns


def open_features(folder: str | os.PathLike[str], bases: int) -> tuple[
    NDArray[np.float32], tuple[str, ...]
]:  # fmt: skip
    """Return the features of a corpus of `bases` bases, memory-mapped, and their names.

    Raises
    ------
    InputError
        Where they are missing, or those of another corpus.
    """
    folder = Path(folder)
    try:
        names = tuple(json.loads((folder / FEATURE_NAMES).read_text(encoding="utf-8"))["features"])
        values = np.asarray(np.load(folder / FEATURES, mmap_mode="r"))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"has no complete features ({error})", file=folder, advice="encode them again"
        ) from error
    if values.shape != (bases, len(names)) or values.dtype != np.float32:
        raise InputError(
            f"{FEATURES} holds {values.dtype} of the shape {values.shape}; {bases} bases have"
            f" {len(names)} features",
            file=folder,
            advice="encode them again",
        )
    return values, names


def chosen_features(
    chosen: Sequence[str], names: Sequence[str], folder: str | os.PathLike[str]
) -> tuple[str, ...]:
    """Return the features that are meant by `chosen`: a feature's own name, or that of a table.

    Raises
    ------
    InputError
        For a name that none of `names` is, or begins with.
    """
    found: list[str] = []
    for name in chosen:
        own = [name] if name in names else [full for full in names if full.startswith(f"{name}.")]
        if not own:
            like = nearest(name, names)
            raise InputError(
                f"has no feature {name!r}",
                file=os.fspath(folder),
                advice=f"did you mean {like!r}?" if like else f"it has {', '.join(names)}",
            )
        found += own
    return tuple(found)
