"""Rule mark_matches: which test bases lie inside a match to training."""

import logging
from pathlib import Path

from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.record_classes import judged_segments
from basetag.splits.matches import write_matches
from basetag.splits.table import read_split
from basetag.text_corpus import as_words

log = logging.getLogger("basetag")


def main(corpus: Path, split: Path, matched: Path) -> None:
    opened = as_words(Corpus.open(corpus), corpus)
    parts = read_split(split, opened)
    n_matched = write_matches(matched, opened, parts["train"], parts["test"])
    total = judged_segments(opened, parts["test"]).bases
    what = "records have" if opened.of_records else "bases lie inside"
    log.info("%d of %d test %s a match to training", n_matched, total, what)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            Path(snakemake.output.matched),
        )
