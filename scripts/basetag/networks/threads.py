"""Compiled kernels shared out among torch's threads, each with a block of rows of its own."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch
from torch import Tensor


def on_blocks_of_rows(kernel: Any, rows: int, *arguments: Any) -> None:
    """Run a kernel on blocks of rows, one for each of torch's threads.

    Parameters
    ----------
    kernel : callable
        Compiled without the interpreter's lock; takes `arguments`, the first row and the row
        behind the last one. No row may need another.
    rows : int
    *arguments
        Tensors on the CPU are handed on as arrays that share their memory.
    """
    values: list[Any] = [
        value.detach().numpy() if isinstance(value, Tensor) else value for value in arguments
    ]
    threads = min(torch.get_num_threads(), rows)
    borders = [rows * part // threads for part in range(threads + 1)]
    if threads == 1:
        kernel(*values, 0, rows)
        return
    parts = [
        _pool(threads).submit(kernel, *[*values, first, last])
        for first, last in itertools.pairwise(borders)
    ]
    for part in parts:
        part.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)
