"""Room for large arrays: in memory, or in files without a name that nobody has to remove."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def new_array(
    shape: tuple[int, ...],
    dtype: DTypeLike,
    *,
    on_disk: bool,
    folder: str | os.PathLike[str] | None = None,
) -> NDArray[Any]:
    """Return a new array, whose numbers are not set.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    on_disk : bool
        Whether it lies in a file, which is gone with the array, however the process ends.
    folder : path-like, optional
        Where that file lies; without it, where the system keeps its temporary files.
    """
    if not on_disk:
        return np.empty(shape, dtype=dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            # A map of a file with holes would end the process where the disk is full.
            os.posix_fallocate(file.fileno(), 0, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
