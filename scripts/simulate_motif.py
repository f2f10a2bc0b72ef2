"""Rule simulate_motif: draw sequences with and without a motif."""

import json
from pathlib import Path

from basetag.job_log import job_log
from basetag.motif_model import simulate_motif_records

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        simulate_motif_records(
            json.loads(snakemake.params.settings),
            Path(snakemake.output.sequences),
            Path(snakemake.output.classes),
        )
