"""Rule annotate_genome: call the segments of a genome and index them for a genome browser."""

import json
from pathlib import Path
from typing import Any

from basetag.annotation import annotate_genome
from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.taggers import load_tagger


def main(
    settings: dict[str, Any],
    gpus: int,
    mem_mb: int,
    threads: int,
    corpus: Path,
    tagger: Path,
    bed: Path,
    summary: Path,
) -> None:
    loaded = load_tagger(
        tagger,
        gpus,
        decoding=settings["decoding"],
        memory=mem_mb * 2**20,
        both_strands=settings["both_strands"],
    )
    annotate_genome(
        loaded,
        Corpus.open(corpus, loaded.feature_names),
        bed=bed,
        summary=summary,
        threads=threads,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            snakemake.resources.gpu,
            snakemake.resources.mem_mb,
            snakemake.threads,
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.tagger),
            Path(snakemake.output.bed),
            Path(snakemake.output.summary),
        )
