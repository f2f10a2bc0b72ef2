"""minGRU and the scan against loops in double, against numbers worked out on paper, and cut up."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from basetag.networks.scan import linear_scan, read_mingru
from basetag.networks.tagger_network import active_rows

LENGTHS = np.array([50, 50, 37, 20, 1])


def loop(decay, update, entering=None):
    """Return the states one after the other."""
    state = torch.zeros_like(update[0]) if entering is None else entering
    states = []
    for kept, added in zip(decay, update, strict=True):
        state = kept * state + added
        states.append(state)
    return torch.stack(states)


def mingru_loop(inputs, entries, lengths, leftward, state=None):
    """Return minGRU's hidden states, row by row and base by base."""
    rows = []
    for row, length in enumerate(lengths):
        z, candidates = (nn.functional.embedding(entries[:length, row], gate) for gate in inputs)
        if leftward:
            z, candidates = z.flip(0), candidates.flip(0)
        z = torch.sigmoid(z)
        hidden = loop(1 - z, z * candidates, None if state is None else state[row])
        rows.append(hidden.flip(0) if leftward else hidden)
    return nn.utils.rnn.pad_sequence(rows)


def letters(lengths=LENGTHS, units=5, each_base=False, seed=1):
    """Return inputs and entries."""
    generator = torch.Generator().manual_seed(seed)
    shape = int(lengths[0]), lengths.size
    if each_base:
        entries = torch.arange(shape[0] * shape[1], dtype=torch.int32).view(shape)
        return torch.randn(2, entries.numel(), units, generator=generator), entries
    entries = torch.randint(6, shape, generator=generator).to(torch.int32)
    return torch.randn(2, 6, units, generator=generator), entries


# By hand: z = 1/2, 3/4, 1/4 and n = 2, -4, 8 of three bases.
Z_INPUTS = [0.0, math.log(3), -math.log(3)]
CANDIDATES = [2.0, -4.0, 8.0]


@pytest.mark.parametrize(
    ("leftward", "state", "expected"),
    [
        (False, None, [1.0, -2.75, -0.0625]),  # 1; 1/4 - 3; -33/16 + 2
        (True, None, [-0.25, -2.5, 2.0]),  # 2; 1/2 - 3; -5/4 + 1
        (False, 8.0, [5.0, -1.75, 0.6875]),
        (True, 8.0, [0.5, -1.0, 8.0]),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("each_base", [False, True])
def test_three_bases_are_read_as_by_hand(leftward, state, expected, dtype, each_base):
    inputs = torch.tensor([Z_INPUTS, CANDIDATES], dtype=dtype)[:, :, None]
    entries = torch.arange(3, dtype=torch.int32)[:, None]
    start = None if state is None else torch.full((1, 1), state, dtype=dtype)
    hidden, end = read_mingru(
        inputs, entries, np.ones(3, dtype=np.int64),
        leftward=leftward, state=start, of_each_base=each_base,
    )  # fmt: skip
    assert hidden.flatten().tolist() == pytest.approx(expected, abs=1e-6)
    assert end.item() == pytest.approx(expected[0 if leftward else 2], abs=1e-6)


def test_the_gradient_of_three_bases_is_that_by_hand():
    """Of the last state: h3 = h2 / 4 · 3 + 8 / 4 and so on backwards; dz is z (1 - z) (n - h)."""
    for dtype in (torch.float32, torch.float64):
        inputs = torch.tensor([Z_INPUTS, CANDIDATES], dtype=dtype)[:, :, None].requires_grad_()
        entries = torch.arange(3, dtype=torch.int32)[:, None]
        hidden, _ = read_mingru(inputs, entries, np.ones(3, dtype=np.int64))
        hidden[2].sum().backward()
        d_h = [3 / 16, 3 / 4, 1.0]
        z, before = [1 / 2, 3 / 4, 1 / 4], [0.0, 1.0, -2.75]
        expected_n = [d * o for d, o in zip(d_h, z, strict=True)]
        expected_z = [
            d * o * (1 - o) * (n - b) for d, o, n, b in zip(d_h, z, CANDIDATES, before, strict=True)
        ]
        assert inputs.grad[0].flatten().tolist() == pytest.approx(expected_z, abs=1e-6)
        assert inputs.grad[1].flatten().tolist() == pytest.approx(expected_n, abs=1e-6)


@pytest.mark.parametrize("leftward", [False, True])
@pytest.mark.parametrize("each_base", [False, True])
@pytest.mark.parametrize("units", [1, 7, 16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_of_several_lengths_are_those_of_a_loop_in_double(leftward, each_base, units, dtype):
    """The compiled loops in float32, the scan in float64, values and gradients."""
    inputs, entries = letters(units=units, each_base=each_base)
    weights = torch.rand(*entries.shape, units, generator=torch.Generator().manual_seed(2))
    given = inputs.to(dtype, copy=True).requires_grad_()
    hidden, _ = read_mingru(
        given, entries, active_rows(LENGTHS), leftward=leftward, of_each_base=each_base
    )
    (hidden * weights.to(dtype)).sum().backward()
    exact = inputs.double().requires_grad_()
    expected = mingru_loop(exact, entries, LENGTHS, leftward)
    (expected * weights.double()).sum().backward()
    tolerance = 5e-6 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(hidden.double(), expected, rtol=0, atol=tolerance)
    torch.testing.assert_close(given.grad.double(), exact.grad, rtol=1e-6, atol=tolerance)
    for row, length in enumerate(LENGTHS):
        assert not hidden[length:, row].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("leftward", [False, True])
def test_what_stands_in_the_padding_reaches_no_base(dtype, leftward):
    found = []
    inside = torch.from_numpy(np.arange(50)[:, None] < LENGTHS)[:, :, None]
    for filler in (0.0, 1e3):
        inputs, entries = letters(each_base=True)
        dense = inputs.to(dtype).view(2, *entries.shape, -1)
        dense = torch.where(inside, dense, filler).flatten(1, 2).requires_grad_()
        hidden, _ = read_mingru(
            dense, entries, active_rows(LENGTHS), leftward=leftward, of_each_base=True
        )
        hidden.square().sum().backward()
        found.append((hidden.detach(), dense.grad))
        assert not dense.grad.view(2, *entries.shape, -1)[:, ~inside[:, :, 0]].any()
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("leftward", [False, True])
@pytest.mark.parametrize("each_base", [False, True])
@pytest.mark.parametrize(("rows", "units"), [(1, 5), (3, 16), (64, 32)])
def test_a_record_in_chunks_has_the_bits_of_the_whole(leftward, each_base, rows, units):
    inputs, entries = letters(np.full(rows, 90), units, each_base)
    active = np.full(90, rows)
    whole, end = read_mingru(inputs, entries, active, leftward=leftward, of_each_base=each_base)
    state, parts = None, {}
    cuts = [(0, 7), (7, 8), (8, 90)]
    for start, stop in cuts[::-1] if leftward else cuts:
        part, bases = inputs, entries[start:stop]
        if each_base:
            part = inputs.view(2, 90, rows, -1)[:, start:stop].flatten(1, 2)
            bases = torch.arange((stop - start) * rows, dtype=torch.int32).view(-1, rows)
        parts[start], state = read_mingru(
            part, bases, active[start:stop],
            leftward=leftward, state=state, of_each_base=each_base,
        )  # fmt: skip
    assert torch.equal(torch.cat([parts[start] for start in sorted(parts)]), whole)
    assert torch.equal(state, end)


def test_the_state_at_the_end_is_a_copy():
    inputs, entries = letters(np.full(3, 20))
    for dtype in (torch.float32, torch.float64):
        hidden, end = read_mingru(inputs.to(dtype), entries, np.full(20, 3))
        before = end.clone()
        hidden.zero_()
        assert torch.equal(end, before)
        assert end.shape == (3, 5)


@pytest.mark.parametrize("each_base", [False, True])
def test_threads_change_no_bit(each_base):
    """Of values and gradients, rows split at odd places."""
    lengths = np.arange(37, 0, -1)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            inputs, entries = letters(lengths, 7, each_base)
            inputs.requires_grad_()
            hidden, _ = read_mingru(inputs, entries, active_rows(lengths), of_each_base=each_base)
            hidden.square().sum().backward()
            found.append((hidden.detach(), inputs.grad))
    finally:
        torch.set_num_threads(before)
    for hidden, gradient in found[1:]:
        assert torch.equal(hidden, found[0][0])
        assert torch.equal(gradient, found[0][1])


def test_extreme_inputs_open_and_close_and_what_is_no_number_is_passed_on():
    z = torch.tensor([-torch.inf, -1e30, -100.0, 100.0, 1e30, torch.inf, torch.nan])
    inputs = torch.stack([z, torch.full_like(z, 3.0)])[:, :, None]
    entries = torch.arange(z.numel(), dtype=torch.int32)[None]
    state = torch.full((z.numel(), 1), 5.0)
    for each_base in (False, True):
        hidden, _ = read_mingru(
            inputs, entries, np.full(1, z.numel()), state=state, of_each_base=each_base
        )
        assert hidden[0, :6, 0].tolist() == [5.0, 5.0, 5.0, 3.0, 3.0, 3.0]
        assert hidden[0, 6].isnan()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_predicting_gives_the_bits_of_training(mode, dtype):
    inputs, entries = letters()
    inputs = inputs.to(dtype).requires_grad_()
    trained, _ = read_mingru(inputs, entries, active_rows(LENGTHS))
    with mode():
        predicted, _ = read_mingru(inputs, entries, active_rows(LENGTHS))
    assert torch.equal(trained, predicted)


@pytest.mark.parametrize("leftward", [False, True])
def test_under_autocast_the_scan_keeps_its_precision(leftward):
    """The way a GPU goes; here on the CPU, with inputs that float32 layers made."""
    inputs, entries = letters()
    expected, _ = read_mingru(inputs, entries, active_rows(LENGTHS), leftward=leftward)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = read_mingru(inputs, entries, active_rows(LENGTHS), leftward=leftward)
        rounded, state = read_mingru(inputs.bfloat16(), entries, active_rows(LENGTHS))
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)
    assert (rounded.dtype, state.dtype) == (torch.bfloat16, torch.float32)


@pytest.mark.parametrize("memory", [1e3, 1e5, 1e6])
@pytest.mark.parametrize("each_base", [False, True])
def test_a_memory_of_a_million_bases_is_kept_in_float32(memory, each_base):
    """Compiled and by scan; a loop in float32 is off by up to 1e-3 and more."""
    units, length = 4, 300_000
    inputs, entries = letters(np.array([length]), units, each_base)
    inputs[0] = 0.3 * inputs[0] - math.log(memory)
    inputs[1] = inputs[1].abs()
    active = np.ones(length, dtype=np.int64)
    exact, _ = read_mingru(inputs.double(), entries, active, of_each_base=each_base)
    compiled, _ = read_mingru(inputs, entries, active, of_each_base=each_base)
    with torch.autocast("cpu", torch.bfloat16):
        scanned, _ = read_mingru(inputs, entries, active, of_each_base=each_base)
    scale = float(exact.abs().max())
    assert float((compiled - exact).abs().max()) < 1e-6 * scale
    assert float((scanned - exact).abs().max()) < 2e-6 * scale


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 1000, 100_000])
def test_the_scan_is_the_loop(length):
    generator = torch.Generator().manual_seed(length)
    shape = (length, 2, 3)
    decay = torch.rand(shape, generator=generator, dtype=torch.float64)
    update = torch.randn(shape, generator=generator, dtype=torch.float64)
    entering = torch.randn(shape[1:], generator=generator, dtype=torch.float64)
    for start in (None, entering):
        states, last = linear_scan(decay, update, start)
        expected = loop(decay, update, start)
        torch.testing.assert_close(states, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(last, expected[-1], rtol=0, atol=1e-12)


def test_the_scan_of_slow_decays_is_the_loop():
    """States grow to a thousand times the updates."""
    generator = torch.Generator().manual_seed(1)
    shape = (100_000, 1, 2)
    decay = 1 - 1e-3 * torch.rand(shape, generator=generator, dtype=torch.float64)
    update = torch.rand(shape, generator=generator, dtype=torch.float64)
    states, _ = linear_scan(decay, update)
    torch.testing.assert_close(states, loop(decay, update), rtol=1e-12, atol=0)


def test_decays_of_zero_forget_all_and_of_one_nothing():
    update = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])[:, None, None]
    entering = torch.tensor([[10.0]])
    for decay, expected in (
        ([0.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]),
        ([1.0] * 5, [11.0, 13.0, 16.0, 20.0, 25.0]),
        ([1.0, 0.0, 1.0, 1.0, 0.0], [11.0, 2.0, 5.0, 9.0, 5.0]),
    ):
        states, _ = linear_scan(torch.tensor(decay)[:, None, None], update, entering)
        assert states.flatten().tolist() == expected


def test_a_million_bases_in_float32_are_scanned_right_to_a_hundred_thousandth():
    """Measured: 8e-7 where decays lie anywhere; 2e-7 to 6e-7 of the largest state in all three."""
    generator = torch.Generator().manual_seed(1)
    shape = (1_000_000, 1, 2)
    for slowest in (1.0, 1e-3, 1e-5):
        fading = slowest * torch.rand(shape, generator=generator)
        decay = 1 - fading
        update = fading * torch.randn(shape, generator=generator)
        states, _ = linear_scan(decay, update)
        exact, _ = linear_scan(decay.double(), update.double())
        error, largest = float((states - exact).abs().max()), float(exact.abs().max())
        assert error < 1e-5
        assert error < 2e-6 * largest


@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_the_gradient_of_the_scan_is_that_of_finite_differences(length):
    generator = torch.Generator().manual_seed(1)
    given = [
        torch.rand(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in ((length, 2, 2), (length, 2, 2), (2, 2))
    ]
    assert torch.autograd.gradcheck(linear_scan, given)
    assert torch.autograd.gradcheck(linear_scan, given[:2])


def test_the_scan_loops_over_no_positions():
    """A thousand times the length, ten more halvings: operations grow with the logarithm."""

    class Counter(torch.utils._python_dispatch.TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, function, types, arguments=(), options=None):
            self.count += 1
            return function(*arguments, **(options or {}))

    counts = []
    for length in (128, 128 * 1024):
        with Counter() as counter:
            linear_scan(torch.rand(length, 1, 1), torch.rand(length, 1, 1))
        counts.append(counter.count)
    assert counts[1] < 3 * counts[0]
