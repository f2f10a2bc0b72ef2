"""Networks that read words: their embedding, their file, new texts, and what the page says."""

import csv
import json
import re

import numpy as np
import pytest
import torch
import yaml

from basetag.classifying import classify_fasta, classify_table
from basetag.config import load_config
from basetag.errors import ConfigError, InputError
from basetag.inference import Predictor
from basetag.network_tagger import NetworkTagger
from basetag.networks.embedding import Embedding
from basetag.networks.tagger_network import TaggerNetwork
from basetag.report.class_charts import attention_chart, mutagenesis_chart
from basetag.report.classes import ends_of, vocabulary_in_words
from basetag.segments import whole_records
from basetag.sequence_effects import mutagenesis
from basetag.taggers import load_tagger
from basetag.training.windows import WindowReader
from basetag.vocabulary import Vocabulary
from tests.conftest import REPOSITORY
from tests.test_vocabularies import SPLIT, encode, named_rows

WORDS = [f"w{i}" for i in range(400)]
WIDE = Vocabulary(WORDS, "words", fold_case=True)
ARCHITECTURE = {"cell": "gru", "hidden": 4, "layers": 1, "bidirectional": True,
                "pooling": "attention", "embedding": {"k": 1, "dimensions": 3}}  # fmt: skip


def network(alphabet=WIDE, **changes):
    made = TaggerNetwork(alphabet, 2, **(ARCHITECTURE | changes))
    for index, parameter in enumerate(made.parameters()):
        generator = torch.Generator().manual_seed(index)
        parameter.data.normal_(generator=generator)
    return made.eval()


def test_each_word_has_a_vector_and_padding_is_zero():
    embedding = Embedding(WIDE, dimensions=3)
    embedding.initialise(torch.Generator().manual_seed(1))
    assert embedding.weight.shape == (401, 3)  # the unknown one has its own
    tokens = torch.tensor([[0], [400], [embedding.outside]])
    dense = embedding(tokens).dense()[:, 0]
    assert (dense[:2] == embedding.weight[[0, 400]]).all()
    assert (dense[2] == 0).all()


def test_only_the_vectors_of_words_that_are_read_are_taught():
    embedding = Embedding(WIDE, dimensions=2)
    embedding.initialise(torch.Generator().manual_seed(1))
    embedding(torch.tensor([[0, 7], [7, embedding.outside]])).dense().sum().backward()
    taught = embedding.weight.grad.abs().sum(1).nonzero().ravel()
    assert taught.tolist() == [0, 7]


def test_windows_of_many_words_are_read_as_they_stand_and_hidden_ones_are_unknown():
    tokens = np.arange(1, 401, dtype=np.uint16)
    tokens[-1] = 60_000  # above what 16 bits with a sign hold
    labels = np.zeros(400, dtype=np.uint8)
    reader = WindowReader(tokens, labels, WIDE.unknown, torch.device("cpu"))
    starts, lengths = np.array([0, 300]), np.array([300, 100])
    read = reader.read(starts, lengths, 0.0, np.random.default_rng(1)).tokens.numpy()
    assert (read[0] == tokens[:300]).all()
    assert (read[1, :100] == tokens[300:]).all()
    hidden = reader.read(starts, lengths, 0.5, np.random.default_rng(1)).tokens.numpy()
    changed = hidden[0] != read[0]
    assert 50 < changed.sum() < 250
    assert (hidden[0][changed] == WIDE.unknown).all()


@pytest.mark.parametrize("bases", [64, 4096])
def test_texts_side_by_side_are_read_as_each_by_itself(bases):
    generator = np.random.default_rng(2)
    lengths = np.array([3, 200, 57, 1])
    tokens = generator.integers(0, 401, lengths.sum()).astype(np.uint16)
    made = network(convolution={"widths": [3], "channels": 4})
    predictor = Predictor(made, torch.device("cpu"), rows=3, bases=bases)
    together = predictor.posterior(tokens, lengths)
    ends = np.cumsum(lengths)
    for length, end in zip(lengths, ends, strict=True):
        alone = predictor.posterior(tokens[end - length : end], np.array([length]))
        assert np.allclose(together[end - length : end], alone, atol=1e-5)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A corpus of some texts, and the file of a network that was never trained on it."""
    folder = tmp_path_factory.mktemp("texts")
    rows = named_rows("A good film.", "A dull film, not good", "good good", "what a surprise")
    corpus, _, _ = encode(folder / "a", SPLIT, rows)
    tagger = NetworkTagger.trained(
        network(corpus.alphabet), corpus, whole_records(corpus), "bigru", ARCHITECTURE,
        torch.device("cpu"),
    )  # fmt: skip
    tagger.card["context"] = None
    tagger.save(folder / "tagger.safetensors")
    return folder, corpus, tagger


def test_a_taggers_file_alone_tells_the_classes_of_new_texts(made):
    folder, corpus, tagger = made
    loaded = load_tagger(folder / "tagger.safetensors")
    assert loaded.alphabet == corpus.alphabet
    (told,) = loaded.classify(["A DULL, good film"])
    tokens = corpus.alphabet.encode("a dull good film")
    expected = tagger.posterior(tokens, np.array([4]))[-1]
    assert list(told.probabilities.values()) == pytest.approx(expected.tolist(), rel=1e-5)
    with pytest.raises(InputError, match="'sequence 2': has no words"):
        loaded.classify(["fine", "?!"])


def test_the_table_of_new_texts_says_how_many_words_are_unknown(made):
    folder, _, _ = made
    loaded = load_tagger(folder / "tagger.safetensors")
    (folder / "new.csv").write_text('id,text\nx,"A ""superb"", good film"\ny,quite unheard of\n')
    for name, at_once in (("all.tsv", 1 << 20), ("few.tsv", 3)):
        n = classify_table(loaded, folder / "new.csv", folder / name, column="text", name="id",
                           letters_at_once=at_once)  # fmt: skip
        assert n == 2
    assert (folder / "all.tsv").read_bytes() == (folder / "few.tsv").read_bytes()
    with (folder / "all.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["record"], row["words"], row["unknown"]) for row in rows] == [
        ("x", "4", "1"), ("y", "3", "3")
    ]  # fmt: skip
    shares = [float(rows[0][f"p_{name}"]) for name in ("negative", "positive")]
    assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_no_fasta_file_is_read_as_texts_and_no_text_without_words(made):
    folder, _, _ = made
    loaded = load_tagger(folder / "tagger.safetensors")
    (folder / "new.fa").write_text(">a\nACGT\n")
    with pytest.raises(InputError, match="is FASTA, and the tagger reads the words of texts"):
        classify_fasta(loaded, folder / "new.fa", folder / "out.tsv")
    (folder / "empty.csv").write_text("id,text\nx,good\ny,?!\n")
    with pytest.raises(InputError, match=r"empty\.csv: record 'y': has no words"):
        classify_table(loaded, folder / "empty.csv", folder / "out.tsv", column="text", name="id")
    assert not (folder / "out.tsv").exists()


def test_each_word_is_left_out_to_see_what_it_does(made):
    _, corpus, tagger = made
    tokens = corpus.alphabet.encode("a surely good film")
    changes = mutagenesis(tagger, tokens)
    assert changes.shape == (4, 1, 2)
    assert (changes[1] == 0).all()  # `surely` is unknown already
    without = tokens.copy()
    without[2] = 0
    before, after = (
        tagger.posterior(t, np.array([4]))[-1].astype(float) for t in (tokens, without)
    )
    expected = np.log(after[0] / after[1]) - np.log(before[0] / before[1])
    assert changes[2, 0, 0] == pytest.approx(expected, abs=1e-4)


# The page


def test_charts_write_words_out_whatever_signs_they_have():
    words = ["it's", "</script>", '"', "[unknown]"]
    chart = attention_chart(words, np.array([0.1, 0.2, 0.3, 0.4]), description="x")
    text = json.dumps(chart.spec)
    (expression,) = {json.loads(f'"{e}"') for e in _expressions(text)}
    assert json.loads(expression.removesuffix("[datum.value - 1]")) == words
    assert [row[1] for row in chart.rows] == words
    changes = np.array([[0.5], [0], [-1], [0]], dtype=np.float32)
    left_out = mutagenesis_chart(words, ["[unknown]"], changes, description="x")
    assert [row[3] for row in left_out.rows] == [0.5, 0, -1]


def _expressions(text):
    return re.findall(r'"labelExpr": "((?:[^"\\]|\\.)*)"', text)


def test_the_ends_of_a_text_are_its_own():
    assert ends_of(["short", "text"]) == "short text"
    assert (
        ends_of([f"word{i}" for i in range(9)])
        == "word0 word…word7 word8"[:10] + "…" + "ord7 word8"
    )


def test_the_page_says_where_the_vocabulary_is_from_and_what_it_lacks():
    assert vocabulary_in_words({}) is None
    told = vocabulary_in_words({"vocabulary": {
        "of": "words", "fold_case": True, "size": 36, "training_words": 1000,
        "training_unknown": 20, "test_words": 200, "test_unknown": 10,
    }})  # fmt: skip
    assert "has 36 words, all of the training split" in told
    assert "Of the 200 words of the test split 10 (5" in told


# The config

CONFIG = """\
datasets:
  reviews:
    task: classify
    table: reviews.csv
    columns: {sequence: review, label: sentiment}
    classes: [negative, positive]
    vocabulary: {of: words, most: 20_000}
taggers:
  bigru: {cell: gru, bidirectional: true, embedding: {dimensions: 8}, pooling: max}
classify:
  new: {table: reviews.csv, column: review, tagger: {dataset: reviews, tagger: bigru}}
"""


def load(folder, text):
    (folder / "reviews.csv").write_text("id,review,sentiment\n")
    (folder / "new.fa").write_text(">a\nA\n")
    (folder / "config.yaml").write_text(text)
    return load_config(yaml.safe_load(text), [folder / "config.yaml"], REPOSITORY)


def test_a_dataset_of_texts_says_what_its_words_depend_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load(tmp_path, CONFIG)
    settings = config.encode_settings("reviews")
    assert settings["vocabulary"]["most"] == 20_000
    assert settings["vocabulary"]["split"] == config.split_settings("reviews")
    assert config.classify_settings("new") == {
        "column": "review", "name": None, "context": None
    }  # fmt: skip
    assert str(config.classified_file("new")) == "reviews.csv"


def test_datasets_of_letters_are_encoded_as_ever(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = CONFIG.replace("vocabulary: {of: words, most: 20_000}", "alphabet: dna")
    assert "vocabulary" not in load(tmp_path, text).encode_settings("reviews")


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("vocabulary:", "alphabet: dna\n    vocabulary:", "alphabet: a text has words"),
        ("{of: words, most: 20_000}", "{most: 0}", "vocabulary.most"),
        ("{of: words, most: 20_000}", "{most: 70_000}", "expected 1 to 65000 words"),
        ("{of: words, most: 20_000}", "{of: word}", "vocabulary.of"),
        ("label: sentiment}", "label: sentiment, context: id}", "columns.context: what comes with"),
        (", embedding: {dimensions: 8}", "", "embedding: the dataset 'reviews' tells up to 20,000"),
        ("{dimensions: 8}", "{dimensions: 8, k: 3}", "embedding.k: k-mers are of letters"),
        ("table: reviews.csv, column: review", "fasta: new.fa",
         "classify.new.fasta: the taggers of the dataset 'reviews' read texts"),
        ("task: classify", "task: tag", "vocabulary"),
    ],
)  # fmt: skip
def test_what_texts_cannot_have_is_refused_with_its_key(tmp_path, monkeypatch, was, now, message):
    monkeypatch.chdir(tmp_path)
    assert was in CONFIG
    with pytest.raises(ConfigError) as told:
        load(tmp_path, CONFIG.replace(was, now))
    assert message in str(told.value)


def test_few_characters_may_be_a_one_in_their_own_place_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = CONFIG.replace(", embedding: {dimensions: 8}", "")
    config = load(tmp_path, text.replace("{of: words, most: 20_000}", "{of: characters, most: 99}"))
    assert config.has("reviews", "bigru")
    few = Vocabulary(list("abc "), "characters", fold_case=True)
    one_hot = Embedding(few)(torch.tensor([[0], [4], [5]])).dense()[:, 0]
    assert one_hot.tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
