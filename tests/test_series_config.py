"""Numeric series in a config: what they need, what is refused, and what the rules are given."""

import numpy as np
import pytest
import yaml

from basetag.config import load_config
from basetag.config.preflight import preflight_files, preflight_settings
from basetag.errors import ConfigError, InputError
from basetag.preflight.run import preflight
from basetag.report.preflight_identities import check_preflight
from tests.conftest import REPOSITORY

WAVES = {"task": "next_value", "simulate": {"records": 40, "length": 100}}
TABLE = {"task": "next_value", "table": "tides.tsv"}
COLUMNS = {"columns": {"value": "level", "record": "station"}}
TAGGERS = {
    "gru": {"cell": "gru"},
    "filtered": {"baseline": "filtered"},
    "last": {"baseline": "last"},
    "ar": {"baseline": "autoregression", "order": 3},
    "mean": {"baseline": "majority"},
}


#: Of a table nobody knows the exact distribution.
OF_TABLES = {name: tagger for name, tagger in TAGGERS.items() if name != "filtered"}


def config_of(folder, dataset, taggers=TAGGERS, **more):
    config = {"datasets": {"own": dataset}, "taggers": taggers, **more}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    rows = "".join(f"s{i // 50}\t{np.sin(i):.5f}\n" for i in range(2000))
    (folder / "tides.tsv").write_text("station\tlevel\n" + rows)
    return load_config(config, [folder / "config.yaml"], REPOSITORY)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_of_waves_the_exact_distribution_is_known_and_of_a_table_not(tmp_path):
    waves = config_of(tmp_path, WAVES)
    assert {tagger for _, tagger, _ in waves.runs()} == set(TAGGERS)
    assert waves.fit_settings("own", "filtered") == {
        "baseline": "wave", "wave": {"period": 25.0, "amplitude": 1.0, "noise": 0.1},
    }  # fmt: skip
    assert waves.evaluate_settings("own", "gru")["noise"] == 0.1
    assert waves.reference("own", "filtered") == "filtered"
    assert waves.controls_settings("own")["bases"] == 0
    table = config_of(tmp_path, TABLE | COLUMNS, OF_TABLES)
    assert {tagger for _, tagger, _ in table.runs()} == set(OF_TABLES)
    encode = table.encode_settings("own")
    assert (encode["labels"], encode["sequences"]) == ("next_value", "table")
    assert encode["scheme"] == {"value": "level", "record": "station"}
    assert encode["states"] == ["R", "F"]
    assert "noise" not in table.evaluate_settings("own", "gru")


@pytest.mark.parametrize(
    ("dataset", "tagger", "message"),
    [
        (WAVES, {"cell": "gru", "bidirectional": True}, "reads that one, too"),
        (WAVES, {"cell": "gru", "head": "crf"}, "a CRF reads a record as a whole"),
        (WAVES, {"cell": "gru", "pooling": "max"}, "pooling sums up a record as a whole"),
        (WAVES, {"cell": "gru", "features": ["depth"]}, "has no feature 'depth'"),
        (WAVES, {"cell": "gru", "training": {"class_weights": "balanced"}}, "of no state"),
        (WAVES, {"baseline": "exact"}, "take last, autoregression, majority (the mean)"),
        (WAVES, {"baseline": "uniform"}, "which it has no way to tell"),
        (TABLE, {"baseline": "filtered"}, "needs the model that the series are drawn from"),
        (TABLE | {"split": {"by": "block", "block": 200}}, {"cell": "gru"}, "add gap: 1, or more"),
        (
            TABLE | {"columns": {"value": "a", "record": "a"}}, {"cell": "gru"},
            "is the column of value, too",
        ),
        (TABLE | {"alphabet": "dna"}, {"cell": "gru"}, "alphabet"),
        (
            WAVES | {"simulate": {"records": 2, "length": 100}}, {"cell": "gru"},
            "2 records leave a split of 0.1 without any",
        ),
        (
            WAVES | {"simulate": {"records": 50, "length": 10**6, "wave": {"noise": 0.01}}},
            {"cell": "gru"}, "tell the phase too finely",
        ),
        (
            {"simulate": {"hmm": "toy", "records": 40, "length": 100}}, {"baseline": "last"},
            "last tells the next number of a series",
        ),
    ],
)  # fmt: skip
def test_what_series_cannot_have_is_refused(tmp_path, dataset, tagger, message):
    with pytest.raises(ConfigError) as caught:
        config_of(tmp_path, dataset, {"one": tagger})
    assert message in str(caught.value)


def test_the_taggers_of_series_annotate_no_genome(tmp_path):
    (tmp_path / "genome.fa").write_text(">a\nACGT\n")
    use = {"fasta": "genome.fa", "taggers": [{"dataset": "own", "tagger": "gru"}]}
    with pytest.raises(ConfigError) as caught:
        config_of(tmp_path, WAVES, annotate={"new": use})
    assert "read numbers, and sequences have letters" in str(caught.value)


def test_a_preflight_reads_a_table_of_series_and_tells_what_is_wrong_in_it(tmp_path):
    config = config_of(tmp_path, TABLE | COLUMNS, OF_TABLES)
    look = (preflight_settings(config), preflight_files(config), tmp_path)
    found = preflight(*look)
    about = found.datasets["own"]
    assert (about["task"], about["records"], about["bases"]) == ("next_value", 40, 2000)
    assert about["copies"] == about["unknown"] == 0
    assert sum(about["states"].values()) == 40 * 49
    check_preflight(found.as_json(), tmp_path / "preflight.json")
    assert not any("letter" in str(finding) for finding in found.findings)
    (tmp_path / "tides.tsv").write_text("station\tlevel\na\t1\na\thigh\n")
    with pytest.raises(InputError, match=r"tides.tsv, line 3, .*'high', which is no finite number"):
        preflight(*look)
