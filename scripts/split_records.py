"""Rule split_records: give records or blocks to train, validation and test."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.label_statistics import label_counts
from basetag.splits.choice import split_by_settings
from basetag.splits.table import SPLITS, write_split
from basetag.text_corpus import as_words

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], corpus: Path, table: Path | None, split: Path) -> None:
    opened = Corpus.open(corpus)
    found = split_by_settings(as_words(opened, corpus), settings, table)
    write_split(split, opened, found)
    for name in SPLITS:
        part = found.of(name)
        counts = dict(zip(opened.states, label_counts(opened, part).tolist(), strict=True))
        log.info("%s: %d segments, %d bases; states: %s", name, len(part.start), part.bases, counts)
    log.info(
        "%d copies and %d near copies kept on one side; %d bases in no split",
        found.duplicates, found.near_copies, found.left_out,
    )  # fmt: skip


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.corpus[0]).parent,
            Path(table) if (table := snakemake.input.get("table")) else None,
            Path(snakemake.output.split),
        )
