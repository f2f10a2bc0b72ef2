"""Rule summarise_sweep: one table with a row per dataset, tagger and seed of a sweep."""

import json
from pathlib import Path

from basetag.job_log import job_log
from basetag.judgement.sweep_table import write_sweep

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        settings = json.loads(snakemake.params.settings)
        files = zip(
            snakemake.input.metrics,
            snakemake.input.timing,
            snakemake.input.predict_timing,
            strict=True,
        )
        write_sweep(Path(snakemake.output.table), settings["axes"], settings["runs"], files)
