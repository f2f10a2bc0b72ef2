"""A checked config, and what of it each rule's result depends on.

The settings of a rule hold every value of the config that changes its result and no other, so
that a changed value reruns that rule and what hangs on it alone. They are plain JSON and hold no
paths: inputs are the rule's inputs. Where an order counts it is that of a list, since the order of
keys must not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from basetag.config.baselines import (
    EXACT_BASELINES,
    Exact,
    HMMByCounts,
    Majority,
    Uniform,
)
from basetag.config.datasets import VARIATIONS, FastaDataset, SimulatedDataset
from basetag.config.decoding import Viterbi
from basetag.config.features import BedGraph, FeatureSource
from basetag.config.networks import ARCHITECTURE, Network
from basetag.config.runs import Run, Runs
from basetag.config.section import Section
from basetag.config.training import Training
from basetag.files import canonical_json
from basetag.hmm_variations import varied

Settings = dict[str, Any]

#: A tagger as the rules name it: dataset, tagger, seed.
TAGGER_FILE = re.compile(r"results/([^/]+)/([^/]+)/seed(0|[1-9]\d*)/tagger\.safetensors")


@dataclass(frozen=True)
class Config(Runs):
    """The config of a run: what is made, by `Runs`, and the settings of each rule."""

    def states(self, dataset: str) -> dict[str, str]:
        """Return the letters of the states of `dataset` and what they mean, in order."""
        settings = self.dataset(dataset)
        if isinstance(settings, SimulatedDataset):
            return self.hmms[dataset].label_names
        return dict(settings.labels.states)

    def sequence_file(self, dataset: str) -> Path | None:
        """Return the user's FASTA file of `dataset`; None where it is simulated."""
        settings = self.dataset(dataset)
        return None if isinstance(settings, SimulatedDataset) else Path(settings.fasta)

    def label_file(self, dataset: str) -> Path | None:
        """Return the user's FASTA file of labels of `dataset`; None where it is simulated."""
        settings = self.dataset(dataset)
        return None if isinstance(settings, SimulatedDataset) else Path(settings.labels.fasta)

    def genome_file(self, genome: str) -> Path | None:
        """Return the user's FASTA file of `genome`; None where it is to be fetched."""
        fasta = self.genome(genome).fasta
        return None if fasta is None else Path(fasta)

    def feature_sources(self, owner: str) -> dict[str, FeatureSource]:
        """Return the features of a dataset, or of a genome ("genomes/NAME"), in order of name."""
        of_genome = owner.removeprefix("genomes/")
        if of_genome != owner:
            sources = self.genome(of_genome).features
        else:
            settings = self.dataset(owner)
            sources = {} if isinstance(settings, SimulatedDataset) else settings.features
        return {name: sources[name] for name in sorted(sources)}

    def feature_owners(self) -> list[str]:
        """Return the datasets and genomes that have features, as `feature_sources` names them."""
        genomes = (f"genomes/{name}" for name in self.model.annotate)
        return [name for name in (*self.datasets, *genomes) if self.feature_sources(name)]

    def feature_files(self, owner: str) -> list[Path]:
        """Return the user's files of the features of a dataset or genome, in order of name."""
        return [
            Path(source.bedgraph if isinstance(source, BedGraph) else source.table)
            for source in self.feature_sources(owner).values()
        ]

    def features_of_tagger(self, tagger: str) -> tuple[str, ...]:
        """Return the features that `tagger` reads beside the letters; none for a baseline."""
        settings = self.tagger(tagger)
        return settings.features if isinstance(settings, Network) else ()

    def initial_tagger(self, tagger: str) -> str | None:
        """Return the path of the weights that `tagger` starts from; None where it starts anew."""
        settings = self.tagger(tagger)
        return settings.init_from if isinstance(settings, Network) else None

    def word_vectors(self, tagger: str) -> str | None:
        """Return the path of the vectors that `tagger` reads its words as at first, if any."""
        settings = self.tagger(tagger)
        return settings.embedding.table if isinstance(settings, Network) else None

    def initial_run(self, tagger: str) -> Run | None:
        """Return whose weights `tagger` starts from, where they are of a tagger of this config.

        The seed can be one that the config does not have.
        """
        found = TAGGER_FILE.fullmatch(self.initial_tagger(tagger) or "")
        if found is None:
            return None
        dataset, name, seed = found.groups()
        known = dataset in self.datasets and name in self.taggers
        return (dataset, name, int(seed)) if known else None

    def simulate_settings(self, dataset: str) -> Settings:
        """Return `hmm` (as `HMMSpec.settings`), `records`, `length` and `seed`.

        `length` is a number of bases, or a dict of `minimum` and `maximum`.
        """
        settings = self.dataset(dataset)
        if not isinstance(settings, SimulatedDataset):
            raise ValueError(f"{dataset} is not simulated")
        drawn = settings.simulate.model_dump(include={"records", "length", "seed"})
        return drawn | {"hmm": self.hmm_settings(dataset)}

    def hmm_settings(self, dataset: str) -> Settings:
        """Return the model that `dataset` is drawn from, as `HMMSpec.settings`, its variations on.

        Raises
        ------
        ImpossibleVariationError
            Where the model does not have them; a checked config has none such.
        """
        settings = self.dataset(dataset)
        if not isinstance(settings, SimulatedDataset):
            raise ValueError(f"{dataset} is not simulated")
        return varied(
            self.hmms[dataset].settings(), **settings.simulate.model_dump(include=set(VARIATIONS))
        )

    def encode_settings(self, dataset: str) -> Settings:
        """Return `alphabet`, `states` (list of letters) and `state_names` (letter to meaning)."""
        states = self.states(dataset)
        return {
            "alphabet": self.alphabet(dataset),
            "states": list(states),
            "state_names": states,
        }

    def encode_features_settings(self, owner: str) -> Settings:
        """Return `features`: name and kind (bedgraph or table) of each, in order of name."""
        return {
            "features": [
                [name, "bedgraph" if isinstance(source, BedGraph) else "table"]
                for name, source in self.feature_sources(owner).items()
            ]
        }

    def split_settings(self, dataset: str) -> Settings:
        """Return `by` (record or block), `fractions`, `seed`, and for blocks `block` and `gap`."""
        return self.dataset(dataset).split.model_dump()

    def controls_settings(self) -> Settings:
        """Return `bases` and `seed`: those of the section `evaluation`."""
        evaluation = self.model.evaluation
        return {"bases": evaluation.controls.bases, "seed": evaluation.seed}

    def train_settings(self, tagger: str, seed: int) -> Settings:
        """Return what a training's result depends on, the data and the initial weights apart.

        `architecture`; `training`, the tagger's own values over the rest; `both_strands`;
        `frozen` (sorted names); `seed`.
        """
        settings = self.tagger(tagger)
        if not isinstance(settings, Network):
            raise ValueError(f"{tagger} is not trained")
        training = self.model.training.model_dump()
        if settings.training is not None:
            training |= _as_given(settings.training)
        return {
            "architecture": settings.model_dump(
                include=set(ARCHITECTURE), exclude={"embedding": {"table"}}
            ),
            "training": training,
            "both_strands": settings.both_strands,
            "frozen": sorted(set(settings.frozen)),
            "seed": seed,
        }

    def fit_settings(self, dataset: str, tagger: str) -> Settings:
        """Return `baseline`, its parameters, and for the exact ones `hmm`."""
        settings = self.tagger(tagger)
        if isinstance(settings, Network):
            raise ValueError(f"{tagger} is not fitted")
        fit = settings.model_dump(exclude={"decoding"})
        if isinstance(settings, EXACT_BASELINES):
            fit["hmm"] = self.hmm_settings(dataset)
        return fit

    def decoding(self, dataset: str, tagger: str) -> Settings:
        """Return how `tagger` calls the states of `dataset`: `method` and `minimum_length`.

        The latter is a number of bases, or a dict of those of the dataset's states that have one.
        """
        settings = self.tagger(tagger)
        # What says the same of every base has no path.
        own = "argmax" if isinstance(settings, Majority | Uniform) else settings.decoding
        return self._decoding(own, dataset)

    def _decoding(self, decoding: str | Viterbi, dataset: str) -> Settings:
        if isinstance(decoding, str):
            return {"method": decoding, "minimum_length": 1}
        length = decoding.minimum_length
        if isinstance(length, dict):
            states = self.states(dataset)
            length = {state: n for state, n in length.items() if state in states and n > 1} or 1
        return {"method": decoding.method, "minimum_length": length}

    def predict_settings(self, dataset: str, tagger: str) -> Settings:
        """Return `decoding` and, of a network, `shown_records` and `shown_bases`."""
        shown = {"shown_records", "shown_bases"} if self.is_network(tagger) else set()
        return self.model.evaluation.model_dump(include=shown) | {
            "decoding": self.decoding(dataset, tagger)
        }

    def reference(self, dataset: str, baseline: str) -> str | None:
        """Return the tagger that is the `exact` or `filtered` posterior of `dataset`, if any."""
        for name in self.references:
            if getattr(self.tagger(name), "baseline", None) == baseline:
                return name if self.has(dataset, name) else None
        return None

    def control_reference(self, dataset: str, tagger: str) -> str | None:
        """Return whose calls on the negative controls those of `tagger` are held against.

        `exact` where the dataset has it, else `hmm_counts`, if any; of several the first one that
        calls states as the tagger does, or else the first.
        """
        for kind in (Exact, HMMByCounts):
            names = [
                name
                for name, other in self.model.taggers.items()
                if isinstance(other, kind) and self.has(dataset, name)
            ]
            own = self.decoding(dataset, tagger)
            alike = [name for name in names if self.decoding(dataset, name) == own]
            if names:
                return (alike or names)[0]
        return None

    def evaluate_settings(self, dataset: str, tagger: str) -> Settings:
        """Return the section `evaluation` but for `controls`, and what goes with the tagger.

        `control_reference`; `decoding`; `validation_bases`, None where the tagger's own loss
        weighs states, and has no exact counterpart; `hmm` (as `HMMSpec.settings`), None where the
        dataset is not simulated.
        """
        settings = self.tagger(tagger)
        if isinstance(settings, Network):
            training = self.train_settings(tagger, 0)["training"]
        else:
            training = self.model.training.model_dump() | {"class_weights": None}
        weighted = training["class_weights"] is not None
        return self.model.evaluation.model_dump(exclude={"controls"}) | {
            "control_reference": self.control_reference(dataset, tagger),
            "validation_bases": None if weighted else training["validation_bases"],
            "hmm": self.hmms[dataset].settings() if self.is_simulated(dataset) else None,
            "decoding": self.decoding(dataset, tagger),
        }

    def summarise_sweep_settings(self, sweep: str) -> Settings:
        """Return `axes` (columns, in order) and `runs`, in the order of `sweep_runs`.

        Each run has `dataset`, `tagger`, `seed`, `dataset_base`, `tagger_base`, and `values`:
        those of its axes, by column.
        """
        plan = self.plans[sweep]
        sides = {"dataset": plan.datasets, "tagger": plan.taggers}
        known = {side: {point.name: point for point in points} for side, points in sides.items()}
        runs = []
        for dataset, tagger, seed in self.sweep_runs(sweep):
            run: Settings = {"dataset": dataset, "tagger": tagger, "seed": seed, "values": {}}
            for side in sides:
                point = known[side].get(run[side])  # a reference need not be one
                run[f"{side}_base"] = run[side] if point is None else point.base
                for axis, value in ({} if point is None else point.values).items():
                    run["values"][f"{side}.{axis}"] = value
            runs.append(run)
        axes = dict.fromkeys(
            f"{side}.{axis}"
            for side, points in sides.items()
            for point in points
            for axis in point.values
        )
        return {"axes": list(axes), "runs": runs}

    def sweep_units(self, sweep: str) -> dict[str, str]:
        """Return the unit of each axis of a sweep that has one, by column."""
        plan = self.plans[sweep]
        units = {}
        for side, points in (("dataset", plan.datasets), ("tagger", plan.taggers)):
            for point in points:
                entry = self.dataset(point.name) if side == "dataset" else self.tagger(point.name)
                for axis in point.values:
                    unit = _unit(entry, axis.split("."))
                    if unit is not None:
                        units[f"{side}.{axis}"] = unit
        return units

    def fetch_settings(self, genome: str) -> Settings:
        """Return `accession`."""
        return {"accession": self.genome(genome).accession}

    def encode_genome_settings(self, genome: str) -> Settings:
        """Return `alphabet`: that of the datasets whose taggers annotate the genome."""
        return {"alphabet": self.alphabet(self.genome(genome).taggers[0].dataset)}

    def plan_annotation_settings(self, genome: str) -> Settings:
        """Return `bases_per_job`; None is one job."""
        return {"bases_per_job": self.genome(genome).bases_per_job}

    def show_regions_settings(self, genome: str) -> Settings:
        """Return `regions`, as they are written, and `annotations` (names, in order)."""
        names = self.compare_annotations_settings(genome)["annotations"]
        return {"regions": list(self.genome(genome).regions), "annotations": names}

    def compare_annotations_settings(self, genome: str) -> Settings:
        """Return `annotations` (names, in order) and `state_names`: all that their states have."""
        uses = [run for name, *run in self.annotations() if name == genome]
        names = {name for dataset, _, _ in uses for name in self.states(str(dataset)).values()}
        return {
            "annotations": [f"{dataset}/{tagger}/seed{seed}" for dataset, tagger, seed in uses],
            "state_names": sorted(names),
        }

    def annotate_settings(self, genome: str, dataset: str, tagger: str) -> Settings:
        """Return `decoding`, the genome's own or else the tagger's, and `both_strands`."""
        settings = self.genome(genome)
        own = settings.decoding
        return {
            "decoding": self.decoding(dataset, tagger)
            if own is None
            else self._decoding(own, dataset),
            "both_strands": settings.both_strands,
        }

    def compare_settings(self) -> Settings:
        """Return `replicates`, groups of datasets that are draws of the same, and `seed`.

        Those are simulated with different seeds, and nothing else about them differs but the seed
        of the split. Names are sorted, as the order of datasets changes nothing.
        """
        groups: dict[str, dict[int, str]] = {}
        for name in sorted(self.model.datasets):
            kind, seed = name, 0
            if self.is_simulated(name):
                parts = self.simulate_settings(name), self.split_settings(name)
                seed = parts[0]["seed"]
                kind = canonical_json([part | {"seed": None} for part in parts])
                # The same sequences in another split are no other draw.
                kind = name if seed in groups.get(kind, {}) else kind
            groups.setdefault(kind, {})[seed] = name
        replicates = [list(names.values()) for names in groups.values()]
        return {"replicates": replicates, "seed": self.model.evaluation.seed}

    def report_settings(self) -> Settings:
        """Return `config` (all of it as YAML), `alphabets` (by dataset) and `sweeps`.

        The YAML, saved in the current folder, is a config with the same settings for every rule.
        `sweeps` has the units of each sweep's axes, by column.
        """
        values = _sorted(self.model.model_dump(exclude_none=True))
        for name, dataset in self.model.datasets.items():
            if isinstance(dataset, FastaDataset):
                # The one mapping whose order counts.
                values["datasets"][name]["labels"]["states"] = dict(dataset.labels.states)
        for name, tagger in self.model.taggers.items():
            if isinstance(tagger, Network):
                # Without a cell they would be a mistake: here, or where a sweep varies the cell.
                swept = any(name in sweep.taggers for sweep in self.model.sweeps.values())
                for key in ("hidden", "layers"):
                    if tagger.cell == "none" or (swept and key not in tagger.model_fields_set):
                        del values["taggers"][name][key]
            if isinstance(tagger, Network) and tagger.training is not None:
                # With the defaults filled in, it would hide the section `training`.
                values["taggers"][name]["training"] = _sorted(_as_given(tagger.training))
        for name, genome in self.model.annotate.items():
            # Without the null, the default would take its place.
            values["annotate"][name]["bases_per_job"] = genome.bases_per_job
        for name, sweep in self.model.sweeps.items():
            for section in ("datasets", "taggers"):
                # As it is: a null among the values says something.
                values["sweeps"][name][section] = _sorted(getattr(sweep, section))
        return {
            "config": yaml.safe_dump(values, sort_keys=False, allow_unicode=True),
            "alphabets": {name: self.alphabet(name) for name in self.model.datasets},
            "sweeps": {name: self.sweep_units(name) for name in self.plans},
        }


def _unit(entry: Any, keys: list[str]) -> str | None:
    """Return the unit of the value at `keys` below a section; None where it has none."""
    for key in keys[:-1]:
        entry = getattr(entry, key, None)
    known = type(entry).model_fields.get(keys[-1]) if isinstance(entry, Section) else None
    extra = None if known is None else known.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else None


def _as_given(training: Training) -> Settings:
    """Return the values of a tagger's own `training` that its config gives."""
    return training.model_dump(exclude_unset=True)


def _sorted(values: Any) -> Any:
    """Return `values` with the keys of all mappings in order."""
    if isinstance(values, dict):
        return {key: _sorted(values[key]) for key in sorted(values)}
    return values
