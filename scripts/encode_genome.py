"""Rule encode_genome: FASTA of a genome → corpus without labels."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.alphabet import Alphabet
from basetag.corpus_encoding import write_corpus
from basetag.job_log import job_log

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], sequences: Path, folder: Path) -> None:
    counts = write_corpus(folder, sequences, Alphabet.named(settings["alphabet"]))
    log.info("%d records, %d bases; letters: %s", counts.records, counts.bases, counts.symbols)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.sequences),
            Path(snakemake.output.tokens).parent,
        )
