"""What the report says of how its figures came about."""

import json
import subprocess

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
    assert told["Digest of the training data (BLAKE2b)"] == {"toy": "0123abcd"}


def test_digests_of_the_taggers_are_those_of_sha256sum(tmp_path):
    path, timing = made(tmp_path, "gru", environment())
    told = provenance([path], [timing])["Digest of each tagger.safetensors (SHA-256)"]
    run = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    assert told == {"toy/gru/seed1": run.stdout.split()[0]}


def test_test_evaluations_are_counted_and_no_more_is_said_than_holds(tmp_path):
    files = [made(tmp_path, tagger, environment()) for tagger in ("gru", "lstm", "exact")]
    told = provenance(*zip(*files, strict=True))["Test evaluations"]
    assert "scored 3 times for this page: once for each tagger and seed" in told["toy"]
    assert told["not counted"].startswith("runs before this one")


def test_taggers_by_their_files_alone_have_a_digest_and_nothing_of_a_test(tmp_path):
    path, _ = made(tmp_path, "gru", environment())
    told = provenance([], [], [path])
    run = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    assert told["Digest of each tagger.safetensors (SHA-256)"] == {str(path): run.stdout.split()[0]}
    assert told.keys() == {
        "The same again", "Written by", "Digest of each tagger.safetensors (SHA-256)"
    }  # fmt: skip
