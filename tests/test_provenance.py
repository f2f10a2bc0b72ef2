"""What the report says of how its figures came about."""

import json

import numpy as np

from basetag.provenance import environment, provenance
from basetag.tagger_file import write_tagger
from tests.test_tagger_file import CARD


def made(folder, tagger, maker):
    """Write a tagger and the environment that made it, as the jobs do."""
    path = folder / "toy" / tagger / "seed1" / "tagger.safetensors"
    path.parent.mkdir(parents=True)
    card = CARD | {"training": {"digest": "0123abcd"}}
    write_tagger(path, {"a": np.zeros(1, dtype=np.float32)}, card)
    (path.parent / "timing.json").write_text(json.dumps({"environment": maker}))
    return path, path.parent / "timing.json"


def test_the_makers_own_environment_is_told_where_it_is_another(tmp_path):
    own, other = environment(), {"processor": "x86_64 with AVX-512", "python": "3.13.0"}
    files = [made(tmp_path, *pair) for pair in (("gru", other), ("lstm", other), ("exact", own))]
    told = provenance(*zip(*files, strict=True))
    assert told["Written by"] == own
    assert told["Made by: toy/gru/seed1, toy/lstm/seed1"] == other
    assert not any("exact" in heading for heading in told)
    assert told["Digest of the training data"] == {"toy": "0123abcd"}


def test_no_more_is_said_of_test_evaluations_than_holds(tmp_path):
    told = provenance([], [])["Test evaluations"]
    assert told.endswith("once, by construction; how often it was run is not counted")
