"""Rule encode_fasta: FASTA of sequences and of state letters → corpus."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.alphabet import Alphabet
from basetag.corpus_encoding import write_corpus
from basetag.job_log import job_log

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], sequences: Path, labels: Path, folder: Path) -> None:
    counts = write_corpus(
        folder,
        sequences,
        Alphabet.named(settings["alphabet"]),
        labels=labels,
        states={letter: settings["state_names"][letter] for letter in settings["states"]},
    )
    log.info(
        "%d records (%d empty), %d bases; letters: %s; states: %s",
        counts.records, counts.empty_records, counts.bases, counts.symbols, counts.labels,
    )  # fmt: skip


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.sequences),
            Path(snakemake.input.labels),
            Path(snakemake.output.tokens).parent,
        )
