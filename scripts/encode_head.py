"""Rule encode_head: further labels of a dataset's bases → one more array beside its corpus."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.dataset_corpus import write_further_labels
from basetag.job_log import job_log

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], sequences: Path, labels: Path, folder: Path, head: str) -> None:
    counts = write_further_labels(settings, sequences, labels, folder, head)
    log.info("%d bases; states of %s: %s", counts.bases, head, counts.labels)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.sequences),
            Path(snakemake.input.labels),
            Path(snakemake.output.labels).parent,
            snakemake.wildcards.head,
        )
