"""How far from a base a trained tagger really looks: measured, not guaranteed.

Bases of the validation split are drawn, and what the tagger says of each one, given the whole
piece in which it lies, is held against what it says when everything farther than some distance is
cut away. The divergence between the two falls with the distance; where it is lost in what nobody
would notice, there ends the context that the tagger uses on this data. A sample is no bound: a
rare sequence may carry farther.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.judgement.metrics import floored
from basetag.pieces import spread_pieces
from basetag.segments import Segments
from basetag.tagger import Tagger

log = logging.getLogger(__name__)

#: Farthest distance that is tried, in bases.
FARTHEST = 4096
#: Mean divergence, in nats, below which what lies farther away is said not to be used.
THRESHOLD = 1e-3
#: At a tenth of it, nothing farther is tried.
_ENOUGH = THRESHOLD / 10
#: Bases drawn. With windows of up to 2 x 4,096 + 1 bases, all that is read stays near 3 Mb.
BASES = 176
#: Bases of the pieces that they are drawn from.
_OF_PIECES = 160_000


def measure_context(
    tagger: Tagger,
    corpus: Corpus,
    validation: Segments,
    *,
    looks_left_alone: bool,
    threads: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure how a tagger's posterior depends on bases by their distance.

    Parameters
    ----------
    tagger : Tagger
    corpus : Corpus
        With labels, and the features that the tagger reads.
    validation : Segments
        The validation split; at least one base of it has a label.
    looks_left_alone : bool
        Whether nothing to the right of a base can enter, and need be read.
    threads : int
        CPU threads of the tagger.
    seed : int
        Of the bases drawn: with the same one, all taggers are measured at the same bases.

    Returns
    -------
    dict
        Plain JSON. `bases`, drawn with `seed`; `sides`, "left" or "both"; `distances`, 0 and the
        powers of 2, until a tenth of the threshold is reached or a window covers the longest
        piece; `kl` of each, mean KL(posterior given the piece || posterior given the window) in
        nats, and `error`, its standard error; `threshold`; and `reach`, the first distance from
        which on all are below the threshold, or None.
    """
    began = time.perf_counter()
    pieces = spread_pieces(validation, corpus.known_labels, _OF_PIECES)
    piece, place = _drawn_bases(pieces, corpus, seed)

    def posterior(segments: Segments) -> NDArray[np.float32]:
        return tagger.posterior(
            segments.gathered(corpus.tokens), segments.lengths, threads, segments.start,
            features=segments.gathered_features(corpus),
        )  # fmt: skip

    of_pieces = posterior(pieces)
    full = floored(of_pieces[_row(pieces, piece, place)])  # (bases, states)
    longest = int(pieces.lengths.max())
    distances: list[int] = []
    kl: list[float] = []
    error: list[float] = []
    for distance in [0, *(2**power for power in range(FARTHEST.bit_length()))]:
        if distances and distance >= longest - 1:
            break
        windows, within = _windows(pieces, piece, place, distance, looks_left_alone)
        cut = floored(posterior(windows)[_row(windows, np.arange(piece.size), within)])
        divergence = (full * np.log(full / cut)).sum(axis=1)
        distances.append(distance)
        kl.append(max(0.0, float(divergence.mean())))
        error.append(float(divergence.std(ddof=1) / np.sqrt(piece.size)) if piece.size > 1 else 0.0)
        if kl[-1] < _ENOUGH:
            break
    reach = reach_of(distances, kl)
    log.info(
        "context: %s bases, measured in %.1f s",
        f"more than {distances[-1]:,}" if reach is None else f"{reach:,}",
        time.perf_counter() - began,
    )
    return {
        "bases": int(piece.size),
        "seed": seed,
        "sides": "left" if looks_left_alone else "both",
        "distances": distances,
        "kl": kl,
        "error": error,
        "threshold": THRESHOLD,
        "reach": reach,
    }


def reach_of(distances: list[int], kl: list[float]) -> int | None:
    """Return the first distance from which on every divergence is below the threshold."""
    reach = None
    for distance, divergence in zip(reversed(distances), reversed(kl), strict=True):
        if divergence >= THRESHOLD:
            break
        reach = distance
    return reach


def _drawn_bases(
    pieces: Segments, corpus: Corpus, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the piece of each drawn base and its place in it, (bases,) each, in order."""
    labelled = np.flatnonzero(pieces.gathered(corpus.known_labels) != UNLABELLED)
    generator = np.random.default_rng(seed)
    drawn = np.sort(generator.choice(labelled, min(BASES, labelled.size), replace=False))
    ends = np.cumsum(pieces.lengths)
    piece = np.searchsorted(ends, drawn, side="right")
    return piece, drawn - (ends - pieces.lengths)[piece]


def _windows(
    pieces: Segments,
    piece: NDArray[np.int64],
    place: NDArray[np.int64],
    distance: int,
    looks_left_alone: bool,
) -> tuple[Segments, NDArray[np.int64]]:
    """Return what lies within a distance of each base, and where the base lies in it."""
    first = np.maximum(place - distance, 0)
    behind = 0 if looks_left_alone else distance
    last = np.minimum(place + behind + 1, pieces.lengths[piece])
    start = pieces.start[piece]
    windows = Segments(
        pieces.record[piece], start + first, start + last, pieces.offset[piece] + first
    )
    return windows, place - first


def _row(
    segments: Segments, which: NDArray[np.int64], place: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rows of places in an array over segments that lie one behind the other."""
    rows: NDArray[np.int64] = (np.cumsum(segments.lengths) - segments.lengths)[which] + place
    return rows
