"""What the report shows base by base, as tracks.npz."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.files import written_whole
from basetag.hidden_states import read_hidden_states
from basetag.judgement.prediction_files import AnyPath, open_calls, open_posterior
from basetag.pieces import first_rows, shown_segments
from basetag.segments import Segments


def write_tracks(
    path: AnyPath,
    corpus: Corpus,
    segments: Segments,
    posterior_path: AnyPath,
    calls_path: AnyPath,
    *,
    records: int,
    bases: int,
    hidden_path: AnyPath | None = None,
) -> None:
    """Write what the report shows base by base: the first segments of the split.

    Parameters
    ----------
    path : path-like
        The target, tracks.npz: `names` (segments,), `segment_start` and `lengths` int64
        (segments,), `tokens` and `labels` uint8 (bases,), `posterior` float32 (bases, states),
        `calls` uint8 (bases,), the segments one behind the other; of a network also `hidden`
        float16 (bases, units).
    corpus, segments, posterior_path, calls_path
        As for `evaluation.evaluate`.
    records, bases : int
        See `shown_segments`.
    hidden_path : path-like, optional
        The network's hidden.npz.
    """
    posterior = open_posterior(posterior_path, corpus, segments)
    calls = open_calls(calls_path, corpus, segments)
    _, shown = shown_segments(segments, records, bases)
    places = list(zip(first_rows(shown, segments), shown.lengths, strict=True))
    arrays: dict[str, NDArray[Any]] = {
        "names": np.array([corpus.names[record] for record in shown.record]),
        "segment_start": shown.start.astype(np.int64),
        "lengths": shown.lengths.astype(np.int64),
        "tokens": shown.gathered(corpus.tokens),
        "labels": shown.gathered(corpus.known_labels),
        "posterior": np.concatenate([posterior[row : row + n] for row, n in places]),
        "calls": np.concatenate([calls[row : row + n] for row, n in places]),
    }
    if hidden_path is not None:
        arrays["hidden"] = read_hidden_states(hidden_path, shown)
    with written_whole(path) as (place,):
        np.savez(place, allow_pickle=False, **arrays)
