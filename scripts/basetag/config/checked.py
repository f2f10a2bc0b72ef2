"""A checked config, and what of it each rule's result depends on.

The settings of a rule hold every value of the config that changes its result and no other, so
that a changed value reruns that rule and what hangs on it alone. They are plain JSON and hold no
paths: inputs are the rule's inputs. Where an order counts it is that of a list, since the order of
keys must not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from basetag.config.as_yaml import config_yaml
from basetag.config.baselines import (
    EXACT_BASELINES,
    CpGRule,
    Exact,
    GivenHMM,
    HMMByCounts,
    Majority,
    Uniform,
)
from basetag.config.datasets import (
    VARIATIONS,
    FastaDataset,
    FetchedDataset,
    SimulatedDataset,
    TableDataset,
)
from basetag.config.decoding import Viterbi
from basetag.config.features import BedGraph
from basetag.config.labels import label_path
from basetag.config.networks import ARCHITECTURE, Network
from basetag.config.programs import Pyrodigal
from basetag.config.section import Section
from basetag.config.sources import Sources
from basetag.config.splits import settings_of
from basetag.config.state_roles import letter_of, matched_labels, strand_roles
from basetag.files import canonical_json
from basetag.hmm_variations import varied

Settings = dict[str, Any]


@dataclass(frozen=True)
class Config(Sources):
    """The config of a run: what is made, by `Runs`, of what, by `Sources`; the rules' settings."""

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
        """Return what the labels of `dataset` depend on.

        `alphabet`, `states` (list of letters), `state_names` (letter to meaning), `leave_out`
        (sorted); `sequences` and `labels`, the kinds of the two files; and as `scheme` what the
        section of the labels says of its file: `FeatureLabels.settings`, say.
        """
        states = self.states(dataset)
        settings = self.dataset(dataset)
        sequences = labels = "fasta"
        leave_out: tuple[str, ...] = ()
        scheme: Settings = {}
        if isinstance(settings, TableDataset):
            sequences = labels = "table"
            leave_out, scheme = settings.leave_out, settings.columns.model_dump()
        elif not isinstance(settings, SimulatedDataset):
            leave_out, scheme = settings.labels.leave_out, settings.labels.settings()
            if isinstance(settings, FastaDataset):
                labels = label_path(settings.labels)[0]
            else:
                sequences = labels = "genbank"
        return {
            "alphabet": self.alphabet(dataset),
            "states": list(states),
            "state_names": states,
            "leave_out": sorted(set(leave_out)),
            "sequences": sequences,
            "labels": labels,
            "scheme": scheme,
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
        """Return `by` and what else the section says, but for a table's path."""
        return settings_of(self.dataset(dataset).split)

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
            training |= settings.training.as_given()
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
        """Return `baseline` (of a program, its name) and its parameters.

        States are letters of the dataset; and `hmm`, of the exact baselines and of a given model,
        is as `HMMSpec.settings`, with the dataset's letters.
        """
        settings = self.tagger(tagger)
        if isinstance(settings, Network):
            raise ValueError(f"{tagger} is not fitted")
        fit = settings.model_dump(exclude={"decoding", "program"})
        states = self.states(dataset)
        if isinstance(settings, EXACT_BASELINES):
            fit["hmm"] = self.hmm_settings(dataset)
        elif isinstance(settings, GivenHMM):
            model = self.tagger_hmms[tagger]
            fit["hmm"] = _relabelled(model.settings(), matched_labels(model.label_names, states))
        elif isinstance(settings, CpGRule):
            fit["state"] = letter_of(settings.state, states)
        elif isinstance(settings, Pyrodigal):
            roles = strand_roles(settings, dataset, states)
            fit |= {"baseline": settings.program, **(roles if isinstance(roles, dict) else {})}
            # Left to the default of the program, where it trains.
            fit["translation_table"] = None if settings.meta else settings.translation_table or 11
        return fit

    def decoding(self, dataset: str, tagger: str) -> Settings:
        """Return how `tagger` calls the states of `dataset`: `method` and `minimum_length`.

        The latter is a number of bases, or a dict of those of the dataset's states that have one.
        """
        settings = self.tagger(tagger)
        # What says the same of every base has no path.
        own = "argmax" if isinstance(settings, Majority | Uniform) else settings.decoding
        return _decoding(own, self.states(dataset))

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

    def fetch_dataset_settings(self, dataset: str) -> Settings:
        """Return `accession`."""
        settings = self.dataset(dataset)
        if not isinstance(settings, FetchedDataset):
            raise ValueError(f"{dataset} is not fetched")
        return {"accession": settings.accession}

    def encode_genome_settings(self, genome: str) -> Settings:
        """Return `alphabet`: that of the taggers which annotate the genome."""
        return {"alphabet": self.uses(genome)[0].alphabet}

    def plan_annotation_settings(self, genome: str) -> Settings:
        """Return `bases_per_job`; None is one job."""
        return {"bases_per_job": self.genome(genome).bases_per_job}

    def show_regions_settings(self, genome: str) -> Settings:
        """Return `regions`, as they are written, and `annotations` (names, in order)."""
        names = self.compare_annotations_settings(genome)["annotations"]
        return {"regions": list(self.genome(genome).regions), "annotations": names}

    def compare_annotations_settings(self, genome: str) -> Settings:
        """Return `annotations` (names, in order) and `state_names`: all that their states have."""
        uses = self.uses(genome)
        names = {name for use in uses for name in use.states.values()}
        return {
            "annotations": [
                f"{dataset}/{tagger}/seed{seed}"
                for dataset, tagger, seed in (use.run for use in uses)
            ],
            "state_names": sorted(names),
        }

    def annotate_settings(self, genome: str, dataset: str, tagger: str) -> Settings:
        """Return `decoding`, the genome's own or else the tagger's, and `both_strands`.

        A tagger's file knows nothing of decoding: `argmax` where the genome says nothing.
        """
        settings = self.genome(genome)
        own = settings.decoding
        use = self.use(genome, dataset, tagger)
        if own is None and use.file is None:
            decoding = self.decoding(dataset, tagger)
        else:
            decoding = _decoding(own or "argmax", use.states)
        return {
            "decoding": decoding,
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
                parts[1]["table"] = str(self.split_table(name))
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
        return {
            "config": config_yaml(self.model),
            "alphabets": {name: self.alphabet(name) for name in self.model.datasets},
            "sweeps": {name: self.sweep_units(name) for name in self.plans},
        }


def _decoding(decoding: str | Viterbi, states: Mapping[str, str]) -> Settings:
    """Return `method` and `minimum_length`, of the latter what `states` have."""
    if isinstance(decoding, str):
        return {"method": decoding, "minimum_length": 1}
    length = decoding.minimum_length
    if isinstance(length, dict):
        length = {state: n for state, n in length.items() if state in states and n > 1} or 1
    return {"method": decoding.method, "minimum_length": length}


def _relabelled(hmm: Settings, letter_of_label: Mapping[str, str] | None) -> Settings:
    """Return a model's settings with other letters for its labels."""
    letters = letter_of_label or {}
    keys = [key for key in ("states", "labels") if key in hmm]
    return hmm | {key: [letters[label] for label in hmm[key]] for key in keys}


def _unit(entry: Any, keys: list[str]) -> str | None:
    """Return the unit of the value at `keys` below a section; None where it has none."""
    for key in keys[:-1]:
        entry = getattr(entry, key, None)
    known = type(entry).model_fields.get(keys[-1]) if isinstance(entry, Section) else None
    extra = None if known is None else known.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else None
