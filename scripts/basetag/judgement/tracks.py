"""What the report shows base by base, as tracks.npz."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.files import written_whole
from basetag.hidden_states import read_effects, read_hidden_states
from basetag.judgement.prediction_files import AnyPath, open_calls, open_posterior
from basetag.pieces import first_rows, shown_segments
from basetag.record_classes import judged_corpus, judged_segments
from basetag.segments import Segments
from basetag.vocabulary import Vocabulary

#: Sequences with a class that are shown at least: a row each.
FEWEST_SEQUENCES = 20


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
        The target, tracks.npz: `alphabet` (its name), `names` (segments,), `segment_start` and
        `lengths` int64 (segments,), `tokens` and `labels` uint8 (bases,), `posterior` float32
        (bases, states), `calls` uint8 (bases,), the segments one behind the other; of a network
        also `hidden` float16 (bases, units). What is told of a record as a whole stands at each of
        its bases; of a network that tells it also `mutagenesis` and, where it pools by attention,
        `attention`, as `hidden_states.write_hidden_states` has them, NaN where none was made, and
        no `hidden`.
        Of texts also `words` (bases,), what the tokens stand for, and `put`, what was substituted.
    corpus, segments, posterior_path, calls_path
        As for `evaluation.evaluate`.
    records, bases : int
        See `shown_segments`. Where records have classes, `FEWEST_SEQUENCES` are shown at least.
    hidden_path : path-like, optional
        The network's hidden.npz.
    """
    judged = judged_corpus(corpus), judged_segments(corpus, segments)
    posterior, calls = open_posterior(posterior_path, *judged), open_calls(calls_path, *judged)
    _, looked_at = shown_segments(segments, records, bases)
    shown = looked_at
    if corpus.of_records:
        _, shown = shown_segments(segments, max(records, FEWEST_SEQUENCES), bases)
        first = np.arange(len(shown.lengths))
        rows = np.repeat(first, shown.lengths)
        labels = judged[0].known_labels[shown.record][rows]
    else:
        labels = shown.gathered(corpus.known_labels)
        starts = first_rows(shown, segments)
        rows = np.concatenate(
            [np.arange(row, row + n) for row, n in zip(starts, shown.lengths, strict=True)]
        )
    arrays: dict[str, NDArray[Any]] = {
        "alphabet": np.array(corpus.alphabet.name),
        "names": np.array([corpus.names[record] for record in shown.record]),
        "segment_start": shown.start.astype(np.int64),
        "lengths": shown.lengths.astype(np.int64),
        "tokens": shown.gathered(corpus.tokens),
        "labels": labels,
        "posterior": posterior[rows],
        "calls": calls[rows],
    }
    if isinstance(corpus.alphabet, Vocabulary):
        arrays["words"] = corpus.alphabet.word_of[arrays["tokens"]]
        arrays["put"] = corpus.alphabet.word_of[corpus.alphabet.replacements]
    if hidden_path is not None and not corpus.of_records:
        arrays["hidden"] = read_hidden_states(hidden_path, shown)
    elif hidden_path is not None:
        for name, effects in read_effects(hidden_path, looked_at).items():
            arrays[name] = np.full((shown.bases, *effects.shape[1:]), np.nan, dtype=np.float32)
            arrays[name][: len(effects)] = effects
    with written_whole(path) as (place,):
        np.savez(place, allow_pickle=False, **arrays)
