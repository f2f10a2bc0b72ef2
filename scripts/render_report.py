"""Rule render_report: verdicts, table and charts on one page."""

import json
from pathlib import Path
from typing import Any

from basetag.job_log import job_log
from basetag.provenance import provenance
from basetag.report.reading import read_report_data
from basetag.report.render import render_report


def main(
    settings: dict[str, Any], inputs: dict[str, list[Path]], page: Path, figures: Path
) -> None:
    data = read_report_data(
        inputs["comparison"][0],
        inputs["metrics"],
        history_paths=inputs["history"],
        tracks_paths=inputs["tracks"],
        annotation_folders=[path.parent for path in inputs["segments"]],
        agreement_paths=inputs["agreement"],
        region_paths=inputs["regions"],
        sweep_paths=inputs["sweeps"],
        sweep_units=settings["sweeps"],
        differences_path=inputs["differences"][0],
        variance_path=inputs["variance"][0],
        preflight_path=inputs["preflight"][0],
        starts=settings["starts"],
        generated_paths=inputs["generated"],
        provenance=provenance(inputs["taggers"], inputs["timing"], inputs["file_taggers"]),
        config_text=settings["config"],
    )
    render_report(data, page, figures)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            {
                name: [Path(path) for path in snakemake.input.get(name)]
                for name in (
                    "metrics",
                    "history",
                    "tracks",
                    "segments",
                    "agreement",
                    "regions",
                    "taggers",
                    "file_taggers",
                    "timing",
                    "sweeps",
                    "generated",
                )
            }
            | {
                name: [Path(snakemake.input.get(name))]
                for name in ("comparison", "differences", "variance", "preflight")
            },
            Path(snakemake.output.page),
            Path(snakemake.output.figures),
        )
