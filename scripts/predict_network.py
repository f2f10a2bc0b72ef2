"""Rule predict_network: posteriors and calls of a trained network."""

import json
from pathlib import Path

from basetag.decoding import Decoding
from basetag.devices import choose_device
from basetag.job_log import job_log
from basetag.network_tagger import load_network
from basetag.prediction import predict_splits

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_splits(
            load_network(
                snakemake.input.tagger,
                choose_device(snakemake.resources.gpu),
                memory=snakemake.resources.mem_mb * 2**20,
            ),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            decoding=Decoding.of(json.loads(snakemake.params.settings)["decoding"]),
            threads=snakemake.threads,
            test=(Path(snakemake.output.posteriors), Path(snakemake.output.calls)),
            validation=(
                Path(snakemake.output.validation),
                Path(snakemake.output.validation_calls),
            ),
            timing=Path(snakemake.output.timing),
        )
