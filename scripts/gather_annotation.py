"""Rule gather_annotation: put the parts of an annotation together, and index them."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.composition import compare_composition, warning
from basetag.corpus import Corpus
from basetag.decoding import Decoding
from basetag.files import write_json
from basetag.job_log import job_log
from basetag.tagger_card import read_card
from basetag.tracks.about import about_tracks
from basetag.tracks.gather import gather

log = logging.getLogger("basetag")


def main(
    settings: dict[str, Any],
    wildcards: dict[str, str],
    parts: list[Path],
    corpus: Path,
    tagger: Path,
    outputs: dict[str, Path],
) -> None:
    card = read_card(tagger)
    about = about_tracks(
        wildcards["genome"],
        f"{wildcards['dataset']}/{wildcards['tagger']}/seed{wildcards['seed']}",
        tagger,
        card,
        Decoding.of(settings["decoding"]),
        both_strands=settings["both_strands"],
    )
    states = {letter: card["state_names"][letter] for letter in card["states"]}
    genome = Corpus.open(corpus)
    composition = outputs.pop("composition")
    gather(parts, genome, about, states, **outputs)
    found = compare_composition(card["training"].get("composition"), genome)
    told = warning(found)
    if told is not None:
        log.warning("%s", told)
    write_json(composition, found | {"warning": told})


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            dict(snakemake.wildcards.items()),
            [Path(part) for part in snakemake.input.parts],
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.tagger),
            {
                name: Path(snakemake.output[name])
                for name in ("bed", "gff3", "posteriors", "summary", "distributions", "composition")
            },
        )
