"""Fitting what calls states itself: a rule's calls, a program's training, and what both are worth.

Calls become probabilities on the validation split, for all in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.baseline import Grouping
from basetag.baseline_data import Fitted, FittingData
from basetag.cpg_rule import CPG_SETTINGS, CpGRule
from basetag.errors import ConfigError, InputError
from basetag.label_statistics import label_counts
from basetag.programs import PROGRAMS, ProgramCalls, letters_of
from basetag.window_rules import GCShare, best_calls


def fit_gc_window(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    """Return the thresholds of GC share that call the training labels most accurately."""
    window, alphabet = parameters["window"], data.corpus.alphabet
    _check_letters("gc_window", data)
    share = GCShare(alphabet, window)
    calls = best_calls(data.labels_by("train", share, share.steps + 1))
    labels_by_call = _labels_by_call("gc_window", data, share, calls)
    cuts = np.flatnonzero(np.diff(calls))
    states = [data.corpus.states[call] for call in calls[np.append(cuts, calls.size - 1)]]
    below = "".join(
        f"{state} below {100 * (cut + 0.5) / share.steps:.1f} %, "
        for state, cut in zip(states, cuts, strict=False)
    )
    return Fitted(
        {"calls": calls, "labels_by_call": labels_by_call},
        f"share of G and C in {window} bases: {below}{'else' if below else 'always'} {states[-1]}",
        len(cuts) + labels_by_call.size - len(labels_by_call),
        {"window": window},
    )


def fit_cpg_rule(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    """Return the rule with its settings; beside islands it calls the commonest other label."""
    _check_letters("cpg_rule", data)
    state = data.corpus.states.index(parameters["state"])
    settings = {key: parameters[key] for key in CPG_SETTINGS}
    others = label_counts(data.corpus, data.split["train"])
    others[state] = -1
    calls = np.array([others.argmax(), state], dtype=np.uint8)
    rule = CpGRule(data.corpus.alphabet, **settings)
    labels_by_call = _labels_by_call("cpg_rule", data, rule, calls)
    return Fitted(
        {"calls": calls, "labels_by_call": labels_by_call},
        f"{parameters['state']} where {settings['window']} bases have more than "
        f"{100 * settings['gc']:g} % of G and C and {settings['ratio']:g} of the CpG expected, "
        f"along {settings['minimum_length']} bases or more",
        calls.size * (len(labels_by_call) - 1),
        settings,
    )


def fit_program(name: str, data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    """Return the program `name`, trained on the letters of the training split if it is at all."""
    kind = PROGRAMS[name]
    stretches = data.split["train"].joined().first(kind.most_training_bases)
    alphabet, tokens = data.corpus.alphabet, data.corpus.tokens
    starts = stretches.offset.tolist()
    program = kind.trained(
        parameters,
        [
            letters_of(alphabet, tokens[start : start + length])
            for start, length in zip(starts, stretches.lengths.tolist(), strict=True)
        ],
    )
    states = data.corpus.states
    calls = np.array([states.index(parameters[role]) for role in kind.roles], dtype=np.uint8)
    labels_by_call = _labels_by_call(name, data, ProgramCalls(program, alphabet), calls)
    return Fitted(
        {**program.tensors(), "calls": calls, "labels_by_call": labels_by_call},
        program.description,
        program.n_parameters + len(np.unique(calls)) * (len(states) - 1),
    )


def _check_letters(name: str, data: FittingData) -> None:
    alphabet = data.corpus.alphabet
    if not {"G", "C"} <= set(alphabet.letters):
        raise ConfigError(
            f"{name} needs the letters G and C, and the alphabet is {alphabet.name!r}",
            advice="take base_table",
        )


def _labels_by_call(
    name: str, data: FittingData, grouping: Grouping, calls: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Count the labels of the validation bases of each call, (states, states).

    `calls` has the state that is called for each group.
    """
    if not label_counts(data.corpus, data.split["validation"]).any():
        raise InputError(
            f"{name}'s calls become probabilities on the validation split, and no base of it "
            "has a label",
            advice="draw another split",
        )
    labels_by_call = np.zeros((len(data.corpus.states),) * 2, dtype=np.int64)
    np.add.at(labels_by_call, calls, data.labels_by("validation", grouping, calls.size))
    return labels_by_call
