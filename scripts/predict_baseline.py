"""Rule predict_baseline: posteriors of a tagger that is no network."""

from pathlib import Path

from basetag.baselines import load_baseline
from basetag.job_log import job_log
from basetag.prediction import predict_splits

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_splits(
            load_baseline(snakemake.input.tagger),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            threads=snakemake.threads,
            test=Path(snakemake.output.posteriors),
            validation=Path(snakemake.output.validation),
            timing=Path(snakemake.output.timing),
        )
