"""Rule evaluate_tagger: every figure of the report for one tagger."""

import json
from pathlib import Path
from typing import Any

from basetag.controls import open_controls
from basetag.corpus import Corpus
from basetag.decoding import Decoding
from basetag.files import write_json
from basetag.hmm import HMM
from basetag.job_log import job_log
from basetag.judgement.control_rates import judge_controls
from basetag.judgement.embedding_map import embedding_of
from basetag.judgement.evaluation import evaluate
from basetag.judgement.groups import Grouping
from basetag.judgement.heads import JudgedHead
from basetag.judgement.texts import vocabulary_section
from basetag.judgement.tracks import write_tracks
from basetag.judgement.validation_ceiling import judge_on_validation
from basetag.record_classes import judged_corpus, judged_segments
from basetag.splits.table import read_split
from basetag.tagger_file import read_tagger
from basetag.vocabulary import Vocabulary

REFERENCES = ("exact", "filtered")


def main(
    settings: dict[str, Any],
    dataset: str,
    seed: int,
    corpus: Path,
    controls: Path,
    inputs: dict[str, Path | None],
    outputs: dict[str, Path],
    head_posteriors: list[Path],
) -> None:
    opened = Corpus.open(corpus, heads=settings["heads"])
    of_bases = read_split(inputs["split"], opened)
    judged = judged_corpus(opened)
    split = {name: judged_segments(opened, own) for name, own in of_bases.items()}
    tensors, card = read_tagger(inputs["tagger"])
    judgement = evaluate(
        judged,
        split["test"],
        inputs["posteriors"],
        inputs["calls"],
        card,
        dataset=dataset,
        seed=seed,
        decoding=str(Decoding.of(settings["decoding"])),
        exact_path=inputs["exact"],
        filtered_path=inputs["filtered"],
        hmm=None if settings["hmm"] is None else HMM.from_settings(settings["hmm"]),
        train=split["train"],
        validation=(split["validation"], inputs["validation"]),
        matched_path=inputs["matched"],
        predictions_path=inputs["predictions"],
        heads=[
            JudgedHead(own, path, told["weight"])
            for own, path, told in zip(
                opened.further, head_posteriors, card.get("heads", ()), strict=True
            )
        ],
        noise=settings.get("noise"),
        groupings=[Grouping.of_settings(own) for own in settings["groupings"]],
        pairs=settings["pairs"],
        draws_seed=settings["seed"],
    )
    figures = judgement.metrics | {"validation": None}
    if isinstance(opened.alphabet, Vocabulary):
        figures["vocabulary"] = vocabulary_section(opened, of_bases["train"], of_bases["test"])
    if settings["validation_bases"] is not None:
        figures["validation"] = judge_on_validation(
            judged,
            split["validation"],
            inputs["validation"],
            {name: inputs[f"{name}_validation"] for name in REFERENCES},
            settings["validation_bases"],
        )
    figures["controls"] = judge_controls(
        open_controls(controls, opened),
        inputs["control_calls"],
        len(opened.states),
        reference=settings["control_reference"],
        reference_path=inputs["reference_control_calls"],
        draws_seed=settings["seed"],
    )
    figures["embedding"] = embedding_of(tensors, card)
    write_tracks(
        outputs["tracks"],
        opened,
        of_bases["test"],
        inputs["posteriors"],
        inputs["calls"],
        records=settings["shown_records"],
        bases=settings["shown_bases"],
        hidden_path=inputs["hidden"],
    )
    judgement.units.write(outputs["units"])
    write_json(outputs["metrics"], figures)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        names = ["split", "matched", "tagger", "posteriors", "calls", "validation", "hidden"]
        names += ["predictions"]
        names += [*REFERENCES, *(f"{name}_validation" for name in REFERENCES)]
        names += ["control_calls", "reference_control_calls"]
        main(
            json.loads(snakemake.params.settings),
            snakemake.wildcards.dataset,
            int(snakemake.wildcards.seed),
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.controls[0]).parent,
            {name: Path(path) if (path := snakemake.input.get(name)) else None for name in names},
            {name: Path(snakemake.output.get(name)) for name in ("metrics", "units", "tracks")},
            [Path(path) for path in snakemake.input.head_posteriors],
        )
