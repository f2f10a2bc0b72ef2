"""What `basetag.simulation` promises: sequences distributed as the model says, and the same bytes.

Samples are held against closed forms and against hmmlearn. Seeds are fixed; a sound sampler would
fail a test at the threshold for one seed in a thousand.
"""

import gzip
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from Bio import SeqIO
from hmmlearn.hmm import CategoricalHMM
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from basetag import simulation
from basetag.alphabet import DNA, Alphabet
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.simulation import draw_lengths, sample_emissions, sample_paths, simulate_to_fasta

ROOT = Path(__file__).parent.parent
THRESHOLD = 1e-3
PRESETS = ["toy", "blocks", "isochores", "lambda", "isochore_families", "cpg", "patches"]


def preset(name):
    return HMM.from_settings(load_hmm_spec(ROOT / f"resources/hmms/{name}.yaml").settings())


#: Three states over letters of its own; the first never stays, and one transition is forbidden.
WEATHER = HMM(
    Alphabet.of_letters("wdx"),
    ("s", "c", "r"),
    np.array([0.2, 0.5, 0.3]),
    np.array([[0.0, 0.7, 0.3], [0.1, 0.8, 0.1], [0.0, 0.4, 0.6]]),
    np.array([[0.1, 0.9, 0.0], [0.3, 0.3, 0.4], [1.0, 0.0, 0.0]]),
)
#: Three states that last, so that paths are drawn run by run.
LASTING = HMM(
    Alphabet.of_letters("01"),
    ("a", "b", "c"),
    np.array([1.0, 0.0, 0.0]),
    np.array([[0.95, 0.04, 0.01], [0.0, 0.98, 0.02], [0.03, 0.03, 0.94]]),
    np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]),
)
MODELS = [preset(name) for name in PRESETS] + [WEATHER, LASTING]
NAMES = [*PRESETS, "weather", "lasting"]


def goodness_of_fit(counts, probability):
    """Return the p value of a chi-square test; what cannot happen must not have happened."""
    counts, probability = np.asarray(counts), np.asarray(probability)
    assert not counts[probability == 0].any()
    kept = probability > 0
    if kept.sum() < 2:
        return 1.0
    return stats.chisquare(counts[kept], counts.sum() * probability[kept]).pvalue


def runs(path):
    """Return state and length of every run that is not cut by the ends of `path`."""
    cuts = np.flatnonzero(np.diff(path)) + 1
    return path[cuts[:-1]], np.diff(cuts)


@pytest.mark.parametrize("hmm", MODELS, ids=NAMES)
def test_states_at_a_position_are_distributed_as_the_chain_says(hmm):
    records, length = 20_000, 40
    path = sample_paths(hmm, np.full(records, length), np.random.default_rng(1))
    path = path.reshape(records, length)
    for t in (0, 1, 39):
        counts = np.bincount(path[:, t], minlength=hmm.n_states)
        expected = hmm.start @ np.linalg.matrix_power(hmm.transition, t)
        assert goodness_of_fit(counts, expected) > THRESHOLD


@pytest.mark.parametrize("hmm", MODELS, ids=NAMES)
def test_runs_last_geometrically(hmm):
    stay = np.diag(hmm.transition)
    bases = int(min(20_000_000, 40_000 / (1 - stay.max())))
    path = sample_paths(hmm, np.array([bases]), np.random.default_rng(2))
    states, lengths = runs(path)
    for state in range(hmm.n_states):
        found = lengths[states == state]
        if stay[state] == 0:
            assert (found == 1).all()
            continue
        law = stats.geom(1 - stay[state])
        edges = np.unique(law.ppf(np.linspace(0, 1, 21)[1:-1]))  # upper ends of the bins
        counts = np.bincount(np.searchsorted(edges, found), minlength=edges.size + 1)
        probability = np.diff(np.r_[0, law.cdf(edges), 1])
        assert goodness_of_fit(counts, probability) > THRESHOLD


@pytest.mark.parametrize("hmm", [WEATHER, LASTING], ids=NAMES[-2:])
def test_the_next_state_comes_from_the_transitions_that_leave(hmm):
    path = sample_paths(hmm, np.array([500_000]), np.random.default_rng(3))
    for state in range(hmm.n_states):
        following = path[1:][path[:-1] == state]
        counts = np.bincount(following, minlength=hmm.n_states)
        assert goodness_of_fit(counts, hmm.transition[state]) > THRESHOLD


def simulated_islands(bases, seed):
    """Return letters and labels, 0 inside and 1 outside, of one record of the model of islands."""
    hmm = preset("cpg")
    rng = np.random.default_rng(seed)
    path = sample_paths(hmm, np.array([bases]), rng)
    return sample_emissions(hmm, path, rng), hmm.label_of_state[path]


def test_islands_and_gaps_last_geometrically_with_the_means_of_their_switches():
    _, labels = simulated_islands(20_000_000, seed=11)
    sides, lengths = runs(labels)
    for side, mean in ((0, 1000), (1, 4000)):
        found = lengths[sides == side]
        assert found.size > 3000
        # The standard deviation of a geometric distribution is about its mean.
        assert found.mean() == pytest.approx(mean, abs=4 * mean / np.sqrt(found.size))
        law = stats.geom(1 / mean)
        edges = np.unique(law.ppf(np.linspace(0, 1, 21)[1:-1]))
        counts = np.bincount(np.searchsorted(edges, found), minlength=edges.size + 1)
        assert goodness_of_fit(counts, np.diff(np.r_[0, law.cdf(edges), 1])) > THRESHOLD


def test_letters_follow_each_other_as_the_book_says_inside_islands_and_outside():
    tokens, labels = simulated_islands(5_000_000, seed=12)
    tables = (
        # Durbin, Eddy, Krogh & Mitchison (1998), section 3.1: rows and columns A C G T.
        [[180, 274, 426, 120], [171, 368, 274, 188], [161, 339, 375, 125], [79, 355, 384, 182]],
        [[300, 205, 285, 210], [322, 298, 78, 302], [248, 246, 298, 208], [177, 239, 292, 292]],
    )
    for side, table in enumerate(tables):
        within = (labels[:-1] == side) & (labels[1:] == side)
        for letter in range(4):
            following = tokens[1:][within & (tokens[:-1] == letter)]
            row = np.array(table[letter]) / sum(table[letter])
            assert goodness_of_fit(np.bincount(following, minlength=4), row) > THRESHOLD


@pytest.mark.parametrize("name", ["toy", "blocks"])
def test_the_stationary_start_stays_stationary(name):
    hmm = preset(name)
    settings = hmm.settings() | {"start": "stationary"}
    hmm = HMM.from_settings(settings)
    path = sample_paths(hmm, np.full(30_000, 7), np.random.default_rng(4)).reshape(-1, 7)
    for t in (0, 6):
        assert goodness_of_fit(np.bincount(path[:, t]), hmm.stationary()) > THRESHOLD


@pytest.mark.parametrize("hmm", MODELS, ids=NAMES)
def test_emissions_are_distributed_as_their_state_says(hmm):
    rng = np.random.default_rng(5)
    path = sample_paths(hmm, np.full(300, 1000), rng)
    tokens = sample_emissions(hmm, path, rng)
    for state in range(hmm.n_states):
        counts = np.bincount(tokens[path == state], minlength=hmm.alphabet.n_letters)
        assert goodness_of_fit(counts, hmm.emission[state]) > THRESHOLD


@pytest.mark.parametrize("hmm", [*MODELS[:2], WEATHER, LASTING], ids=[*NAMES[:2], *NAMES[-2:]])
def test_samples_cannot_be_told_from_those_of_hmmlearn(hmm):
    model = CategoricalHMM(hmm.n_states, n_features=hmm.alphabet.n_letters)
    model.startprob_, model.transmat_, model.emissionprob_ = (
        hmm.start,
        hmm.transition,
        hmm.emission,
    )
    their_tokens, their_path = model.sample(60_000, random_state=6)
    rng = np.random.default_rng(7)
    path = sample_paths(hmm, np.array([60_000]), rng)
    tokens = sample_emissions(hmm, path, rng)
    for state in range(hmm.n_states):
        # Given the state, what follows and what is emitted are independent from base to base.
        for ours, others, n in (
            (path[1:][path[:-1] == state], their_path[1:][their_path[:-1] == state], hmm.n_states),
            (tokens[path == state], their_tokens[their_path == state, 0], hmm.alphabet.n_letters),
        ):
            table = np.array([np.bincount(ours, minlength=n), np.bincount(others, minlength=n)])
            table = table[:, table.sum(axis=0) > 0]
            assert stats.chi2_contingency(table).pvalue > THRESHOLD
    state_runs, their_runs = runs(path), runs(their_path)
    for state in range(hmm.n_states):
        samples = [lengths[states == state] for states, lengths in (state_runs, their_runs)]
        assert stats.mannwhitneyu(*samples).pvalue > THRESHOLD or np.ptp(samples[0]) == 0


@pytest.mark.parametrize("hmm", [preset("toy"), WEATHER, LASTING], ids=["toy", *NAMES[-2:]])
def test_a_record_in_many_chunks_goes_on_as_the_chain_says(hmm, monkeypatch, tmp_path):
    monkeypatch.setattr(simulation, "CHUNK_BASES", 80)
    paths = tmp_path / "a.gz", tmp_path / "b.gz"
    simulate_to_fasta(hmm, np.array([80 * 2500]), 8, *paths)
    (states,) = read(paths[1]).values()
    path = np.array(["".join(hmm.states).index(letter) for letter in states])
    before, after = path[79:-1:80], path[80::80]
    for state in range(hmm.n_states):
        counts = np.bincount(after[before == state], minlength=hmm.n_states)
        assert goodness_of_fit(counts, hmm.transition[state]) > THRESHOLD


@pytest.mark.parametrize("stay", [0.5, 0.99])
def test_only_the_first_record_of_a_chunk_continues_an_earlier_one(stay):
    rows = np.array([[stay, 1 - stay], [1 - stay, stay]])
    hmm = HMM(DNA, ("H", "L"), np.array([1.0, 0.0]), rows, np.full((2, 4), 0.25))
    firsts = []
    for seed in range(100):
        path = sample_paths(hmm, np.full(10, 3), np.random.default_rng(seed), previous=1)
        firsts.append(path[0])
        assert not path[3::3].any()
    assert np.mean(firsts) == pytest.approx(stay, abs=0.15)


def read(path):
    """Return the records of a compressed FASTA file, as an independent parser reads them."""
    text = io.StringIO(gzip.decompress(path.read_bytes()).decode())
    return {record.id: str(record.seq) for record in SeqIO.parse(text, "fasta")}


def simulate(folder, hmm, lengths, seed, **options):
    paths = folder / "sequences.fa.gz", folder / "states.fa.gz"
    simulate_to_fasta(hmm, np.array(lengths, dtype=np.int64), seed, *paths, **options)
    return paths


@given(
    st.lists(st.integers(0, 400), max_size=12),
    st.integers(0, 2**63),
    st.integers(1, 2),
)
def test_records_have_their_lengths_whatever_the_chunk(tmp_path_factory, lengths, seed, threads):
    folder = tmp_path_factory.mktemp("run")
    chunk = simulation.CHUNK_BASES
    try:
        simulation.CHUNK_BASES = 160
        sequences, states = simulate(folder, WEATHER, lengths, seed, threads=threads)
    finally:
        simulation.CHUNK_BASES = chunk
    bases, labels = read(sequences), read(states)
    assert list(bases) == list(labels) == [f"record{i + 1}" for i in range(len(lengths))]
    for table, letters in ((bases, "wdx"), (labels, "scr")):
        assert [len(sequence) for sequence in table.values()] == lengths
        assert set("".join(table.values())) <= set(letters)
    for line in gzip.decompress(sequences.read_bytes()).split(b"\n"):
        assert len(line) <= 80


def test_lines_are_eighty_letters_and_names_agree(tmp_path):
    sequences, states = simulate(tmp_path, preset("blocks"), [200, 80, 0, 1], 1, prefix="chr")
    for path in (sequences, states):
        lines = gzip.decompress(path.read_bytes()).decode().split("\n")
        assert [line for line in lines if line.startswith(">")] == [f">chr{i}" for i in range(1, 5)]
        assert [len(line) for line in lines if not line.startswith(">")] == [80, 80, 40, 80, 1, 0]


def test_bases_follow_the_states_that_were_written_with_them(tmp_path):
    hmm = HMM(
        DNA,
        ("H", "L"),
        np.array([0.5, 0.5]),
        np.array([[0.9, 0.1], [0.1, 0.9]]),
        np.array([[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5]]),
    )
    sequences, states = simulate(tmp_path, hmm, [5000, 3000], 1)
    for bases, labels in zip(read(sequences).values(), read(states).values(), strict=True):
        assert bases.translate(str.maketrans("ACGT", "LHHL")) == labels
        assert len(set(labels)) == 2


def test_the_letters_of_labels_are_written_where_states_share_them(tmp_path):
    hmm = HMM(
        DNA,
        ("I", "O", "I"),
        np.array([1.0, 0.0, 0.0]),
        np.array([[0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]),
        np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0.5, 0.5, 0]]),
    )
    sequences, states = simulate(tmp_path, hmm, [5000, 3000], 1)
    for bases, labels in zip(read(sequences).values(), read(states).values(), strict=True):
        assert bases.translate(str.maketrans("ACGT", "IIIO")) == labels
        assert set(bases) == set("ACGT")


def test_the_seed_decides_every_byte_and_the_threads_none(tmp_path):
    written = []
    for number, (seed, threads) in enumerate([(1, 1), (1, 2), (1, 1), (2, 1)]):
        folder = tmp_path / str(number)
        paths = simulate(folder, preset("toy"), [300_000, 500], seed, threads=threads)
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1] == written[2]
    assert written[0][0] != written[3][0]
    assert written[0][1] != written[3][1]


def test_the_records_of_one_seed_are_not_shifted_copies(tmp_path):
    sequences, _ = simulate(tmp_path, preset("toy"), [1000] * 50, 1)
    pieces = [sequence[i : i + 25] for sequence in read(sequences).values() for i in range(975)]
    assert len(set(pieces)) == len(pieces)


def test_files_are_bgzf_with_its_end_mark(tmp_path):
    for path in simulate(tmp_path, preset("toy"), [1000], 1):
        data = path.read_bytes()
        assert data[:4] == b"\x1f\x8b\x08\x04"
        assert data[12:14] == b"BC"
        # The empty block that ends every whole BGZF file (SAM specification, 4.1.2).
        assert data.endswith(
            bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
        )


def test_a_run_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    for threads in (1, 2):
        monkeypatch.setattr(simulation, "_wrap", fail)
        with pytest.raises(OSError, match="disk full"):
            simulate(tmp_path, preset("toy"), [100], 1, threads=threads)
        assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_one_long_record(tmp_path):
    # 40 Mb: states, tokens and random numbers held at once would take 400 MB.
    code = """
import resource, sys
import numpy as np
sys.path.insert(0, "scripts")
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.simulation import simulate_to_fasta
hmm = HMM.from_settings(load_hmm_spec("resources/hmms/isochores.yaml").settings())
paths = sys.argv[1:]
simulate_to_fasta(hmm, np.array([10]), 1, *paths)
now = [int(line.split()[1]) for line in open("/proc/self/status") if "VmData" in line][0]
limit = now * 1024 + 130_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
simulate_to_fasta(hmm, np.array([40_000_000]), 1, *paths)
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("the limit on memory is Linux's")
    paths = [str(tmp_path / name) for name in ("a.gz", "b.gz")]
    subprocess.run([sys.executable, "-c", code, *paths], cwd=ROOT, check=True)


def test_lengths_are_fixed_or_drawn_uniformly():
    rng = np.random.default_rng(9)
    np.testing.assert_array_equal(draw_lengths(500, 3, rng), [500, 500, 500])
    lengths = draw_lengths({"minimum": 3, "maximum": 7}, 10_000, rng)
    assert lengths.dtype == np.int64
    assert goodness_of_fit(np.bincount(lengths)[3:], np.full(5, 0.2)) > THRESHOLD
