"""A dataset of the config, encoded as rule encode_fasta does it."""

import json
from pathlib import Path

import encode_fasta
from basetag.config import load_config
from basetag.corpus import Corpus
from basetag.files import canonical_json
from basetag.letters import UNLABELLED
from tests.conftest import REPOSITORY


def encoded(folder: Path, dataset: dict) -> Corpus:
    """Return the corpus of a dataset whose files lie in `folder`; paths in it are absolute."""
    whole = {"datasets": {"mine": dataset}, "taggers": {"majority": {"baseline": "majority"}}}
    config = load_config(whole, [], REPOSITORY)
    settings = json.loads(canonical_json(config.encode_settings("mine")))
    target = folder / "corpus"
    encode_fasta.main(settings, config.sequence_file("mine"), config.label_file("mine"), target)
    corpus = Corpus.open(target)
    assert (corpus.substates is not None) == config.has_substates("mine")
    return corpus


def text_of(corpus: Corpus) -> str:
    """Return the labels as state letters, `.` for none."""
    letter = dict(enumerate(corpus.states)) | {UNLABELLED: "."}
    return "".join(letter[label] for label in corpus.known_labels.tolist())


def codons_of(corpus: Corpus) -> str:
    """Return the last letters of the substates' names, `.` for none."""
    last = dict(enumerate(name[-1] for name in corpus.substates.names)) | {UNLABELLED: "."}
    return "".join(last[substate] for substate in corpus.substates.labels.tolist())
