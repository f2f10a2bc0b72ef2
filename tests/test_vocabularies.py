"""Texts: words, the vocabulary of a training split, and that nothing else enters it."""

import collections
import csv
import json
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA
from basetag.corpus import CLASSIFY, Corpus
from basetag.dataset_corpus import write_dataset_corpus
from basetag.errors import InputError
from basetag.segments import whole_records
from basetag.splits.choice import split_by_settings
from basetag.splits.kmers import KmerCode
from basetag.splits.near_copies import groups_of_near_copies
from basetag.splits.table import read_split, write_split
from basetag.text_corpus import as_words
from basetag.text_words import split_text, word_digest
from basetag.vocabulary import UNKNOWN_WORD, Vocabulary, WordDigests, alphabet_of
from tests.reviews import review, write_reviews, write_rows

STATES = {"N": "negative", "P": "positive"}
SCHEME = {"sequence": "review", "label": "sentiment", "name": "id", "context": None,
          "classes": ["negative", "positive"]}  # fmt: skip
BY_RECORD = {"by": "record", "fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}, "seed": 3,
             "duplicates": "keep_together", "near_copies": 0.5}  # fmt: skip


def by_name(train, validation, test):
    return {"by": "name", "rest": None, "train": train, "validation": validation, "test": test}


def encode(folder, split, rows=None, kind="classes", scheme=SCHEME, **vocabulary):
    folder.mkdir(exist_ok=True)
    if rows is not None:
        write_rows(folder / "reviews.csv", rows)
    asked = {"of": "words", "most": 20_000, "least": 1, "fold_case": True, "split": split}
    table = folder / "reviews.csv"
    made = {"states": list(STATES), "state_names": STATES, "scheme": scheme, "labels": kind,
            "sequences": "table", "vocabulary": asked | vocabulary}  # fmt: skip
    counts, notes = write_dataset_corpus(made, table, table, folder / "corpus")
    return Corpus.open(folder / "corpus"), counts, notes


def named_rows(*texts):
    return [(f"r{i}", text, "positive" if i % 2 else "negative") for i, text in enumerate(texts)]


FEW = named_rows("A good film.", "A dull film, a DULL one", "good good", "what a surprise")
SPLIT = by_name(["r0", "r1"], ["r2"], ["r3"])


# Words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's well-made, isn't it?", ["it's", "well", "made", "isn't", "it"]),
        ("Don\u2019t 'quote' me: 3.5 of 10", ["don't", "quote", "me", "3", "5", "of", "10"]),
        ("snake_case <br/> Straße", ["snake", "case", "br", "strasse"]),
        ("Cafe\u0301 \u4f60\u597d", ["café", "\u4f60\u597d"]),
        ("?! ...", []),
        # Vowel signs, points and joiners stand on letters; folding takes letters apart.
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940, \u0915\u0940",
            ["\u0939\u093f\u0928\u094d\u0926\u0940", "\u0915\u0940"],
        ),
        (
            "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd",
            ["\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd"],
        ),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"],
        ),
        (
            "\u03c0\u03c1\u03bf\u0390\u03c3\u03c4\u03b1",
            ["\u03c0\u03c1\u03bf\u0390\u03c3\u03c4\u03b1"],
        ),
        ("\u0130stanbul'a gittim", ["i\u0307stanbul'a", "gittim"]),
    ],
)
def test_words_are_runs_of_letters_and_digits_with_apostrophes_inside(text, words):
    assert split_text(text, "words", fold_case=True) == words


def test_case_is_told_apart_only_where_that_is_asked_for():
    assert split_text("Good good", "words", fold_case=False) == ["Good", "good"]


def test_characters_are_all_kept_and_blanks_are_one():
    assert split_text("  A \n\t b!", "characters", fold_case=True) == list("a b!")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_words_hold_all_letters_and_digits_and_splitting_again_changes_nothing(text):
    words = split_text(text, "words", fold_case=False)
    assert all(word[0].isalnum() for word in words)
    composed = unicodedata.normalize("NFC", text)
    assert [c for c in "".join(words) if c.isalnum()] == [c for c in composed if c.isalnum()]
    assert split_text(" ".join(words), "words", fold_case=False) == words


# The vocabulary


def test_the_vocabulary_has_the_words_of_training_the_most_frequent_first(tmp_path):
    corpus, _, _ = encode(tmp_path / "a", SPLIT, FEW)
    found = collections.Counter(["a", "good", "film", "a", "dull", "film", "a", "dull", "one"])
    expected = sorted(found, key=lambda word: (-found[word], word))
    assert corpus.alphabet.words == tuple(expected)
    lines = (tmp_path / "a/corpus/vocabulary.tsv").read_text().splitlines()
    assert lines[:2] == ["token\tword\ttraining_count", f"0\t{UNKNOWN_WORD}\t0"]
    assert lines[2:] == [f"{i}\t{w}\t{found[w]}" for i, w in enumerate(expected, start=1)]
    about = json.loads((tmp_path / "a/corpus/corpus.json").read_text())
    assert about["vocabulary"]["words"] == expected
    assert about["counts"] == {"known": 12, "unknown": 2}


def test_words_that_training_lacks_or_has_too_rarely_are_the_unknown_one(tmp_path):
    corpus, counts, notes = encode(tmp_path / "a", SPLIT, FEW, least=2)
    assert set(corpus.alphabet.words) == {"a", "film", "dull"}
    words = corpus.alphabet.word_of[corpus.tokens].tolist()
    unknown = UNKNOWN_WORD
    assert words[:3] == ["a", unknown, "film"]  # `good` stands once in training
    assert words[-3:] == [unknown, "a", unknown]
    assert counts.symbols == {"known": 8, "unknown": 6}
    assert notes[0].startswith("the vocabulary is 3 of the 5 different words of the training split")


def test_so_many_of_the_most_frequent_are_told_apart_as_most_says(tmp_path):
    corpus, _, _ = encode(tmp_path / "a", SPLIT, FEW, most=1)
    assert corpus.alphabet.words == ("a",)


def test_where_no_word_of_training_is_unknown_somebody_is_told_what_teaches_it(tmp_path):
    assert "hidden ones alone" in encode(tmp_path / "a", SPLIT, FEW)[2][1]


def test_classes_stand_at_the_last_words_and_fields_in_quotes_are_one_text(tmp_path):
    rows = named_rows('He said "no",\nand left', "yes; yes", "no", "no")
    corpus, _, _ = encode(tmp_path / "a", SPLIT, rows)
    assert corpus.task == CLASSIFY
    assert corpus.lengths.tolist() == [5, 2, 1, 1]
    last = corpus.starts + corpus.lengths - 1
    assert corpus.labels[last].tolist() == [0, 1, 0, 1]
    assert (np.delete(corpus.labels, last) == 255).all()


def test_characters_are_told_apart_by_the_same_door(tmp_path):
    rows = named_rows("Abba", "b  a", "xyz", "a!")
    corpus, _, _ = encode(tmp_path / "a", SPLIT, rows, of="characters")
    assert corpus.alphabet.words == ("a", "b", " ")
    read = corpus.alphabet.word_of[corpus.tokens].tolist()
    assert read == [*"abba", *"b a", *[UNKNOWN_WORD] * 3, "a", UNKNOWN_WORD]
    table = (tmp_path / "a/corpus/vocabulary.tsv").read_text().splitlines()
    assert table[1:] == [f"0\t{UNKNOWN_WORD}\t0", "1\ta\t3", "2\tb\t3", "3\t \t1"]


def test_numbers_of_texts_are_read_by_the_same_door(tmp_path):
    scheme = {"sequence": "review", "target": "sentiment", "name": "id", "threshold": 3.0}
    rows = [("r0", "good", 5), ("r1", "bad", 1), ("r2", "fine", 3), ("r3", "bad", 2)]
    corpus, _, _ = encode(tmp_path / "a", SPLIT, rows, "targets", scheme)
    assert corpus.targets.tolist() == [5, 1, 3, 2]


def test_tokens_have_the_smallest_type_that_holds_the_vocabulary_and_the_padding(tmp_path):
    for size, kind in ((254, np.uint8), (255, np.uint16), (300, np.uint16)):
        rows = named_rows(" ".join(f"w{i}" for i in range(size)), "w1", "w2", "w3")
        corpus, _, _ = encode(tmp_path / str(size), SPLIT, rows)
        assert corpus.tokens.dtype == kind
        assert sorted(corpus.tokens[:size].tolist()) == list(range(1, size + 1))


def test_a_vocabulary_comes_back_from_what_files_say_of_it():
    made = Vocabulary(["good", "film"], "words", fold_case=True)
    again = alphabet_of(json.loads(json.dumps(made.description)))
    assert again == made
    assert again.encode("A GOOD film").tolist() == [0, 1, 2]
    assert again.unknown == 0
    assert Vocabulary(["good", "plot"], "words", fold_case=True).name != made.name
    assert alphabet_of(DNA.description) == DNA


# The split, and what must not leak


@pytest.mark.parametrize("split", [
    BY_RECORD,
    {"by": "fold", "folds": 4, "fold": 1, "validation": 0.2, "seed": 5, "near_copies": None},
    by_name([f"r{i}" for i in range(20)], ["r20"], ["r21"]),
])  # fmt: skip
def test_the_vocabulary_is_of_the_very_training_split_that_the_rule_draws(tmp_path, split):
    folder = tmp_path / "a"
    folder.mkdir()
    rows = write_reviews(folder / "reviews.csv", 60)
    corpus, _, _ = encode(folder, split)
    drawn = split_by_settings(as_words(corpus, folder / "corpus"), split)
    write_split(tmp_path / "split.tsv", corpus, drawn)
    train = {corpus.names[i] for i in read_split(tmp_path / "split.tsv", corpus)["train"].record}
    words = {w for name, text, _ in rows if name in train
             for w in split_text(text, "words", fold_case=True)}  # fmt: skip
    assert set(corpus.alphabet.words) == words
    all_words = {w for _, text, _ in rows for w in split_text(text, "words", fold_case=True)}
    assert words < all_words  # or nothing would have been shown


def test_words_that_only_the_test_split_has_change_no_token_and_no_word(tmp_path):
    texts = [review(bool(i % 2), np.random.default_rng(i)) for i in range(12)]
    split = by_name([f"r{i}" for i in range(8)], ["r8"], ["r9", "r10", "r11"])
    other = [*texts[:9], "zyx wvu good tsr", "not", "the the the the zyx film zyx zyx"]
    first, _, _ = encode(tmp_path / "a", split, named_rows(*texts))
    second, _, _ = encode(tmp_path / "b", split, named_rows(*other))
    assert first.alphabet == second.alphabet
    for name in ("vocabulary.tsv",):
        a, b = (tmp_path / f"{side}/corpus/{name}" for side in "ab")
        assert a.read_bytes() == b.read_bytes()
    n = int(first.lengths[:9].sum())
    assert first.tokens[:n].tobytes() == second.tokens[:n].tobytes()


def test_another_test_text_of_as_many_words_leaves_a_drawn_split_as_it_is(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    rows = write_reviews(folder / "reviews.csv", 60)
    corpus, _, _ = encode(folder, BY_RECORD)
    test = split_by_settings(as_words(corpus, folder / "corpus"), BY_RECORD).of("test").record
    changed = [
        (name, re.sub(r"[\w']+", rf"\g<0>{name}", text), label)
        if i in test else (name, text, label)
        for i, (name, text, label) in enumerate(rows)
    ]  # fmt: skip
    other, _, _ = encode(tmp_path / "b", BY_RECORD, changed)
    assert other.alphabet == corpus.alphabet
    rest = np.repeat(~np.isin(np.arange(60), test), corpus.lengths)
    assert (other.tokens[rest] == corpus.tokens[rest]).all()
    assert (other.tokens[~rest] == 0).all()


def test_the_order_of_test_rows_changes_no_word(tmp_path):
    rows = [*FEW, ("r4", "a new good one", "negative")]
    split = by_name(["r0", "r1"], ["r2"], ["r3", "r4"])
    first, _, _ = encode(tmp_path / "a", split, rows)
    second, _, _ = encode(tmp_path / "b", split, [*rows[:3], rows[4], rows[3]])
    assert first.alphabet == second.alphabet
    both = [
        dict(zip(c.names, np.split(c.tokens, c.starts[1:]), strict=True)) for c in (first, second)
    ]
    assert all((both[0][name] == both[1][name]).all() for name in both[0])


def test_texts_that_differ_in_unknown_words_alone_are_no_copies(tmp_path):
    rows = named_rows("the plot", "the end", "the zzz", "the yyy", "the zzz")
    split = by_name(["r0", "r1"], ["r2"], ["r3", "r4"])
    corpus, _, _ = encode(tmp_path / "a", split, rows)
    assert (corpus.tokens[4:6] == corpus.tokens[6:8]).all()  # both are `the [unknown]`
    drawn = {"by": "record", "fractions": {"train": 0.4, "validation": 0.3, "test": 0.3},
             "seed": 1, "duplicates": "keep_together", "near_copies": None}  # fmt: skip
    assert split_by_settings(as_words(corpus, tmp_path / "a/corpus"), drawn).duplicates == 2


def test_near_copies_of_texts_share_stretches_of_fifteen_words(tmp_path):
    generator = np.random.default_rng(1)
    words = [f"w{i}" for i in range(500)]
    long = generator.choice(words, 100).tolist()
    changed = [*long[:50], "other", *long[51:]]
    rows = named_rows(*(" ".join(t) for t in (long, changed, generator.choice(words, 100))), "w1")
    corpus, _, _ = encode(tmp_path / "a", by_name(["r0", "r1"], ["r2"], ["r3"]), rows)
    assert KmerCode.of(corpus.alphabet).k == KmerCode.of(WordDigests("words")).k == 15
    assert KmerCode.of(WordDigests("characters")).k == 31
    seen = as_words(corpus, tmp_path / "a/corpus")
    records = whole_records(seen)
    groups = groups_of_near_copies(seen, records, np.arange(4), 0.5)
    assert groups.tolist() == [0, 0, 1, 2]


def test_a_digest_follows_from_its_word_alone():
    assert word_digest("good") == word_digest("good") != word_digest("bad")
    assert 0 < word_digest("good") < 2**64


# Wrong inputs


@pytest.mark.parametrize(
    ("rows", "vocabulary", "message"),
    [
        ([*FEW[:3], ("r3", " ?! ", "positive")], {},
         r"reviews\.csv, line 5, record 'r3': column 'review' has no words, and nothing to"),
        ([*FEW[:3], ("r3", "a", "positiv")], {}, "'positiv' is no class; did you mean 'positive'"),
        (FEW, {"least": 9}, "no word stands 9 times in the training split.*vocabulary would be"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_texts_is_told_with_its_row(tmp_path, rows, vocabulary, message):
    with pytest.raises(InputError, match=message):
        encode(tmp_path / "a", SPLIT, rows, **vocabulary)
    assert not (tmp_path / "a/corpus/tokens.npy").exists()


def test_the_words_of_another_corpus_are_refused(tmp_path):
    corpus, _, _ = encode(tmp_path / "a", SPLIT, FEW)
    np.save(tmp_path / "a/corpus/words.npy", np.zeros(3, np.uint64))
    with pytest.raises(InputError, match="holds 3 words"):
        as_words(corpus, tmp_path / "a/corpus")


def test_the_reviews_of_the_tests_tell_nothing_to_a_bag_of_words(tmp_path):
    rows = write_reviews(tmp_path / "x.csv", 400)
    assert list(csv.reader((tmp_path / "x.csv").open()))[1:] == [list(row) for row in rows]
    good = {"good", "great", "lovely", "brilliant", "charming", "superb"}
    for _, text, _ in rows:
        words = split_text(text, "words", fold_case=True)
        assert words.count("not") == 1
        assert sum(word in good for word in words) == 1
