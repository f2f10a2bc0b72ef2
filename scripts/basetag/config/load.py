"""A run's config: read, checked as a whole, and its paths and models found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from basetag.config.checked import Config
from basetag.config.layers import Keys, Layers, shown
from basetag.config.mistakes import InvalidConfigError, Mistake, mistakes_of, unknown
from basetag.config.model import ConfigModel
from basetag.config.taggers import EXACT_BASELINES, BaseTable, GCWindow, Network
from basetag.errors import ConfigError
from basetag.hmm_spec import HMMSpec, load_hmm_spec
from basetag.kmer_table import MOST_CELLS, n_words
from basetag.letters import plain_letters


def load_config(config: Mapping[str, Any], files: Sequence[Path], workflow_folder: Path) -> Config:
    """Check the config of a run.

    Parameters
    ----------
    config : mapping
        As Snakemake merged it.
    files : sequence of Path
        The files that it was merged from, later ones laid over earlier ones. What `config` has
        beyond them was given on the command line.
    workflow_folder : Path
        Where the repository's own files lie: resources/hmms.

    Returns
    -------
    Config
        With every path resolved: a relative one against the folder of the file that names it, one
        from the command line against the current folder.

    Raises
    ------
    InvalidConfigError
        With one line for each mistake.
    ConfigError
        For a config file that cannot be read.
    """
    layers = Layers.read(config, files)
    mistakes: list[Mistake] = []
    values = _with_paths(layers, mistakes)
    values, hmms, errors = _load_hmms(values, layers, workflow_folder, mistakes)
    model = None
    try:
        model = ConfigModel.model_validate(values)
    except ValidationError as error:
        mistakes.extend(mistakes_of(error, layers))
    if model is not None and not (mistakes or errors):
        checked = Config(model, hmms)
        mistakes.extend(_mismatches(checked))
        if not mistakes:
            return checked
    mistakes.sort(key=lambda mistake: layers.order_of(mistake.keys))
    raise InvalidConfigError([*(mistake.error(layers) for mistake in mistakes), *errors])


def _with_paths(layers: Layers, mistakes: list[Mistake]) -> dict[str, Any]:
    """Return the values with the paths of data resolved; a missing file is a mistake."""

    def resolve(keys: Keys, path: str) -> str:
        resolved = _resolved(path, layers.file_of(keys))
        if not resolved.is_file():
            folder = resolved.is_dir()
            problem = f"{path!r} is a folder, not a file" if folder else f"no such file: {path!r}"
            mistakes.append(Mistake(keys, problem, f"looked for {shown(resolved)}"))
        return str(resolved)

    values = dict(layers.merged)
    for pattern in (
        ("datasets", None, "fasta"),
        ("datasets", None, "labels", "fasta"),
        ("annotate", None, "fasta"),
    ):
        values = _replaced(values, pattern, (), resolve)
    return values


def _resolved(path: str, file: Path | None) -> Path:
    """Return `path` as seen from the folder of `file`; a relative one stays relative.

    So a project that is moved as a whole keeps the names of its inputs, and reruns nothing.
    """
    own = Path(path).expanduser()
    if own.is_absolute():
        return own
    folder = (Path.cwd() if file is None else file.parent).resolve()
    return Path(os.path.relpath(folder / own, Path.cwd().resolve()))


def _replaced(
    value: Any,
    pattern: tuple[str | None, ...],
    above: Keys,
    replace: Callable[[Keys, str], str],
) -> Any:
    """Return a copy of `value` with `replace` called on the texts at `pattern` (None: any key)."""
    if not pattern:
        return replace(above, value) if isinstance(value, str) and value else value
    if not isinstance(value, dict):
        return value
    return {
        key: _replaced(item, pattern[1:], (*above, key), replace)
        if pattern[0] in (None, key)
        else item
        for key, item in value.items()
    }


def _load_hmms(
    values: dict[str, Any], layers: Layers, workflow_folder: Path, mistakes: list[Mistake]
) -> tuple[dict[str, Any], dict[str, HMMSpec], list[ConfigError]]:
    """Return `values` with the models' paths resolved, the models, and what is wrong in them."""
    hmms: dict[str, HMMSpec] = {}
    errors: dict[Path, ConfigError] = {}
    read: dict[Path, HMMSpec] = {}
    presets = {path.stem: path for path in (workflow_folder / "resources" / "hmms").glob("*.yaml")}

    def load(keys: Keys, name: str) -> str:
        if "/" in name or name.endswith((".yaml", ".yml")):
            path = _resolved(name, layers.file_of(keys))
            if not path.is_file():
                problem = f"no such file: {name!r}"
                mistakes.append(Mistake(keys, problem, f"looked for {shown(path)}"))
                return name
            name = str(path)
        elif name in presets:
            path = presets[name]
        else:
            problem, advice = unknown("model", name, sorted(presets))
            mistakes.append(Mistake(keys, problem, f"{advice}; your own is the path of a .yaml"))
            return name
        try:
            if path not in read:
                read[path] = load_hmm_spec(path)
            hmms[str(keys[1])] = read[path]
        except ConfigError as error:
            errors[path] = error
        return name

    values = _replaced(values, ("datasets", None, "simulate", "hmm"), (), load)
    return values, hmms, list(errors.values())


def _mismatches(config: Config) -> Iterator[Mistake]:
    """Yield what is wrong between sections that are each right."""
    yield from _idle_taggers(config)
    yield from _large_tables(config)
    yield from _short_trainings(config)
    for genome in config.model.annotate:
        yield from _wrong_references(config, genome)


def _idle_taggers(config: Config) -> Iterator[Mistake]:
    datasets = config.model.datasets
    for name, tagger in config.model.taggers.items():
        if any(config.has(dataset, name) for dataset in datasets):
            continue
        if isinstance(tagger, EXACT_BASELINES):
            yield Mistake(
                ("taggers", name, "baseline"),
                f"{tagger.baseline} needs the HMM that simulates, and no dataset is simulated",
                "remove it, or add a dataset with simulate",
            )
        elif isinstance(tagger, GCWindow):
            yield Mistake(
                ("taggers", name, "baseline"),
                "gc_window counts G and C, and no dataset has the alphabet dna",
                "remove it",
            )


def _large_tables(config: Config) -> Iterator[Mistake]:
    for name, tagger in config.model.taggers.items():
        if not isinstance(tagger, BaseTable):
            continue
        for dataset in config.model.datasets:
            n_letters = len(plain_letters(config.alphabet(dataset)))
            if n_words(n_letters, tagger.k) * len(config.states(dataset)) > MOST_CELLS:
                yield Mistake(
                    ("taggers", name, "k"),
                    f"words of {tagger.k} of the {n_letters} letters of {dataset!r} are too many "
                    "for a table",
                    "take a smaller k",
                )
                break


def _short_trainings(config: Config) -> Iterator[Mistake]:
    if not any(isinstance(tagger, Network) for tagger in config.model.taggers.values()):
        return
    default = config.model.training
    if default.batch * default.window > default.bases:
        yield _short_training(("training",), default.model_dump())
        return
    for name, tagger in config.model.taggers.items():
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


def _wrong_references(config: Config, genome: str) -> Iterator[Mistake]:
    seen: set[tuple[str, str, int]] = set()
    datasets = config.model.datasets
    known = [use.dataset for use in config.genome(genome).taggers if use.dataset in datasets]
    runs = set(config.runs())
    for index, use in enumerate(config.genome(genome).taggers):
        keys: Keys = ("annotate", genome, "taggers", index)
        named = True
        for kind, name, choices in (
            ("dataset", use.dataset, config.model.datasets),
            ("tagger", use.tagger, config.model.taggers),
        ):
            if name not in choices:
                named = False
                yield Mistake((*keys, kind), *unknown(kind, name, choices))
        if not named:
            continue
        own, other = (config.alphabet(dataset) for dataset in (use.dataset, known[0]))
        if own != other:
            yield Mistake(
                (*keys, "dataset"),
                f"{use.dataset!r} is written in {own!r}, and {known[0]!r}, which annotates the "
                f"same genome, in {other!r}",
                "give the genome a second entry under another name",
            )
        seeds = config.seeds(use.tagger)
        run = (use.dataset, use.tagger, seeds[0] if use.seed is None else use.seed)
        if not config.has(use.dataset, use.tagger):
            yield Mistake(
                (*keys, "tagger"),
                f"{use.tagger!r} cannot be made for the dataset {use.dataset!r}",
                "choose another",
            )
        elif run not in runs:
            why = "" if config.is_network(use.tagger) else ", as it is a baseline"
            yield Mistake(
                (*keys, "seed"),
                f"{use.tagger!r} has no seed {use.seed}{why}",
                f"its seeds are {', '.join(map(str, seeds))}",
            )
        elif run in seen:
            yield Mistake(keys, "the same tagger stands twice", "keep one of them")
        seen.add(run)
