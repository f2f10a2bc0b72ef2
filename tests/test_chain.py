"""Sums over paths, messages, the most probable path: by multiplying out, and by the exact HMM."""

import itertools
import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import exact_inference
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.networks import chain as chain_module
from basetag.networks.activations import active_rows
from basetag.networks.chain import Chain, log_partition, posterior, propagate, trace, viterbi
from basetag.simulation import sample_emissions, sample_paths
from basetag.viterbi import viterbi_path
from tests.conftest import REPOSITORY

INF = math.inf


@pytest.fixture(params=["compiled", "parallel"])
def form(request):
    with computed(request.param):
        yield request.param


@contextmanager
def computed(form):
    """Compute on the CPU as the CPU does, or as a GPU would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain_module, "_compiled_is_best", lambda emissions: form == "compiled")
        yield


def random_chain(n_states, seed=1, dtype=torch.float64, scale=1.0, sticky=0.0):
    rng = np.random.default_rng(seed)
    draw = [
        rng.normal(scale=scale, size=shape) for shape in ((n_states, n_states), n_states, n_states)
    ]
    draw[0] += sticky * np.eye(n_states)
    return Chain(*(torch.from_numpy(scores).to(dtype) for scores in draw))


def random_scores(lengths, n_states, seed=1, dtype=torch.float64, scale=1.0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(scale=scale, size=(lengths[0], len(lengths), n_states))).to(
        dtype
    )


def beside_largest(messages):
    """Return messages without the factor that is free."""
    return messages / messages.amax(-1, keepdim=True).clamp(min=1e-300)


def all_paths(scores, chain):
    """Return every path of one record, (paths, length), and the score of each."""
    length, n_states = scores.shape
    paths = np.array(list(itertools.product(range(n_states), repeat=length)))
    scores, transition = scores.double().numpy(), chain.transition.double().numpy()
    total = chain.start.double().numpy()[paths[:, 0]] + chain.end.double().numpy()[paths[:, -1]]
    for t in range(length):
        total = total + scores[t, paths[:, t]]
        if t:
            total = total + transition[paths[:, t - 1], paths[:, t]]
    return paths, total


def expected_of(paths, total, n_states):
    """Return log partition, marginals and expected steps, by the definition."""
    if total.max() == -INF:
        return -INF, np.zeros((paths.shape[1], n_states)), np.zeros((n_states, n_states))
    weight = np.exp(total - total.max())
    share = weight / weight.sum()
    marginals = np.stack([share @ (paths == k) for k in range(n_states)], axis=1)
    steps = np.zeros((n_states, n_states))
    for t in range(1, paths.shape[1]):
        np.add.at(steps, (paths[:, t - 1], paths[:, t]), share)
    return total.max() + np.log(weight.sum()), marginals, steps


@st.composite
def problems(draw):
    """A chain of 1 to 4 states, ragged records of up to 6 bases, and -inf here and there."""
    n_states = draw(st.integers(1, 4))
    lengths = np.array(sorted(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))[::-1])
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    forbidden = draw(st.sampled_from([0.0, 0.15, 0.4]))

    def scores(*shape):
        drawn = rng.normal(scale=draw(st.sampled_from([0.1, 2.0, 20.0])), size=shape)
        return torch.from_numpy(np.where(rng.random(shape) < forbidden, -INF, drawn))

    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    emissions = scores(lengths[0], lengths.size, n_states).to(dtype)
    return emissions, Chain(scores(n_states, n_states), scores(n_states), scores(n_states)), lengths


@pytest.mark.parametrize("form", ["compiled", "parallel"])
@given(problem=problems())
@settings(max_examples=150, deadline=None)
def test_all_is_what_multiplying_out_gives(form, problem):
    emissions, chain, lengths = problem
    active, n_states = active_rows(lengths), emissions.shape[2]
    tolerance = {"rtol": 0, "atol": 1e-9 if emissions.dtype == torch.float64 else 1e-6}
    leaves = [emissions, chain.transition, chain.start, chain.end]
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    with computed(form):
        found = log_partition(leaves[0], Chain(*leaves[1:]), active)
        rightward = propagate(emissions, chain, active)[0]
        leftward = propagate(emissions, chain, active, leftward=True)[0]
        posteriors = posterior(emissions, rightward, leftward)
        path = viterbi(emissions, chain, active)
    weights = torch.arange(1, lengths.size + 1, dtype=torch.float64)
    torch.where(found == -INF, 0.0, found * weights).sum().backward()
    gradients = [np.zeros(leaf.shape) for leaf in leaves]
    for row, length in enumerate(lengths):
        paths, total = all_paths(emissions[:length, row], chain)
        log_sum, marginals, steps = expected_of(paths, total, n_states)
        assert found[row].item() == pytest.approx(log_sum, rel=1e-12, abs=1e-9)
        np.testing.assert_allclose(posteriors[:length, row], marginals, **tolerance)
        assert not posteriors[length:, row].any()
        assert not path[length:, row].any()
        if log_sum > -INF:
            of_path = np.flatnonzero((paths == path[:length, row].numpy()).all(1))
            assert total[of_path[0]] >= total.max() - 1e-5
        gradients[0][:length, row] = marginals * (row + 1)
        gradients[1] += steps * (row + 1)
        gradients[2] += marginals[0] * (row + 1)
        gradients[3] += marginals[-1] * (row + 1)
    for leaf, gradient in zip(leaves, gradients, strict=True):
        torch.testing.assert_close(
            leaf.grad.double(), torch.from_numpy(gradient), rtol=0, atol=tolerance["atol"] * 40
        )


@pytest.mark.parametrize("n_states", [1, 2, 3, 5])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_are_those_of_small_differences(form, n_states, masked):
    lengths = np.array([7, 7, 4, 1])
    emissions, chain = random_scores(lengths, n_states), random_chain(n_states)
    if masked and n_states > 1:
        emissions[2, 0, 0] = emissions[0, 1, 1] = emissions[3, 2, :-1] = -INF
        chain.transition[1, 0] = -INF
        chain.start[1] = -INF
    leaves = [emissions, chain.transition, chain.start, chain.end]
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    assert torch.autograd.gradcheck(
        lambda e, *scores: log_partition(e, Chain(*scores), active_rows(lengths)), leaves
    )


def test_the_loss_of_constrained_paths_has_gradients_without_nan(form):
    """Minus the log probability of what the labels allow."""
    lengths = np.array([40, 25, 3])
    emissions = random_scores(lengths, 4, dtype=torch.float32).requires_grad_()
    chain = random_chain(4, dtype=torch.float32)
    allowed = torch.from_numpy(np.random.default_rng(2).random(emissions.shape) < 0.5)
    allowed[..., 0] = True
    active = active_rows(lengths)
    masked = emissions.masked_fill(~allowed, -INF)
    loss = log_partition(emissions, chain, active) - log_partition(masked, chain, active)
    assert (loss > 0).all()
    loss.sum().backward()
    assert emissions.grad.isfinite().all()
    # Probability goes from what is forbidden to what is allowed.
    assert (emissions.grad[~allowed] >= 0).all()
    torch.testing.assert_close(emissions.grad.sum(-1), torch.zeros(40, 3), rtol=0, atol=1e-5)


def test_a_record_without_an_allowed_path_weighs_nothing_and_moves_nothing(form):
    lengths = np.array([5, 5, 1])
    emissions, chain = random_scores(lengths, 3), random_chain(3)
    emissions[2, 0] = -INF
    emissions[0, 2] = -INF
    leaves = [emissions.requires_grad_(), chain.transition.requires_grad_()]
    found = log_partition(leaves[0], Chain(leaves[1], chain.start, chain.end), active_rows(lengths))
    assert found[0] == found[2] == -INF
    assert found[1].isfinite()
    found.backward(torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64))
    assert not leaves[0].grad.any()
    assert not leaves[1].grad.any()


def test_not_a_number_is_passed_on(form):
    emissions, chain = random_scores(np.array([9]), 2), random_chain(2)
    emissions[4, 0, 1] = math.nan
    assert log_partition(emissions, chain, active_rows(np.array([9]))).isnan().all()


@pytest.mark.parametrize("leftward", [False, True])
@pytest.mark.parametrize("maximum", [False, True])
def test_what_leaves_a_record_is_the_sum_or_maximum_over_its_paths(form, leftward, maximum):
    lengths = np.array([5, 3, 1])
    n_states = 3
    emissions, chain = random_scores(lengths, n_states), random_chain(n_states)
    _, leaving, log_scale = propagate(
        emissions, chain, active_rows(lengths), leftward=leftward, maximum=maximum
    )
    for row, length in enumerate(lengths):
        free = torch.zeros(n_states, dtype=torch.float64)
        ends = {"start": free} if leftward else {"end": free}
        given = Chain(**{**vars(chain), **ends})
        paths, total = all_paths(emissions[:length, row], given)
        out = chain.transition.numpy()
        step = out[:, paths[:, 0]] if leftward else out[paths[:, -1]].T  # (neighbour's state, path)
        expected = np.exp(total + step)
        expected = expected.max(1) if maximum else expected.sum(1)
        found = leaving[row].numpy() * math.exp(log_scale[row])
        np.testing.assert_allclose(found, expected, rtol=1e-10)


PRESETS = ["toy", "blocks", "isochores", "lambda"]


def simulated(name, lengths, seed=1):
    path = REPOSITORY / f"resources/hmms/{name}.yaml"
    hmm = HMM.from_settings(load_hmm_spec(path).settings())
    rng = np.random.default_rng(seed)
    tokens = sample_emissions(hmm, sample_paths(hmm, lengths, rng), rng)
    with np.errstate(divide="ignore"):
        # As exact inference does: rows written with six digits are made to sum to 1.
        transition = np.log(hmm.transition / hmm.transition.sum(1, keepdims=True))
        start, likelihood = np.log(hmm.start), np.log(hmm.token_likelihood)
    end = np.zeros(hmm.n_states)
    chain = Chain(*(torch.from_numpy(scores) for scores in (transition, start, end)))
    emissions = np.zeros((lengths[0], lengths.size, hmm.n_states))
    for row, part in enumerate(np.split(tokens, np.cumsum(lengths)[:-1])):
        emissions[: part.size, row] = likelihood[part]
    return hmm, tokens, chain, torch.from_numpy(emissions)


def joined(values, lengths):
    return np.concatenate([values[:length, row] for row, length in enumerate(lengths)])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_chain_of_log_probabilities_is_the_hidden_markov_model(form, preset, dtype):
    lengths = np.array([3000, 1200, 1200, 50, 1])
    active = active_rows(lengths)
    hmm, tokens, chain, emissions = simulated(preset, lengths)
    emissions = emissions.to(dtype)
    single = dtype == torch.float32
    rightward = propagate(emissions, chain, active)[0]
    leftward = propagate(emissions, chain, active, leftward=True)[0]
    np.testing.assert_allclose(
        joined(posterior(emissions, rightward, leftward).numpy(), lengths),
        exact_inference.smoothed_posterior(hmm, tokens, lengths),
        rtol=0, atol=1e-5 if single else 1e-6,
    )  # fmt: skip
    np.testing.assert_allclose(
        log_partition(emissions, chain, active),
        exact_inference.log_likelihood(hmm, tokens, lengths),
        rtol=1e-6 if single else 1e-11,
    )
    # In the other presets some paths are equally probable: there the probability counts.
    path = joined(viterbi(emissions, chain, active).numpy(), lengths)
    best = viterbi_path(hmm, tokens, lengths)
    of = [
        exact_inference.path_log_probability(hmm, tokens, lengths, given) for given in (path, best)
    ]
    np.testing.assert_allclose(of[0], of[1], rtol=0, atol=1e-3 if single else 1e-6)
    if preset == "lambda":
        np.testing.assert_array_equal(path, best)


CUTS = [(0, 7), (7, 8), (8, 150), (150, 333)]


@pytest.mark.parametrize("n_states", [2, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_record_in_chunks_is_the_whole_record(form, n_states, dtype):
    rows = 3
    emissions = random_scores(np.full(333, 333)[:rows], n_states, dtype=dtype)
    chain = random_chain(n_states, dtype=dtype, sticky=3.0)
    active = np.full(333, rows)
    for leftward in (False, True):
        for maximum in (False, True):
            options = {"leftward": leftward, "maximum": maximum}
            whole, leaving, log_scale = propagate(emissions, chain, active, **options)
            entering, total, parts = None, 0.0, {}
            for start, end in CUTS[::-1] if leftward else CUTS:
                parts[start], entering, scale = propagate(
                    emissions[start:end], chain, active[start:end], entering=entering, **options
                )
                total = total + scale
            together = torch.cat([parts[start] for start in sorted(parts)])
            if form == "compiled":
                assert torch.equal(together, whole)
                assert torch.equal(entering, leaving)
            torch.testing.assert_close(beside_largest(together), beside_largest(whole))
            torch.testing.assert_close(
                entering.log() + total[:, None], leaving.log() + log_scale[:, None]
            )
            if not maximum:
                continue
            # Against the direction of the messages, from chunk to chunk.
            path = trace(emissions, chain, whole, active, leftward=not leftward)[0]
            state, traced = None, {}
            for start, end in CUTS if leftward else CUTS[::-1]:
                traced[start], state = trace(
                    emissions[start:end], chain, parts[start], active[start:end],
                    leftward=not leftward, entering_state=state,
                )  # fmt: skip
            assert torch.equal(torch.cat([traced[start] for start in sorted(traced)]), path)
            if not leftward:
                assert torch.equal(path, viterbi(emissions, chain, active))


def test_paths_traced_in_both_directions_are_equally_probable(form):
    lengths = np.array([400, 90, 1])
    emissions, chain, active = random_scores(lengths, 4), random_chain(4), active_rows(lengths)
    leftward = propagate(emissions, chain, active, leftward=True, maximum=True)[0]
    path, leaving = trace(emissions, chain, leftward, active, leftward=False)
    assert torch.equal(path, viterbi(emissions, chain, active))
    assert leaving.tolist() == [path[length - 1, row] for row, length in enumerate(lengths)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_path_takes_no_forbidden_step_whatever_the_scores(form, dtype):
    """A ring of states that is left only by its own steps, and scores that pull elsewhere."""
    n_states, lengths = 6, np.array([700, 333, 20])
    chain = random_chain(n_states)
    may = np.eye(n_states, dtype=bool) | np.roll(np.eye(n_states, dtype=bool), 1, axis=1)
    chain.transition[torch.from_numpy(~may)] = -INF
    chain.start[1:] = -INF
    chain.end[: n_states - 1] = -INF
    emissions = random_scores(lengths, n_states, scale=300.0, dtype=dtype)
    emissions[100:110, 0, 3] = -INF
    active = active_rows(lengths)
    for leftward in (False, True):
        messages = propagate(emissions, chain, active, leftward=leftward, maximum=True)[0]
        path = trace(emissions, chain, messages, active, leftward=not leftward)[0].numpy()
        for row, length in enumerate(lengths):
            own = path[:length, row]
            assert own[0] == 0
            assert own[-1] == n_states - 1
            assert may[own[:-1], own[1:]].all()
        assert not (path[100:110, 0] == 3).any()


@pytest.mark.parametrize("n_states", [1, 2, 3, 8, 17])
@pytest.mark.parametrize("length", [1, 2, 31, 500])
def test_in_parallel_the_numbers_are_those_of_the_walk(n_states, length):
    lengths = np.unique([length, length, max(1, length // 2), max(1, length - 1), 1])[::-1].copy()
    active = active_rows(lengths)
    emissions = random_scores(lengths, n_states, scale=3.0)
    chain = random_chain(n_states, scale=3.0)
    found = {}
    for form in ("compiled", "parallel"):
        with computed(form):
            leaves = [emissions, chain.transition, chain.start, chain.end]
            leaves = [leaf.clone().requires_grad_() for leaf in leaves]
            log_sum = log_partition(leaves[0], Chain(*leaves[1:]), active)
            log_sum.sum().backward()
            numbers = [log_sum.detach(), *(leaf.grad for leaf in leaves)]
            for leftward, maximum in itertools.product((False, True), repeat=2):
                messages, leaving, log_scale = propagate(
                    emissions, chain, active, leftward=leftward, maximum=maximum
                )
                numbers += [beside_largest(messages), leaving.log() + log_scale[:, None]]
            found[form] = [*numbers, viterbi(emissions, chain, active)]
    for value, expected in zip(*found.values(), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_states", [2, 3, 16])
def test_the_number_of_threads_changes_nothing(n_states):
    lengths = np.array([300] * 20 + [150] * 7 + [2, 1])
    active = active_rows(lengths)
    emissions, chain = random_scores(lengths, n_states, dtype=torch.float32), random_chain(n_states)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            leaf = emissions.clone().requires_grad_()
            log_sum = log_partition(leaf, chain, active)
            log_sum.sum().backward()
            rightward, leaving, _ = propagate(emissions, chain, active)
            leftward = propagate(emissions, chain, active, leftward=True)[0]
            posteriors = posterior(emissions, rightward, leftward)
            path = viterbi(emissions, chain, active)
            found.append([log_sum, leaf.grad, rightward, leaving, leftward, posteriors, path])
    finally:
        torch.set_num_threads(before)
    for others in found[1:]:
        for value, expected in zip(others, found[0], strict=True):
            assert torch.equal(value, expected)


def test_a_row_is_what_it_is_alone():
    lengths = np.array([90] * 9 + [31, 1])
    emissions, chain = random_scores(lengths, 2), random_chain(2)
    together = propagate(emissions, chain, active_rows(lengths), leftward=True)[0]
    for row, length in enumerate(lengths):
        alone = propagate(
            emissions[:length, row : row + 1], chain, np.ones(length, dtype=np.int64), leftward=True
        )[0]
        assert torch.equal(together[:length, row], alone[:, 0])


@pytest.mark.parametrize(("n_states", "length"), [(2, 1_000_000), (7, 200_000)])
def test_float32_stays_right_over_a_long_record_that_seldom_changes(form, n_states, length):
    """Rows of scores that repeat, so that roundings would add up and not cancel."""
    rng = np.random.default_rng(1)
    letters = rng.normal(scale=0.02, size=(4, n_states)).astype(np.float32)
    emissions = torch.from_numpy(letters[rng.integers(0, 4, length)][:, None])
    leave = 1e-5
    transition = np.full((n_states, n_states), math.log(leave / max(1, n_states - 1)))
    np.fill_diagonal(transition, math.log1p(-leave))
    zero = torch.zeros(n_states)
    active = np.ones(length, dtype=np.int64)
    found = {}
    for dtype in (torch.float32, torch.float64):
        chain = Chain(torch.from_numpy(transition).float().to(dtype), zero, zero)
        scores = emissions.detach().to(dtype, copy=True).requires_grad_()
        log_sum = log_partition(scores, chain, active)
        log_sum.sum().backward()
        with torch.no_grad():
            rightward = propagate(scores, chain, active)[0]
            leftward = propagate(scores, chain, active, leftward=True)[0]
            found[dtype] = scores.grad, posterior(scores, rightward, leftward), log_sum.detach()
    single, double = found.values()
    assert 0.1 < double[0].std() < 0.5
    for index in (0, 1):
        torch.testing.assert_close(single[index].double(), double[index], rtol=0, atol=1e-6)
    torch.testing.assert_close(single[2], double[2], rtol=1e-9, atol=0)
    torch.testing.assert_close(double[1], double[0], rtol=0, atol=1e-9)


def test_with_64_states_float32_agrees_with_float64(form):
    lengths = np.array([600, 100])
    active = active_rows(lengths)
    emissions = random_scores(lengths, 64, dtype=torch.float32, scale=2.0)
    chain = random_chain(64, dtype=torch.float32, sticky=8.0)
    found = []
    for dtype in (torch.float32, torch.float64):
        scores = emissions.detach().to(dtype, copy=True).requires_grad_()
        log_sum = log_partition(scores, chain, active)
        log_sum.sum().backward()
        found.append((log_sum.detach(), scores.grad.double()))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-9, atol=0)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=0, atol=1e-6)


def test_shapes_that_do_not_fit_are_refused():
    emissions, chain = random_scores(np.array([5, 3]), 2), random_chain(2)
    active = active_rows(np.array([5, 3]))
    for wrong in (
        (emissions.half(), chain, active),
        (emissions, random_chain(3), active),
        (emissions, chain, active[:-1]),
        (emissions, chain, active_rows(np.array([5, 3, 1]))),
    ):
        with pytest.raises(ValueError, match="need"):
            log_partition(*wrong)
