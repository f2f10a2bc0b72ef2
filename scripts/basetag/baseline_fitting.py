"""Fitting the baselines: HMMs and rules on the training split, hard calls on validation.

Gives objects of `basetag.baselines`. The counting of contexts lies in `basetag.window_rules`, the
estimation of HMMs in `basetag.hmm_fitting`; here is what each baseline takes from the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from basetag.baseline import Baseline, Tensors
from basetag.baseline_data import Fitted, FittingData
from basetag.baselines import BASELINES
from basetag.composition import training_composition
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import ConfigError, InputError
from basetag.exact_inference import smoothed_posterior
from basetag.hard_caller_fitting import fit_cpg_rule, fit_gc_window, fit_program
from basetag.hmm import HMM
from basetag.hmm_fitting import fit_counts, fit_em, fit_word_counts, match_states
from basetag.kmer_table import MOST_CELLS, n_words
from basetag.label_statistics import label_counts, target_scale
from basetag.motif_model import MOTIF_KEYS, MotifModel
from basetag.next_letter import Followers
from basetag.programs import PROGRAMS
from basetag.segments import Segments
from basetag.series_fitting import fit_autoregression, fit_last, fit_wave
from basetag.tagger_file import new_card
from basetag.window_rules import KmerContexts

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
        `exact`, `filtered`, `motif`, `next_letter`, `hmm`, `hmm_em`, `hmm_counts`, `base_table`,
        `gc_window`, `cpg_rule`, `markov`, `last`, `autoregression`, `wave`, `majority` or
        `uniform`; or that of a program, one of `programs.PROGRAMS`.
    parameters : mapping
        Its settings in the config, as `Config.fit_settings` gives them: `k` of base_table; `window`
        of gc_window; `order` of markov and autoregression; `wave` of that, the model; `order` and
        `pseudocount` of hmm_counts; `restarts`, `iterations`, `bases`, `seed` of hmm_em; `state`,
        `window`, `gc`, `ratio`, `minimum_length` of cpg_rule; those of a program.
    corpus : Corpus
        With labels.
    split : mapping of str to Segments
        `train`, and `validation` for what calls states itself.
    hmm_settings : mapping, optional
        `HMMSpec.settings` of the simulating HMM, for exact, filtered and next_letter; of the
        given one for hmm.
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
    fitted = _FITS[name](FittingData(corpus, split, hmm_settings), parameters)
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
    if corpus.of_values:
        card["features"] = list(corpus.feature_names)
        if "error" in fitted.tensors:
            card["target"] = {"error": float(fitted.tensors["error"])}
    return made(card, fitted.tensors)


def _fitted_hmm(hmm: HMM, description: str) -> Fitted:
    tensors: Tensors = {
        "start": hmm.start, "transition": hmm.transition, "emission": hmm.emission
    }  # fmt: skip
    # The last number of each distribution follows from the others.
    free = sum(array.size - array.size // array.shape[-1] for array in tensors.values())
    if hmm.is_grouped:
        tensors["label_of_state"] = hmm.label_of_state
    return Fitted(tensors, description, free)


def _fit_exact(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    return _fitted_hmm(
        data.given_hmm(), "exact posterior of the simulating HMM, given the whole sequence"
    )


def _fit_motif(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    model = MotifModel.from_settings(parameters["motif"])
    return Fitted(
        {"emission": model.emission, "background": model.background},
        "exact posterior of the simulating model, given the whole record",
        0,
        {"motif": {name: getattr(model, name) for name in MOTIF_KEYS}},
    )


def _fit_filtered(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    return _fitted_hmm(
        data.given_hmm(), "exact posterior of the simulating HMM, given the bases so far"
    )


def _fit_next_letter(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    if data.hmm_settings is None:
        raise ConfigError("the next letter is known of simulated sequences alone")
    fitted = _fitted_hmm(
        HMM.from_settings(data.hmm_settings),
        "exact posterior of the next letter, given the letters so far",
    )
    return replace(fitted, parameters=0)


def _fit_markov(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    n_letters, order = data.corpus.alphabet.n_letters, parameters["order"]
    found = Followers.counted(data.batches("train"), n_letters, order)
    letters = "letter" if order == 1 else f"{order} letters"
    seen = f"by the {letters} before it" if order else "by its frequency"
    return Fitted(
        {"words": found.words, "counts": found.counts},
        f"Markov model of order {order}: the next letter {seen}",
        found.words.size * (n_letters - 1),
        {"order": order},
    )


def _fit_hmm(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    return _fitted_hmm(data.given_hmm(), "HMM as it was given")


def _fit_hmm_counts(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    tokens, labels, lengths = data.gathered(data.split["train"])
    alphabet, states = data.corpus.alphabet, data.corpus.states
    order, pseudocount = parameters.get("order", 0), parameters.get("pseudocount", 1.0)
    described = "HMM counted from the training labels"
    if not order:
        hmm = fit_counts(tokens, labels, lengths, alphabet, states, pseudocount)
        return _fitted_hmm(hmm, described)
    model = fit_word_counts(tokens, labels, lengths, alphabet, states, order, pseudocount)
    chain = _fitted_hmm(model, f"{described}, letters by the {order} before them")
    n_letters, n_states = alphabet.n_letters, len(states)
    return replace(
        chain,
        tensors=chain.tensors | {"emission": model.word_emission},
        # The shorter words' tables follow from those of the longest.
        parameters=chain.parameters + n_states * (n_letters**order - 1) * (n_letters - 1),
        architecture={"order": order},
    )


def _fit_hmm_em(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    tokens, labels, lengths = data.gathered(data.split["train"].first(parameters["bases"]))
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


def _fit_base_table(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
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
    return Fitted(
        {"counts": counts},
        f"label frequencies of the {context}",
        alphabet.n_letters**k * (n_states - 1),
        {"k": k},
    )


def _fit_majority(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    counts = label_counts(data.corpus, data.split["train"])
    if data.corpus.targets is not None:
        if data.corpus.of_values:
            mean, each = target_scale(data.corpus, data.split["train"])[0], "place"
        else:
            own = data.corpus.targets[data.split["train"].record]
            mean, each = float(own.mean(dtype=np.float64)), "record"
        return Fitted(
            {"probabilities": counts / max(1, counts.sum()), "mean": np.array(mean)},
            f"mean of the training split's numbers, the same for every {each}",
            counts.size,
        )
    return Fitted(
        {"probabilities": counts / max(1, counts.sum())},
        f"label frequencies of the training split, the same for every {_what(data.corpus)}",
        counts.size - 1,
    )


def _what(corpus: Corpus) -> str:
    """Return what has a label there."""
    return "record" if corpus.of_records else "base"


def _fit_uniform(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    n_states = len(data.corpus.states)
    return Fitted(
        {"probabilities": np.full(n_states, 1 / n_states)},
        "the same probability for every state",
        0,
    )


_FITS: dict[str, Callable[[FittingData, Mapping[str, Any]], Fitted]] = {
    "exact": _fit_exact,
    "filtered": _fit_filtered,
    "motif": _fit_motif,
    "next_letter": _fit_next_letter,
    "markov": _fit_markov,
    "last": fit_last,
    "autoregression": fit_autoregression,
    "wave": fit_wave,
    "hmm": _fit_hmm,
    "hmm_em": _fit_hmm_em,
    "hmm_counts": _fit_hmm_counts,
    "base_table": _fit_base_table,
    "gc_window": fit_gc_window,
    "cpg_rule": fit_cpg_rule,
    "majority": _fit_majority,
    "uniform": _fit_uniform,
    **{name: partial(fit_program, name) for name in PROGRAMS},
}
