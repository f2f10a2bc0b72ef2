"""Rule mark_matches: which test bases lie inside a match to training."""

import logging
from pathlib import Path

from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.splits.matches import write_matches
from basetag.splits.table import read_split

log = logging.getLogger("basetag")


def main(corpus: Path, split: Path, matched: Path) -> None:
    opened = Corpus.open(corpus)
    parts = read_split(split, opened)
    n_matched = write_matches(matched, opened, parts["train"], parts["test"])
    log.info("%d of %d test bases lie inside a match to training", n_matched, parts["test"].bases)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            Path(snakemake.output.matched),
        )
