"""What a checked config makes: its datasets and taggers, those of sweeps, and the runs of them.

What each of these comes from says `sources`; what of the config it depends on, `checked`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from basetag.config.baselines import EXACT_BASELINES, Baseline, CpGRule, GCWindow, GivenHMM
from basetag.config.datasets import AnyDataset, SimulatedDataset, TableDataset
from basetag.config.model import TAGGER_FILES, ConfigModel, GenomeEntry, TaggerFile
from basetag.config.networks import Network
from basetag.config.points import Plan
from basetag.config.programs import Pyrodigal
from basetag.config.state_roles import letter_of, listed, matched_labels, no_state, strand_roles
from basetag.hmm_spec import HMMSpec
from basetag.letters import Problem

#: Dataset, tagger, seed.
Run = tuple[str, str, int]


@dataclass(frozen=True)
class Use:
    """A tagger that annotates a genome: of this config, or any by its file.

    Parameters
    ----------
    run : Run
        What its results are called; of one by its file, `TAGGER_FILES`, its name and 0.
    alphabet : str
        What it reads.
    states : mapping of str to str
        The letters of its states and what they mean, in order.
    features : tuple of str
        What it reads beside the letters.
    file : str, optional
        Path of its file; None for a tagger of this config.
    """

    run: Run
    alphabet: str
    states: Mapping[str, str]
    features: tuple[str, ...]
    file: str | None = None


@dataclass(frozen=True)
class Runs:
    """What is made of a config.

    Parameters
    ----------
    model : ConfigModel
        The values as they were given; paths of data are resolved.
    hmms : mapping of str to HMMSpec
        The model that each simulated dataset is drawn from, by dataset, its variations apart.
    tagger_hmms : mapping of str to HMMSpec
        The model that a tagger is, by tagger.
    plans : mapping of str to Plan
        The points of each sweep.
    swept_datasets, swept_taggers : mapping
        What the sweeps add to the datasets and taggers of `model`, by name.
    cards : mapping of str to mapping
        The card of each tagger that a genome names by its file, by path.
    """

    model: ConfigModel
    hmms: Mapping[str, HMMSpec] = field(default_factory=dict)
    tagger_hmms: Mapping[str, HMMSpec] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    swept_datasets: Mapping[str, AnyDataset] = field(default_factory=dict)
    swept_taggers: Mapping[str, Network | Baseline] = field(default_factory=dict)
    cards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def datasets(self) -> dict[str, AnyDataset]:
        """All datasets, those of sweeps behind the others."""
        return {**self.model.datasets, **self.swept_datasets}

    @cached_property
    def taggers(self) -> dict[str, Network | Baseline]:
        """All taggers, those of sweeps behind the others."""
        return {**self.model.taggers, **self.swept_taggers}

    @cached_property
    def references(self) -> list[str]:
        """The taggers that are the exact posterior, smoothed or filtered."""
        return [
            name
            for name, tagger in self.model.taggers.items()
            if isinstance(tagger, EXACT_BASELINES)
        ]

    def dataset(self, name: str) -> AnyDataset:
        """Return the dataset `name`."""
        return self.datasets[name]

    def tagger(self, name: str) -> Network | Baseline:
        """Return the tagger `name`."""
        return self.taggers[name]

    def genome(self, name: str) -> GenomeEntry:
        """Return the genome `name` of the section `annotate`."""
        return self.model.annotate[name]

    def is_simulated(self, dataset: str) -> bool:
        """Whether `dataset` is simulated, so that its exact posterior is known."""
        return isinstance(self.dataset(dataset), SimulatedDataset)

    def is_network(self, tagger: str) -> bool:
        """Whether `tagger` is trained, and not fitted."""
        return isinstance(self.tagger(tagger), Network)

    def states(self, dataset: str) -> dict[str, str]:
        """Return the letters of the states of `dataset` and what they mean, in order."""
        settings = self.dataset(dataset)
        if isinstance(settings, SimulatedDataset):
            return self.hmms[dataset].label_names
        if isinstance(settings, TableDataset):
            return dict(settings.states)
        return settings.labels.letters_and_names()

    def has(self, dataset: str, tagger: str) -> bool:
        """Whether `tagger` can be made for `dataset`."""
        return self.lacks(dataset, tagger) is None

    def lacks(self, dataset: str, tagger: str) -> Problem | None:
        """Return what `dataset` lacks for `tagger`, at a key of the tagger; None where nothing.

        The exact baselines need the simulating HMM; what counts G and C or finds genes needs DNA;
        what calls certain states, or knows a model's, needs these.
        """
        settings = self.tagger(tagger)
        if isinstance(settings, EXACT_BASELINES) and not self.is_simulated(dataset):
            return Problem(
                ("baseline",),
                f"{settings.baseline} needs the HMM that simulates",
                "remove it, or add a dataset with simulate",
            )
        if isinstance(settings, GivenHMM):
            return self._lacks_labels(dataset, tagger)
        if isinstance(settings, GCWindow | CpGRule | Pyrodigal) and self.alphabet(dataset) != "dna":
            kind = "program" if isinstance(settings, Pyrodigal) else "baseline"
            reads = "looks for genes" if kind == "program" else "counts G and C"
            return Problem(
                (kind,),
                f"{getattr(settings, kind)} {reads}, and needs the alphabet dna",
                "remove it",
            )
        states = self.states(dataset)
        if isinstance(settings, CpGRule) and letter_of(settings.state, states) is None:
            return no_state("state", settings.state, dataset, states)
        if isinstance(settings, Pyrodigal):
            roles = strand_roles(settings, dataset, states)
            return roles if isinstance(roles, Problem) else None
        return None

    def _lacks_labels(self, dataset: str, tagger: str) -> Problem | None:
        model, alphabet = self.tagger_hmms[tagger], self.alphabet(dataset)
        if model.alphabet != alphabet:
            return Problem(
                ("hmm",),
                f"the model emits {model.alphabet!r}, and the dataset {dataset!r} is written in "
                f"{alphabet!r}",
                "take a model of the same alphabet",
            )
        states = self.states(dataset)
        if matched_labels(model.label_names, states) is None:
            return Problem(
                ("hmm",),
                f"the model tells {listed(model.label_names)} apart, and the dataset {dataset!r} "
                f"{listed(states)}",
                "give the states of both the same names, or the same letters",
            )
        return None

    def seeds(self, tagger: str) -> tuple[int, ...]:
        """Return the seeds of `tagger`: those of the config, or 0 alone for a baseline."""
        return self.model.seeds if self.is_network(tagger) else (0,)

    def runs(self) -> list[Run]:
        """Return every dataset, tagger and seed that is made, those of sweeps behind the others."""
        runs = dict.fromkeys(self.main_runs())
        for sweep in self.plans:
            runs.update(dict.fromkeys(self.sweep_runs(sweep)))
        return list(runs)

    def main_runs(self) -> list[Run]:
        """Return what is made of each dataset and tagger of the config, in its order."""
        return [
            (dataset, tagger, seed)
            for dataset in self.model.datasets
            for tagger in self.model.taggers
            if self.has(dataset, tagger)
            for seed in self.seeds(tagger)
        ]

    def sweep_runs(self, sweep: str) -> list[Run]:
        """Return what a sweep compares: its taggers and the references on each of its datasets."""
        plan = self.plans[sweep]
        return [
            (dataset.name, tagger, seed)
            for dataset in plan.datasets
            for tagger in self._sweep_taggers(plan)
            if self.has(dataset.name, tagger)
            for seed in (self._sweep_seeds(plan) if self.is_network(tagger) else (0,))
        ]

    def keeps_posteriors(self, dataset: str, tagger: str) -> bool:
        """Whether posteriors stay on disk: of the run itself, and of the references of sweeps."""
        of_sweep = dataset in self.swept_datasets or tagger in self.swept_taggers
        return not of_sweep or tagger in self.references

    def datasets_of(self, tagger: str) -> list[str]:
        """Return the datasets for which `tagger` is asked for, by the run itself or by sweeps."""
        return list(self._datasets_of[tagger])

    @cached_property
    def _datasets_of(self) -> dict[str, dict[str, None]]:
        asked = {tagger: dict.fromkeys(self.model.datasets) for tagger in self.model.taggers}
        for plan in self.plans.values():
            datasets = dict.fromkeys(dataset.name for dataset in plan.datasets)
            for tagger in self._sweep_taggers(plan):
                asked.setdefault(tagger, {}).update(datasets)
        return asked

    def _sweep_taggers(self, plan: Plan) -> dict[str, None]:
        return dict.fromkeys([*(tagger.name for tagger in plan.taggers), *self.references])

    def _sweep_seeds(self, plan: Plan) -> tuple[int, ...]:
        return self.model.seeds if plan.seeds is None else plan.seeds

    def uses(self, genome: str) -> list[Use]:
        """Return the taggers that annotate `genome`, in the config's order."""
        uses = []
        for use in self.genome(genome).taggers:
            if isinstance(use, TaggerFile):
                card = self.cards[use.file]
                states = {letter: card["state_names"][letter] for letter in card["states"]}
                run = (TAGGER_FILES, use.folder, 0)
                features = tuple(card.get("features", ()))
                uses.append(Use(run, card["alphabet"], states, features, use.file))
            else:
                seed = self.seeds(use.tagger)[0] if use.seed is None else use.seed
                tagger = self.tagger(use.tagger)
                features = tagger.features if isinstance(tagger, Network) else ()
                alphabet, states = self.alphabet(use.dataset), self.states(use.dataset)
                uses.append(Use((use.dataset, use.tagger, seed), alphabet, states, features))
        return uses

    def use(self, genome: str, dataset: str, tagger: str) -> Use:
        """Return the first tagger of that name that annotates `genome`."""
        return next(use for use in self.uses(genome) if use.run[:2] == (dataset, tagger))

    def annotations(self) -> list[tuple[str, str, str, int]]:
        """Return every genome, dataset, tagger and seed to annotate with, in the same order."""
        return [(genome, *use.run) for genome in self.model.annotate for use in self.uses(genome)]

    def alphabet(self, dataset: str) -> str:
        """Return the alphabet of `dataset`: `dna`, or its letters."""
        settings = self.dataset(dataset)
        return (
            self.hmms[dataset].alphabet
            if isinstance(settings, SimulatedDataset)
            else settings.alphabet
        )
