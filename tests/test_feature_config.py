"""Features in the config: what they give to the rules, and how each mistake is told."""

import pytest

from basetag.files import canonical_json
from tests.test_config import load, mistakes

CONFIG = """\
datasets:
  mine:
    fasta: genome.fa
    labels: {fasta: states.fa, states: {L: low, H: high}}
    features:
      profile: {table: profile.tsv}
      conservation: {bedgraph: conservation.bedgraph}
taggers:
  gru: {cell: gru, features: [profile, conservation]}
  lstm: {cell: lstm}
  majority: {baseline: majority}
annotate:
  phage:
    fasta: genome.fa
    taggers: [{dataset: mine, tagger: gru}, {dataset: mine, tagger: majority}]
    features:
      conservation: {bedgraph: conservation.bedgraph}
      profile: {table: profile.tsv}
"""
ALL = [("conservation", "conservation.bedgraph"), ("profile", "profile.tsv")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    for name in ("genome.fa", "states.fa", "profile.tsv", "conservation.bedgraph"):
        (tmp_path / "data" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("owner", ["mine", "genomes/phage"])
def test_features_lie_in_the_order_of_their_names(folder, owner):
    config = load(folder, CONFIG)
    assert config.feature_owners() == ["mine", "genomes/phage"]
    assert [str(path) for path in config.feature_files(owner)] == [
        f"data/{name}" for _, name in ALL
    ]
    assert config.encode_features_settings(owner) == {
        "features": [["conservation", "bedgraph"], ["profile", "table"]]
    }


def test_a_network_reads_features_in_the_order_of_its_list(folder):
    config = load(folder, CONFIG)
    assert config.features_of_tagger("gru") == ("profile", "conservation")
    assert config.features_of_tagger("lstm") == config.features_of_tagger("majority") == ()
    architecture = config.train_settings("gru", 1)["architecture"]
    assert architecture["features"] == ("profile", "conservation")


def test_the_order_of_sources_does_not_count_and_that_of_what_is_read_does(folder):
    config = load(folder, CONFIG)
    profile, conservation = CONFIG.splitlines(keepends=True)[5:7]
    swapped = load(folder, CONFIG.replace(profile + conservation, conservation + profile))
    assert canonical_json(config.report_settings()) == canonical_json(swapped.report_settings())
    other = load(folder, CONFIG.replace("[profile, conservation]", "[conservation, profile]"))
    settings = [canonical_json(c.train_settings("gru", 1)) for c in (config, other)]
    assert settings[0] != settings[1]


def test_the_config_of_the_report_has_the_features(folder):
    config = load(folder, CONFIG)
    again = load(folder, config.report_settings()["config"].replace("data/", ""))
    assert again == config


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ("{table: profile.tsv}", "{table: profil.tsv}", 6, "datasets.mine.features.profile.table",
         "no such file: 'profil.tsv'"),
        ("{table: profile.tsv}", "{tabel: profile.tsv}", 6, "profile.tabel", "did you mean table?"),
        ("{table: profile.tsv}", "{}", 6, "features.profile", "has neither bedgraph nor table"),
        ("{table: profile.tsv}", "{table: profile.tsv, bedgraph: profile.tsv}", 6,
         "features.profile", "has both bedgraph and table"),
        ("{table: profile.tsv}", "profile.tsv", 6, "features.profile",
         "expected a mapping of keys to values, found the text 'profile.tsv'"),
        ("profile: {table", "a.b: {table", 6, "features.a.b", "'a.b' has other characters"),
        ("[profile, conservation]", "[profile, conservaton]", 9, "taggers.gru.features[1]",
         "the dataset 'mine' has no feature 'conservaton'; did you mean conservation?"),
        ("[profile, conservation]", "[profile, profile]", 9, "taggers.gru.features[1]",
         "the feature 'profile' is given twice; name it once"),
        ("[profile, conservation]", "profile", 9, "taggers.gru.features", "expected a list"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line(folder, old, new, line, key, words):
    told = mistakes(folder, CONFIG.replace(old, new, 1))
    place, name, rest = told[0].split(": ", 2)
    assert place == f"data/config0.yaml, line {line}"
    assert name.endswith(key)
    assert words in rest


def test_a_genome_without_a_feature_of_its_tagger_is_a_mistake(folder):
    at = CONFIG.rindex("      profile:")
    (told,) = mistakes(folder, CONFIG[:at])
    assert told == (
        "data/config0.yaml, line 15: annotate.phage.taggers[0].tagger: 'gru' reads the feature"
        " 'profile', which the genome lacks; add it to annotate.phage.features"
    )


def test_a_network_that_reads_features_cannot_be_made_for_simulated_data(folder):
    text = CONFIG.replace(
        "datasets:\n",
        "datasets:\n  toy: {simulate: {hmm: toy, records: 20, length: 500}}\n",
    )
    first, second = mistakes(folder, text)
    assert first == (
        "data/config0.yaml, line 10: taggers.gru.features[0]: the dataset 'toy' has no feature"
        " 'profile'; a simulated dataset has none: give the tagger a config without it"
    )
    assert "'conservation'" in second


def test_a_dataset_without_any_features_is_told_where_they_belong(folder):
    text = CONFIG.replace("annotate:", "nothing:").partition("nothing:")[0]
    start, end = text.index("    features:"), text.index("taggers:")
    told = mistakes(folder, text[:start] + text[end:])
    assert told[0].endswith("has no feature 'profile'; add it to datasets.mine.features")
