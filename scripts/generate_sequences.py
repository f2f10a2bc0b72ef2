"""Rule generate_sequences: sequences drawn from a network, and how they differ from training."""

import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from basetag.controls import letter_counts
from basetag.corpus import Corpus
from basetag.files import write_json, written_whole
from basetag.generated_letters import compare_letters, stretches
from basetag.generation import draw_letters, generate
from basetag.job_log import job_log
from basetag.network_tagger import load_network
from basetag.splits.table import read_split

log = logging.getLogger("basetag")

WIDTH = 80


def main(
    settings: dict[str, Any],
    name: str,
    tagger: Path,
    corpus: Path,
    split: Path,
    threads: int,
    sequences: Path,
    summary: Path,
) -> None:
    torch.set_num_threads(threads)
    opened = Corpus.open(corpus)
    training = read_split(split, opened)["train"]
    network = load_network(tagger, torch.device("cpu")).network
    alphabet, prompt = opened.alphabet, settings["prompt"]
    given = None if prompt is None else alphabet.encode(prompt)
    frequencies = letter_counts(opened, training).astype(np.float64)

    def batches() -> Iterator[np.ndarray]:
        for number, first in enumerate(range(0, settings["records"], settings["rows"])):
            seed = np.random.SeedSequence(settings["draws_seed"], spawn_key=(number,))
            generator = np.random.default_rng(seed)
            rows = min(settings["rows"], settings["records"] - first)
            if given is None:
                first_letters = np.tile(frequencies / frequencies.sum(), (rows, 1))
                prompts = draw_letters(first_letters, settings["temperature"], generator)[:, None]
            else:
                prompts = np.tile(given, (rows, 1))
            yield generate(network, prompts, settings["length"], settings["temperature"], generator)

    records = np.concatenate(list(batches()))
    with (
        written_whole(sequences) as (place,),
        place.open("wb") as file,
        # Without the time, so that the same letters are the same bytes.
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as text,
    ):
        for number, record in enumerate(records, start=1):
            letters = alphabet.decode(record)
            lines = [letters[at : at + WIDTH] for at in range(0, len(letters), WIDTH)]
            text.write("\n".join([f">{name}_{number}", *lines, ""]).encode("ascii"))
    drawn = [record[0 if given is None else given.size :] for record in records]
    found = compare_letters(
        stretches(drawn, sum(record.size for record in drawn)),
        stretches(
            (
                opened.tokens[start:end]
                for start, end in zip(
                    training.offset, training.offset + training.lengths, strict=True
                )
            ),
            training.bases,
        ),
        alphabet,
    )
    log.info("largest difference from training: %s standard errors", found["largest_z"])
    write_json(summary, {"name": name, **settings, **found})


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            snakemake.wildcards.generated,
            Path(snakemake.input.tagger),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            snakemake.threads,
            Path(snakemake.output.sequences),
            Path(snakemake.output.summary),
        )
