"""A run's config: read, checked as a whole, and its paths and models found."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from basetag.config.baselines import GivenHMM
from basetag.config.checked import Config
from basetag.config.datasets import DATASET_FILES, SimulatedDataset
from basetag.config.labels import LABEL_FILES
from basetag.config.layers import Keys, Layers, shown
from basetag.config.mismatches import mismatches
from basetag.config.mistakes import InvalidConfigError, Mistake, mistakes_of, unknown
from basetag.config.model import ConfigModel, TaggerFile, TaggerReference
from basetag.config.next_token import NextTokenSimulated
from basetag.config.points import SECTIONS, Grid
from basetag.config.sources import TAGGER_FILE
from basetag.errors import ConfigError, InputError, nearest
from basetag.hmm_spec import HMMSpec, load_hmm_spec
from basetag.tagger_card import read_card

_MOST_NAMES = 10_000  # of a folder, among which one like a wrong one is looked for


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
    values, models, errors = _load_hmms(values, layers, workflow_folder, mistakes)
    grid = Grid.of(values)
    mistakes.extend(grid.mistakes)
    model = None
    try:
        model = ConfigModel.model_validate(grid.values)
    except ValidationError as error:
        mistakes.extend(mistakes_of(error, layers))
    if model is not None and not (mistakes or errors):
        cards = _read_cards(model, mistakes)
        if not mistakes:
            checked = _checked(model, grid, models, cards)
            mistakes.extend(mismatches(checked))
        if not mistakes:
            return checked
    mistakes = grid.told(mistakes)
    mistakes.sort(key=lambda mistake: layers.order_of(mistake.keys))
    raise InvalidConfigError([*(mistake.error(layers) for mistake in mistakes), *errors])


def _read_cards(model: ConfigModel, mistakes: list[Mistake]) -> dict[str, dict[str, Any]]:
    """Return the card of each tagger that is named by its file, by path."""
    cards: dict[str, dict[str, Any]] = {}
    named: list[tuple[Keys, TaggerReference | TaggerFile]] = [
        (("annotate", name, "taggers", index, "file"), use)
        for name, genome in model.annotate.items()
        for index, use in enumerate(genome.taggers)
    ]
    for name, entry in model.classify.items():
        named.append((("classify", name, "tagger", "file"), entry.tagger))
    for keys, use in named:
        if isinstance(use, TaggerFile):
            try:
                cards[use.file] = read_card(use.file)
            except InputError as error:
                mistakes.append(Mistake(keys, str(error)))
    return cards


def _checked(
    model: ConfigModel,
    grid: Grid,
    models: Mapping[str, HMMSpec],
    cards: Mapping[str, Mapping[str, Any]],
) -> Config:
    """Return the config, with what somebody wrote and the points of sweeps kept apart."""
    hmms = {
        name: models[dataset.simulate.hmm]
        for name, dataset in model.datasets.items()
        if isinstance(dataset, SimulatedDataset | NextTokenSimulated)
    }
    tagger_hmms = {
        name: models[tagger.hmm]
        for name, tagger in model.taggers.items()
        if isinstance(tagger, GivenHMM)
    }
    own: dict[str, dict[str, Any]] = {}
    points: dict[str, dict[str, Any]] = {}
    for section in SECTIONS:
        own[section], points[section] = {}, {}
        for name, entry in getattr(model, section).items():
            (points if grid.is_point(section, name) else own)[section][name] = entry
    return Config(
        model.model_copy(update=own),
        hmms,
        tagger_hmms,
        grid.plans,
        swept_datasets=points["datasets"],
        swept_taggers=points["taggers"],
        cards=cards,
    )


def _with_paths(layers: Layers, mistakes: list[Mistake]) -> dict[str, Any]:
    """Return the values with the paths of data resolved; a missing file is a mistake."""

    def resolve(keys: Keys, path: str) -> str:
        resolved = _resolved(path, layers.file_of(keys))
        key = keys[-2] if isinstance(keys[-1], int) else keys[-1]
        if key == "init_from":
            resolved = _as_rules_name(resolved)
            # A job may make it: what it names is checked with the taggers and datasets.
            if TAGGER_FILE.fullmatch(str(resolved)):
                return str(resolved)
        if not resolved.is_file() and not (key == "pssm" and resolved.is_dir()):
            folder = resolved.is_dir()
            problem = f"{path!r} is a folder, not a file" if folder else f"no such file: {path!r}"
            mistakes.append(Mistake(keys, problem, _looked_for(resolved)))
        return str(resolved)

    values = dict(layers.merged)
    for pattern in (
        *(("datasets", None, key) for key in DATASET_FILES),
        *(("datasets", None, "labels", key) for key in LABEL_FILES),
        ("datasets", None, "labels", "table"),
        ("datasets", None, "split", "table"),
        ("datasets", None, "features", None, "bedgraph"),
        ("datasets", None, "features", None, "table"),
        ("datasets", None, "features", None, "pssm"),
        ("datasets", None, "heads", None, "labels"),
        ("annotate", None, "fasta"),
        ("annotate", None, "features", None, "bedgraph"),
        ("annotate", None, "features", None, "table"),
        ("annotate", None, "features", None, "pssm"),
        ("annotate", None, "taggers", None, "file"),
        ("classify", None, "fasta"),
        ("classify", None, "table"),
        ("classify", None, "tagger", "file"),
        ("taggers", None, "init_from"),
        ("taggers", None, "embedding", "table"),
    ):
        values = _replaced_with_swept(values, pattern, resolve)
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


def _looked_for(path: Path) -> str:
    """Return where a file was looked for, and the one there that is called most like it."""
    text = f"looked for {shown(path)}"
    if path.exists() or not path.parent.is_dir():
        return text
    names = [other.name for other in islice(path.parent.iterdir(), _MOST_NAMES)]
    like = nearest(path.name, sorted(names))
    return f"{text}; did you mean {like!r}?" if like else text


def _as_rules_name(path: Path) -> Path:
    """Return `path` as the rules' outputs are named where it lies in the run's own results.

    Only so does Snakemake see that one job waits for the other.
    """
    results, here = Path("results"), Path.cwd()
    for place, folder in (
        (Path(os.path.normpath(here / path)), here / results),
        ((here / path).resolve(), (here / results).resolve()),  # spelt through a link
    ):
        if place.is_relative_to(folder):
            return results / place.relative_to(folder)
    return path


Pattern = tuple[str | None, ...]
Replace = Callable[[Keys, str], str]


def _replaced_with_swept(values: dict[str, Any], pattern: Pattern, replace: Replace) -> Any:
    """Return a copy of a config with `replace` called on the texts at `pattern`, swept ones too."""
    values = _replaced(values, pattern, (), replace)

    def replace_axes(axes: Any, above: Keys) -> Any:
        if not isinstance(axes, dict):
            return axes
        replaced = {}
        for axis, options in axes.items():
            parts, below = str(axis).split("."), pattern[2:]
            met = len(parts) <= len(below) and all(
                known in (None, part) for part, known in zip(parts, below, strict=False)
            )
            if met and isinstance(options, list):
                options = [
                    _replaced(option, below[len(parts) :], (*above, axis, index), replace)
                    for index, option in enumerate(options)
                ]
            replaced[axis] = options
        return replaced

    section = str(pattern[0])
    for sweep, grids in _entries(values, "sweeps"):
        for base, axes in _entries(grids, section):
            place = ("sweeps", sweep, section, base)
            values = _with_value(values, place, replace_axes(axes, place))
    return values


def _entries(values: Any, key: str) -> list[tuple[Any, Any]]:
    found = values.get(key) if isinstance(values, dict) else None
    return list(found.items()) if isinstance(found, dict) else []


def _with_value(values: Any, keys: Keys, value: Any) -> Any:
    """Return a copy of nested mappings with another value at `keys`."""
    if not keys:
        return value
    return {**values, keys[0]: _with_value(values[keys[0]], keys[1:], value)}


def _replaced(value: Any, pattern: Pattern, above: Keys, replace: Replace) -> Any:
    """Return a copy of `value` with `replace` called on the texts at `pattern` (None: any key)."""
    if not pattern:
        return replace(above, value) if isinstance(value, str) and value else value
    if isinstance(value, list) and pattern[0] is None:
        return [
            _replaced(item, pattern[1:], (*above, index), replace)
            for index, item in enumerate(value)
        ]
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
    models: dict[str, HMMSpec] = {}
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
            models[name] = read[path]
        except ConfigError as error:
            errors[path] = error
        return name

    for pattern in (("datasets", None, "simulate", "hmm"), ("taggers", None, "hmm")):
        values = _replaced_with_swept(values, pattern, load)
    return values, models, list(errors.values())
