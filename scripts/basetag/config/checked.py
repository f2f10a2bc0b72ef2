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
    SERIES_BASELINES,
    CpGRule,
    Exact,
    GivenHMM,
    HMMByCounts,
    Majority,
    Markov,
    Uniform,
)
from basetag.config.classification import (
    ClassifiedDataset,
    ClassifiedFasta,
    ClassifiedTable,
    MotifDataset,
)
from basetag.config.datasets import (
    FastaDataset,
    FetchedDataset,
    OwnDataset,
    SimulatedDataset,
    TableDataset,
)
from basetag.config.decoding import Viterbi
from basetag.config.features import kind_and_path
from basetag.config.further_heads import TableHead
from basetag.config.generation import ROWS
from basetag.config.labels import label_path
from basetag.config.networks import ARCHITECTURE, Network
from basetag.config.next_token import NextTokenDataset, NextTokenFetched, NextTokenSimulated
from basetag.config.next_value import NextValueDataset, SeriesTable, WaveDataset
from basetag.config.programs import Pyrodigal
from basetag.config.regression import (
    RegressionDataset,
    RegressionFasta,
    RegressionTable,
)
from basetag.config.section import Section
from basetag.config.simulation import VARIATIONS
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
        if not isinstance(settings, SimulatedDataset | NextTokenSimulated):
            raise ValueError(f"{dataset} is not simulated")
        drawn = settings.simulate.model_dump(include={"records", "length", "seed"})
        return drawn | {"hmm": self.hmm_settings(dataset)}

    def motif_settings(self, dataset: str) -> Settings:
        """Return the section `simulate` of a dataset with a motif: see `basetag.motif_model`.

        `length` is a number of bases, or a dict of `minimum` and `maximum`.
        """
        settings = self.dataset(dataset)
        if not isinstance(settings, MotifDataset):
            raise ValueError(f"{dataset} has no motif")
        return settings.simulate.model_dump()

    def wave_settings(self, dataset: str) -> Settings:
        """Return the section `simulate` of a dataset of waves: see `basetag.wave_model`."""
        settings = self.dataset(dataset)
        if not isinstance(settings, WaveDataset):
            raise ValueError(f"{dataset} is of no waves")
        return settings.simulate.model_dump()

    def hmm_settings(self, dataset: str) -> Settings:
        """Return the model that `dataset` is drawn from, as `HMMSpec.settings`, its variations on.

        Raises
        ------
        ImpossibleVariationError
            Where the model does not have them; a checked config has none such.
        """
        settings = self.dataset(dataset)
        if not isinstance(settings, SimulatedDataset | NextTokenSimulated):
            raise ValueError(f"{dataset} is not simulated")
        return varied(
            self.hmms[dataset].settings(), **settings.simulate.model_dump(include=set(VARIATIONS))
        )

    def encode_settings(self, dataset: str) -> Settings:
        """Return what the labels of `dataset` depend on.

        `alphabet`, `states` (list of letters), `state_names` (letter to meaning), `leave_out`
        (sorted), `drop_duplicates`; `sequences` and `labels`, the kinds of the two files; and as
        `scheme` what the section of the labels says of its file: `FeatureLabels.settings`, say.
        Where records have classes, `labels` is `classes`, and the scheme has the columns and, as
        `classes`, the values that stand for them, in order; where they have numbers it is
        `targets`, and the scheme has the columns and the `threshold`. Where the letter behind each
        is told, it is `next_token`; where the number behind each, `next_value`, and the scheme has
        the columns. Of texts also `vocabulary`, with the `split` that it is made of.
        """
        vocabulary = self.vocabulary(dataset)
        of_texts: Settings = {}
        if vocabulary is not None:
            own = vocabulary.model_dump() | {"split": self.split_settings(dataset)}
            of_texts["vocabulary"] = own
        states = self.states(dataset)
        settings = self.dataset(dataset)
        sequences = labels = "fasta"
        leave_out: tuple[str, ...] = ()
        scheme: Settings = {}
        if isinstance(settings, TableDataset):
            sequences = labels = "table"
            leave_out, scheme = settings.leave_out, settings.columns.model_dump()
        elif isinstance(settings, ClassifiedDataset):
            labels, scheme = "classes", _class_scheme(settings)
            sequences = "table" if isinstance(settings, ClassifiedTable) else "fasta"
        elif isinstance(settings, RegressionDataset):
            labels, scheme = "targets", _target_scheme(settings)
            sequences = "table" if isinstance(settings, RegressionTable) else "fasta"
        elif isinstance(settings, NextTokenDataset):
            labels = "next_token"
            sequences = "genbank" if self.is_fetched(dataset) else "fasta"
        elif isinstance(settings, NextValueDataset):
            sequences, labels = "table", "next_value"
            scheme = {"record": "record", "value": "value"}
            if isinstance(settings, SeriesTable):
                scheme = settings.columns.model_dump()
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
            "drop_duplicates": getattr(settings, "drop_duplicates", False),
            "sequences": sequences,
            "labels": labels,
            "scheme": scheme,
            **of_texts,
        }

    def encode_head_settings(self, dataset: str, head: str) -> Settings:
        """Return `encode_settings` of the further labels `head` in the place of the main ones."""
        own = self.heads(dataset)[head]
        settings = self.encode_settings(dataset)
        scheme = dict(settings["scheme"])
        if isinstance(own, TableHead):
            scheme["states"] = own.column
        return settings | {
            "states": list(own.states),
            "state_names": dict(own.states),
            "scheme": scheme,
        }

    def encode_features_settings(self, owner: str) -> Settings:
        """Return `features`: name and kind (bedgraph, table or pssm) of each, in order of name."""
        return {
            "features": [
                [name, kind_and_path(source)[0]]
                for name, source in self.feature_sources(owner).items()
            ]
        }

    def split_settings(self, dataset: str) -> Settings:
        """Return `by` and what else the section says, but for a table's path."""
        return settings_of(self.dataset(dataset).split)

    def controls_settings(self, dataset: str) -> Settings:
        """Return `bases` and `seed`: those of the section `evaluation`.

        No bases where records are told as wholes, or letters or numbers are told: there are no
        borders that could be false.
        """
        evaluation = self.model.evaluation
        without = (
            self.is_of_records(dataset) or self.tells_next(dataset) or self.tells_value(dataset)
        )
        bases = 0 if without else evaluation.controls.bases
        return {"bases": bases, "seed": evaluation.seed}

    def train_settings(self, tagger: str, seed: int, dataset: str | None = None) -> Settings:
        """Return what a training's result depends on, the data and the initial weights apart.

        `architecture`; `training`, the tagger's own values over the rest; `both_strands`;
        `frozen` (sorted names); `seed`; and, where further labels are learnt of `dataset`, `heads`,
        name and weight of each.
        """
        settings = self.tagger(tagger)
        if not isinstance(settings, Network):
            raise ValueError(f"{tagger} is not trained")
        training = self.model.training.model_dump()
        if settings.training is not None:
            training |= settings.training.as_given()
        heads = [] if dataset is None else self.heads_of(dataset, tagger)
        learnt = [{"name": head, "weight": self.heads(str(dataset))[head].weight} for head in heads]
        return {
            "architecture": settings.model_dump(
                include=set(ARCHITECTURE), exclude={"embedding": {"table"}}
            ),
            "training": training,
            "both_strands": settings.both_strands,
            "frozen": sorted(set(settings.frozen)),
            "seed": seed,
            **({"heads": learnt} if learnt else {}),
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
        if isinstance(self.dataset(dataset), MotifDataset):
            if isinstance(settings, EXACT_BASELINES):
                fit |= {"baseline": "motif", "motif": self.motif_settings(dataset)}
        elif self.is_wave(dataset):
            if isinstance(settings, EXACT_BASELINES):
                own = self.wave_settings(dataset)
                fit |= {"baseline": "wave", "wave": own["wave"]}
        elif isinstance(settings, EXACT_BASELINES):
            if self.tells_next(dataset):
                fit["baseline"] = "next_letter"
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
        # What says the same of every base, or tells the letters behind them, has no path.
        pathless = (Markov, Majority, Uniform, *SERIES_BASELINES)
        own = "argmax" if isinstance(settings, pathless) else settings.decoding
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

    def groupings(self, dataset: str) -> list[Settings]:
        """Return the groups of states of `dataset` that are judged, in order of name.

        Each has `name`, `groups` (names, in order), and `group_of_state`, a number for each state.
        """
        settings = self.dataset(dataset)
        if not isinstance(settings, OwnDataset):
            return []
        states = self.states(dataset)
        found = []
        for name, groups in sorted(settings.groups.items()):
            members = [{letter_of(own, states) for own in group} for group in groups.values()]
            of_state = [next(i for i, own in enumerate(members) if s in own) for s in states]
            found.append({"name": name, "groups": list(groups), "group_of_state": of_state})
        return found

    def evaluate_settings(self, dataset: str, tagger: str) -> Settings:
        """Return the section `evaluation` but for `controls`, and what goes with the tagger.

        `control_reference`; `groupings`; `heads`, names of the further labels; `decoding`;
        `validation_bases`, None where the tagger's own loss weighs states, and has no exact
        counterpart; `hmm` (as `HMMSpec.settings`), None where the dataset is not simulated, or what
        is told is not the model's states. Of waves also `noise`.
        """
        settings = self.tagger(tagger)
        if isinstance(settings, Network):
            training = self.train_settings(tagger, 0)["training"]
        else:
            training = self.model.training.model_dump() | {"class_weights": None}
        wave = self.is_wave(dataset)
        # Those of letters follow from no path of states.
        of_states = self.is_simulated(dataset) and not self.tells_next(dataset)
        weighted = training["class_weights"] is not None
        noise = {"noise": self.wave_settings(dataset)["wave"]["noise"]} if wave else {}
        return (
            noise
            | self.model.evaluation.model_dump(exclude={"controls"})
            | {
                "control_reference": self.control_reference(dataset, tagger),
                "groupings": self.groupings(dataset),
                "heads": self.heads_of(dataset, tagger),
                "validation_bases": None if weighted else training["validation_bases"],
                "hmm": self.hmms[dataset].settings() if of_states else None,
                "decoding": self.decoding(dataset, tagger),
            }
        )

    def classify_settings(self, name: str) -> Settings:
        """Return `column`, `name` and `context` of the table of sequences; nothing for FASTA."""
        entry = self.model.classify[name]
        if entry.table is None:
            return {}
        return {"column": entry.column, "name": entry.name, "context": entry.context}

    def generate_settings(self, generated: str) -> Settings:
        """Return `records`, `length`, `temperature`, `prompt`, `draws_seed` of what is generated.

        And `dataset`, `tagger` and `seed` of what it is drawn from; `window`: how many letters
        it saw at once in training; `rows`: how many sequences are drawn side by side.
        """
        dataset, tagger, seed = self.generating_run(generated)
        own = self.model.generate[generated].model_dump()
        window = self.train_settings(tagger, 0)["training"]["window"]
        about = {"dataset": dataset, "tagger": tagger, "seed": seed}
        return own | about | {"window": window, "rows": ROWS}

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
        if not isinstance(settings, FetchedDataset | NextTokenFetched):
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

    def starts(self) -> list[dict[str, Any]]:
        """Return each tagger that starts from another's weights beside its like that does not.

        Each has `tagger` and `fresh`, their names, and `line` and `fresh_line`, what they are
        called without the number of labels that they learn from; `draws_labels`, whether there is
        such a number; `one_way`, whether they see what a filtered posterior sees; and `frozen`,
        whether some layers stay as they were.
        """
        points = {p.name: p for plan in self.plans.values() for p in plan.taggers}

        def line(name: str) -> str:
            point = points.get(name)
            if point is None:
                return name
            varied = [
                f"{key.rpartition('.')[2]} {value}"
                for key, value in point.values.items()
                if key not in ("training.labels", "init_from", "frozen")
            ]
            return ", ".join([point.base, *varied])

        alike: dict[str, str] = {}
        started = []
        for name, own in self.taggers.items():
            if not isinstance(own, Network):
                continue
            parts = self.train_settings(name, 0) | {"frozen": [], "decoding": str(own.decoding)}
            key = canonical_json(parts)
            if own.init_from is None:
                alike.setdefault(key, name)
            else:
                started.append((name, own, key, parts["training"]["labels"] is not None))
        return [
            {
                "tagger": name,
                "fresh": alike[key],
                "line": line(name),
                "fresh_line": line(alike[key]),
                "draws_labels": draws,
                "one_way": not (own.bidirectional or own.both_strands)
                and own.head == "softmax"
                and own.pooling is None,
                "frozen": bool(own.frozen),
            }
            for name, own, key, draws in started
            if key in alike
        ]

    def report_settings(self) -> Settings:
        """Return `config` (all of it as YAML), `sweeps` and `starts`.

        The YAML, saved in the current folder, is a config with the same settings for every rule.
        `sweeps` has the units of each sweep's axes, by column; `starts` which taggers differ in
        nothing but the weights that they start from.
        """
        return {
            "config": config_yaml(self.model),
            "sweeps": {name: self.sweep_units(name) for name in self.plans},
            "starts": self.starts(),
        }


def _class_scheme(settings: ClassifiedDataset) -> Settings:
    """Return where a dataset's classes stand, and by which values."""
    if isinstance(settings, MotifDataset):
        columns: Settings = {"record": "record", "label": "class"}
        return columns | {"classes": ["with", "without"]}
    if isinstance(settings, ClassifiedFasta):
        columns = settings.labels.model_dump(exclude={"table"})
    else:
        columns = settings.columns.model_dump()
    return columns | {"classes": list(settings.classes)}


def _target_scheme(settings: RegressionDataset) -> Settings:
    """Return where a dataset's numbers stand, and what parts the two classes."""
    if isinstance(settings, RegressionFasta):
        columns: Settings = settings.labels.model_dump(exclude={"table"})
    else:
        columns = settings.columns.model_dump()
    return columns | {"threshold": settings.threshold}


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
