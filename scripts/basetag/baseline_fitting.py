"""Fitting the baselines: HMMs and rules on the training split, hard calls on validation.

Gives objects of `basetag.baselines`. The counting of contexts lies in `basetag.window_rules`, the
estimation of HMMs in `basetag.hmm_fitting`; here is what each baseline takes from the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.baselines import BASELINES, Baseline, Lengths, Tensors, Tokens
from basetag.composition import training_composition
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import ConfigError, InputError
from basetag.exact_inference import smoothed_posterior
from basetag.hmm import HMM
from basetag.hmm_fitting import fit_counts, fit_em, match_states
from basetag.kmer_table import MOST_CELLS, n_words
from basetag.splits import Segments, label_counts
from basetag.tagger_file import new_card
from basetag.window_rules import GCShare, KmerContexts, best_calls

_BASES_AT_ONCE = 1 << 22
# Nats a base: a fit that gains less in a step is not told apart by a million bases.
_EM_TOLERANCE = 1e-6


def fit_baseline(
    name: str,
    parameters: Mapping[str, Any],
    corpus: Corpus,
    split: Mapping[str, Segments],
    hmm_settings: Mapping[str, Any] | None = None,
    *,
    tagger: str | None = None,
) -> Baseline:
    """Fit a baseline on the training split.

    Parameters
    ----------
    name : str
        `exact`, `filtered`, `hmm_em`, `hmm_counts`, `base_table`, `gc_window`, `majority` or
        `uniform`.
    parameters : mapping
        Its settings in the config: `k` of base_table; `window` of gc_window; `pseudocount` of
        hmm_counts; `restarts`, `iterations`, `bases`, `seed` of hmm_em.
    corpus : Corpus
        With labels.
    split : mapping of str to Segments
        `train`, and `validation` for gc_window.
    hmm_settings : mapping, optional
        `HMMSpec.settings` of the simulating HMM; for exact and filtered.
    tagger : str, optional
        What the config calls the tagger; without it, `name`.

    Returns
    -------
    Baseline

    Raises
    ------
    ConfigError
        For a baseline that does not exist for such a dataset.
    InputError
        Where no base of the split has a label.
    """
    if name not in _FITS:
        raise ValueError(f"there is no baseline {name!r}")
    if corpus.labels is None:
        raise InputError(
            f"the baseline {name!r} is fitted on labels, and the dataset has none",
            advice="give `labels:` in the config",
        )
    made = BASELINES[name]
    fitted = _FITS[name](_Data(corpus, split, hmm_settings), parameters)
    card = new_card(
        corpus,
        split["train"],
        kind=made.of_kind,
        name=tagger or name,
        description=fitted.description,
        parameters=fitted.parameters,
        architecture={"baseline": name, **fitted.architecture},
        composition=training_composition(corpus, split["train"]),
    )
    return made(card, fitted.tensors)


@dataclass(frozen=True)
class _Data:
    """What a baseline may be fitted on."""

    corpus: Corpus
    split: Mapping[str, Segments]
    hmm_settings: Mapping[str, Any] | None

    def batches(self, split: str) -> Iterator[tuple[Tokens, NDArray[np.uint8], Lengths]]:
        """Yield tokens, labels and lengths of the segments, some millions of bases at once."""
        segments = self.split[split]
        batch = np.cumsum(segments.lengths) // _BASES_AT_ONCE
        for number in np.unique(batch):
            yield self.gathered(segments.chosen(batch == number))

    def gathered(self, segments: Segments) -> tuple[Tokens, NDArray[np.uint8], Lengths]:
        """Return tokens and labels, (bases,), and lengths of the segments."""
        assert self.corpus.labels is not None  # noqa: S101
        tokens, labels = (segments.gathered(v) for v in (self.corpus.tokens, self.corpus.labels))
        return tokens, labels, segments.lengths

    def labels_by(self, split: str, rule: KmerContexts | GCShare, size: int) -> NDArray[np.int64]:
        """Count the labels of the bases of each context or share, (contexts or shares, states)."""
        n_states = len(self.corpus.states)
        counts = np.zeros(size * n_states, dtype=np.int64)
        for tokens, labels, lengths in self.batches(split):
            for here, group in rule.of_bases(tokens, lengths):
                known = labels[here] != UNLABELLED
                cell = group[known] * n_states + labels[here][known]
                counts += np.bincount(cell, minlength=counts.size)
        return counts.reshape(size, n_states)

    def simulating_hmm(self) -> HMM:
        """Return the HMM that the dataset was drawn from, its labels in the dataset's order."""
        if self.hmm_settings is None:
            raise ConfigError(
                "exact posteriors come from the simulating HMM, and the dataset is not simulated",
                advice="take hmm_counts or hmm_em",
            )
        hmm = HMM.from_settings(self.hmm_settings)
        if set(hmm.labels) != set(self.corpus.states):
            raise ConfigError(
                f"the simulating HMM has the states {', '.join(hmm.labels)}, the dataset "
                f"{', '.join(self.corpus.states)}"
            )
        return replace(hmm, labels=self.corpus.states)


@dataclass(frozen=True)
class _Fitted:
    """What fitting gives: the arrays, and what the card says of them."""

    tensors: Tensors
    description: str
    parameters: int
    architecture: dict[str, Any] = field(default_factory=dict)


def _fitted_hmm(hmm: HMM, description: str) -> _Fitted:
    tensors: Tensors = {
        "start": hmm.start, "transition": hmm.transition, "emission": hmm.emission
    }  # fmt: skip
    # The last number of each distribution follows from the others.
    free = sum(array.size - array.size // array.shape[-1] for array in tensors.values())
    if hmm.is_grouped:
        tensors["label_of_state"] = hmm.label_of_state
    return _Fitted(tensors, description, free)


def _fit_exact(data: _Data, parameters: Mapping[str, Any]) -> _Fitted:
    return _fitted_hmm(
        data.simulating_hmm(), "exact posterior of the simulating HMM, given the whole sequence"
    )


def _fit_filtered(data: _Data, parameters: Mapping[str, Any]) -> _Fitted:
    return _fitted_hmm(
        data.simulating_hmm(), "exact posterior of the simulating HMM, given the bases so far"
    )


def _fit_hmm_counts(data: _Data, parameters: Mapping[str, Any]) -> _Fitted:
    tokens, labels, lengths = data.gathered(data.split["train"])
    hmm = fit_counts(
        tokens,
        labels,
        lengths,
        data.corpus.alphabet,
        data.corpus.states,
        parameters.get("pseudocount", 1.0),
    )
    return _fitted_hmm(hmm, "HMM counted from the training labels")


def _fit_hmm_em(data: _Data, parameters: Mapping[str, Any]) -> _Fitted:
    tokens, labels, lengths = data.gathered(_first(data.split["train"], parameters["bases"]))
    if not np.any(labels != UNLABELLED):
        raise InputError(
            f"the first {tokens.size} bases of the training split, on which hmm_em names its "
            "states, have no label",
            advice="let it use more bases",
        )
    hmm = fit_em(
        tokens,
        lengths,
        data.corpus.alphabet,
        data.corpus.states,
        seed=parameters["seed"],
        restarts=parameters["restarts"],
        iterations=parameters["iterations"],
        tolerance=_EM_TOLERANCE,
    )
    calls = smoothed_posterior(hmm, tokens, lengths).argmax(axis=1).astype(np.uint8)
    hmm = hmm.permuted(match_states(calls, labels, hmm.n_states))
    return _fitted_hmm(hmm, "HMM fitted by EM without labels, which only name its states")


def _first(segments: Segments, bases: int) -> Segments:
    """Return the first segments, the last of them cut, that have this many bases in all."""
    begins = np.cumsum(segments.lengths) - segments.lengths
    kept = segments.chosen(begins < bases)
    end = np.minimum(kept.end, kept.start + bases - begins[: len(kept.offset)])
    return Segments(kept.record, kept.start, end, kept.offset)


def _fit_base_table(data: _Data, parameters: Mapping[str, Any]) -> _Fitted:
    k, alphabet = parameters.get("k", 1), data.corpus.alphabet
    n_states = len(data.corpus.states)
    words = n_words(alphabet.n_letters, k)
    if words * n_states > MOST_CELLS:
        raise ConfigError(
            f"k: {k} makes {words} words of {alphabet.n_letters} letters, too many for a table",
            advice="take a smaller k",
        )
    contexts = KmerContexts(alphabet, k)
    counts = contexts.accumulate(data.labels_by("train", contexts, contexts.size))
    context = f"{k}-mer around each base" if k > 1 else "base alone"
    return _Fitted(
        {"counts": counts},
        f"label frequencies of the {context}",
        alphabet.n_letters**k * (n_states - 1),
        {"k": k},
    )


def _fit_gc_window(data: _Data, parameters: Mapping[str, Any]) -> _Fitted:
    window, alphabet = parameters["window"], data.corpus.alphabet
    if not {"G", "C"} <= set(alphabet.letters):
        raise ConfigError(
            f"gc_window needs the letters G and C, and the alphabet is {alphabet.name!r}",
            advice="take base_table",
        )
    if not label_counts(data.corpus, data.split["validation"]).any():
        raise InputError(
            "gc_window's calls become probabilities on the validation split, and no base of it "
            "has a label",
            advice="draw another split",
        )
    share = GCShare(alphabet, window)
    calls = best_calls(data.labels_by("train", share, share.steps + 1))
    by_share = data.labels_by("validation", share, share.steps + 1)
    labels_by_call = np.zeros((len(data.corpus.states),) * 2, dtype=np.int64)
    np.add.at(labels_by_call, calls, by_share)
    cuts = np.flatnonzero(np.diff(calls))
    states = [data.corpus.states[call] for call in calls[np.append(cuts, calls.size - 1)]]
    below = "".join(
        f"{state} below {100 * (cut + 0.5) / share.steps:.1f} %, "
        for state, cut in zip(states, cuts, strict=False)
    )
    return _Fitted(
        {"calls": calls, "labels_by_call": labels_by_call},
        f"share of G and C in {window} bases: {below}{'else' if below else 'always'} {states[-1]}",
        len(cuts) + labels_by_call.size - len(labels_by_call),
        {"window": window},
    )


def _fit_majority(data: _Data, parameters: Mapping[str, Any]) -> _Fitted:
    counts = label_counts(data.corpus, data.split["train"])
    return _Fitted(
        {"probabilities": counts / max(1, counts.sum())},
        "label frequencies of the training split, the same for every base",
        counts.size - 1,
    )


def _fit_uniform(data: _Data, parameters: Mapping[str, Any]) -> _Fitted:
    n_states = len(data.corpus.states)
    return _Fitted(
        {"probabilities": np.full(n_states, 1 / n_states)},
        "the same probability for every state",
        0,
    )


_FITS: dict[str, Callable[[_Data, Mapping[str, Any]], _Fitted]] = {
    "exact": _fit_exact,
    "filtered": _fit_filtered,
    "hmm_em": _fit_hmm_em,
    "hmm_counts": _fit_hmm_counts,
    "base_table": _fit_base_table,
    "gc_window": _fit_gc_window,
    "majority": _fit_majority,
    "uniform": _fit_uniform,
}
