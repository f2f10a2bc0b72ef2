"""Rule encode_fasta: sequences, and what labels their bases → corpus."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.dataset_corpus import write_dataset_corpus
from basetag.job_log import job_log

log = logging.getLogger("basetag")


def main(
    settings: dict[str, Any],
    sequences: Path,
    labels: Path,
    folder: Path,
    table: Path | None = None,
) -> None:
    counts, notes = write_dataset_corpus(settings, sequences, labels, folder, table)
    for note in notes:
        log.info("%s", note)
    if counts.dropped is not None:
        log.info("%s", counts.dropped)
    log.info(
        "%d records (%d empty), %d bases; letters: %s; states: %s",
        counts.records, counts.empty_records, counts.bases, counts.symbols, counts.labels,
    )  # fmt: skip
    for reason, n in counts.left_out.items():
        log.info("%d bases are unlabelled, as they are %s", n, reason)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.sequences),
            Path(snakemake.input.labels),
            Path(snakemake.output.tokens).parent,
            Path(table) if (table := snakemake.input.get("table")) else None,
        )
