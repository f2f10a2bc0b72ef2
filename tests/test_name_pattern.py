"""The pattern of names: those that are given match it, and nothing else does."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basetag.name_pattern import name_pattern

NAMES = st.text("ab1_-", min_size=1, max_size=6)


@given(st.lists(NAMES, max_size=12), st.lists(NAMES, max_size=30))
def test_a_name_matches_exactly_where_it_is_one_of_those_given(names, others):
    pattern = re.compile(name_pattern(names))
    for name in [*names, *others]:
        assert bool(pattern.fullmatch(name)) == (name in names)


@given(st.lists(NAMES, min_size=1, max_size=12, unique=True))
def test_within_a_path_the_whole_name_is_found(names):
    pattern = re.compile(rf"results/(?P<first>{name_pattern(names)})/(?P<second>\w+)\.log")
    for name in names:
        found = pattern.fullmatch(f"results/{name}/x.log")
        assert found["first"] == name


def test_without_names_nothing_matches():
    assert not re.fullmatch(name_pattern([]), "")
    assert not re.search(name_pattern([]), "gru")


@pytest.mark.parametrize("width", [2, 10])
def test_of_a_grid_it_is_as_long_as_its_axes_and_not_as_its_points(width):
    axes = [[f"{axis}{value}" for value in range(width)] for axis in ("layers", "hidden", "bases")]
    names = ["-".join(("bilstm", *point)) for point in itertools.product(*axes)]
    assert len(names) == width**3
    assert len(name_pattern(names)) < sum(len(value) + 1 for axis in axes for value in axis) + 30
