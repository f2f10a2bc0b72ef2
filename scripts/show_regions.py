"""Rule show_regions: what the annotations of a genome say of the regions that the report shows."""

import csv
import json
import logging
from pathlib import Path
from typing import Any

from basetag.corpus import Corpus
from basetag.job_log import job_log
from basetag.tracks.regions import AnnotationFiles, write_regions

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], corpus: Path, folders: list[Path], regions: Path) -> None:
    annotations = []
    for name, folder in zip(settings["annotations"], folders, strict=True):
        with (folder / "summary.tsv").open(encoding="utf-8", newline="") as file:
            states = [row["name"] for row in csv.DictReader(file, delimiter="\t")]
        files = (folder / "segments.bed.gz", folder / "posteriors")
        annotations.append(AnnotationFiles(name, *files, states))
    shown = write_regions(regions, settings["regions"], Corpus.open(corpus), annotations)
    log.info("shown: %s", ", ".join(map(str, shown)))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.corpus[0]).parent,
            [Path(path).parent for path in snakemake.input.segments],
            Path(snakemake.output.regions),
        )
