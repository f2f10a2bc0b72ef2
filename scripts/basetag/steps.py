"""How the states of a training split follow each other: labels, or substates where it has them.

A chain on top of a network starts with that, and paths through posteriors follow it. Of substates
it also says which may follow which: those that do so somewhere in the split, and no others. Where a
substate is not known, as where two reading frames overlap, one that is known may come out of step
behind it; what it then takes to explain the labels is allowed, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.label_statistics import count_transitions, label_counts, label_frequencies
from basetag.segments import Segments
from basetag.step_kernels import allow_what_is_needed
from basetag.substates import Substates, told_states

_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Steps:
    """How states follow each other.

    Parameters
    ----------
    label_of : tuple of int
        The label of each state.
    frequencies : ndarray of float64, (states,)
        They sum to 1.
    counts : ndarray of int64, (states, states)
        How often a base of one state is followed by one of another.
    allowed : ndarray of bool, (states, states), or None
        Which state (row) may be followed by which. None, of labels, for all.
    """

    label_of: tuple[int, ...]
    frequencies: NDArray[np.float64]
    counts: NDArray[np.int64]
    allowed: NDArray[np.bool_] | None

    @property
    def transition(self) -> NDArray[np.float64]:
        """Probability of each step, (states, states), after adding one to each count."""
        counts = self.counts + 1.0
        transition: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
        return transition


def training_steps(corpus: Corpus, training: Segments, *, both_strands: bool = False) -> Steps:
    """Return how the labels, or the substates, of a training split follow each other.

    Parameters
    ----------
    corpus : Corpus
        With labels; its substates are the states where it has some.
    training : Segments
    both_strands : bool
        Whether the other strand is read as well.

    Returns
    -------
    Steps
        Bases of a label whose substate is not known count as the others of their label do.

    Raises
    ------
    InputError
        Where no base of the split has a label.
    """
    frequencies = label_frequencies(corpus, training)
    label_of, mirror = tuple(range(len(corpus.states))), np.array(corpus.mirror)
    of_states, allowed = corpus, None
    if corpus.substates is not None:
        substates = corpus.substates
        label_of, mirror = substates.label_of, np.array(substates.mirror)
        of_states = replace(
            corpus, states=substates.names, labels=substates.labels, mirror=substates.mirror
        )
        shares = _shares_of_label(label_counts(of_states, training), np.array(label_of))
        frequencies = frequencies[list(label_of)] * shares
    counts = count_transitions(of_states, training)
    if corpus.substates is not None:
        allowed = _allowed(corpus, corpus.substates, training, counts > 0)
    if both_strands:
        # A step is then taken from the mirror image of the second state to that of the first.
        frequencies = (frequencies + frequencies[mirror]) / 2
        counts = counts + counts[np.ix_(mirror, mirror)].T
    if allowed is not None:
        other = mirror if both_strands else None
        # What only the last base of a segment has seen must lead somewhere.
        allowed = _with_other(allowed, other)
        allowed = _with_other(allowed | ~allowed.any(axis=1, keepdims=True), other)
    return Steps(label_of, frequencies, counts, allowed)


def _with_other(allowed: NDArray[np.bool_], mirror: NDArray[np.int64] | None) -> NDArray[np.bool_]:
    """Return the steps with those that they are on the other strand, if that is read."""
    return allowed if mirror is None else allowed | allowed[np.ix_(mirror, mirror)].T


def _shares_of_label(counts: NDArray[np.int64], label_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return which share of its label each state has, (states,); of unknown ones all the same."""
    of_label = np.bincount(label_of, weights=counts)[label_of]
    alike = 1 / np.bincount(label_of)[label_of]
    return np.divide(counts, of_label, out=alike, where=of_label > 0)


def _allowed(
    corpus: Corpus, substates: Substates, training: Segments, seen: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the steps that the split has, and what else some path through its labels needs."""
    allowed = seen.copy()
    n_labels, n_states = len(corpus.states), len(substates.names)
    bears = told_states(substates.label_of)
    labels = corpus.known_labels
    for offset, length in zip(training.offset.tolist(), training.lengths.tolist(), strict=True):
        reached = np.zeros(n_states, dtype=bool)
        for start in range(offset, offset + length, _AT_ONCE):
            part = slice(start, min(start + _AT_ONCE, offset + length))
            told = np.where(
                (labels[part] == UNLABELLED) | (substates.labels[part] == UNLABELLED),
                labels[part],
                substates.labels[part] + np.uint8(n_labels),
            )
            allow_what_is_needed(told, bears, allowed, reached)
    return allowed
