"""Rule make_controls: sequences without any structure, as long as those of the test split."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.controls import write_controls
from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.splits.table import read_split

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], corpus: Path, split: Path, folder: Path) -> None:
    opened = Corpus.open(corpus)
    pieces = write_controls(folder, opened, read_split(split, opened), **settings)
    log.info("each control has %d records, %d bases", len(pieces.offset), pieces.bases)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            Path(snakemake.output.controls[0]).parent,
        )
