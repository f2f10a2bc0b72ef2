"""Rule compare_annotations: on how many bases do a genome's annotations agree, pair by pair?"""

import json
from pathlib import Path
from typing import Any

from basetag.agreement import compare_annotations
from basetag.job_log import job_log


def main(settings: dict[str, Any], genome: str, segments: list[Path], agreement: Path) -> None:
    annotations = list(zip(settings["annotations"], segments, strict=True))
    compare_annotations(genome, annotations, settings["state_names"], agreement)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            snakemake.wildcards.genome,
            [Path(path) for path in snakemake.input.segments],
            Path(snakemake.output.agreement),
        )
