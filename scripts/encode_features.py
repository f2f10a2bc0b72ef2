"""Rule encode_features: users' files of numbers → a number for each base and feature."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.feature_encoding import write_features
from basetag.job_log import job_log

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], folder: Path, files: list[Path]) -> None:
    corpus = Corpus.open(folder)
    sources = [
        (name, kind, file) for (name, kind), file in zip(settings["features"], files, strict=True)
    ]
    for name, n in write_features(folder, corpus.places, sources).items():
        log.info("%s: %d of %d bases have a number", name, n, corpus.tokens.size)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.corpus[0]).parent,
            [Path(file) for file in snakemake.input.files],
        )
