"""Rule split_records: deal records or blocks to train, validation and test."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.label_statistics import label_counts
from basetag.splits.choice import split_by_settings
from basetag.splits.table import SPLITS, write_split

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], corpus: Path, split: Path) -> None:
    opened = Corpus.open(corpus)
    drawn = split_by_settings(opened, settings, None)
    write_split(split, opened, drawn)
    for name in SPLITS:
        part = drawn.of(name)
        counts = dict(zip(opened.states, label_counts(opened, part).tolist(), strict=True))
        log.info("%s: %d segments, %d bases; states: %s", name, len(part.start), part.bases, counts)
    log.info("%d copies kept on one side, %d bases in gaps", drawn.duplicates, drawn.left_out)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.output.split),
        )
