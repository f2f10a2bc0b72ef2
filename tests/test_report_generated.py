"""Generated sequences on the page: shares, their intervals, and whether they lie within."""

from __future__ import annotations

import math

import pytest

from basetag.alphabet import DNA
from basetag.generated_letters import compare_letters
from basetag.report.generated import generated_views, place

MINUS = "\N{MINUS SIGN}"
SETTINGS = {
    "name": "new", "dataset": "ecoli", "tagger": "gru", "seed": 1, "records": 2, "length": 8,
    "temperature": 1.0, "prompt": None, "window": 1000,
}  # fmt: skip


def summary(generated, training, **more):
    sides = [[DNA.encode(part) for part in side] for side in (generated, training)]
    return SETTINGS | compare_letters(*sides, DNA) | more


def table(own):
    (view,) = generated_views([own])
    return {cells[0]: cells[1:] for cells in view["rows"]}, view["sentences"]


def test_shares_and_intervals_are_those_of_counting_by_hand():
    # G or C: 3 of 4 and 5 of 8 in generated, 2 of 4 and 2 of 4 in training.
    own = summary(["GCGA", "GGCCCATT"], ["GCAT", "CGTA"])
    found, _ = table(own)
    share = 8 / 12
    residuals = [3 - share * 4, 5 - share * 8]
    spread = math.sqrt(2 / 1 * sum(r**2 for r in residuals)) / 12
    pooled = 12 / 20
    error = max(spread, math.sqrt(pooled * (1 - pooled) / 12))
    other = math.sqrt(pooled * (1 - pooled) / 8)  # both stretches are the same
    assert found["G or C"][0] == f"66.67 ± {196 * error:.2f} %"
    assert found["G or C"][1] == f"50.00 ± {196 * other:.2f} %"
    z = (share - 0.5) / math.hypot(error, other)
    assert found["G or C"][2] == f"+{z:.1f}"
    assert found["G or C"][3] == "within"
    # Pairs of neighbours never cross from one stretch to the next: 3 + 7 of them.
    assert found["GC"][0].startswith("20.00 ")
    assert len(found) == 1 + 4 + 16


def test_what_is_off_by_more_than_its_interval_is_said_to_lie_outside():
    own = summary(["ACGT" * 50, "GCAT" * 50], ["AAAT" * 50, "AATA" * 50])
    found, sentences = table(own)
    assert found["C"][3] == "above"
    assert found["A"][3] == "below"
    assert found["A"][2].startswith(MINUS)
    assert sentences[1].startswith("Of 4 letters, 3 are further from the training data")


@pytest.mark.parametrize(("z", "words"), [(None, ""), (1.95, "within"), (1.97, "above")])
def test_within_is_two_standard_errors(z, words):
    assert place({"z": z}) == words


def test_of_one_stretch_no_error_is_known_and_the_page_says_so():
    found, sentences = table(summary(["ACGT"], ["ACGT"]))
    assert found["A"] == ["25.00 %", "25.00 %", "", "not known"]
    assert "is not known" in sentences[1]


@pytest.mark.parametrize("length", [1000, 1001])
def test_letters_behind_the_training_windows_are_said_to_be_told_unlearnt(length):
    _, sentences = table(summary(["ACGT"] * 3, ["ACGT"] * 3, length=length))
    assert any("windows of 1,000 letters" in own for own in sentences) == (length > 1000)


def test_another_temperature_is_said_to_change_frequencies():
    _, sentences = table(summary(["ACGT"] * 3, ["ACGT"] * 3, temperature=0.7, prompt="ATG"))
    assert "from the prompt ATG at temperature 0.7" in sentences[0]
    assert "are meant to differ" in sentences[-1]
