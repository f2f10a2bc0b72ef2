"""Every cell is what its `step` says, however it is read; and adding one takes a class."""

import copy
import inspect

import numpy as np
import pytest
import torch

from basetag import architecture
from basetag.alphabet import DNA
from basetag.architecture import CELLS
from basetag.networks import cells
from basetag.networks.activations import Activations, active_rows
from basetag.networks.cells import Cell, cell_named
from basetag.networks.tagger_network import TaggerNetwork
from basetag.tagger_file import read_tagger
from tests.workflow import TINY, copy_workflow, snakemake, write_config

LENGTHS = np.array([30, 30, 17, 1])


def make(name, hidden=5, longest_memory=None):
    cell = cell_named(name)(4, hidden)
    cell.initialise(torch.Generator().manual_seed(1), longest_memory)
    return cell


def letters():
    entries = torch.randint(6, (30, 4), generator=torch.Generator().manual_seed(2))
    table = torch.randn(6, 4, generator=torch.Generator().manual_seed(3))
    return Activations(table, entries.to(torch.int32))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("leftward", [False, True])
def test_a_cell_is_read_as_its_step_says(name, leftward):
    cell, active = make(name), active_rows(LENGTHS)
    expected, _ = Cell.read(cell, letters(), active, leftward=leftward)
    found, _ = cell.read(letters(), active, leftward=leftward)
    inside = torch.from_numpy(np.arange(30)[:, None] < LENGTHS)
    torch.testing.assert_close(found[inside], expected[inside], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_both_directions_are_those_of_the_two_cells(name):
    rightward, leftward = make(name), make(name, longest_memory=None)
    active = np.full(30, 4)
    both = rightward.read_both(leftward, letters(), active)
    expected = torch.cat(
        [
            rightward.read(letters(), active)[0],
            leftward.read(letters(), active, leftward=True)[0],
        ],
        dim=-1,
    )
    torch.testing.assert_close(both, expected)


@pytest.mark.parametrize(("name", "gate"), [("gru", 1), ("lstm", 1)])
def test_a_long_memory_is_kept_as_long_as_it_says(name, gate):
    """With nothing coming in, a unit's state falls by 1 - 1/T a base, T at most the longest."""
    cell = make(name, hidden=200, longest_memory=1000)
    bias = cell.bias_ih.detach()[gate * 200 : (gate + 1) * 200]
    kept = torch.sigmoid(bias)
    spans = 1 / (1 - kept)
    assert 2 <= spans.min() < 100
    assert 900 < spans.max() <= 1000
    if name == "lstm":
        torch.testing.assert_close(cell.bias_ih.detach()[:200], -bias)


def test_an_lstm_starts_with_an_open_forget_gate_and_all_else_at_zero():
    bias = make("lstm").bias_ih.detach()
    assert bias.tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10


class Integrator(Cell):
    """Adds up what comes in."""

    gates = 1

    def step(self, sent, state):
        return (state[0] + sent,)


def test_an_added_cell_computes_what_its_step_says(monkeypatch):
    monkeypatch.setattr(cells, "Integrator", Integrator, raising=False)
    monkeypatch.setitem(architecture.CELLS, "integrator", "Integrator")
    network = TaggerNetwork(DNA, 2, cell="integrator", hidden=1)
    for value in network.parameters():
        value.data.zero_()
    network.layers[0].rightward.weight_ih.data[0, 1] = 1.0
    network.head.weight.data[1, 0] = 1.0
    tokens = torch.from_numpy(DNA.encode("CACCA"))[:, None]
    counted = network(tokens, np.array([5]))[:, 0, 1]
    assert counted.tolist() == [1, 1, 2, 3, 3]


def test_adding_a_cell_takes_a_class_and_a_line(tmp_path):
    """The config knows it, it trains, and what it learnt predicts: nothing else is changed."""
    workflow = copy_workflow(tmp_path / "workflow")
    library = workflow / "scripts" / "basetag"
    with (library / "networks" / "cells.py").open("a") as file:
        file.write(f"\n\n{inspect.getsource(Integrator)}")
    names = library / "architecture.py"
    line = '    "mingru": "MinGRU",\n'
    assert line in names.read_text()
    names.write_text(names.read_text().replace(line, f'{line}    "integrator": "Integrator",\n'))

    config = copy.deepcopy(TINY)
    config["taggers"] = {"adder": {"cell": "integrator", "hidden": 3, "bidirectional": True}}
    del config["datasets"]["own"], config["annotate"], config["sweeps"]
    (tmp_path / "work").mkdir()
    run = snakemake(workflow, write_config(tmp_path / "work", config))
    assert run.returncode == 0, run.stderr
    made = tmp_path / "work" / "results" / "tiny" / "adder" / "seed1"
    assert "Integrator of 3 units" in read_tagger(made / "tagger.safetensors")[1]["description"]
    posterior = np.load(made / "posteriors.npy")
    assert posterior.std() > 0
