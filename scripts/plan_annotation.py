"""Checkpoint plan_annotation: which records of a genome each annotation job takes."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.tracks.plan import write_plan

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], corpus: Path, plan: Path) -> None:
    n_parts = write_plan(plan, Corpus.open(corpus), settings["bases_per_job"])
    log.info("each tagger annotates the genome in %d jobs", n_parts)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.output.plan),
        )
