"""Rule compare_taggers: one table with a row per dataset, tagger and seed."""

from pathlib import Path

from basetag.job_log import job_log
from basetag.judgement.comparison import write_comparison

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        files = zip(
            snakemake.input.metrics,
            snakemake.input.timing,
            snakemake.input.predict_timing,
            strict=True,
        )
        write_comparison(Path(snakemake.output.comparison), files)
