"""Rule annotate_part: what a tagger calls on one job's records of a genome."""

import json
from pathlib import Path
from typing import Any

from basetag.annotation import annotate_part
from basetag.corpus import Corpus
from basetag.gpu_request import gpus_asked
from basetag.job_log import job_log
from basetag.taggers import load_tagger
from basetag.tracks.plan import packs_of_part


def main(
    settings: dict[str, Any],
    gpus: int,
    mem_mb: int,
    threads: int,
    corpus: Path,
    tagger: Path,
    plan: Path,
    part: int,
    folder: Path,
) -> None:
    loaded = load_tagger(
        tagger,
        gpus,
        decoding=settings["decoding"],
        memory=mem_mb * 2**20,
        both_strands=settings["both_strands"],
    )
    genome = Corpus.open(corpus, loaded.feature_names)
    annotate_part(loaded, genome, packs_of_part(plan, part, genome), folder, threads=threads)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            gpus_asked(snakemake.resources.gpu, snakemake.resources.get("gres")),
            snakemake.resources.mem_mb,
            snakemake.threads,
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.tagger),
            Path(snakemake.input.plan),
            int(snakemake.wildcards.part),
            Path(snakemake.output.part),
        )
