"""Rule train_tagger: train a recurrent network and write it with its history."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from basetag.devices import choose_devices, describe_devices
from basetag.gpu_request import gpus_asked
from basetag.job_log import job_log
from basetag.training.attempts import noted_attempt
from basetag.training.job import TrainingJob, run_training
from basetag.training.nodes import run_on_all_nodes, started_as, this_node
from basetag.training.processes import launch


def main(settings: dict[str, Any], gpus: int, **job: Any) -> None:
    devices = choose_devices(this_node().share_of(gpus))
    training = settings["training"]
    device = describe_devices(devices, training["threads"])
    own = TrainingJob(settings=settings, device=device, **job)
    with noted_attempt(own.checkpoints):
        launch(devices, training["precision"], run_training, own)


if __name__ == "__main__":
    # Where the job has several nodes, this script runs on each; the first writes the log.
    with job_log(snakemake.log[0] if this_node().rank == 0 else os.devnull):
        status = run_on_all_nodes(snakemake.resources.get("nodes", 1), started_as())
        if status is not None:
            sys.exit(status)
        main(
            json.loads(snakemake.params.settings),
            gpus_asked(snakemake.resources.gpu, snakemake.resources.get("gres")),
            code=snakemake.params.code,
            name=snakemake.wildcards.tagger,
            corpus=Path(snakemake.input.corpus[0]).parent,
            split=Path(snakemake.input.split),
            initial=Path(snakemake.input.initial) if snakemake.input.initial else None,
            words=Path(snakemake.input.words) if snakemake.input.words else None,
            best=Path(snakemake.output.tagger),
            last=Path(snakemake.output.last),
            history=Path(snakemake.output.history),
            timing=Path(snakemake.output.timing),
        )
