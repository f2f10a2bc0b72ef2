"""Rule encode_fasta: sequences, and what labels their bases → corpus."""

import json
import logging
from pathlib import Path
from typing import Any

from basetag.alphabet import Alphabet
from basetag.annotated_corpus import write_annotated_corpus, write_table_corpus
from basetag.corpus_encoding import write_corpus
from basetag.corpus_files import CorpusCounts
from basetag.job_log import job_log
from basetag.labelling.record_labels import record_labels

log = logging.getLogger("basetag")


def main(settings: dict[str, Any], sequences: Path, labels: Path, folder: Path) -> None:
    counts = encoded(settings, sequences, labels, folder)
    log.info(
        "%d records (%d empty), %d bases; letters: %s; states: %s",
        counts.records, counts.empty_records, counts.bases, counts.symbols, counts.labels,
    )  # fmt: skip
    for reason, n in counts.left_out.items():
        log.info("%d bases are unlabelled, as they are %s", n, reason)


def encoded(settings: dict[str, Any], sequences: Path, labels: Path, folder: Path) -> CorpusCounts:
    alphabet = Alphabet.named(settings["alphabet"])
    states = {letter: settings["state_names"][letter] for letter in settings["states"]}
    scheme, kind, leave_out = settings["scheme"], settings["labels"], settings["leave_out"]
    if kind == "fasta":
        return write_corpus(
            folder, sequences, alphabet, labels=labels, states=states, leave_out=leave_out
        )
    if kind == "table":
        return write_table_corpus(folder, labels, alphabet, states, scheme, leave_out=leave_out)
    counts, notes = write_annotated_corpus(
        folder,
        sequences,
        alphabet,
        states,
        lambda *records: record_labels(kind, labels, scheme, tuple(states.values()), *records),
        kind=settings["sequences"],
        finer=bool(scheme.get("codons")),
        leave_out=leave_out,
    )
    for note in notes:
        log.info("%s", note)
    return counts


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            json.loads(snakemake.params.settings),
            Path(snakemake.input.sequences),
            Path(snakemake.input.labels),
            Path(snakemake.output.tokens).parent,
        )
