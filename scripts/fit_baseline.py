"""Rule fit_baseline: fit a tagger that is no network."""

import json
import time
from pathlib import Path
from typing import Any

from basetag.baseline_fitting import fit_baseline
from basetag.corpus import Corpus
from basetag.files import write_json
from basetag.job_log import job_log
from basetag.memory import peak_memory
from basetag.provenance import environment
from basetag.splits.table import read_split


def main(
    settings: dict[str, Any], name: str, corpus: Path, split: Path, tagger: Path, timing: Path
) -> None:
    opened = Corpus.open(corpus)
    segments = read_split(split, opened)
    began = time.perf_counter()
    fitted = fit_baseline(
        settings["baseline"], settings, opened, segments, settings.get("hmm"), tagger=name
    )
    seconds = time.perf_counter() - began
    fitted.save(tagger)
    write_json(
        timing,
        {
            "device": "CPU",
            "threads": 1,
            "environment": environment(),
            "train_seconds": seconds,
            "train_bases_per_second": segments["train"].bases / seconds,
            "peak_memory_bytes": peak_memory(),
            "peak_gpu_memory_bytes": None,
        },
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            snakemake.wildcards.tagger,
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            Path(snakemake.output.tagger),
            Path(snakemake.output.timing),
        )
