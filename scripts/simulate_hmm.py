"""Rule simulate_hmm: draw sequences and their true labels from a hidden Markov model."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from basetag.hmm import HMM
from basetag.job_log import job_log
from basetag.simulation import draw_lengths, simulate_to_fasta


def main(settings: dict[str, Any], sequences: Path, states: Path) -> None:
    # A stream of its own: the lengths must not repeat what the states are drawn from.
    rng = np.random.default_rng([settings["seed"], settings["records"]])
    lengths = draw_lengths(settings["length"], settings["records"], rng)
    simulate_to_fasta(
        HMM.from_settings(settings["hmm"]), lengths, settings["seed"], sequences, states
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.output.sequences),
            Path(snakemake.output.states),
        )
