"""Sequences drawn from a hidden Markov model, with the labels of the states that emitted them.

A path is drawn run by run: how long a state lasts is geometric, and the next state comes from the
transitions that leave it. Only where runs last a few bases is it drawn base by base. Whole data
sets are streamed to FASTA in chunks cut by a fixed rule, each with random numbers of its own, so
that the seed alone decides every byte and memory does not grow with the bases. What a model is
lies in `basetag.hmm`.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import numba
import numpy as np
import pysam
from numpy.typing import NDArray

from basetag.files import written_whole
from basetag.hmm import HMM

#: Bases on a line of FASTA.
LINE_WIDTH = 80
#: Most bases drawn at once. Part of what a seed means: another value gives other sequences.
CHUNK_BASES = 50_000 * LINE_WIDTH

# Where runs are shorter than this on average, in bases, and states no more than this, it is faster
# to draw every base than every run.
_SHORT_RUN = 8.0
_FEW_STATES = 4
_STEPS_AHEAD = 4096
# Deflating takes longer than drawing. Level 4 makes DNA 7 % smaller in twice the time.
_BGZF_MODE = "wb1"


def draw_lengths(
    length: int | Mapping[str, int], records: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the lengths of `records` records: int64, (records,).

    Parameters
    ----------
    length : int or mapping
        The length of all, or ``{"minimum": a, "maximum": b}`` to draw them from a to b (included)
        with equal probability.
    records : int
    rng : numpy.random.Generator
        Used only where lengths are drawn.
    """
    if isinstance(length, Mapping):
        return rng.integers(length["minimum"], length["maximum"], size=records, endpoint=True)
    return np.full(records, length, dtype=np.int64)


def sample_paths(
    hmm: HMM, lengths: NDArray[np.int64], rng: np.random.Generator, previous: int | None = None
) -> NDArray[np.uint8]:
    """Draw the states of independent records.

    Parameters
    ----------
    hmm : HMM
    lengths : ndarray of int64, (records,)
    rng : numpy.random.Generator
    previous : int, optional
        State of the base before the first record, which then continues an earlier one.

    Returns
    -------
    ndarray of uint8, (bases,)
        The records' states, one record after the other.
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    states = np.empty(int(lengths.sum()), dtype=np.uint8)
    start = column_thresholds(hmm.start[None])
    before = -1 if previous is None else previous
    stay = np.diag(hmm.transition)
    leaving = hmm.transition - np.diag(stay)
    leave = leaving.sum(axis=1) / hmm.transition.sum(axis=1)
    if hmm.n_states <= _FEW_STATES and 1 / (hmm.stationary() @ leave) < _SHORT_RUN:
        uniform = rng.random(states.size)
        _step(start, column_thresholds(hmm.transition), lengths, before, uniform, states)
    else:
        with np.errstate(divide="ignore"):
            log_stay = np.where(stay > 0, np.log1p(-leave), -np.inf)
        _run(start, column_thresholds(leaving), log_stay, lengths, before, rng, states)
    return states


def sample_emissions(
    hmm: HMM, states: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw the token that each of `states` emits: uint8, (bases,)."""
    tokens = np.empty(states.size, dtype=np.uint8)
    _emit(column_thresholds(hmm.emission), states, rng.random(states.size), tokens)
    return tokens


def simulate_to_fasta(
    hmm: HMM,
    lengths: NDArray[np.int64],
    seed: int,
    sequences_path: str | os.PathLike[str],
    states_path: str | os.PathLike[str],
    threads: int = 1,
    prefix: str = "record",
) -> None:
    """Draw records and write their bases and their states' labels as BGZF-compressed FASTA.

    The bytes depend on `hmm`, `lengths`, `seed` and `prefix` alone; memory is bounded by
    `CHUNK_BASES`, also for one record of any length.

    Parameters
    ----------
    hmm : HMM
    lengths : ndarray of int64, (records,)
    seed : int
    sequences_path, states_path : path-like
        Where to write bases and labels: records of the same names, `prefix` and a number from 1,
        one letter a base, 80 a line. Both are written, or none.
    threads : int
        With 2 or more, the two files are compressed side by side.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    bases = np.frombuffer(hmm.alphabet.symbols.encode("ascii"), dtype=np.uint8)
    letters = np.frombuffer("".join(hmm.states).encode("ascii"), dtype=np.uint8)
    with (
        written_whole(sequences_path, states_path) as (sequences_place, states_place),
        _FastaText(sequences_place, bases, threads > 1) as sequences,
        _FastaText(states_place, letters, threads > 1) as states_text,
    ):
        previous = None
        for number, (first, last, begin, end) in enumerate(_chunks(offsets)):
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
            # The records, or pieces of records, that this chunk holds: they begin and end at
            cuts = offsets[first : last + 1].clip(begin, end)
            continues = begin > offsets[first]
            headers = [f">{prefix}{index + 1}\n" for index in range(first, last)]
            if continues:
                headers[0] = ""
            states = sample_paths(hmm, np.diff(cuts), rng, previous if continues else None)
            tokens = sample_emissions(hmm, states, rng)
            sequences.write(headers, np.diff(cuts), tokens)
            states_text.write(headers, np.diff(cuts), states)
            previous = int(states[-1]) if states.size else None


def _chunks(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int, int, int]]:
    """Yield each chunk's first record, its last + 1, and where its bases begin and end.

    As many whole records as there is room for; a record longer than that has chunks of its own,
    of which the last takes up the records that follow.
    """
    n_records = len(offsets) - 1
    first, begin = 0, 0
    while first < n_records:
        reached = int(np.searchsorted(offsets, begin + CHUNK_BASES, side="right")) - 1
        if reached > first:
            end = int(offsets[reached])
            yield first, reached, begin, end
            first = reached
        else:
            end = begin + CHUNK_BASES
            yield first, first + 1, begin, end
        begin = end


class _FastaText:
    """A BGZF file of FASTA to which chunks are written, in a thread of its own if `apart`."""

    def __init__(self, path: os.PathLike[str], symbols: NDArray[np.uint8], apart: bool) -> None:
        self._file = pysam.BGZFile(os.fspath(path), _BGZF_MODE, None)  # type: ignore[arg-type]
        self._symbols = symbols
        self._pool = ThreadPoolExecutor(1) if apart else None
        self._pending: Future[None] | None = None

    def __enter__(self) -> _FastaText:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._wait()
        finally:
            if self._pool is not None:
                self._pool.shutdown()
            self._file.close()

    def write(
        self, headers: list[str], lengths: NDArray[np.int64], tokens: NDArray[np.uint8]
    ) -> None:
        if self._pool is None:
            self._write(headers, lengths, tokens)
        else:
            self._wait()  # one chunk under way at most: memory stays bounded
            self._pending = self._pool.submit(self._write, headers, lengths, tokens)

    def _wait(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _write(
        self, headers: list[str], lengths: NDArray[np.int64], tokens: NDArray[np.uint8]
    ) -> None:
        header_ends = np.array(list(itertools.accumulate(map(len, headers))), dtype=np.int64)
        header_text = np.frombuffer("".join(headers).encode("ascii"), dtype=np.uint8)
        n_lines = int(np.sum(-(-lengths // LINE_WIDTH)))
        text = np.empty(header_text.size + tokens.size + n_lines, dtype=np.uint8)
        _wrap(header_text, header_ends, lengths, self._symbols, tokens, LINE_WIDTH, text)
        self._file.write(text.tobytes())


def column_thresholds(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a uniform number has to reach to pass each column, per row of weights.

    Parameters
    ----------
    rows : ndarray of float64, (rows, columns)
        Not negative; a row of zeros draws the first column.

    Returns
    -------
    ndarray of float64, (rows, columns)
        The column that a number in [0, 1) draws is how many of them, the last apart, it reaches.
    """
    cumulative = np.cumsum(rows, axis=1)
    with np.errstate(invalid="ignore"):
        cumulative /= cumulative[:, -1:]
    # Rounding must not let a number pass the last column that has any weight.
    later: NDArray[np.int64] = np.cumsum(rows[:, ::-1] > 0, axis=1)[:, ::-1] - (rows > 0)
    cumulative[later == 0] = np.inf
    return cumulative


_compiled = numba.njit(cache=True, nogil=True)


@_compiled
def _column(thresholds, row, u):  # type: ignore[no-untyped-def]
    """Return the column of `row` that the uniform number `u` draws."""
    column = 0
    for index in range(thresholds.shape[1] - 1):
        column += u >= thresholds[row, index]
    return column


@_compiled
def _run(start, leaving, log_stay, lengths, before, rng, states):  # type: ignore[no-untyped-def]
    """Draw paths run by run."""
    at = 0
    for record in range(lengths.size):
        end = at + lengths[record]
        if at == end:
            continue
        if record == 0 and before >= 0:
            # The geometric distribution forgets: what is left of a run is distributed as a run
            # without its first base.
            state = before
            run = 0.0
        else:
            state = _column(start, 0, rng.random())
            run = 1.0
        while True:
            run += math.floor(math.log(1.0 - rng.random()) / log_stay[state])
            stop = end if run >= end - at else at + int(run)
            for t in range(at, stop):
                states[t] = state
            at = stop
            if at == end:
                break
            state = _column(leaving, state, rng.random())
            run = 1.0


@_compiled
def _step(start, transition, lengths, before, uniform, states):  # type: ignore[no-untyped-def]
    """Draw paths base by base."""
    K = transition.shape[0]
    # What would follow each state is looked up ahead: the one chain of dependent steps, from base
    # to base, is then as short as it can be.
    following = np.empty((_STEPS_AHEAD, K), dtype=np.uint8)
    begin = 0
    for record in range(lengths.size):
        end = begin + lengths[record]
        state = before if record == 0 else -1
        for left in range(begin, end, _STEPS_AHEAD):
            right = min(left + _STEPS_AHEAD, end)
            for t in range(left, right):
                for i in range(K):
                    following[t - left, i] = _column(transition, i, uniform[t])
            if state < 0:
                following[0, :] = _column(start, 0, uniform[left])
                state = 0
            for t in range(left, right):
                state = following[t - left, state]
                states[t] = state
        begin = end


@_compiled
def _emit(emission, states, uniform, tokens):  # type: ignore[no-untyped-def]
    for t in range(states.size):
        tokens[t] = _column(emission, states[t], uniform[t])


@_compiled
def _wrap(headers, header_ends, lengths, symbols, tokens, width, text):  # type: ignore[no-untyped-def]
    at = 0
    base = 0
    header = 0
    for record in range(lengths.size):
        while header < header_ends[record]:
            text[at] = headers[header]
            at += 1
            header += 1
        end = base + lengths[record]
        while base < end:
            line = min(width, end - base)
            for i in range(line):
                text[at + i] = symbols[tokens[base + i]]
            base += line
            at += line
            text[at] = 10  # line feed
            at += 1
