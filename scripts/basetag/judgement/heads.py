"""Further labels, judged as the main ones are: the same sums, figures and intervals.

What judges sees a view of the corpus whose labels are the head's. A head is called by the likeliest
state of each base.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from basetag.corpus import Corpus
from basetag.further_labels import FurtherLabels
from basetag.judgement.prediction_files import AnyPath, check_rows, open_posterior, row_chunks
from basetag.judgement.tally import Tally
from basetag.judgement.units import choose_units
from basetag.label_statistics import label_counts, label_frequencies
from basetag.segments import Segments

_VALUES_AT_ONCE = 1 << 20

#: What of all measures stands in metrics.json.
_KEPT = (
    "test", "units", "confusion", "label_counts",
    "accuracy", "balanced_accuracy", "macro_f1", "mcc", "cross_entropy", "brier",
    "majority_accuracy", "auroc", "auprc", "classes",
)  # fmt: skip


class JudgedHead(NamedTuple):
    """The labels of a head, where a tagger's posteriors of it lie, and what its loss counted."""

    labels: FurtherLabels
    posteriors: AnyPath
    weight: float


def judge_head(
    corpus: Corpus, segments: Segments, train: Segments, head: JudgedHead, *, seed: int
) -> dict[str, Any] | None:
    """Return the measures of a further head on the test split, as they stand in metrics.json.

    Parameters
    ----------
    corpus : Corpus
    segments, train : Segments
        The test and the training split; the state that is commonest in the latter is what
        `majority_accuracy` calls everywhere.
    head : JudgedHead
    seed : int
        Seed of the draws of intervals.

    Returns
    -------
    dict or None
        `states`, `state_names`, `weight`; `test`, `units`, `confusion`, `label_counts`, the figures
        and `classes` as of the main labels; `sums` of `cross_entropy` and `brier`; and
        `chance_accuracy`, that of states drawn without looking, each as likely. None where no base
        has a label.

    Raises
    ------
    InputError
        Where the file does not hold posteriors of the head on this split.
    """
    view = corpus.as_labelled_by(head.labels)
    posterior = open_posterior(head.posteriors, view, segments)
    if not label_counts(view, segments).any():
        return None
    prior = label_frequencies(view, train)
    units = choose_units(segments, view.known_labels, len(view.states))
    tally = Tally(units, prior, (), None)
    for rows, piece, bases in row_chunks(units.pieces, _VALUES_AT_ONCE // len(view.states)):
        chunk = posterior[rows]
        check_rows(chunk, head.posteriors, view, bases)
        calls = chunk.argmax(axis=1).astype(np.uint8)
        tally.add(piece, view.known_labels[bases], calls, chunk, {})
    measures, _ = tally.measures(view.states, "exact", seed=seed)
    return {
        "states": list(view.states),
        "state_names": dict(view.state_names),
        "weight": head.weight,
        **{name: measures[name] for name in _KEPT},
        "sums": {name: measures["sums"][name] for name in ("cross_entropy", "brier")},
        "chance_accuracy": 1 / len(view.states),
    }
