"""Rule predict_network: posteriors and calls of a network, and its hidden states where shown."""

import json
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.decoding import Decoding
from basetag.devices import choose_device, peak_gpu_memory
from basetag.gpu_request import gpus_asked
from basetag.hidden_states import write_hidden_states
from basetag.job_log import job_log
from basetag.network_tagger import load_network
from basetag.prediction import predict_splits
from basetag.splits.table import read_split
from basetag.tagger import feature_names


def main(
    settings: dict[str, Any],
    tagger: Path,
    gpus: int,
    memory: int,
    corpus: Path,
    split: Path,
    threads: int,
    hidden: Path,
    **outputs: Any,
) -> None:
    device = choose_device(gpus)
    network = load_network(tagger, device, memory=memory)
    predict_splits(
        network, corpus, split,
        decoding=Decoding.of(settings["decoding"]), threads=threads,
        gpu_memory=lambda: peak_gpu_memory(device), **outputs,
    )  # fmt: skip
    opened = Corpus.open(corpus, feature_names(network.card))
    write_hidden_states(
        hidden,
        network,
        opened,
        read_split(split, opened)["test"],
        records=settings["shown_records"],
        bases=settings["shown_bases"],
        threads=threads,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.tagger),
            gpus_asked(snakemake.resources.gpu, snakemake.resources.get("gres")),
            snakemake.resources.mem_mb * 2**20,
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            snakemake.threads,
            Path(snakemake.output.hidden),
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
