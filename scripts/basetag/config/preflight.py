"""What a preflight has to know of a config: what is read, how it is split, and how much is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basetag.config.baselines import HMMByEM
from basetag.config.checked import Config
from basetag.config.classification import MotifDataset
from basetag.config.datasets import SimulatedDataset
from basetag.config.lengths import mean_length
from basetag.config.model import TaggerFile
from basetag.config.networks import Network
from basetag.config.next_token import NextTokenSimulated
from basetag.config.next_value import WaveDataset
from basetag.config.runs import Use

Settings = dict[str, Any]

_Numbers = dict[Path | None, int | None]


def preflight_files(config: Config) -> list[Path]:
    """Return all files of users that a run reads, each once, by the numbers of the settings."""
    return list(dict.fromkeys(file for files in _files(config).values() for file in files))


def preflight_settings(config: Config) -> Settings:
    """Return what a preflight's findings depend on, the files' content apart.

    Names are in their own order, as that of the config changes nothing.

    `datasets`, by name, each with `of_sweep` (whether it is one of a sweep's simulations, of which
    there can be thousands), `simulated` (`records` and `bases`; None for a user's own),
    `encode` (as `Config.encode_settings`), `split`, `features` (name and kind of each), `heads`
    (name and `encode_head_settings` of each) and `files` (numbers in `preflight_files`:
    `sequences`, `labels`, `table`, `features`, `heads`).
    `genomes`, by name, with `alphabet`, `file` (a number; None where it is fetched), `regions`
    (that the report shows) and `features` (name, kind, number). `classify`, by name: `file` (a
    number), and what `preflight.classified` reads it by. `skipped`: dataset, tagger, and
    why it is not made for it. `generate`, by name: `dataset`, `tagger`, `length` and `window` as
    `Config.generate_settings`. `work`, what costs depend on: see `basetag.preflight.costs`.
    """
    number: _Numbers = {None: None}
    number |= {file: index for index, file in enumerate(preflight_files(config))}
    return {
        "datasets": {
            name: _dataset(config, name, number)
            | {"of_sweep": name in config.swept_datasets and config.is_drawn(name)}
            for name in config.datasets
        },
        "genomes": {
            name: {
                "alphabet": config.encode_genome_settings(name)["alphabet"],
                "file": number[config.genome_file(name)],
                "regions": list(config.genome(name).regions),
                "features": [
                    [*source, number[file]]
                    for source, file in zip(
                        config.encode_features_settings(f"genomes/{name}")["features"],
                        config.feature_files(f"genomes/{name}"),
                        strict=True,
                    )
                ],
            }
            for name in config.model.annotate
        },
        "classify": {
            name: config.classify_settings(name)
            | _read_by_classifier(config, name)
            | {"file": number[config.classified_file(name)]}
            for name in sorted(config.model.classify)
        },
        "skipped": [
            [dataset, tagger, problem.problem]
            for dataset in sorted(config.model.datasets)
            for tagger in sorted(config.model.taggers)
            if (problem := config.lacks(dataset, tagger)) is not None
        ],
        "generate": {
            name: {key: own[key] for key in ("dataset", "tagger", "length", "window")}
            for name in sorted(config.model.generate)
            if (own := config.generate_settings(name))
        },
        "work": _work(config),
    }


def _files(config: Config) -> dict[str, list[Path]]:
    """Return the files of each dataset and genome: sequences, labels, splits, features."""
    files: dict[str, list[Path]] = {}
    for name in sorted(config.datasets):
        own = [config.sequence_file(name), config.label_file(name), config.split_table(name)]
        own += [config.head_file(name, head) for head in config.heads(name)]
        files[name] = [*(file for file in own if file is not None), *config.feature_files(name)]
    for name in sorted(config.model.annotate):
        fasta = config.genome_file(name)
        owner = f"genomes/{name}"
        files[owner] = [*([] if fasta is None else [fasta]), *config.feature_files(owner)]
    for name in sorted(config.model.classify):
        files[f"classify/{name}"] = [config.classified_file(name)]
    return files


def _read_by_classifier(config: Config, name: str) -> Settings:
    """Return what the tagger of the sequences `name` reads: the alphabet, or words of texts."""
    use = config.model.classify[name].tagger
    if isinstance(use, TaggerFile):
        card = config.cards[use.file]
        alphabet, words = card["alphabet"], card.get("vocabulary")
    else:
        given = config.vocabulary(use.dataset)
        alphabet = config.alphabet(use.dataset)
        words = None if given is None else given.model_dump()
    if words is not None:
        return {"vocabulary": {key: words[key] for key in ("of", "fold_case")}}
    return {"alphabet": alphabet}


def _dataset(config: Config, name: str, number: _Numbers) -> Settings:
    about: Settings = {"split": config.split_settings(name), "simulated": None}
    settings = config.dataset(name)
    if isinstance(settings, SimulatedDataset | MotifDataset | NextTokenSimulated | WaveDataset):
        drawn = settings.simulate
        bases = round(drawn.records * mean_length(drawn.length))
        return about | {"simulated": {"records": drawn.records, "bases": bases}}
    return about | {
        "encode": config.encode_settings(name),
        "features": config.encode_features_settings(name)["features"],
        "heads": [[head, config.encode_head_settings(name, head)] for head in config.heads(name)],
        "files": {
            "sequences": number[config.sequence_file(name)],
            "labels": number[config.label_file(name)],
            "table": number[config.split_table(name)],
            "features": [number[file] for file in config.feature_files(name)],
            "heads": [number[config.head_file(name, head)] for head in config.heads(name)],
        },
    }


def _work(config: Config) -> Settings:
    runs = Counter((dataset, tagger) for dataset, tagger, _ in config.runs())
    return {
        "datasets": {
            name: {
                "simulated": config.is_drawn(name),
                "states": len(config.states(name)),
                "substates": config.has_substates(name),
                "features": len(config.feature_sources(name)),
                "heads": [len(head.states) for head in config.heads(name).values()],
            }
            for name in config.datasets
        },
        "taggers": {name: _tagger(config, name) for name in config.taggers},
        "runs": [
            [dataset, tagger, seeds, config.keeps_posteriors(dataset, tagger)]
            for (dataset, tagger), seeds in sorted(runs.items())
        ],
        "genomes": sorted(config.model.annotate),
        "annotations": [
            {"genome": genome, **_use(config, use)}
            for genome in sorted(config.model.annotate)
            for use in sorted(config.uses(genome), key=lambda use: use.run)
        ],
        "generate": [
            {key: own[key] for key in ("records", "length", "rows")}
            | _tagger(config, own["tagger"])
            for name in sorted(config.model.generate)
            if (own := config.generate_settings(name))
        ],
        "controls": config.model.evaluation.controls.bases,
    }


def _tagger(config: Config, name: str) -> Settings:
    """Return what the cost of a tagger depends on."""
    settings = config.tagger(name)
    if isinstance(settings, Network):
        training = config.train_settings(name, 0)["training"]
        own = {key: training[key] for key in ("bases", "batch", "window")}
        own["joint"] = settings.joint
        return {"network": _network(settings.model_dump()) | own}
    if isinstance(settings, HMMByEM):
        return {"passes": settings.restarts * settings.iterations, "bases": settings.bases}
    return {}


def _use(config: Config, use: Use) -> Settings:
    """Return what the cost of an annotation depends on, by whichever tagger."""
    if use.file is None:
        network = _tagger(config, use.run[1]).get("network")
    else:
        card = config.cards[use.file]
        network = _network(card["architecture"]) if card["kind"] == "network" else None
    return {"states": len(use.states), "network": network}


def _network(architecture: Mapping[str, Any]) -> Settings:
    """Return what the cost of a base depends on, of a network in the config or in a file."""
    return {
        **{key: architecture[key] for key in ("cell", "hidden", "layers")},
        "directions": 2 if architecture["bidirectional"] else 1,
    }
