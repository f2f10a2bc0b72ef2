"""Rule split_records: deal records or blocks to train, validation and test."""

import json
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.splits import make_split, write_split


def main(settings: dict[str, Any], corpus: Path, split: Path) -> None:
    opened = Corpus.open(corpus)
    drawn = make_split(opened, **settings)
    write_split(split, opened, drawn)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.output.split),
        )
