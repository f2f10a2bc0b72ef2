"""Rule classify_sequences: the class of each record of a FASTA file or table, by a tagger."""

import json
from pathlib import Path
from typing import Any

from basetag.classifying import classify_fasta, classify_table
from basetag.job_log import job_log
from basetag.taggers import load_tagger


def main(
    settings: dict[str, Any], sequences: Path, tagger: Path, table: Path, mem_mb: int, threads: int
) -> None:
    loaded = load_tagger(tagger, memory=mem_mb * 2**20)
    if settings:
        classify_table(loaded, sequences, table, **settings, threads=threads)
    else:
        classify_fasta(loaded, sequences, table, threads=threads)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.sequences),
            Path(snakemake.input.tagger),
            Path(snakemake.output.table),
            snakemake.resources.mem_mb,
            snakemake.threads,
        )
