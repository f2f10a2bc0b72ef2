"""Rule simulate_wave: draw numeric series of waves with noise."""

import json
from pathlib import Path

from basetag.job_log import job_log
from basetag.wave_model import simulate_waves

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        simulate_waves(json.loads(snakemake.params.settings), Path(snakemake.output.table))
