"""Rule preflight: the user's files, the splits, the cost and the machine, before a run."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.files import write_json, written_whole
from basetag.job_log import job_log
from basetag.preflight.findings import write_findings
from basetag.preflight.run import preflight

log = logging.getLogger("basetag")


def main(
    settings: dict[str, Any],
    files: list[Path],
    report: Path,
    table: Path,
    *,
    gpus: int,
    elsewhere: bool,
) -> None:
    report.parent.mkdir(parents=True, exist_ok=True)
    found = preflight(settings, files, report.parent, gpus=gpus, elsewhere=elsewhere)
    for finding in found.findings:
        log.log(logging.WARNING if finding.level == "warning" else logging.INFO, "%s", finding)
    with written_whole(report, table) as (place, table_place):
        write_json(place, found.as_json())
        write_findings(table_place, found.findings)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            [Path(file) for file in snakemake.input],
            Path(snakemake.output.report),
            Path(snakemake.output.table),
            gpus=snakemake.resources.visible_gpus,
            elsewhere=bool(snakemake.resources.elsewhere),
        )
