"""Rule simulate_hmm: draw sequences and their true states from a hidden Markov model."""

import json
from pathlib import Path
from typing import Any

from basetag.hmm import HMM
from basetag.job_log import job_log
from basetag.simulation import draw_lengths, simulate_to_fasta


def main(settings: dict[str, Any], sequences: Path, states: Path) -> None:
    lengths = draw_lengths(settings["length"], settings["records"], settings["seed"])
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
