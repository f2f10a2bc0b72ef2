"""Rule fetch_dataset: fetch a record, sequence and features, by its NCBI accession."""

import json
from pathlib import Path
from typing import Any

from basetag.genomes import fetch_genome
from basetag.job_log import job_log


def main(settings: dict[str, Any], record: Path) -> None:
    fetch_genome(settings["accession"], record, form="genbank")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(json.loads(snakemake.params.settings), Path(snakemake.output.record))
