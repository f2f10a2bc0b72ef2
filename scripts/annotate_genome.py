"""Rule annotate_genome: call the segments of a genome and index them for a genome browser."""

import json
from pathlib import Path
from typing import Any

from basetag.annotation import annotate_genome
from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.taggers import load_tagger
from basetag.tracks.about import about_tracks


def main(
    settings: dict[str, Any],
    gpus: int,
    mem_mb: int,
    threads: int,
    corpus: Path,
    tagger: Path,
    names: list[str],
    bed: Path,
    gff3: Path,
    posteriors: Path,
    summary: Path,
    distributions: Path,
) -> None:
    loaded = load_tagger(
        tagger,
        gpus,
        decoding=settings["decoding"],
        memory=mem_mb * 2**20,
        both_strands=settings["both_strands"],
    )
    genome, dataset, name, seed = names
    about = about_tracks(
        genome, f"{dataset}/{name}/seed{seed}", tagger, loaded.tagger.card, loaded.decoding,
        both_strands=settings["both_strands"],
    )  # fmt: skip
    annotate_genome(
        loaded,
        Corpus.open(corpus, loaded.feature_names),
        about,
        bed=bed,
        gff3=gff3,
        posteriors=posteriors,
        summary=summary,
        distributions=distributions,
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
            [snakemake.wildcards[name] for name in ("genome", "dataset", "tagger", "seed")],
            Path(snakemake.output.bed),
            Path(snakemake.output.gff3),
            Path(snakemake.output.posteriors),
            Path(snakemake.output.summary),
            Path(snakemake.output.distributions),
        )
