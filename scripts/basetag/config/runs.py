"""What a checked config makes: its datasets and taggers, those of sweeps, and the runs of them.

What each of these comes from says `sources`; what of the config it depends on, `checked`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from basetag.config.baselines import (
    EXACT_BASELINES,
    SERIES_BASELINES,
    Baseline,
    CpGRule,
    Exact,
    Filtered,
    GCWindow,
    GivenHMM,
    Majority,
    Markov,
    Uniform,
)
from basetag.config.classification import ClassifiedDataset, ClassifiedTable, MotifDataset
from basetag.config.datasets import AnyDataset, SimulatedDataset, TableDataset
from basetag.config.model import TAGGER_FILES, ConfigModel, GenomeEntry, TaggerFile
from basetag.config.networks import Network
from basetag.config.next_token import NextTokenDataset, NextTokenSimulated
from basetag.config.next_value import NextValueDataset, WaveDataset
from basetag.config.points import Plan
from basetag.config.programs import Pyrodigal
from basetag.config.regression import RegressionDataset, RegressionTable
from basetag.config.state_roles import letter_of, listed, matched_labels, no_state, strand_roles
from basetag.config.vocabulary import MOST_ONE_HOT, VocabularyKeys, alphabet_in_words
from basetag.hmm_spec import HMMSpec
from basetag.letters import Problem, plain_letters

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
        """Whether `dataset` is drawn from a hidden Markov model."""
        return isinstance(self.dataset(dataset), SimulatedDataset | NextTokenSimulated)

    def has_motif(self, dataset: str) -> bool:
        """Whether `dataset` is of random records, some of them with a motif."""
        return isinstance(self.dataset(dataset), MotifDataset)

    def is_drawn(self, dataset: str) -> bool:
        """Whether `dataset` is drawn from a model, so that its exact posterior is known."""
        return self.is_simulated(dataset) or self.has_motif(dataset) or self.is_wave(dataset)

    def is_wave(self, dataset: str) -> bool:
        """Whether `dataset` is of simulated waves."""
        return isinstance(self.dataset(dataset), WaveDataset)

    def classifies(self, dataset: str) -> bool:
        """Whether what is told of `dataset` is the class of each record, not a label per base."""
        return isinstance(self.dataset(dataset), ClassifiedDataset)

    def regresses(self, dataset: str) -> bool:
        """Whether what is told of `dataset` is a number of each record."""
        return isinstance(self.dataset(dataset), RegressionDataset)

    def tells_numbers(self, dataset: str) -> bool:
        """Whether what is told of `dataset` are numbers, of records or of time steps."""
        return self.regresses(dataset) or self.tells_value(dataset)

    def is_of_records(self, dataset: str) -> bool:
        """Whether what is told of `dataset` is of each record as a whole."""
        return self.classifies(dataset) or self.regresses(dataset)

    def tells_next(self, dataset: str) -> bool:
        """Whether what is told of each letter of `dataset` is the letter behind it."""
        return isinstance(self.dataset(dataset), NextTokenDataset)

    def vocabulary(self, dataset: str) -> VocabularyKeys | None:
        """Return what is said of the words of `dataset`; None where it is no texts."""
        settings = self.dataset(dataset)
        if isinstance(settings, ClassifiedTable | RegressionTable):
            return settings.vocabulary
        return None

    def tells_value(self, dataset: str) -> bool:
        """Whether what is told of each number of `dataset` is the number behind it."""
        return isinstance(self.dataset(dataset), NextValueDataset)

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
        if isinstance(settings, ClassifiedDataset | RegressionDataset | NextValueDataset):
            return settings.letters_and_names()
        if isinstance(settings, NextTokenDataset):
            return {letter: letter for letter in plain_letters(self.alphabet(dataset))}
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
        if self.is_of_records(dataset):
            return self._lacks_classes(dataset, tagger)
        if self.tells_next(dataset):
            return self._lacks_next(dataset, tagger)
        if self.tells_value(dataset):
            return self._lacks_value(dataset, tagger)
        if isinstance(settings, SERIES_BASELINES):
            return Problem(
                ("baseline",),
                f"{settings.baseline} tells the next number of a series, and the bases of the "
                f"dataset {dataset!r} have labels",
                "remove it, or give a dataset with task: next_value",
            )
        if isinstance(settings, Markov):
            return Problem(
                ("baseline",),
                f"markov tells the next letter, and the bases of the dataset {dataset!r} have "
                "labels",
                "remove it, or give a dataset with task: next_token",
            )
        if isinstance(settings, Network) and settings.pooling is not None:
            return Problem(
                ("pooling",),
                "a network that pools tells one class or number for each record, and the dataset "
                "has a label for each base",
                "remove it, or give a dataset with task: classify or regress",
            )
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

    def _lacks_classes(self, dataset: str, tagger: str) -> Problem | None:
        """Return what a tagger lacks to tell the classes or numbers of records, if anything."""
        settings = self.tagger(tagger)
        numbers = self.regresses(dataset)
        what = "number" if numbers else "class"
        each = f"the records of the dataset {dataset!r} have a {what} each"
        if isinstance(settings, Network):
            if settings.pooling is not None:
                return self._lacks_vectors(dataset, tagger)
            return Problem(
                ("pooling",),
                f"{each}, and the network tells a label for each base",
                "add pooling: max, or another of last, mean, attention",
            )
        if isinstance(settings, Exact):
            if self.is_drawn(dataset):
                return None
            return Problem(
                ("baseline",),
                "exact needs the model that the records are drawn from",
                "remove it, or add a dataset with simulate: {motif: …}",
            )
        if isinstance(settings, Majority) or (isinstance(settings, Uniform) and not numbers):
            return None
        labels = "it tells no number" if isinstance(settings, Uniform) else "it labels bases"
        return Problem(
            ("program" if isinstance(settings, Pyrodigal) else "baseline",),
            f"{labels}, and {each}",
            "remove it, or take majority, which tells the mean of the training split"
            if numbers
            else "remove it, or take majority, uniform or, where records are simulated, exact",
        )

    def _lacks_vectors(self, dataset: str, tagger: str) -> Problem | None:
        """Return why a network cannot read the words of a dataset, if it cannot."""
        vocabulary, settings = self.vocabulary(dataset), self.tagger(tagger)
        if vocabulary is None or not isinstance(settings, Network):
            return None
        embedding = settings.embedding
        if embedding.k > 1 or embedding.table is not None:
            key, what = ("k", "k-mers are") if embedding.k > 1 else ("table", "such a table is")
            return Problem(
                ("embedding", key),
                f"{what} of letters, and the dataset {dataset!r} has {vocabulary.of}",
                "remove it; a convolution reads neighbours together",
            )
        if settings.both_strands:
            return Problem(("both_strands",), "a text has one strand", "remove it")
        if embedding.dimensions is None and vocabulary.most > MOST_ONE_HOT:
            return Problem(
                ("embedding",),
                f"the dataset {dataset!r} tells up to {vocabulary.most:,} {vocabulary.of} apart, "
                "which are too many for a 1 in its own place each",
                "give the network embedding: {dimensions: 64}, a vector learnt for each",
            )
        return None

    def _lacks_next(self, dataset: str, tagger: str) -> Problem | None:
        """Return why a tagger cannot tell the next letter, if it cannot."""
        settings = self.tagger(tagger)
        seen = f"what is told of a letter of the dataset {dataset!r} is the one behind it"
        found = self._looks_ahead(tagger, seen, "letter")
        if found is not None:
            return found
        if isinstance(settings, Network):
            return self._turned(dataset, tagger)
        if isinstance(settings, Filtered):
            if self.is_simulated(dataset):
                return None
            return Problem(
                ("baseline",),
                "filtered needs the HMM that simulates",
                "remove it, or add a dataset with simulate",
            )
        if isinstance(settings, Markov | Majority | Uniform):
            return None
        return Problem(
            ("program" if isinstance(settings, Pyrodigal) else "baseline",),
            f"{seen}, which it has no way to tell",
            "remove it, or take markov, majority, uniform or, of simulated sequences, filtered",
        )

    def _looks_ahead(self, tagger: str, seen: str, one: str) -> Problem | None:
        """Return how a tagger would see what it is to tell behind `one`, `seen`, if it would."""
        settings = self.tagger(tagger)
        if getattr(settings, "decoding", "argmax") != "argmax":
            problem = f"{seen}: a path of them is found from both its ends"
            return Problem(("decoding",), problem, "remove decoding")
        if not isinstance(settings, Network):
            return None
        # By key: whether it is as it must not be, what would happen, what to do.
        wrong = {
            "bidirectional": (settings.bidirectional, "what reads both ways reads that one, too"),
            "head": (settings.head != "softmax", "a CRF reads a record as a whole"),
            "pooling": (settings.pooling is not None, "pooling sums up a record as a whole"),
            "both_strands": (settings.both_strands, f"the other strand begins behind the {one}"),
        }
        for key, (is_wrong, why) in wrong.items():
            if is_wrong:
                return Problem((key,), f"{seen}: {why}", f"remove {key}")
        return None

    def _lacks_value(self, dataset: str, tagger: str) -> Problem | None:
        """Return why a tagger cannot tell the next number of a series, if it cannot."""
        settings = self.tagger(tagger)
        seen = f"what is told of a number of the dataset {dataset!r} is the one behind it"
        found = self._looks_ahead(tagger, seen, "number")
        if found is not None or isinstance(settings, (Network, Majority, *SERIES_BASELINES)):
            return found
        if isinstance(settings, Filtered):
            if self.is_wave(dataset):
                return None
            return Problem(
                ("baseline",),
                "filtered needs the model that the series are drawn from",
                "remove it, or add a dataset with simulate: {wave: …}",
            )
        return Problem(
            ("program" if isinstance(settings, Pyrodigal) else "baseline",),
            f"{seen}, which it has no way to tell",
            "remove it, or take last, autoregression, majority (the mean) or, of simulated series, "
            "filtered",
        )

    def _turned(self, dataset: str, tagger: str) -> Problem | None:
        """Return where a training turns windows, whose next letters then lie before them."""
        settings = self.tagger(tagger)
        own = settings.training if isinstance(settings, Network) else None
        told = self.model.training.reverse_complement
        if own is not None and "reverse_complement" in own.model_fields_set:
            told = own.reverse_complement
        if not told:
            return None
        return Problem(
            ("training", "reverse_complement"),
            f"what is told of a letter of the dataset {dataset!r} is the one behind it, and in a "
            "turned window that lies before it",
            "give this tagger training: {reverse_complement: false}",
        )

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

    def classifier(self, name: str) -> str:
        """Return the file of the tagger that tells the classes of the sequences `name`."""
        use = self.model.classify[name].tagger
        if isinstance(use, TaggerFile):
            return use.file
        seed = self.seeds(use.tagger)[0] if use.seed is None else use.seed
        return f"results/{use.dataset}/{use.tagger}/seed{seed}/tagger.safetensors"

    def generating_run(self, generated: str) -> Run:
        """Return the dataset, network and seed that sequences are drawn from."""
        settings = self.model.generate[generated]
        seed = self.model.seeds[0] if settings.seed is None else settings.seed
        return settings.dataset, settings.tagger, seed

    def annotations(self) -> list[tuple[str, str, str, int]]:
        """Return every genome, dataset, tagger and seed to annotate with, in the same order."""
        return [(genome, *use.run) for genome in self.model.annotate for use in self.uses(genome)]

    def alphabet(self, dataset: str) -> str:
        """Return the alphabet of `dataset`: `dna`, its letters, or in words a vocabulary."""
        settings = self.dataset(dataset)
        vocabulary = self.vocabulary(dataset)
        if vocabulary is not None:
            return alphabet_in_words(vocabulary)
        return (
            self.hmms[dataset].alphabet
            if isinstance(settings, SimulatedDataset | NextTokenSimulated)
            else settings.alphabet
        )
