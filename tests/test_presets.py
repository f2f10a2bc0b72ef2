"""Networks by the name of a publication."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

import write_schema
from basetag.alphabet import PROTEIN
from basetag.config.as_yaml import config_yaml
from basetag.networks.tagger_network import TaggerNetwork
from tests.test_config import SMALL, folder, load, mistakes  # noqa: F401


def of_tagger(text):
    return SMALL.replace("{cell: lstm}", text)


def architecture(folder, text):  # noqa: F811
    return load(folder, of_tagger(text)).train_settings("lstm", 1)["architecture"]


def test_the_preset_is_the_network_of_the_paper_in_small(folder):  # noqa: F811
    own = architecture(folder, "{preset: dcrnn}")
    assert own == architecture(
        folder,
        "{cell: gru, hidden: 64, layers: 3, bidirectional: true, dropout: 0.3,"
        " embedding: {dimensions: 32}, convolution: {widths: [3, 7, 11], channels: 32}}",
    )
    network = TaggerNetwork(
        PROTEIN, 8, n_features=20,
        **{key: own[key] for key in ("cell", "hidden", "layers", "bidirectional", "embedding",
                                     "convolution", "dropout")},
    )  # fmt: skip

    assert len(network.layers) == 3
    assert network.convolution.width == 3 * 32
    assert network.read_width == 32 + 20


def test_what_a_tagger_says_goes_over_its_preset_key_by_key(folder):  # noqa: F811
    own = architecture(
        folder, "{preset: dcrnn, hidden: 8, convolution: {channels: 5}, cell: lstm, dropout: 0}"
    )
    assert own["convolution"] == {"widths": (3, 7, 11), "channels": 5}
    assert (own["cell"], own["hidden"], own["layers"], own["dropout"]) == ("lstm", 8, 3, 0)
    assert architecture(folder, "{preset: dcrnn, convolution: null}")["convolution"] is None


def test_the_report_writes_out_what_a_preset_stands_for(folder):  # noqa: F811
    config = load(folder, of_tagger("{preset: dcrnn, convolution: null}"))
    text = config_yaml(config.model)
    assert "preset" not in text
    again = load(folder, text.replace("data/", ""))
    assert again.train_settings("lstm", 1) == config.train_settings("lstm", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{preset: dcrn}", "taggers.lstm.preset: 'dcrn' is no preset; did you mean dcrnn?"),
        ("{preset: 3}", "taggers.lstm.preset: 3 is no preset; there is dcrnn"),
        ("{preset: dcrnn, hiden: 3}", "did you mean hidden?"),
        ("{preset: dcrnn, hidden: 0}", "taggers.lstm.hidden"),
        ("{preset: dcrnn, cell: none}", "taggers.lstm"),
        ("{preset: dcrnn, baseline: majority}", "taggers.lstm"),
    ],
)
def test_mistakes_in_a_preset_are_told_at_their_keys(folder, text, expected):  # noqa: F811
    told = mistakes(folder, of_tagger(text))
    assert expected in told[0]


def test_the_schema_asks_for_a_cell_or_a_preset():
    validator = jsonschema.Draft202012Validator(write_schema.schema())
    for text, right in (("{preset: dcrnn}", True), ("{hidden: 3}", False), ("{cell: gru}", True)):
        config = yaml.safe_load(of_tagger(text).replace("1e-3", "0.001"))
        assert validator.is_valid(config) is right


def test_the_order_of_groups_is_kept_where_the_config_is_written_out(folder):  # noqa: F811
    text = SMALL.replace("    split:", "    groups: {two: {up: [H], down: [L]}}\n    split:")
    config = load(folder, text)
    again = load(folder, config_yaml(config.model).replace("data/", ""))
    assert again.groupings("mine") == config.groupings("mine")
    assert again.groupings("mine")[0]["groups"] == ["up", "down"]
