"""The chain as a whole: it runs, it runs once, it gives the same bytes, it fails in one line."""

import copy
import csv
import gzip
import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pysam
import pytest
import yaml
from safetensors.numpy import load_file

from tests.conftest import REPOSITORY
from tests.workflow import TINY, copy_workflow, planned, snakemake, write_config

RUN = "{dataset}/{tagger}/seed{seed}"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A finished run of `TINY`: the workflow's copy, the config, the results."""
    folder = tmp_path_factory.mktemp("chain")
    workflow = copy_workflow(folder / "workflow")
    (folder / "work").mkdir()
    config = write_config(folder / "work", TINY)
    run = snakemake(workflow, config)
    assert run.returncode == 0, run.stderr
    return workflow, config, folder / "work" / "results"


def read_table(path):
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_every_file_of_the_contract_is_there(ran):
    _, _, results = ran
    for name in ("sequences.fa.gz", "states.fa.gz"):
        compressed = (results / "tiny" / name).read_bytes()
        assert compressed[12:14] == b"BC"  # the extra field that makes a gzip file BGZF
        assert gzip.decompress(compressed).count(b">") == 60
    for dataset in ("tiny", "own"):
        for name in ("tokens.npy", "labels.npy", "records.tsv"):
            assert (results / dataset / "corpus" / name).exists()
        assert (results / dataset / "split.tsv").exists()
        for control in ("homogeneous", "shuffled"):
            for name in ("tokens.npy", "records.tsv", "corpus.json"):
                assert (results / dataset / "controls" / control / name).exists()
        assert (results / dataset / "majority/seed0/metrics.json").exists()
        for name in ("tagger.safetensors", "history.tsv", "timing.json", "posteriors.npy",
                     "posteriors.validation.npy", "posteriors.controls.npy", "calls.npy",
                     "calls.validation.npy", "calls.controls.npy", "predictions.npy", "hidden.npz",
                     "metrics.json", "units.npz", "tracks.npz"):  # fmt: skip
            assert (results / dataset / "gru/seed1" / name).exists()
        with np.load(results / dataset / "gru/seed1/tracks.npz") as tracks:
            assert tracks["hidden"].shape == (len(tracks["tokens"]), 3)
    assert not (results / "own/exact").exists()  # nobody knows the posterior of a user's data
    assert (results / "report.html").stat().st_size > 100_000
    assert (results / "figures/tiny.scale.svg").exists()
    for run in ("gru/seed1", "exact/seed0"):
        for name in ("timing.json", "predict_timing.json"):
            clock = json.loads((results / "tiny" / run / name).read_text())
            assert 30e6 < clock["peak_memory_bytes"] < 4e9
            assert clock["peak_gpu_memory_bytes"] is None


def test_the_comparison_has_a_row_per_run_in_the_order_of_the_config(ran):
    rows = read_table(ran[2] / "comparison.tsv")
    assert [(row["dataset"], row["tagger"], row["seed"]) for row in rows] == [
        ("tiny", "gru", "1"), ("tiny", "exact", "0"), ("tiny", "majority", "0"),
        ("own", "gru", "1"), ("own", "majority", "0"),
    ]  # fmt: skip
    exact = rows[1]
    assert float(exact["kl_exact"]) == 0
    assert float(exact["attained"]) == 1
    assert rows[3]["kl_exact"] == ""


def test_differences_and_variance_have_their_rows(ran):
    results = ran[2]
    pairs = [
        (r["dataset"], r["tagger"], r["other"]) for r in read_table(results / "differences.tsv")
    ]
    assert list(dict.fromkeys(pairs)) == [
        ("tiny", "gru", "exact"), ("tiny", "gru", "majority"), ("tiny", "exact", "majority"),
        ("own", "gru", "majority"),
    ]  # fmt: skip
    rows = read_table(results / "variance.tsv")
    assert {row["datasets"] for row in rows} == {"tiny", "own"}
    assert {row["data"] for row in rows} == {row["initialisation"] for row in rows} == {""}


def test_posteriors_lie_in_the_order_of_the_split(ran):
    results = ran[2]
    rows = [row for row in read_table(results / "own/split.tsv") if row["split"] == "test"]
    bases = sum(int(row["end"]) - int(row["start"]) for row in rows)
    posteriors = np.load(results / "own/gru/seed1/posteriors.npy")
    assert posteriors.dtype == np.float32
    assert posteriors.shape == (bases, 2)
    calls = np.load(results / "own/gru/seed1/calls.npy")
    assert calls.dtype == np.uint8
    assert np.array_equal(calls, posteriors.argmax(axis=1))
    validation = np.load(results / "own/gru/seed1/calls.validation.npy")
    assert len(validation) == len(np.load(results / "own/gru/seed1/posteriors.validation.npy"))


def test_another_decoding_is_judged_without_another_training(ran, tmp_path):
    workflow, config, results = ran
    shutil.copytree(config.parent, tmp_path / "work")
    decoded = copy.deepcopy(TINY)
    decoded["taggers"]["gru"]["decoding"] = {"method": "viterbi", "minimum_length": 5}
    other = write_config(tmp_path / "work", decoded)
    run = snakemake(workflow, other)
    assert run.returncode == 0, run.stderr
    found = tmp_path / "work/results"
    for dataset in ("tiny", "own"):
        before, after = (folder / dataset / "gru/seed1" for folder in (results, found))
        for name in ("tagger.safetensors", "posteriors.npy", "timing.json"):
            assert (before / name).read_bytes() == (after / name).read_bytes()
        metrics = [json.loads((run / "metrics.json").read_text()) for run in (before, after)]
        assert metrics[0]["cross_entropy"] == metrics[1]["cross_entropy"]
        calls = np.load(after / "calls.npy")
        rows = [row for row in read_table(found / dataset / "split.tsv") if row["split"] == "test"]
        ends = np.cumsum([int(row["end"]) - int(row["start"]) for row in rows])
        for part in np.split(calls, ends[:-1]):
            assert np.diff(np.flatnonzero(np.diff(part))).min(initial=5) >= 5
    by = {row["tagger"]: row["decoding"] for row in read_table(found / "comparison.tsv")}
    assert by == {
        "gru": "viterbi, runs of at least 5 bases", "exact": "argmax", "majority": "argmax",
    }  # fmt: skip
    assert "viterbi, runs of at least 5 bases" in (found / "report.html").read_text()


def test_a_sweep_has_a_table_of_its_own_and_leaves_no_posteriors(ran):
    results = ran[2]
    rows = read_table(results / "sweeps/size.tsv")
    assert [(row["tagger"], row["tagger.hidden"]) for row in rows] == [
        ("gru-hidden2", "2"), ("exact", ""),
    ]  # fmt: skip
    found = {path.name for path in (results / "tiny/gru-hidden2/seed1").iterdir()}
    assert {"metrics.json", "tagger.safetensors", "history.tsv", "tracks.npz"} < found
    assert not {name for name in found if name.endswith(".npy")}
    assert (results / "tiny/exact/seed0/posteriors.npy").exists()


def test_annotations_cover_the_genome_with_its_own_names(ran):
    folder = ran[2] / "annotations/phage/tiny/exact/seed0"
    with gzip.open(folder / "segments.bed.gz", "rt") as file:
        lines = [line.rstrip("\n") for line in file]
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    covered = {}
    for record, start, end, *_ in rows:
        assert int(start) == covered.get(record, 0)
        covered[record] = int(end)
    assert covered == {"phage": 900, "one_base": 1}
    tabix = pysam.TabixFile(str(folder / "segments.bed.gz"))
    assert len(list(tabix.fetch("phage", 0, 900))) == len(rows) - 1
    summary = read_table(folder / "summary.tsv")
    assert sum(int(row["bases"]) for row in summary) == 901
    (agreement,) = read_table(ran[2] / "annotations/phage/agreement.tsv")
    assert agreement["bases"] == "901"


def test_a_second_run_does_nothing(ran):
    workflow, config, _ = ran
    run = snakemake(workflow, config)
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout + run.stderr


def test_snakemakes_own_report_has_the_page_the_table_and_each_chart_with_a_caption(ran):
    workflow, config, results = ran
    run = snakemake(workflow, config, "--report", "snakemake-report.zip")
    assert run.returncode == 0, run.stderr
    with zipfile.ZipFile(config.parent / "snakemake-report.zip") as report:
        index = report.read("snakemake-report/report.html").decode()
        held = {Path(name).name for name in report.namelist()}

    def told(path):
        start = index.index(f'"{path}": {{') + len(path) + 4
        return json.JSONDecoder().raw_decode(index[start:])[0]

    charts = [path.name for path in (results / "figures").glob("*.svg")]
    assert {"tiny.scale.svg", "own.loss.svg", "tiny.tracks.svg", "tiny.hidden.svg"} < set(charts)
    for name in charts:
        caption = told(f"results/figures/{name}")["caption"]
        assert f'Of <tt class="docutils literal">{name.split(".")[0]}</tt>' in caption
        assert "A chart of the report page" not in caption  # its own words, not those of all
    assert told("results/comparison.tsv")["caption"]
    assert {"report.html", "comparison.tsv", *charts} <= held


def test_two_runs_give_the_same_bytes_the_clock_apart(ran, tmp_path):
    workflow, _, results = ran
    config = write_config(tmp_path, TINY)
    assert snakemake(workflow, config).returncode == 0
    clock = {"train_seconds", "train_bases_per_second", "predict_bases_per_second"}
    clock |= {"train_peak_mb", "predict_peak_mb"}
    compared = 0
    for first in sorted(path for path in results.rglob("*") if path.is_file()):
        second = tmp_path / "results" / first.relative_to(results)
        if first.name in ("timing.json", "predict_timing.json", "report.html"):
            continue
        if first.name.endswith(".cost.svg"):
            continue
        if first.name == "comparison.tsv" or first.parent.name == "sweeps":
            rows = [
                [{k: v for k, v in row.items() if k not in clock} for row in read_table(path)]
                for path in (first, second)
            ]
            assert rows[0] == rows[1]
        else:
            digests = [hashlib.sha256(path.read_bytes()).digest() for path in (first, second)]
            assert digests[0] == digests[1], first
        compared += 1
    assert compared > 40


def test_a_changed_figure_stops_the_report(ran, tmp_path):
    workflow, config, _ = ran
    copied = tmp_path / "work"
    shutil.copytree(config.parent, copied)
    path = copied / "results/tiny/gru/seed1/metrics.json"
    metrics = json.loads(path.read_text())
    metrics["accuracy"]["value"] += 0.01
    path.write_text(json.dumps(metrics))
    run = snakemake(
        workflow, copied / config.name, "--allowed-rules", "render_report", "--forcerun",
        "render_report", "--rerun-triggers", "code",
    )  # fmt: skip
    assert run.returncode == 1
    assert "metrics.json: accuracy is" in run.stderr


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"taggers": {"gru": {"cell": "gru", "hiden": 3}}}, "taggers.gru.hiden: unknown key"),
        ({"seeds": ["1"]}, "seeds"),
        ({"datasets": {"corpus": {"simulate": {"hmm": "toi", "records": 9, "length": 9}}}}, "toy"),
    ],
)
def test_a_mistake_in_the_config_is_one_line_and_plans_nothing(ran, tmp_path, change, line):
    workflow = ran[0]
    config = copy.deepcopy(TINY)
    config.update(change)
    path = write_config(tmp_path, config)
    run = snakemake(workflow, path)
    assert run.returncode == 1
    said = [text for text in run.stderr.splitlines() if str(path.name) in text]
    assert line in said[0]
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "results").exists()


def test_a_wrong_letter_is_one_line_and_leaves_no_file(ran, tmp_path):
    config = write_config(tmp_path, TINY)
    (tmp_path / "own.fa").write_text(">one\nACGT\nAC!T\n")
    run = snakemake(ran[0], config, "results/own/corpus/tokens.npy")
    assert run.returncode == 1
    (line,) = [text for text in run.stderr.splitlines() if "ERROR" in text and "own.fa" in text]
    assert "line 3" in line
    assert "column 3" in line
    assert "'!'" in line
    assert "Traceback" not in run.stderr
    assert not list((tmp_path / "results/own").rglob("*.*"))


def test_a_gpu_that_is_not_there_is_refused_before_any_data_is_read(ran, tmp_path):
    config = write_config(tmp_path, TINY)
    run = snakemake(
        ran[0], config, "results/tiny/gru/seed1/tagger.safetensors",
        "--set-resources", "train_tagger:gpu=1", "predict_network:gpu=0", "annotate_part:gpu=0",
        environment={"CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert run.returncode == 1
    assert "sees no CUDA device" in run.stderr
    assert not (tmp_path / "results/tiny/gru").exists() or not list(
        (tmp_path / "results/tiny/gru").rglob("*.safetensors")
    )


def test_what_predicts_for_a_sweep_computes_where_its_rule_does(ran, tmp_path):
    copied = tmp_path / "work"
    shutil.copytree(ran[1].parent, copied)
    run = snakemake(
        ran[0], copied / ran[1].name, "results/tiny/gru-hidden2/seed1/posteriors.npy",
        "--set-resources", "train_tagger:gpu=0", "predict_network:gpu=1", "annotate_part:gpu=0",
        "--set-threads", "predict_network=2",
        environment={"CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert run.returncode == 1
    assert "sees no CUDA device" in run.stderr


def test_an_example_stands_alone(ran, tmp_path):
    """Nothing of config.yaml is merged into a config given on the command line."""
    config = write_config(tmp_path, {**TINY, "datasets": {"tiny": TINY["datasets"]["tiny"]}})
    run = snakemake(ran[0], config, "--dry-run")
    assert "results/toy" not in run.stdout
    assert "results/tiny" in run.stdout


def test_a_second_config_is_laid_over_the_first(ran, tmp_path):
    config = write_config(tmp_path, TINY)
    over = tmp_path / "elsewhere"
    over.mkdir()
    (over / "other.fa").write_text(">other\nACGT\n")
    extra = over / "extra.yaml"
    extra.write_text(yaml.safe_dump({"annotate": {"phage": {"fasta": "other.fa"}}}))
    run = snakemake(ran[0], config, "results/genomes/phage/corpus/tokens.npy", over=extra)
    assert run.returncode == 0, run.stderr
    assert "other\t0\t4" in (tmp_path / "results/genomes/phage/corpus/records.tsv").read_text()


def test_a_tagger_that_starts_from_another_of_the_run_waits_for_it(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    (tmp_path / "work").mkdir()
    config = copy.deepcopy(TINY)
    made = "results/own/gru/seed1/tagger.safetensors"
    config["taggers"]["tuned"] = config["taggers"]["gru"] | {"init_from": made}
    path = write_config(tmp_path / "work", config)
    run = snakemake(workflow, path, "--dry-run", "results/tiny/tuned/seed1/tagger.safetensors")
    assert run.returncode == 0, run.stderr
    assert "Training gru on own, seed 1" in run.stdout
    (why,) = re.findall(r"Training tuned on tiny, seed 1\n(.*)", run.stdout)
    assert made in why.partition("updated by another job: ")[2]


def test_a_tagger_that_starts_from_another_keeps_its_frozen_layers_and_learns_a_head(ran, tmp_path):
    copied = tmp_path / "work"
    shutil.copytree(ran[1].parent, copied)
    made = "results/tiny/gru/seed1/tagger.safetensors"
    config = copy.deepcopy(TINY)
    config["taggers"]["tuned"] = TINY["taggers"]["gru"] | {"init_from": made, "frozen": ["layers"]}
    path = write_config(copied, config)
    target = "results/tiny/tuned/seed1/tagger.safetensors"
    assert planned(ran[0], path, target) == {"train_tagger"}
    run = snakemake(ran[0], path, target)
    assert run.returncode == 0, run.stderr
    first, tuned = load_file(copied / made), load_file(copied / target)
    assert first.keys() == tuned.keys()
    for name, weights in tuned.items():
        assert np.array_equal(weights, first[name]) == name.startswith("layers."), name
    assert planned(ran[0], path, target) == set()


def test_the_whole_plan_of_a_fresh_folder_names_every_rule(ran, tmp_path):
    config = write_config(tmp_path, TINY)
    assert planned(ran[0], config) == {
        "simulate_hmm", "encode_fasta", "split_records", "mark_matches", "make_controls",
        "train_tagger", "fit_baseline", "predict_network", "predict_baseline", "evaluate_tagger",
        "compare_taggers", "encode_genome", "plan_annotation", "gather_annotation",
        "compare_annotations", "show_regions", "render_report", "predict_network_of_sweep",
        "summarise_sweep",
        "preflight",
    }  # fmt: skip


def test_every_short_step_of_the_data_shares_a_job_on_a_cluster():
    profile = yaml.safe_load((REPOSITORY / "profiles/slurm/profile.yaml").read_text())
    data = {rule for rule, group in profile["groups"].items() if group == "data"}
    found = set()
    for file in ("simulate", "encode", "controls"):
        text = (REPOSITORY / f"rules/{file}.smk").read_text()
        found |= set(re.findall(r"^(?:rule|use rule \w+ as) (\w+)", text, re.MULTILINE))
    assert data == found - {"fetch_dataset"}


def test_a_model_of_eight_states_and_one_of_three_are_judged_by_their_labels(ran, tmp_path):
    simulated = {"records": 60, "length": 2000, "seed": 1}
    config = {
        "datasets": {
            "cpg": {"simulate": {"hmm": "cpg", **simulated}},
            "families": {"simulate": {"hmm": "isochore_families", **simulated}},
        },
        "taggers": {
            name: {"baseline": name} for name in ("exact", "filtered", "hmm_counts", "majority")
        },
        "evaluation": TINY["evaluation"],
        "annotate": {
            "phage": {"fasta": "phage.fa", "taggers": [{"dataset": "cpg", "tagger": "exact"}]}
        },
    }
    run = snakemake(ran[0], write_config(tmp_path, config))
    assert run.returncode == 0, run.stderr
    rows = {
        (row["dataset"], row["tagger"]): row
        for row in read_table(tmp_path / "results/comparison.tsv")
    }
    for dataset, letters in (("cpg", "IO"), ("families", "LMH")):
        states = gzip.decompress((tmp_path / f"results/{dataset}/states.fa.gz").read_bytes())
        lines = [line for line in states.decode().split() if not line.startswith(">")]
        assert set("".join(lines)) == set(letters)
        exact, filtered, counted = (
            rows[dataset, name] for name in ("exact", "filtered", "hmm_counts")
        )
        assert float(exact["kl_exact"]) == 0
        assert float(exact["attained"]) == float(filtered["attained_filtered"]) == 1
        assert 0.5 < float(filtered["attained"]) < 1
        assert 0.9 < float(counted["attained"]) < 1
        assert float(rows[dataset, "majority"]["attained"]) == pytest.approx(0, abs=1e-9)
    summary = read_table(tmp_path / "results/annotations/phage/cpg/exact/seed0/summary.tsv")
    assert [(row["state"], row["name"]) for row in summary] == [
        ("I", "island"), ("O", "non-island"),
    ]  # fmt: skip


def test_a_tagger_that_sees_structure_everywhere_is_flagged_and_named(ran, tmp_path):
    config = {
        "datasets": {"blocks": {"simulate": {"hmm": "blocks", "records": 100, "length": 4000}}},
        "taggers": {
            "exact": {"baseline": "exact"},
            "counted": {"baseline": "hmm_counts"},
            "everywhere": {"baseline": "gc_window", "window": 11},
        },
        "evaluation": TINY["evaluation"] | {"controls": {"bases": 200_000}},
    }
    run = snakemake(ran[0], write_config(tmp_path, config))
    assert run.returncode == 0, run.stderr
    rows = {row["tagger"]: row for row in read_table(tmp_path / "results/comparison.tsv")}
    assert {name: row["flagged"] for name, row in rows.items()} == {
        "exact": "", "counted": "", "everywhere": "homogeneous,shuffled",
    }  # fmt: skip
    for control in ("homogeneous", "shuffled"):
        column = f"false_segments_per_mb_{control}"
        rates = {name: float(row[column]) for name, row in rows.items()}
        assert 8000 < rates["exact"] < 13_000
        assert rates["everywhere"] > 5 * rates["exact"]
    page = (tmp_path / "results/report.html").read_text(encoding="utf-8")
    assert "everywhere sees structure where there is none" in page
    assert "counted sees structure where there is none" not in page


def test_controls_can_be_switched_off(ran, tmp_path):
    config = {
        "datasets": {"tiny": TINY["datasets"]["tiny"]},
        "taggers": {"exact": {"baseline": "exact"}},
        "evaluation": TINY["evaluation"] | {"controls": {"bases": 0}},
    }
    run = snakemake(ran[0], write_config(tmp_path, config))
    assert run.returncode == 0, run.stderr
    results = tmp_path / "results"
    assert json.loads((results / "tiny/exact/seed0/metrics.json").read_text())["controls"] is None
    assert np.load(results / "tiny/exact/seed0/calls.controls.npy").size == 0
    (row,) = read_table(results / "comparison.tsv")
    assert row["false_segments_per_mb_homogeneous"] == row["flagged"] == ""
