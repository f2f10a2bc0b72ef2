"""Taggers that call states themselves, and are as sure of a call as validation lets them be.

A rule knows no probabilities. What it calls becomes P(label | call), counted on the validation
split, one added to each count (Laplace). Its calls are then its own, and not the likeliest label
given the call: a rule that is wrong more often than right still calls what it calls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.baseline import (
    Baseline,
    Grouping,
    Lengths,
    Posterior,
    Sequences,
    Tensors,
    Tokens,
)
from basetag.cpg_rule import CPG_SETTINGS, CpGRule
from basetag.window_rules import GCShare, smoothed_frequencies

_BASES_AT_ONCE = 1 << 18


class HardCaller(Baseline):
    """A rule or program that calls a state for each base.

    Parameters
    ----------
    card : dict
    tensors : dict of str to ndarray
        Among them `calls`, uint8 (groups,), the state called for each group of bases, and
        `labels_by_call`, int64 (states, states), the labels (columns) of the validation bases of
        each call (rows).
    grouping : Grouping
        What the calls go by.
    """

    of_kind = "rule"

    def __init__(self, card: dict[str, Any], tensors: Tensors, grouping: Grouping) -> None:
        super().__init__(card, tensors)
        self._grouping = grouping
        self._calls = tensors["calls"].astype(np.uint8)
        self._rows = smoothed_frequencies(tensors["labels_by_call"]).astype(np.float32)

    def _fill(self, given: Sequences, threads: int, out: Posterior) -> None:
        """Write P(label | call) of each base: see `Baseline`."""
        rows = self._rows[self._calls]
        for here, group in self._grouping.of_bases(given.tokens, given.lengths):
            out[here] = rows[group]

    def own_calls(
        self,
        tokens: Tokens,
        lengths: Lengths,
        posterior: Posterior,
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """Return the called state of each base, (bases,): see `Caller` of `basetag.tagger`."""
        if out is None:
            out = np.empty(tokens.size, dtype=np.uint8)
        called = np.unique(self._calls)
        rows = self._rows[called]
        if len(np.unique(rows, axis=0)) < len(rows):  # two calls that say the same of a base
            for here, group in self._grouping.of_bases(tokens, lengths):
                out[here] = self._calls[group]
            return out
        # A program would have to run once more.
        for left in range(0, len(posterior), _BASES_AT_ONCE):
            block = slice(left, left + _BASES_AT_ONCE)
            for state, row in zip(called, rows, strict=True):
                out[block][(posterior[block] == row).all(axis=1)] = state
        return out


class GCWindowTagger(HardCaller):
    """A state called by the share of G and C around each base."""

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        alphabet = self.alphabet_of(card)
        super().__init__(card, tensors, GCShare(alphabet, card["architecture"]["window"]))


class CpGRuleTagger(HardCaller):
    """CpG islands by a rule: see `basetag.cpg_rule`."""

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        given = {name: card["architecture"][name] for name in CPG_SETTINGS}
        super().__init__(card, tensors, CpGRule(self.alphabet_of(card), **given))
