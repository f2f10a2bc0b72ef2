"""Layers on top of each other: residual, normalised, and with units dropped."""

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.networks.activations import Activations
from basetag.networks.cells import Cell
from basetag.networks.recurrent_layer import RecurrentLayer
from basetag.networks.tagger_network import TaggerNetwork


def values(length=6, rows=2, width=4):
    return torch.randn(length, rows, width, generator=torch.Generator().manual_seed(1))


def layer_of(**options):
    layer = RecurrentLayer("gru", 4, 2, True, **options)
    layer.initialise(torch.Generator().manual_seed(2), None)
    return layer


def read(layer, features):
    return layer.read(features, np.full(6, 2))


def test_a_residual_layer_adds_to_what_comes_in():
    said = read(layer_of(), Activations.of_bases(values()))
    found = layer_of(residual=True)(Activations.of_bases(values()), read).dense()
    torch.testing.assert_close(found, said + values())


def test_a_normalised_layer_reads_mean_0_and_variance_1_and_adds_to_what_was_there():
    centred = values() - values().mean(-1, keepdim=True)
    scaled = centred / (values().var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    said = read(layer_of(), Activations.of_bases(scaled))
    found = layer_of(residual=True, normalised=True)(Activations.of_bases(values()), read).dense()
    torch.testing.assert_close(found, said + values(), rtol=1e-5, atol=1e-5)


def test_a_dropped_unit_hands_on_nothing_at_any_base_of_its_row():
    said = read(layer_of(), Activations.of_bases(values()))
    kept = torch.tensor([[1.25, 0, 1.25, 1.25], [1.25, 1.25, 1.25, 0]])
    found = layer_of()(Activations.of_bases(values()), read, kept).dense()
    assert not found[:, 0, 1].any()
    assert not found[:, 1, 3].any()
    torch.testing.assert_close(found, said * kept)


def test_numbers_of_two_widths_are_not_added():
    with pytest.raises(ValueError, match="3 numbers cannot be added to 4"):
        RecurrentLayer("gru", 3, 2, True, residual=True)


def network(**options):
    made = TaggerNetwork(DNA, 2, cell="gru", hidden=50, layers=3, bidirectional=True, **options)
    made.initialise(torch.Generator().manual_seed(1))
    return made


def test_units_are_dropped_between_layers_as_often_as_it_is_said():
    masks = network(dropout=0.2).dropout_masks(40, np.random.default_rng(1))
    assert [mask.shape for mask in masks] == [(40, 100)] * 2
    for mask in masks:
        assert set(mask.unique().tolist()) == {0.0, 1.25}
        assert 0.17 < float((mask == 0).float().mean()) < 0.23
    assert network().dropout_masks(40, np.random.default_rng(1)) == []


def test_dropping_units_leaves_a_prediction_as_it_is_on_average():
    """Of the mean over many masks, in a network whose head is the second layer's input."""
    made = TaggerNetwork(DNA, 1, cell="rnn", hidden=8, layers=2, dropout=0.5)
    mean = torch.stack(made.dropout_masks(20_000, np.random.default_rng(2))).mean(1)
    torch.testing.assert_close(mean, torch.ones(1, 8), rtol=0, atol=0.03)


def test_the_first_layer_and_the_others_stand_as_the_config_says():
    made = network(residual=True, normalised=True)
    first, *others = made.recurrent_layers()
    assert not first.residual
    assert first.norm is None
    assert all(layer.residual and layer.norm is not None for layer in others)
    assert made.norm is not None
    assert all(isinstance(cell, Cell) for layer in others for cell in layer.directions())
