"""Rule predict_baseline: posteriors and calls of a tagger that is no network."""

import json
from pathlib import Path

from basetag.baselines import load_baseline
from basetag.decoding import Decoding
from basetag.job_log import job_log
from basetag.prediction import predict_splits

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_splits(
            load_baseline(snakemake.input.tagger),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            decoding=Decoding.of(json.loads(snakemake.params.settings)["decoding"]),
            threads=snakemake.threads,
            test=(Path(snakemake.output.posteriors), Path(snakemake.output.calls)),
            validation=(
                Path(snakemake.output.validation),
                Path(snakemake.output.validation_calls),
            ),
            controls_folder=Path(snakemake.input.controls[0]).parent,
            controls=(Path(snakemake.output.controls), Path(snakemake.output.control_calls)),
            predictions=Path(snakemake.output.predictions),
            timing=Path(snakemake.output.timing),
        )
