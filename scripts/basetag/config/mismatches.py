"""What is wrong between sections of a config that are each right.

A tagger that no dataset can have, a word too long for a table, a state that nobody labels. What one
section can tell by itself is checked in its model; taggers that others name, in `named_taggers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from basetag.config.baselines import BaseTable, HMMByCounts, Markov
from basetag.config.checked import Config
from basetag.config.datasets import OwnDataset
from basetag.config.decoding import Viterbi
from basetag.config.layers import Keys
from basetag.config.mistakes import Mistake, unknown
from basetag.config.model import TaggerFile, TaggerReference
from basetag.config.named_taggers import wrongly_named_taggers
from basetag.config.networks import HiddenStates, Network
from basetag.config.state_roles import letter_of, listed, no_state
from basetag.config.training import Training
from basetag.hmm_variations import ImpossibleVariationError
from basetag.kmer_table import MOST_CELLS, MOST_COUNTS, n_contexts, n_words
from basetag.letters import plain_letters


def mismatches(config: Config) -> Iterator[Mistake]:
    """Yield what is wrong between sections that are each right."""
    yield from _impossible_variations(config)
    yield from _wrong_groups(config)
    yield from _idle_taggers(config)
    yield from _large_tables(config)
    yield from _large_embeddings(config)
    yield from _short_trainings(config)
    yield from _wrong_weights(config)
    yield from _wrong_heads(config)
    yield from _strange_lengths(config)
    yield from _pooled_annotations(config)
    yield from _missing_features(config)
    yield from _missing_substates(config)
    yield from _strandless(config)
    yield from wrongly_named_taggers(config)


def _impossible_variations(config: Config) -> Iterator[Mistake]:
    for name in config.datasets:
        if config.is_simulated(name):
            try:
                config.hmm_settings(name)
            except ImpossibleVariationError as error:
                keys = ("datasets", name, "simulate", error.key)
                yield Mistake(keys, error.problem, error.advice)


def _wrong_groups(config: Config) -> Iterator[Mistake]:
    """Yield groups that name a state that is none, or leave one out; once is checked before."""
    for dataset, settings in config.datasets.items():
        if not isinstance(settings, OwnDataset):
            continue
        states = config.states(dataset)
        for name, groups in settings.groups.items():
            keys: Keys = ("datasets", dataset, "groups", name)
            missing = dict(states)
            for group, members in groups.items():
                for index, wanted in enumerate(members):
                    letter = letter_of(wanted, states)
                    if letter is None:
                        problem = no_state(group, wanted, dataset, states)
                        yield Mistake((*keys, group, index), problem.problem, problem.advice)
                    elif missing.pop(letter, None) is None:
                        what = f"the state {wanted!r} stands in two groups"
                        yield Mistake((*keys, group, index), what, "name it by its letter, once")
            if missing and all(letter_of(own, states) for own in chain(*groups.values())):
                what = f"no group has {listed(missing)}"
                yield Mistake(keys, what, "every state belongs to one group")


def _idle_taggers(config: Config) -> Iterator[Mistake]:
    """Yield taggers that no dataset can have, and what the first one lacks."""
    for name in config.taggers:
        problems = [config.lacks(dataset, name) for dataset in config.datasets_of(name)]
        found = problems[0] if problems else None
        if found is not None and None not in problems:
            yield Mistake(("taggers", name, *found.keys), found.problem, found.advice)


def _large_tables(config: Config) -> Iterator[Mistake]:
    for name, tagger in config.taggers.items():
        if isinstance(tagger, HMMByCounts):
            yield from _large_orders(config, name, tagger.order)
        if isinstance(tagger, Markov):
            yield from _large_models(config, name, tagger.order)
        if not isinstance(tagger, BaseTable):
            continue
        for dataset in config.datasets_of(name):
            n_letters = len(plain_letters(config.alphabet(dataset)))
            if n_words(n_letters, tagger.k) * len(config.states(dataset)) > MOST_CELLS:
                yield Mistake(
                    ("taggers", name, "k"),
                    f"words of {tagger.k} of the {n_letters} letters of {dataset!r} are too many "
                    "for a table",
                    "take a smaller k",
                )
                break


def _large_orders(config: Config, name: str, order: int) -> Iterator[Mistake]:
    for dataset in config.datasets_of(name):
        n_letters = len(plain_letters(config.alphabet(dataset)))
        # A step from each state to each other one, for each letter behind each word.
        steps = n_contexts(n_letters, order) * n_letters * len(config.states(dataset)) ** 2
        if order and steps > MOST_CELLS:
            yield Mistake(
                ("taggers", name, "order"),
                f"words of {order} of the {n_letters} letters of {dataset!r} are too many for its "
                f"{len(config.states(dataset))} states",
                "take a lower order",
            )
            break


def _large_models(config: Config, name: str, order: int) -> Iterator[Mistake]:
    for dataset in config.datasets_of(name):
        n_letters = len(plain_letters(config.alphabet(dataset)))
        if n_contexts(n_letters, order) * n_letters > MOST_COUNTS:
            yield Mistake(
                ("taggers", name, "order"),
                f"words of {order} of the {n_letters} letters of {dataset!r} are too many to count "
                "what follows each",
                "take a lower order",
            )
            break


def _large_embeddings(config: Config) -> Iterator[Mistake]:
    for name, tagger in config.taggers.items():
        if not isinstance(tagger, Network):
            continue
        for dataset in config.datasets_of(name):
            n_letters = len(plain_letters(config.alphabet(dataset)))
            # Each letter of a word may be unknown as well.
            words = (n_letters + 1) ** tagger.embedding.k
            dimensions = tagger.embedding.dimensions or 1
            if tagger.embedding.k > 1 and words * dimensions > MOST_CELLS * 4:
                yield Mistake(
                    ("taggers", name, "embedding", "k"),
                    f"the {words:,} words of {tagger.embedding.k} of the {n_letters} letters of "
                    f"{dataset!r}, any of which may be unknown, are too many for a table with "
                    f"{dimensions} dimensions",
                    f"take a smaller k, or at most {MOST_CELLS * 4 // words} dimensions"
                    if words <= MOST_CELLS * 4
                    else "take a smaller k",
                )
                break


def _short_trainings(config: Config) -> Iterator[Mistake]:
    if not any(isinstance(tagger, Network) for tagger in config.taggers.values()):
        return
    default = config.model.training
    if default.batch * default.window > default.bases:
        yield _short_training(("training",), default.model_dump())
        return
    for name, tagger in config.taggers.items():
        if isinstance(tagger, Network) and tagger.training is not None:
            training = config.train_settings(name, 0)["training"]
            if training["batch"] * training["window"] > training["bases"]:
                yield _short_training(("taggers", name, "training"), training)


def _short_training(keys: Keys, training: dict[str, Any]) -> Mistake:
    step = training["batch"] * training["window"]
    return Mistake(
        (*keys, "bases"),
        f"{training['bases']} bases are less than one step of batch x window = {step}",
        "train on more bases, or make batch or window smaller",
    )


def _wrong_weights(config: Config) -> Iterator[Mistake]:
    given: list[tuple[Keys, Training | None, list[str]]] = [
        (("training",), config.model.training, list(config.datasets))
    ]
    for name, tagger in config.taggers.items():
        if isinstance(tagger, Network):
            place = ("taggers", name, "training")
            given.append((place, tagger.training, config.datasets_of(name)))
    for above, training, datasets in given:
        if training is None or training.class_weights is None:
            continue
        numbers = next((name for name in datasets if config.tells_numbers(name)), None)
        if numbers is not None:
            yield Mistake(
                (*above, "class_weights"),
                f"the records of the dataset {numbers!r} have numbers, which are of no state that "
                "could have a weight",
                "remove it",
            )
            continue
        if not isinstance(training.class_weights, dict):
            continue
        states = {dataset: list(config.states(dataset)) for dataset in datasets}
        known = list(dict.fromkeys(letter for letters in states.values() for letter in letters))
        keys = (*above, "class_weights")
        strange = [letter for letter in training.class_weights if letter not in known]
        for letter in strange:
            yield Mistake(
                (*keys, letter),
                f"no dataset has the state {letter!r}",
                f"the states are {', '.join(known)}",
            )
        if strange:
            continue
        for dataset, letters in states.items():
            without = [letter for letter in letters if letter not in training.class_weights]
            if without:
                yield Mistake(
                    keys,
                    f"{', '.join(without)} of the dataset {dataset!r} has no weight",
                    "give every state a number; 1 leaves it as it is",
                )
                break


def _wrong_heads(config: Config) -> Iterator[Mistake]:
    for name, tagger in config.taggers.items():
        if not isinstance(tagger, Network) or tagger.head == "softmax":
            continue
        if config.train_settings(name, 0)["training"]["class_weights"] is not None:
            yield Mistake(
                ("taggers", name, "head"),
                "a CRF learns whole records, whose bases have no weights of their own",
                "take softmax, or give this tagger training: {class_weights: null}",
            )
        if not isinstance(tagger.head, HiddenStates):
            continue
        for dataset in config.datasets_of(name):
            labels = list(config.states(dataset))
            if sorted(labels) != sorted(tagger.head.states):
                yield Mistake(
                    ("taggers", name, "head", "states"),
                    f"the labels are {', '.join(tagger.head.states)}, and those of the dataset "
                    f"{dataset!r} are {', '.join(labels)}",
                    "give every label of the dataset its hidden states",
                )
                break


def _strange_lengths(config: Config) -> Iterator[Mistake]:
    """Yield least lengths of states that no dataset has, or none that annotates the genome."""
    given: list[tuple[Keys, Any, list[Mapping[str, str]]]] = [
        (
            ("taggers", name),
            getattr(tagger, "decoding", None),
            [config.states(dataset) for dataset in config.datasets_of(name)],
        )
        for name, tagger in config.taggers.items()
    ]
    for name, genome in config.model.annotate.items():
        states = [found for use in genome.taggers if (found := _states_of(config, use))]
        given.append((("annotate", name), genome.decoding, states))
    for keys, decoding, used in given:
        if not isinstance(decoding, Viterbi) or not isinstance(decoding.minimum_length, dict):
            continue
        known = list(dict.fromkeys(letter for states in used for letter in states))
        for letter in decoding.minimum_length:
            if used and letter not in known:
                yield Mistake(
                    (*keys, "decoding", "minimum_length", letter),
                    f"no dataset has the state {letter!r}",
                    f"the states are {', '.join(known)}",
                )


def _pooled_annotations(config: Config) -> Iterator[Mistake]:
    """Yield annotations by networks that give a record one label, and none to its bases."""
    for name, genome in config.model.annotate.items():
        for index, use in enumerate(genome.taggers):
            if isinstance(use, TaggerFile):
                architecture = config.cards[use.file]["architecture"]
                key, pooling, called = "file", architecture.get("pooling"), use.file
            else:
                tagger = config.taggers.get(use.tagger)
                key, called = "tagger", use.tagger
                pooling = tagger.pooling if isinstance(tagger, Network) else None
                known = pooling is None and use.dataset in config.datasets
                if known and config.is_of_records(use.dataset):
                    yield Mistake(
                        ("annotate", name, "taggers", index, "dataset"),
                        f"the records of {use.dataset!r} are told as wholes, and their bases have "
                        "no labels",
                        "name it in the section classify, or another dataset here",
                    )
            if pooling is not None:
                yield Mistake(
                    ("annotate", name, "taggers", index, key),
                    f"{called!r} has pooling: it labels whole records, and none of their bases",
                    "name a tagger without pooling, or take the section classify",
                )


def _states_of(config: Config, use: TaggerReference | TaggerFile) -> Mapping[str, str]:
    """Return the states of a tagger that annotates a genome; none where it is unknown."""
    if isinstance(use, TaggerFile):
        return dict.fromkeys(config.cards[use.file]["states"], "")
    return config.states(use.dataset) if use.dataset in config.datasets else {}


def _missing_features(config: Config) -> Iterator[Mistake]:
    for name in config.taggers:
        for index, feature in enumerate(config.features_of_tagger(name)):
            for dataset in config.datasets_of(name):
                known = list(config.feature_sources(dataset))
                if feature in known:
                    continue
                _, advice = unknown("feature", feature, known)
                if config.is_drawn(dataset):
                    advice = "a simulated dataset has none: give the tagger a config without it"
                elif not known:
                    advice = f"add it to datasets.{dataset}.features"
                yield Mistake(
                    ("taggers", name, "features", index),
                    f"the dataset {dataset!r} has no feature {feature!r}",
                    advice,
                )
                break


def _missing_substates(config: Config) -> Iterator[Mistake]:
    for name, tagger in config.taggers.items():
        if not isinstance(tagger, Network) or not tagger.substates:
            continue
        if not any(config.has_substates(dataset) for dataset in config.datasets_of(name)):
            yield Mistake(
                ("taggers", name, "substates"),
                "no dataset has finer states than its labels",
                "remove it, or give a dataset labels with codon_positions: true",
            )


def _strandless(config: Config) -> Iterator[Mistake]:
    datasets = config.datasets
    default_told = False
    for name, tagger in config.taggers.items():
        if not isinstance(tagger, Network):
            continue
        used = config.datasets_of(name)
        if tagger.both_strands:
            yield from _strandless_at(("taggers", name, "both_strands"), used, config)
        if config.train_settings(name, 0)["training"]["reverse_complement"]:
            own = tagger.training is not None and tagger.training.reverse_complement
            if own:
                keys: Keys = ("taggers", name, "training", "reverse_complement")
                yield from _strandless_at(keys, used, config)
            elif not default_told:
                told = list(_strandless_at(("training", "reverse_complement"), used, config))
                yield from told
                default_told = bool(told)
    for name, genome in config.model.annotate.items():
        if genome.both_strands:
            named = [use for use in genome.taggers if isinstance(use, TaggerReference)]
            used = [use.dataset for use in named if use.dataset in datasets]
            yield from _strandless_at(("annotate", name, "both_strands"), used, config)
            known = [use.tagger for use in named if use.tagger in config.taggers]
            baselines = [tagger for tagger in known if not config.is_network(tagger)] + [
                use.folder
                for use in genome.taggers
                if isinstance(use, TaggerFile) and config.cards[use.file]["kind"] != "network"
            ]
            if baselines:
                yield Mistake(
                    ("annotate", name, "both_strands"),
                    f"only networks average strands, and {', '.join(map(repr, baselines))}"
                    f" {'is a baseline' if len(baselines) == 1 else 'are baselines'}",
                    "remove it, or give the genome a second entry, without it, for baselines",
                )


def _strandless_at(keys: Keys, datasets: list[str], config: Config) -> Iterator[Mistake]:
    for dataset in datasets:
        alphabet = config.alphabet(dataset)
        if alphabet != "dna":
            yield Mistake(
                keys,
                f"the dataset {dataset!r} is written in {alphabet!r}, which has no second strand",
                "remove it",
            )
            return
        if getattr(getattr(config.datasets[dataset], "columns", None), "context", None) is not None:
            yield Mistake(
                keys,
                f"sequences of the dataset {dataset!r} have what they come with in front, where "
                "no other strand has it",
                "remove it",
            )
            return
