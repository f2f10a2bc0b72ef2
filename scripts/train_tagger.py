"""Rule train_tagger: train a recurrent network and write it with its history."""

import csv
import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

import torch

from basetag.checkpoints import CheckpointFolder, checkpoint_digest
from basetag.corpus import LABELS, TOKENS, Corpus
from basetag.devices import choose_devices, describe_devices
from basetag.files import canonical_json, content_digest, write_json, written_whole
from basetag.job_log import job_log
from basetag.network_tagger import NetworkTagger, build_network
from basetag.provenance import environment
from basetag.splits import read_split
from basetag.training import train
from basetag.training_run import HistoryRow

log = logging.getLogger("basetag")


def main(
    settings: dict[str, Any],
    code: str,
    name: str,
    gpus: int,
    corpus: Path,
    split: Path,
    tagger: Path,
    history: Path,
    timing: Path,
) -> None:
    devices = choose_devices(gpus)
    device = devices.first
    threads = settings["training"]["threads"]
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True, warn_only=device.type != "cpu")

    opened = Corpus.open(corpus)
    segments = read_split(split, opened)
    network = build_network(opened.alphabet, len(opened.states), settings["architecture"])
    network.initialise(torch.Generator().manual_seed(settings["seed"]))
    log.info("training on %s", describe_devices(devices, threads))

    checkpoints = CheckpointFolder(
        tagger.parent / "checkpoints",
        checkpoint_digest(
            canonical_json(settings),
            code,
            content_digest(corpus / TOKENS, corpus / LABELS, split),
        ),
    )
    run = train(
        network,
        opened,
        segments["train"],
        segments["validation"],
        settings["training"],
        seed=settings["seed"],
        device=device,
        checkpoints=checkpoints,
    )

    NetworkTagger.trained(
        network, opened, segments["train"], name, settings["architecture"], device
    ).save(tagger)
    write_history(history, run.history)
    write_json(
        timing,
        {
            "device": describe_devices(devices, threads),
            "threads": threads,
            "environment": environment(),
            "train_seconds": run.seconds,
            "train_bases_per_second": run.bases / run.seconds,
        },
    )
    checkpoints.remove()


def write_history(path: Path, rows: list[HistoryRow]) -> None:
    with written_whole(path) as (place,), place.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(field.name for field in dataclasses.fields(HistoryRow))
        table.writerows(dataclasses.astuple(row) for row in rows)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            snakemake.params.code,
            snakemake.wildcards.tagger,
            snakemake.resources.gpu,
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            Path(snakemake.output.tagger),
            Path(snakemake.output.history),
            Path(snakemake.output.timing),
        )
