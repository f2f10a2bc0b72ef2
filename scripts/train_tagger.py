"""Rule train_tagger: train a recurrent network and write it with its history."""

import csv
import dataclasses
import json
import logging
import time
from pathlib import Path
from typing import Any

import torch
from basetag.corpus import Corpus
from basetag.devices import choose_device, describe_device
from basetag.files import write_json, written_whole
from basetag.job_log import job_log
from basetag.network_tagger import NetworkTagger, build_network
from basetag.splits import read_split
from basetag.tagger_file import training_card, write_tagger
from basetag.training import HistoryRow, train

log = logging.getLogger("basetag")


def main(
    settings: dict[str, Any],
    gpus: int,
    corpus: Path,
    split: Path,
    tagger: Path,
    history: Path,
    timing: Path,
) -> None:
    device = choose_device(gpus)
    threads = settings["training"]["threads"]
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True, warn_only=device.type != "cpu")

    opened = Corpus.open(corpus)
    segments = read_split(split, opened)
    card = {
        "kind": "network",
        "architecture": settings["architecture"],
        **training_card(opened, segments["train"], settings),
    }
    network = build_network(card)
    network.initialise(torch.Generator().manual_seed(settings["seed"]))
    log.info("training on %s", describe_device(device, threads))

    began = time.perf_counter()
    rows = train(
        network,
        opened,
        segments["train"],
        segments["validation"],
        settings["training"],
        seed=settings["seed"],
        device=device,
    )
    seconds = time.perf_counter() - began

    trained = NetworkTagger(network, card, device)
    write_tagger(tagger, trained.tensors(), trained.card)
    write_history(history, rows)
    write_json(
        timing,
        {
            "device": describe_device(device, threads),
            "threads": threads,
            "train_seconds": seconds,
            "train_bases_per_second": rows[-1].bases / seconds,
        },
    )


def write_history(path: Path, rows: list[HistoryRow]) -> None:
    with written_whole(path) as (place,), place.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(field.name for field in dataclasses.fields(HistoryRow))
        table.writerows(dataclasses.astuple(row) for row in rows)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            snakemake.resources.gpu,
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            Path(snakemake.output.tagger),
            Path(snakemake.output.history),
            Path(snakemake.output.timing),
        )
