"""Rule compare_taggers: a row per dataset, tagger and seed; how taggers differ; what varies."""

import json
from pathlib import Path
from typing import Any

from basetag.job_log import job_log
from basetag.judgement.comparison import write_comparison, write_differences


def main(settings: dict[str, Any], inputs: dict[str, list[Path]], outputs: dict[str, Path]) -> None:
    clocks = inputs["timing"], inputs["predict_timing"]
    write_comparison(outputs["comparison"], zip(inputs["metrics"], *clocks, strict=True))
    write_differences(
        outputs["differences"],
        outputs["variance"],
        zip(inputs["metrics"], inputs["units"], strict=True),
        settings["replicates"],
        seed=settings["seed"],
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            {
                name: [Path(path) for path in snakemake.input.get(name)]
                for name in ("metrics", "units", "timing", "predict_timing")
            },
            {
                name: Path(snakemake.output.get(name))
                for name in ("comparison", "differences", "variance")
            },
        )
