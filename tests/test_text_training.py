"""Trainings on texts: order is learnt where a bag of words fails, and test words reach nothing."""

import numpy as np
import torch
from lightning_fabric import Fabric

from basetag.inference import Predictor
from basetag.networks.tagger_network import TaggerNetwork
from basetag.splits.choice import split_by_settings
from basetag.splits.table import write_split
from basetag.tagger_file import read_tagger
from basetag.text_corpus import as_words
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.job import TrainingJob, run_training
from basetag.training.loop import train
from tests.reviews import review, write_reviews
from tests.test_record_training import SETTINGS
from tests.test_vocabularies import BY_RECORD, by_name, encode, named_rows

BAG = {"cell": "none", "embedding": {"k": 1, "dimensions": 8}, "pooling": "mean"}
ORDER = {"cell": "gru", "hidden": 12, "layers": 1, "bidirectional": True, "pooling": "max",
         "embedding": {"k": 1, "dimensions": 8}}  # fmt: skip
CPU = torch.device("cpu")


def shares_right(folder, corpus, split, learner, epochs=12):
    drawn = split_by_settings(as_words(corpus, folder / "corpus"), split)
    network = TaggerNetwork(corpus.alphabet, 2, **learner)
    network.initialise(torch.Generator().manual_seed(1))
    changes = {"epochs": epochs, "batch": 16, "mask": 0.02, "learning_rate": 0.02}
    train(
        Fabric(accelerator="cpu", devices=1), network, corpus, drawn.of("train"),
        drawn.of("validation"), SETTINGS | changes, seed=1,
        checkpoints=CheckpointFolder(folder / str(learner["cell"]), "run"),
    )  # fmt: skip
    test = drawn.of("test")
    posterior = Predictor(network, CPU).posterior(test.gathered(corpus.tokens), test.lengths)
    last = np.cumsum(test.lengths) - 1
    called = posterior[last].argmax(axis=1)
    return (called == test.gathered(corpus.labels)[last]).mean()


def test_a_bag_of_words_is_at_chance_where_a_network_that_reads_order_has_no_error(tmp_path):
    write_reviews(tmp_path / "reviews.csv", 700)
    corpus, _, _ = encode(tmp_path, BY_RECORD, least=2)
    assert 0.02 < (corpus.tokens == 0).mean() < 0.2  # names that nobody has seen
    assert shares_right(tmp_path, corpus, BY_RECORD, BAG) < 0.65
    assert shares_right(tmp_path, corpus, BY_RECORD, ORDER) > 0.95


def test_other_words_in_test_texts_change_no_bit_of_what_is_trained(tmp_path):
    texts = [review(bool(i % 2), np.random.default_rng(i)) for i in range(30)]
    split = by_name([f"r{i}" for i in range(20)], ["r2?"], ["r30", "r31"])
    split["validation"] = [f"r{i}" for i in range(20, 30)]
    made = []
    for name, test in (("a", ["good", "bad bad"]), ("b", ["zyx wvu and so on", "unheard of, not"])):
        corpus, _, _ = encode(tmp_path / name, split, named_rows(*texts, *test))
        drawn = split_by_settings(as_words(corpus, tmp_path / name / "corpus"), split)
        write_split(tmp_path / name / "split.tsv", corpus, drawn)
        folder = tmp_path / name
        settings = {
            "architecture": ORDER | {"features": [], "substates": False},
            "training": SETTINGS | {"threads": 1, "epochs": 2, "batch": 4, "mask": 0.1},
            "both_strands": False, "frozen": [], "seed": 1,
        }  # fmt: skip
        job = TrainingJob(
            settings=settings, code="", name="gru", device="CPU", corpus=folder / "corpus",
            split=folder / "split.tsv", initial=None, words=None, best=folder / "best.safetensors",
            last=folder / "last.safetensors", history=folder / "history.tsv",
            timing=folder / "timing.json",
        )  # fmt: skip
        run_training(Fabric(accelerator="cpu", devices=1), job)
        made.append([(folder / f"{of}.safetensors").read_bytes() for of in ("best", "last")])
    assert made[0] == made[1]
    _, card = read_tagger(tmp_path / "a/best.safetensors")
    assert card["vocabulary"]["words"][0] == "the"
    assert not {"zyx", "wvu", "unheard"} & set(card["vocabulary"]["words"])
