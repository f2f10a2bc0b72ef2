"""One training from files to files: what each of its processes does."""

from __future__ import annotations

import csv
import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from basetag.context import measure_context
from basetag.corpus import Corpus
from basetag.corpus_files import LABELS, SUBSTATES, TARGETS, TOKENS
from basetag.devices import peak_gpu_memory
from basetag.feature_scales import feature_scales
from basetag.features import FEATURE_NAMES, FEATURES
from basetag.files import canonical_json, content_digest, write_json, written_whole
from basetag.further_labels import label_files
from basetag.label_statistics import label_frequencies, target_scale
from basetag.memory import peak_memory
from basetag.network_tagger import (
    NetworkTagger,
    build_network,
    card_of_heads,
    card_of_substates,
)
from basetag.networks.number_head import NumberHead
from basetag.provenance import environment
from basetag.splits.table import read_split
from basetag.steps import training_steps
from basetag.training.checkpoints import CheckpointFolder, checkpoint_digest
from basetag.training.fewer_labels import with_fewer_labels
from basetag.training.further_heads import check_further_labels, still_heads
from basetag.training.initial_weights import draw_weights, freeze, start_from
from basetag.training.loop import train
from basetag.training.loss import summed_over_processes
from basetag.training.run import HistoryRow
from basetag.word_vectors import read_word_vectors

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingJob:
    """What a training reads and writes.

    Attributes
    ----------
    settings : dict
        As `Config.train_settings` gives them.
    code : str
        Digest of the code; checkpoints of other code are not continued.
    name : str
        What the config calls the tagger.
    device : str
        In words, for the timing table.
    corpus, split : Path
        The corpus' folder and its split.tsv.
    initial : Path or None
        The tagger whose weights are the first.
    words : Path or None
        The file of the words' first vectors.
    best, last, history, timing : Path
        The outputs: the weights with the lowest validation loss, those of the last step, the
        table of losses, the clock's figures.
    """

    settings: dict[str, Any]
    code: str
    name: str
    device: str
    corpus: Path
    split: Path
    initial: Path | None
    words: Path | None
    best: Path
    last: Path
    history: Path
    timing: Path

    @property
    def checkpoints(self) -> Path:
        """The folder of what a resumed training goes on from."""
        return self.best.parent / "checkpoints"


def run_training(fabric: Fabric, job: TrainingJob) -> None:
    """Train a tagger and, in the first process, write it with its history.

    Raises
    ------
    BasetagError
        For inputs and settings that cannot be used together.
    """
    settings = job.settings
    heads = settings.get("heads", ())
    threads = settings["training"]["threads"]
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True, warn_only=fabric.device.type != "cpu")
    # It would write NaN into all memory before use, to find what is read unwritten: a tenth of
    # a step's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    corpus = _as_learnt(
        Corpus.open(
            job.corpus,
            settings["architecture"]["features"],
            [head["name"] for head in heads],
        ),
        substates=settings["architecture"]["substates"],
    )
    segments = read_split(job.split, corpus)
    given = segments["train"]
    if settings["training"]["labels"] is not None:
        labels = settings["training"]["labels"]
        segments["train"] = with_fewer_labels(corpus, given, labels, settings["seed"])
    both_read = settings["training"]["reverse_complement"]
    steps = training_steps(corpus, segments["train"], both_strands=both_read)
    network = build_network(
        corpus.alphabet, corpus.states, settings["architecture"], len(corpus.feature_names),
        card_of_substates(corpus, steps), corpus.threshold,
        card_of_heads(corpus, {head["name"]: head["weight"] for head in heads}),
    )  # fmt: skip
    check_further_labels(corpus, segments["train"])
    generator = torch.Generator().manual_seed(settings["seed"])
    draw_weights(network, steps, generator)
    if network.features is not None:
        network.features.start_from(*feature_scales(corpus, segments["train"]))
    head = network.head
    scale = None
    if isinstance(head, NumberHead):
        scale = target_scale(corpus, segments["train"])
        head.rescale(*scale, keep=False)
    if job.initial is not None:
        start_from(network, job.initial, corpus, settings["architecture"], settings["frozen"])
        if isinstance(head, NumberHead) and scale is not None:
            head.rescale(*scale, keep=True)
    still_heads(network)
    if job.words is not None:
        words = settings["architecture"]["embedding"]
        network.embedding.start_from(read_word_vectors(job.words, corpus.alphabet, **words))
        freeze(network, settings["frozen"])
    log.info("training on %s", job.device)

    inputs = [job.corpus / TOKENS, job.corpus / LABELS, job.split]
    if corpus.features is not None:
        inputs += [job.corpus / FEATURES, job.corpus / FEATURE_NAMES]
    if corpus.substates is not None:
        inputs.append(job.corpus / SUBSTATES)
    if corpus.targets is not None:
        inputs.append(job.corpus / TARGETS)
    inputs += [path for own in corpus.further for path in label_files(job.corpus, own.name)]
    inputs += [path for path in (job.initial, job.words) if path is not None]
    meaning = {
        "mirror": corpus.mirror,
        "substates": card_of_substates(corpus, steps),
        "threshold": corpus.threshold,
    }
    checkpoints = CheckpointFolder(
        job.checkpoints,
        checkpoint_digest(
            canonical_json(settings), job.code, content_digest(*inputs), canonical_json(meaning)
        ),
    )
    run = train(
        fabric,
        network,
        corpus,
        segments["train"],
        segments["validation"],
        settings["training"],
        seed=settings["seed"],
        checkpoints=checkpoints,
        both_strands=settings["both_strands"],
    )
    own = _peaks(fabric)
    others = summed_over_processes(fabric, own).cpu() - own
    if not fabric.is_global_zero:
        return

    tagger = NetworkTagger.trained(
        network,
        corpus,
        segments["train"],
        job.name,
        settings["architecture"],
        fabric.device,
        both_strands=settings["both_strands"],
        steps=steps if both_read or corpus.substates is not None else None,
    )
    # Whatever it learnt from, the prior that it is held against is that of the whole split.
    tagger.card["training"]["split_prior"] = label_frequencies(corpus, given).tolist()
    tagger.card["context"] = None  # pooled, every base of a record is looked at
    if network.pooling is None:
        tagger.card["context"] = measure_context(
            tagger,
            corpus,
            segments["validation"],
            looks_left_alone=network.looks_left_alone and not settings["both_strands"],
            threads=threads,
        )
    tagger.measure_error(corpus, segments["validation"], threads)
    tagger.save(job.best)
    # Measured of the best weights alone.
    del tagger.card["context"]
    network.load_state_dict(run.last_weights)
    tagger.measure_error(corpus, segments["validation"], threads)
    tagger.save(job.last)
    _write_history(job.history, run.history)
    main, gpu = (others + _peaks(fabric)).tolist()
    write_json(
        job.timing,
        {
            "device": job.device,
            "threads": threads,
            "environment": environment(),
            "train_seconds": run.seconds,
            "train_bases_per_second": run.bases / run.seconds,
            "peak_memory_bytes": round(main),
            "peak_gpu_memory_bytes": round(gpu) if fabric.device.type == "cuda" else None,
        },
    )
    checkpoints.remove()


def _as_learnt(corpus: Corpus, *, substates: bool) -> Corpus:
    """Return the corpus with its substates if they are to be learnt and say more than labels."""
    given = corpus.substates
    if given is not None and (not substates or len(given.names) == len(corpus.states)):
        return dataclasses.replace(corpus, substates=None)
    return corpus


def _peaks(fabric: Fabric) -> torch.Tensor:
    """Return the most main memory and the most GPU memory that this process took, in bytes."""
    peaks = [peak_memory(), peak_gpu_memory(fabric.device) or 0]
    return torch.tensor(peaks, dtype=torch.float64)


def _write_history(path: Path, rows: list[HistoryRow]) -> None:
    with written_whole(path) as (place,), place.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(field.name for field in dataclasses.fields(HistoryRow))
        table.writerows(dataclasses.astuple(row) for row in rows)
