"""What is wrong where a config names a tagger that it makes itself.

A tagger starts from another's weights, or annotates a genome, or classifies sequences, or sequences
are drawn from it: is there such a tagger, with that seed, and does it fit?
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from basetag.architecture import first_difference
from basetag.config.checked import Config
from basetag.config.generation import Generation
from basetag.config.layers import Keys
from basetag.config.mistakes import Mistake, unknown
from basetag.config.model import TAGGER_FILES, TaggerFile, TaggerReference
from basetag.config.runs import Run
from basetag.config.sources import TAGGER_FILE
from basetag.letters import plain_letters, tells_case
from basetag.tagger_card import tells_classes


def wrongly_named_taggers(config: Config) -> Iterator[Mistake]:
    """Yield what is wrong with taggers that others start from, that annotate or classify."""
    yield from _wrong_beginnings(config)
    yield from _circles(config)
    for genome in config.model.annotate:
        yield from _wrong_references(config, genome)
    for name in config.model.classify:
        yield from _wrong_classifier(config, name)
    for generated in config.model.generate:
        yield from _wrong_generations(config, generated)


def _wrong_beginnings(config: Config) -> Iterator[Mistake]:
    """Yield what is wrong with paths that name a tagger as the rules do."""
    for name in config.taggers:
        path = config.initial_tagger(name)
        found = TAGGER_FILE.fullmatch(path or "")
        if path is None or found is None:
            continue
        keys: Keys = ("taggers", name, "init_from")
        run = config.initial_run(name)
        if run is None:
            if not Path(path).is_file():
                dataset, tagger, _ = found.groups()
                kind, one, choices = (
                    ("tagger", tagger, list(config.model.taggers))
                    if dataset in config.datasets
                    else ("dataset", dataset, list(config.model.datasets))
                )
                problem, advice = unknown(kind, one, choices)
                yield Mistake(keys, f"no such file: {path!r}, and {problem}", advice)
            continue
        _, tagger, seed = run
        if not config.is_network(tagger):
            yield Mistake(
                keys,
                f"{tagger!r} is a baseline, and has no weights of a network",
                "name a network's tagger.safetensors",
            )
        elif run not in config.runs():
            yield Mistake(
                keys,
                f"{tagger!r} has no seed {seed}",
                f"its seeds are {', '.join(map(str, config.seeds(tagger)))}",
            )
        else:
            yield from _misfits(config, name, run)


def _misfits(config: Config, name: str, run: tuple[str, str, int]) -> Iterator[Mistake]:
    """Yield how the weights of a run cannot be those with which a tagger begins."""
    keys: Keys = ("taggers", name, "init_from")
    trained_on, tagger, _ = run
    two = (config.train_settings(one, 0)["architecture"] for one in (tagger, name))
    different = first_difference(*two)
    if different is not None:
        found, wanted = different
        yield Mistake(
            keys,
            f"{tagger!r} has {found}, and {name!r} has {wanted}, into which its weights do not fit",
            f"give {name!r} {found}, or name another tagger",
        )
        return
    alphabet = config.alphabet(trained_on)
    for dataset in dict.fromkeys(dataset for dataset, one, _ in config.runs() if one == name):
        if config.alphabet(dataset) != alphabet:
            yield Mistake(
                keys,
                f"{tagger!r} reads {alphabet!r}, and the dataset {dataset!r} is written in "
                f"{config.alphabet(dataset)!r}",
                "name a tagger of the dataset's alphabet",
            )
            return


def _circles(config: Config) -> Iterator[Mistake]:
    told: set[str] = set()
    for name in config.taggers:
        way = [name]
        while (run := config.initial_run(way[-1])) is not None and run[1] not in way:
            way.append(run[1])
        if run is not None and run[1] == name and name not in told:
            told.update(way)
            through = f" through {', '.join(map(repr, way[1:]))}" if way[1:] else ""
            yield Mistake(
                ("taggers", name, "init_from"),
                f"{name!r} would start from itself{through}",
                "name another, or let one of them start anew",
            )


def _wrong_references(config: Config, genome: str) -> Iterator[Mistake]:
    seen: set[Run] = set()
    alphabets: list[tuple[str, str]] = []  # whose, and what
    runs = set(config.runs())
    for index, use in enumerate(config.genome(genome).taggers):
        keys: Keys = ("annotate", genome, "taggers", index)
        if isinstance(use, TaggerFile):
            card = config.cards[use.file]
            run = (TAGGER_FILES, use.folder, 0)
            alphabets.append((use.folder, card["alphabet"]))
            features, own = tuple(card.get("features", ())), "file"
            if run in seen:
                yield Mistake(
                    keys, f"a second tagger called {use.folder!r}", "give this one another name"
                )
        else:
            unknown_names = list(_unknown_names(config, use, keys))
            yield from unknown_names
            if unknown_names:
                continue
            seeds = config.seeds(use.tagger)
            run = (use.dataset, use.tagger, seeds[0] if use.seed is None else use.seed)
            alphabets.append((use.dataset, config.alphabet(use.dataset)))
            features, own = config.features_of_tagger(use.tagger), "tagger"
            yield from _wrong_run(config, use, run, keys, runs, seen)
        (first, other), (last, here) = alphabets[0], alphabets[-1]
        if here != other:
            yield Mistake(
                (*keys, "file" if own == "file" else "dataset"),
                f"{last!r} is written in {here!r}, and {first!r}, which annotates the "
                f"same genome, in {other!r}",
                "give the genome a second entry under another name",
            )
        for feature in features:
            if feature not in config.genome(genome).features:
                name = use.folder if isinstance(use, TaggerFile) else use.tagger
                yield Mistake(
                    (*keys, own),
                    f"{name!r} reads the feature {feature!r}, which the genome lacks",
                    f"add it to annotate.{genome}.features",
                )
        seen.add(run)


def _wrong_context(config: Config, name: str, dataset: str) -> Iterator[Mistake]:
    """Yield where sequences come with a context, and those of training without, or the reverse."""
    entry = config.model.classify[name]
    trained = getattr(getattr(config.datasets[dataset], "columns", None), "context", None)
    if trained is not None and entry.context is None:
        yield Mistake(
            ("classify", name),
            f"the taggers of the dataset {dataset!r} read its column {trained!r} in front of each "
            "sequence, and here is none",
            "give table: new.tsv and context:, its column of the same",
        )
    elif trained is None and entry.context is not None:
        yield Mistake(
            ("classify", name, "context"),
            f"the dataset {dataset!r} has no column of what its sequences come with",
            "remove context",
        )


def _wrong_classifier(config: Config, name: str) -> Iterator[Mistake]:
    """Yield what keeps a tagger from telling the classes of sequences."""
    use = config.model.classify[name].tagger
    keys: Keys = ("classify", name, "tagger")
    if isinstance(use, TaggerFile):
        card = config.cards[use.file]
        if not tells_classes(card):
            yield Mistake(
                (*keys, "file"),
                f"{use.file!r} labels bases, and no sequence as a whole",
                "name the file of a tagger that was made on a dataset with task: classify, or take "
                "annotate",
            )
        for feature in card.get("features", ()):
            yield Mistake(
                (*keys, "file"),
                f"{use.file!r} reads the feature {feature!r}, and new sequences have none",
                "name a tagger that reads letters alone",
            )
        return
    unknown_names = list(_unknown_names(config, use, keys))
    yield from unknown_names
    if unknown_names:
        return
    if not config.is_of_records(use.dataset):
        yield Mistake(
            (*keys, "dataset"),
            f"{use.dataset!r} has a label for each base, and its taggers tell no classes",
            "name a dataset with task: classify, or take annotate",
        )
        return
    if config.vocabulary(use.dataset) and config.model.classify[name].table is None:
        yield Mistake(
            ("classify", name, "fasta"),
            f"the taggers of the dataset {use.dataset!r} read texts, which no FASTA file holds",
            "give table: texts.csv and column: text",
        )
    yield from _wrong_context(config, name, use.dataset)
    seeds = config.seeds(use.tagger)
    run = (use.dataset, use.tagger, seeds[0] if use.seed is None else use.seed)
    yield from _wrong_run(config, use, run, keys, set(config.runs()), set())


def _wrong_generations(config: Config, generated: str) -> Iterator[Mistake]:
    settings = config.model.generate[generated]
    keys: Keys = ("generate", generated)
    unknown_names = list(_unknown_names(config, settings, keys))
    yield from unknown_names
    if unknown_names:
        return
    dataset, tagger, seed = run = config.generating_run(generated)
    if not config.tells_next(dataset):
        yield Mistake(
            (*keys, "dataset"),
            f"the taggers of the dataset {dataset!r} do not tell the next letter",
            "name a dataset with task: next_token",
        )
    elif not config.is_network(tagger):
        yield Mistake(
            (*keys, "tagger"),
            f"{tagger!r} is a baseline, and sequences are drawn from networks",
            "name a network",
        )
    elif not config.has(dataset, tagger):
        yield Mistake(
            (*keys, "tagger"),
            f"{tagger!r} cannot be made for the dataset {dataset!r}",
            "choose another",
        )
    elif run not in config.runs():
        seeds = ", ".join(map(str, config.seeds(tagger)))
        yield Mistake((*keys, "seed"), f"{tagger!r} has no seed {seed}", f"its seeds are {seeds}")
    else:
        alphabet = config.alphabet(dataset)
        letters = plain_letters(alphabet)
        known = letters
        if not tells_case(alphabet):
            known += letters.lower() + ("Uu" if alphabet == "dna" else "")
        strange = next((x for x in settings.prompt or "" if x not in known), None)
        if strange is not None:
            yield Mistake(
                (*keys, "prompt"),
                f"{strange!r} is no plain letter of the dataset {dataset!r}",
                f"the letters are {letters}",
            )


def _unknown_names(
    config: Config, use: TaggerReference | Generation, keys: Keys
) -> Iterator[Mistake]:
    for kind, name, known_names, own in (
        ("dataset", use.dataset, config.datasets, config.model.datasets),
        ("tagger", use.tagger, config.taggers, config.model.taggers),
    ):
        if name not in known_names:
            yield Mistake((*keys, kind), *unknown(kind, name, own))


def _wrong_run(
    config: Config, use: TaggerReference, run: Run, keys: Keys, runs: set[Run], seen: set[Run]
) -> Iterator[Mistake]:
    """Yield what keeps a tagger of the config, by its run, from annotating."""
    if not config.has(use.dataset, use.tagger):
        yield Mistake(
            (*keys, "tagger"),
            f"{use.tagger!r} cannot be made for the dataset {use.dataset!r}",
            "choose another",
        )
    elif config.tells_next(use.dataset):
        yield Mistake(
            (*keys, "dataset"),
            f"the taggers of the dataset {use.dataset!r} tell the next letter of each, and label "
            "no bases",
            "choose another, or start a tagger of bases from this one by init_from",
        )
    elif config.tells_value(use.dataset):
        yield Mistake(
            (*keys, "dataset"),
            f"the taggers of the dataset {use.dataset!r} read numbers, and sequences have letters",
            "choose another",
        )
    elif run not in runs:
        why = "" if config.is_network(use.tagger) else ", as it is a baseline"
        yield Mistake(
            (*keys, "seed"),
            f"{use.tagger!r} has no seed {use.seed}{why}",
            f"its seeds are {', '.join(map(str, config.seeds(use.tagger)))}",
        )
    elif run in seen:
        yield Mistake(keys, "the same tagger stands twice", "keep one of them")
