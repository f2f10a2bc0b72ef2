"""Rule evaluate_tagger: every figure of the report for one tagger."""

import json
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.decoding import Decoding
from basetag.evaluation import evaluate, write_tracks
from basetag.files import write_json
from basetag.job_log import job_log
from basetag.splits import read_split
from basetag.tagger_file import read_tagger


def main(
    settings: dict[str, Any],
    dataset: str,
    seed: int,
    corpus: Path,
    split: Path,
    tagger: Path,
    posteriors: Path,
    calls: Path,
    references: dict[str, Path | None],
    metrics: Path,
    tracks: Path,
) -> None:
    opened = Corpus.open(corpus)
    test = read_split(split, opened)["test"]
    _, card = read_tagger(tagger)
    figures = evaluate(
        opened,
        test,
        posteriors,
        calls,
        card,
        dataset=dataset,
        seed=seed,
        decoding=str(Decoding.of(settings["decoding"])),
        exact_path=references["exact"],
        filtered_path=references["filtered"],
        pairs=settings["pairs"],
        draws_seed=settings["seed"],
    )
    write_tracks(
        tracks,
        opened,
        test,
        posteriors,
        calls,
        records=settings["shown_records"],
        bases=settings["shown_bases"],
    )
    write_json(metrics, figures)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            snakemake.wildcards.dataset,
            int(snakemake.wildcards.seed),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            Path(snakemake.input.tagger),
            Path(snakemake.input.posteriors),
            Path(snakemake.input.calls),
            {
                name: Path(path) if (path := snakemake.input.get(name)) else None
                for name in ("exact", "filtered")
            },
            Path(snakemake.output.metrics),
            Path(snakemake.output.tracks),
        )
