"""The chain of hidden states on top of a network: an HMM's own numbers, and learning them."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.architecture import chain_of
from basetag.corpus import UNLABELLED
from basetag.exact_inference import path_log_probability, smoothed_posterior
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.inference import Predictor
from basetag.network_tagger import NetworkTagger
from basetag.networks.activations import active_rows
from basetag.networks.heads import ChainHead
from basetag.networks.tagger_network import TaggerNetwork
from basetag.simulation import sample_emissions, sample_paths
from basetag.viterbi import Chain, most_probable_path, viterbi_path
from tests.conftest import REPOSITORY

CPU = torch.device("cpu")
PHASES = {"states": {"C": ["c1", "c2", "c3"], "N": ["n"]},
          "allowed": {"c1": ["c2"], "c2": ["c3"], "c3": ["c1", "n"], "n": ["n", "c1"]}}  # fmt: skip


def preset(name):
    path = Path(REPOSITORY, "resources", "hmms", f"{name}.yaml")
    return HMM.from_settings(load_hmm_spec(path).settings())


def as_network(hmm):
    """Return the network without recurrence whose chain is the model."""
    network = TaggerNetwork(
        DNA, hmm.n_labels, cell="none", bidirectional=True,
        head={"label_of": hmm.label_of_state.tolist(), "allowed": (hmm.transition > 0).tolist()},
    )  # fmt: skip
    with np.errstate(divide="ignore"):
        # Scores, and no probabilities, so a letter that a state never emits is made most unlikely.
        for value, numbers in (
            (network.head.weight, np.maximum(np.log(hmm.emission), -200)),
            (network.head.transition, np.maximum(np.log(hmm.transition), -200)),
            (network.head.start, np.log(hmm.start)),
        ):
            value.data = torch.tensor(numbers, dtype=torch.float32)
    network.head.bias.data.zero_()
    network.head.end.data.zero_()
    return network


def records():
    lengths = np.array([30_000, 1, 500, 0, 2_000])
    return np.random.default_rng(1).integers(4, size=lengths.sum()).astype(np.uint8), lengths


@pytest.mark.parametrize("bases", [10**6, 700])
@pytest.mark.parametrize("name", ["toy", "blocks", "isochores", "lambda", "cpg"])
def test_with_an_hmms_parameters_it_is_the_exact_posterior(name, bases):
    hmm, (tokens, lengths) = preset(name), records()
    found = Predictor(as_network(hmm), CPU, bases=bases).posterior(tokens, lengths)
    np.testing.assert_allclose(found, smoothed_posterior(hmm, tokens, lengths), atol=1e-5)


@pytest.mark.parametrize("bases", [10**6, 700])
@pytest.mark.parametrize("name", ["lambda", "cpg"])
def test_with_an_hmms_parameters_the_path_is_the_hmms(name, bases):
    hmm, (tokens, lengths) = preset(name), records()
    path = hmm.label_of_state[viterbi_path(hmm, tokens, lengths)]
    assert np.array_equal(Predictor(as_network(hmm), CPU, bases=bases).path(tokens, lengths), path)


@pytest.mark.parametrize("least", [[1, 1], [1, 40], [70, 300]])
def test_with_an_hmms_parameters_the_path_of_long_runs_is_the_hmms(least):
    hmm, (tokens, lengths) = preset("cpg"), records()
    card = {"alphabet": "dna", "both_strands": False}
    tagger = NetworkTagger(as_network(hmm), card, CPU)
    found = tagger.most_probable_path(tokens, lengths, None, np.array(least))
    chain = Chain.of_hmm(hmm, tokens)
    assert np.array_equal(found, most_probable_path(chain, lengths, np.array(least)))


def test_the_end_of_a_record_counts_in_a_path_of_long_runs():
    """Whatever the bases say, a record ends in the second label, and a run is three bases."""
    network = as_network(preset("toy"))
    network.head.end.data = torch.tensor([-1000.0, 1000.0])
    tagger = NetworkTagger(network, {"alphabet": "dna", "both_strands": False}, CPU)
    tokens, lengths = np.full(20, 1, dtype=np.uint8), np.array([12, 8])
    for least in (1, 3):
        path = tagger.most_probable_path(tokens, lengths, None, np.array([least, 1]))
        assert path[[11, 19]].tolist() == [1, 1]


@pytest.mark.parametrize("bases", [10**6, 700])
@pytest.mark.parametrize("name", ["toy", "blocks", "isochores"])
def test_of_equally_probable_paths_one_is_found(name, bases):
    """The numbers of these models are symmetric: many paths are best."""
    hmm, (tokens, lengths) = preset(name), records()
    best = viterbi_path(hmm, tokens, lengths)
    path = Predictor(as_network(hmm), CPU, bases=bases).path(tokens, lengths)
    expected, found = (path_log_probability(hmm, tokens, lengths, p) for p in (best, path))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_posterior_of_a_million_bases_is_right_to_five_places():
    hmm = preset("isochores")
    tokens = np.random.default_rng(2).integers(4, size=10**6).astype(np.uint8)
    length = np.array([tokens.size])
    found = Predictor(as_network(hmm), CPU).posterior(tokens, length)
    np.testing.assert_allclose(found, smoothed_posterior(hmm, tokens, length), atol=1e-5)


def random_network(cell, bidirectional, layers, head=PHASES):
    network = TaggerNetwork(
        DNA, 2, cell=cell, hidden=5, layers=layers, bidirectional=bidirectional,
        head=chain_of(head, "CN"),
    )  # fmt: skip
    network.initialise(torch.Generator().manual_seed(3))
    for value in network.head.parameters():
        value.data += torch.randn(value.shape, generator=torch.Generator().manual_seed(4))
    return network.double().eval()


@pytest.mark.parametrize(("bidirectional", "layers"), [(False, 1), (False, 2), (True, 1),
                                                       (True, 2), (True, 3)])  # fmt: skip
@pytest.mark.parametrize("cell", ["none", "lstm", "mingru"])
def test_messages_and_paths_are_carried_over_the_seams(cell, bidirectional, layers):
    network = random_network(cell, bidirectional, layers)
    lengths = np.array([1, 200, 0, 64, 65, 31, 2, 200, 128, 500, 63])
    tokens = np.random.default_rng(4).integers(4, size=lengths.sum()).astype(np.uint8)
    whole = Predictor(network, CPU, bases=10**6, rows=1)
    expected, path = whole.posterior(tokens, lengths), whole.path(tokens, lengths)
    for rows, bases in [(1, 16), (3, 50), (11, 700), (11, 10**6)]:
        predictor = Predictor(network, CPU, rows=rows, bases=bases)
        np.testing.assert_allclose(predictor.posterior(tokens, lengths), expected, atol=1e-6)
        assert np.array_equal(predictor.path(tokens, lengths), path), (rows, bases)


def paths_of(head, length):
    """Yield every allowed path, and the labels that it bears."""
    forbidden = head.forbidden.numpy()
    for path in itertools.product(range(head.out_features), repeat=length):
        if not any(forbidden[a, b] for a, b in itertools.pairwise(path)):
            yield path, head.label_of.numpy()[list(path)]


def weight(head, scores, path):
    values = [head.start[path[0]], head.end[path[-1]]]
    values += [scores[at, state] for at, state in enumerate(path)]
    values += [head.transition[a, b] for a, b in itertools.pairwise(path)]
    return float(sum(values))


@pytest.mark.parametrize("labels", ["CCCN", "NNCC", "C.N.", "....", "CNCN"])
def test_the_loss_is_that_of_all_paths_that_bear_the_labels(labels):
    """CNCN is borne by none: a codon has three phases."""
    head = random_network("none", False, 1).head
    scores = torch.randn(4, 1, 4, generator=torch.Generator().manual_seed(5))
    wanted = np.array([UNLABELLED if label == "." else "CN".index(label) for label in labels])
    with torch.no_grad():
        total, borne = [], []
        for path, of_path in paths_of(head, 4):
            total.append(weight(head, scores[:, 0].double(), path))
            if all(w in (UNLABELLED, label) for w, label in zip(wanted, of_path, strict=True)):
                borne.append(total[-1])
        found = head.loss(
            scores, torch.from_numpy(wanted.astype(np.uint8))[:, None], np.ones(4, int), None
        )
    expected = np.logaddexp.reduce(total) - np.logaddexp.reduce(borne) if borne else 0.0
    assert float(found) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("head", ["softmax", "crf", PHASES])
def test_the_gradient_of_the_loss_is_right(head):
    network = random_network("none", True, 1, head)
    tokens = torch.randint(4, (6, 2), generator=torch.Generator().manual_seed(5))
    labels = torch.tensor([[0, 1], [0, 1], [0, 255], [255, 255], [1, 255], [1, 255]]).byte()
    lengths = np.array([6, 3])
    weights = torch.tensor([1.0, 2.0], dtype=torch.float64)

    class Loss(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self):
            scores = self.network(tokens, lengths)
            return self.network.head.loss(scores, labels, active_rows(lengths), weights)

    whole = Loss()
    names, values = zip(*whole.named_parameters(), strict=True)

    def loss(*values):
        return torch.func.functional_call(whole, dict(zip(names, values, strict=True)))

    assert torch.autograd.gradcheck(loss, values)


def test_learning_from_labels_recovers_the_model_within_its_standard_errors():
    """What a chain can tell of an HMM: odds of letters and of switches, free of any scale."""
    hmm = preset("toy")
    rng = np.random.default_rng(6)
    states = sample_paths(hmm, np.full(200, 500), rng)
    tokens = sample_emissions(hmm, states, rng)
    tokens = torch.from_numpy(tokens).view(200, 500).T
    labels = torch.from_numpy(states).view(200, 500).T
    network = as_network(hmm)
    generator = torch.Generator().manual_seed(7)
    for value in network.parameters():
        value.data = 0.3 * torch.randn(value.shape, generator=generator)
    network.double()
    lengths = np.full(200, 500)
    active = active_rows(lengths)
    parameters = list(network.parameters())
    optimiser = torch.optim.LBFGS(
        parameters, max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-7
    )

    def loss():
        scores = network(tokens, lengths)
        return network.head.loss(scores, labels, active, None) / labels.numel()

    def closure():
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(closure)

    def odds(weight, transition):
        """Return the log odds of the states at a C, G or T beside A, and of staying."""
        emission = weight[0] - weight[1]
        stay = transition[0, 0] + transition[1, 1] - transition[0, 1] - transition[1, 0]
        return np.append(emission[1:] - emission[0], stay)

    found = odds(network.head.weight.detach().numpy(), network.head.transition.detach().numpy())
    expected = odds(np.log(hmm.emission), np.log(hmm.transition))
    # Standard errors from the spread of 200 records' own gradients (the sandwich's meat equals
    # the information where the model is right): a bootstrap of records would take an hour.
    per_record = []
    for row in range(200):
        network.zero_grad()
        scores = network(tokens[:, row : row + 1], lengths[:1])
        network.head.loss(
            scores, labels[:, row : row + 1], np.ones(500, dtype=int), None
        ).backward()
        per_record.append(torch.cat([value.grad.flatten() for value in parameters]).numpy())
    information = np.cov(np.array(per_record).T) * 200
    covariance = np.linalg.pinv(information, rcond=1e-10)
    jacobian = np.zeros((4, covariance.shape[0]))
    sizes = np.cumsum([0, *(value.numel() for value in parameters)])
    at = {name: sizes[i] for i, (name, _) in enumerate(network.named_parameters())}
    for i in range(3):
        for state, sign in ((0, 1), (1, -1)):
            jacobian[i, at["head.weight"] + 4 * state + i + 1] = sign
            jacobian[i, at["head.weight"] + 4 * state] = -sign
    jacobian[3, at["head.transition"] : at["head.transition"] + 4] = [1, -1, -1, 1]
    errors = np.sqrt(np.diag(jacobian @ covariance @ jacobian.T))
    assert (errors < 0.1).all()
    assert (np.abs(found - expected) < 3.5 * errors).all(), (found, expected, errors)


def test_a_chain_starts_with_the_transitions_of_the_labels():
    """Before anything is learnt of the bases, it is the Markov chain of the labels."""
    head = ChainHead(4, [0, 1, 1])
    head.initialise(torch.Generator().manual_seed(1))
    head.weight.data.zero_()
    head.start_from_steps(np.array([[89, 9], [19, 79]]), np.array([0.6, 0.4]))
    steps = head.transition.detach().exp().numpy()
    np.testing.assert_allclose(
        steps, [[0.9, 0.1, 0.1], [0.2, 0.8, 0.8], [0.2, 0.8, 0.8]], rtol=1e-6
    )
    np.testing.assert_allclose(head.start.detach().exp(), [0.6, 0.4, 0.4], rtol=1e-6)
