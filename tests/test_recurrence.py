"""The compiled recurrences against torch's own, forward and backward, and the same bits always."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from basetag.networks import recurrence
from basetag.networks.activations import Activations, active_rows
from basetag.networks.cells import cell_named
from basetag.networks.recurrence import read, read_both
from tests.conftest import REPOSITORY

#: Cells that the compiled loops know.
CELLS = ["rnn", "gru", "lstm"]
LENGTHS = np.array([50, 50, 37, 20, 1])


def make(cell, hidden, seed=1, inputs=4):
    module = cell_named(cell)(inputs, hidden)
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data.uniform_(-0.5, 0.5, generator=generator)
    return module


def letters(lengths=LENGTHS, seed=1):
    generator = torch.Generator().manual_seed(seed)
    entries = torch.randint(6, (int(lengths[0]), lengths.size), generator=generator)
    table = torch.randn(6, 4, generator=generator)
    return Activations(table, entries.to(torch.int32))


def gradients(modules, table, output, seed=2):
    """Return the gradients of a random sum of all outputs that belong to a base."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(output.shape, generator=generator).to(output.dtype)
    inside = torch.from_numpy(np.arange(output.shape[0])[:, None] < LENGTHS)
    (output * weights * inside[:, :, None]).sum().backward()
    found = [value.grad.clone() for module in modules for value in module.parameters()]
    found.append(table.grad.clone())
    for value in [table, *(value for module in modules for value in module.parameters())]:
        value.grad = None
    return found


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("hidden", [1, 7, 16])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("each_base", [False, True])
def test_hidden_states_and_gradients_are_those_of_torch_in_double(cell, hidden, threads, each_base):
    """Rows of several lengths; what is read as a table of letters and base by base."""
    modules = [make(cell, hidden, 1), make(cell, hidden, 2)]
    features = letters()
    active = active_rows(LENGTHS)
    found = {}
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for dtype in (torch.float32, torch.float64):
            for module in modules:
                module.to(dtype)
            table = features.table.detach().to(dtype, copy=True).requires_grad_()
            given = Activations(table, features.entries)
            if each_base:
                given = Activations.of_bases(given.dense())
            output = read_both(*modules, given, active)
            found[dtype] = [output.detach(), *gradients(modules, table, output)]
    finally:
        torch.set_num_threads(before)
    for value, expected in zip(found[torch.float32], found[torch.float64], strict=True):
        scale = max(1.0, float(expected.abs().max()))
        torch.testing.assert_close(value.double(), expected, rtol=0, atol=2e-6 * scale)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("leftward", [False, True])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_state_carried_over_a_cut_leaves_no_trace_of_it(cell, leftward, rows):
    module = make(cell, 16)
    features = letters(np.full(rows, 90))
    active = np.full(90, rows)
    # With a gradient, or the LSTM would go to oneDNN.
    whole, _ = read(module, features, active, leftward=leftward)
    state, parts = None, {}
    cuts = [(0, 7), (7, 8), (8, 90)]
    for start, end in cuts[::-1] if leftward else cuts:
        part = Activations(features.table, features.entries[start:end].contiguous())
        parts[start], state = read(module, part, active[start:end], leftward=leftward, state=state)
        state = tuple(part.detach() for part in state)
    joined = torch.cat([parts[start] for start in sorted(parts)])
    torch.testing.assert_close(joined, whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_predicting_gives_what_training_gives(cell):
    module, features, active = make(cell, 16), letters(), active_rows(LENGTHS)
    trained = read(module, features, active)[0]
    with torch.no_grad():
        predicted = read(module, features, active)[0]
    torch.testing.assert_close(predicted, trained, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_a_row_is_what_it_is_alone(cell):
    module, features = make(cell, 16), letters()
    together = read(module, features, active_rows(LENGTHS), leftward=True)[0]
    for row, length in enumerate(LENGTHS):
        entries = features.entries[:length, row : row + 1].contiguous()
        alone, _ = read(
            module, Activations(features.table, entries), np.ones(length, dtype=int), leftward=True
        )
        torch.testing.assert_close(together[:length, row], alone[:, 0], rtol=0, atol=1e-6)
        assert not together[length:, row].any()


def test_saturated_and_extreme_inputs_stay_finite_and_exact():
    x = torch.tensor([-1e30, -20.0, -8.0, -1e-3, 0.0, 1e-30, 1e-3, 5.0, 8.0, 20.0, 1e30])
    module = make("rnn", 1, inputs=1)
    for parameter in module.parameters():
        parameter.data.zero_()
    module.weight_ih.data.fill_(1.0)
    features = Activations(x[:, None], torch.arange(x.numel(), dtype=torch.int32)[None])
    hidden = read(module, features, np.full(1, x.numel()))[0][0, :, 0].detach()
    torch.testing.assert_close(hidden, torch.tanh(x), rtol=1e-6, atol=1e-7)


def test_not_a_number_is_passed_on():
    """A training that diverges must show it."""
    module = make("gru", 16)
    module.weight_ih.data[0, 0] = float("nan")
    hidden = read(module, letters(), active_rows(LENGTHS))[0]
    assert hidden.isnan().any()


def test_compiling_afresh_and_loading_from_the_cache_give_the_same_bits(tmp_path):
    """Of three processes the first compiles, each kernel in another order."""
    code = """
import hashlib, sys
import numpy as np, torch
from basetag.networks.recurrence import read
from tests.test_recurrence import letters, make
torch.set_num_threads(1)
sums = []
for cell in sys.argv[1:]:
    module, features = make(cell, 8), letters(np.full(8, 99))
    hidden = read(module, features, np.full(99, 8))[0]
    hidden.pow(2).sum().backward()
    values = [hidden, *(value.grad for value in module.parameters())]
    data = b"".join(value.detach().numpy().tobytes() for value in values)
    sums.append((cell, hashlib.sha256(data).hexdigest()))
print(sorted(sums))
"""
    printed = [
        subprocess.run(
            [sys.executable, "-c", code, *order],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": "scripts"},
            cwd=REPOSITORY, capture_output=True, text=True, check=True,
        ).stdout
        for order in (["rnn", "gru", "lstm"], ["lstm", "rnn", "gru"])
    ]  # fmt: skip
    assert printed[0] == printed[1]


def test_a_wide_lstm_and_one_that_predicts_go_to_onednn(monkeypatch):
    """Elsewhere torch's modules are not called on the CPU."""
    called = []

    def watched(kind, run):
        return lambda *arguments: (called.append(kind), run(*arguments))[1]

    functions = {kind: watched(kind, run) for kind, run in recurrence._FUNCTIONS.items()}
    monkeypatch.setattr(recurrence, "_FUNCTIONS", functions)
    features, active = letters(np.full(3, 20)), np.full(20, 3)
    for cell in CELLS:
        read(make(cell, 16), features, active)
        read(make(cell, recurrence._WIDE), features, active)
        with torch.no_grad():
            read(make(cell, 16), features, active)
            read(make(cell, 16), letters(), active_rows(LENGTHS))
    assert called == ["lstm", "lstm"]


@pytest.mark.parametrize("cell", CELLS)
def test_as_many_bases_as_letters_are_letters_still(cell):
    """A table with a row per letter, read by exactly as many bases, not in its order."""
    module = make(cell, 5)
    found = {}
    for width in (1, 2):  # the second row doubles the bases and says nothing
        table = letters().table.requires_grad_()
        entries = torch.tensor([3, 0, 5, 5, 1, 2], dtype=torch.int32)[:, None].repeat(1, width)
        features = Activations(table, entries)
        with torch.no_grad():
            predicted = read(module, features, np.full(6, width))[0][:, 0]
        trained = read(module, features, np.full(6, width))[0][:, 0]
        module.zero_grad()
        trained.square().sum().backward()
        found[width] = [predicted, trained.detach(), table.grad, module.weight_ih.grad.clone()]
    for alone, together in zip(*found.values(), strict=True):
        torch.testing.assert_close(alone, together)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_nothing_is_kept_for_a_gradient_where_none_is_recorded(cell, mode, monkeypatch):
    kept = []

    def run(kernel, rows, *arguments):
        kept.append(arguments[-1].shape[1])  # slots of the gates
        plain(kernel, rows, *arguments)

    plain = recurrence._run
    monkeypatch.setattr(recurrence, "_run", run)
    module, length = make(cell, 5), int(LENGTHS[0])
    with mode():
        read(module, letters(), active_rows(LENGTHS))
    read(module, letters(), active_rows(LENGTHS))
    assert kept == [1, length]


def test_the_blas_of_the_kernels_is_among_those_that_are_held_to_one_thread():
    """In a new process: here some other test may have loaded it."""
    code = """
import numpy as np, threadpoolctl, torch
from basetag.networks import recurrence
from basetag.alphabet import DNA
from basetag.networks.tagger_network import TaggerNetwork
network = TaggerNetwork(DNA, 2, cell="gru", hidden=8)
network(torch.zeros(9, 4, dtype=torch.uint8), np.full(4, 9))
held = {library["filepath"] for library in recurrence._blas().info()}
print({library["filepath"] for library in threadpoolctl.threadpool_info()} - held)
"""
    scripts = str(REPOSITORY / "scripts")
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": scripts},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_graph_that_was_walked_is_refused(cell):
    """What was kept has become gradients: a second walk would be wrong without a word."""
    module = make(cell, 5)
    loss = read(module, letters(), active_rows(LENGTHS))[0].square().sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="walked once"):
        loss.backward()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lengths", [LENGTHS, np.full(4, 30)])
def test_under_autocast_a_recurrence_runs_in_bfloat16_near_to_float32(cell, lengths):
    """The way a GPU goes; here on the CPU."""
    modules = [make(cell, 16, 1), make(cell, 16, 2)]
    features, active = letters(lengths), active_rows(lengths)

    def run():
        for module in modules:
            module.zero_grad()
        output = read_both(*modules, features, active)
        output.float().square().sum().backward()
        gradients = [value.grad.clone() for module in modules for value in module.parameters()]
        return output, gradients

    expected, gradients = run()
    with torch.autocast("cpu", torch.bfloat16):
        found, rounded = run()
        assert read(modules[0], features, active)[0].dtype == torch.bfloat16
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=0, atol=0.05)
    for value, exact in zip(rounded, gradients, strict=True):
        assert value.dtype == torch.float32
        assert float((value - exact).norm() / exact.norm()) < 0.05
