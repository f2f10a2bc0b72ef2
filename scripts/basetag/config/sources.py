"""What a config's datasets, genomes and taggers come from: files, features, weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from basetag.config.classification import ClassifiedFasta
from basetag.config.datasets import (
    DATASET_FILES,
    FastaDataset,
    FetchedDataset,
)
from basetag.config.feature_labels import FeatureLabels
from basetag.config.features import FeatureSource, kind_and_path
from basetag.config.further_heads import AnyHead, FastaHead
from basetag.config.labels import label_path
from basetag.config.networks import Network
from basetag.config.next_token import NextTokenFetched
from basetag.config.regression import RegressionFasta
from basetag.config.runs import Run, Runs
from basetag.config.splits import TableSplit

#: A tagger as the rules name it: dataset, tagger, seed.
TAGGER_FILE = re.compile(r"results/([^/]+)/([^/]+)/seed(0|[1-9]\d*)/tagger\.safetensors")


@dataclass(frozen=True)
class Sources(Runs):
    """What is made of a config, and what each of it comes from."""

    def sequence_file(self, dataset: str) -> Path | None:
        """Return the user's file of the sequences of `dataset`.

        None where it is simulated or to be fetched.
        """
        settings = self.dataset(dataset)
        if self.is_drawn(dataset) or self.is_fetched(dataset):
            return None
        return Path(next(getattr(settings, key) for key in DATASET_FILES if hasattr(settings, key)))

    def label_file(self, dataset: str) -> Path | None:
        """Return the user's file of labels of `dataset`; that of the sequences may hold them, too.

        None where the dataset is simulated or to be fetched.
        """
        settings = self.dataset(dataset)
        if isinstance(settings, FastaDataset):
            return Path(label_path(settings.labels)[1])
        if isinstance(settings, ClassifiedFasta | RegressionFasta):
            return Path(settings.labels.table)
        return self.sequence_file(dataset)

    def is_fetched(self, dataset: str) -> bool:
        """Whether the sequence and features of `dataset` are fetched by accession."""
        return isinstance(self.dataset(dataset), FetchedDataset | NextTokenFetched)

    def has_substates(self, dataset: str) -> bool:
        """Whether bases of `dataset` have finer states than their labels: positions in codons."""
        settings = self.dataset(dataset)
        labels = getattr(settings, "labels", None)
        return isinstance(labels, FeatureLabels) and bool(labels.coding_states())

    def heads(self, dataset: str) -> dict[str, AnyHead]:
        """Return the further labels of `dataset`, in order of name; none for most."""
        heads = getattr(self.dataset(dataset), "heads", {})
        return {name: heads[name] for name in sorted(heads)}

    def heads_of(self, dataset: str, tagger: str) -> list[str]:
        """Return the further labels that `tagger` learns on `dataset`; none for a baseline."""
        settings = self.tagger(tagger)
        joint = isinstance(settings, Network) and settings.joint
        return list(self.heads(dataset)) if joint else []

    def head_file(self, dataset: str, head: str) -> Path | None:
        """Return the user's file of further labels of `dataset`; of a table, that itself."""
        own = self.heads(dataset)[head]
        return Path(own.labels) if isinstance(own, FastaHead) else self.label_file(dataset)

    def split_table(self, dataset: str) -> Path | None:
        """Return the user's table of the splits of `dataset`; None where it has none."""
        split = self.dataset(dataset).split
        return Path(split.table) if isinstance(split, TableSplit) else None

    def classified_file(self, name: str) -> Path:
        """Return the user's file of the sequences `name` whose classes are to be told."""
        entry = self.model.classify[name]
        return Path(entry.table or entry.fasta or "")

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
            sources = getattr(settings, "features", {})
        return {name: sources[name] for name in sorted(sources)}

    def feature_owners(self) -> list[str]:
        """Return the datasets and genomes that have features, as `feature_sources` names them."""
        genomes = (f"genomes/{name}" for name in self.model.annotate)
        return [name for name in (*self.datasets, *genomes) if self.feature_sources(name)]

    def feature_files(self, owner: str) -> list[Path]:
        """Return the user's files of the features of a dataset or genome, in order of name."""
        return [Path(kind_and_path(own)[1]) for own in self.feature_sources(owner).values()]

    def matrix_files(self, owner: str) -> list[Path]:
        """Return the files in the folders of `feature_files`, by name: what is read there."""
        folders = [path for path in self.feature_files(owner) if path.is_dir()]
        return [
            path
            for folder in folders
            for path in sorted(folder.iterdir())
            if path.name.endswith((".pssm", ".pssm.gz"))
        ]

    def learns_substates(self, dataset: str, tagger: str) -> bool:
        """Whether `tagger` is trained on the finer states of `dataset`."""
        settings = self.tagger(tagger)
        wanted = isinstance(settings, Network) and settings.substates
        return wanted and self.has_substates(dataset)

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
