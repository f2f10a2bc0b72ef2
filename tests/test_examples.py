"""Every config that is shown is one, and the examples run."""

import gzip
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from basetag.config import load_config
from basetag.config.simulation import VARIATIONS
from tests.conftest import REPOSITORY
from tests.reviews import write_reviews
from tests.workflow import copy_workflow, planned, snakemake

CPG, ECOLI, MHCII, NEXT_BASE, PROMOTERS, REVIEWS, PROTEINS = (
    re.search(r"```yaml\n# local.yaml\n(.*?)```", page.read_text(), re.DOTALL)[1]
    for page in (
        REPOSITORY / f"docs/example_{name}.md"
        for name in (
            "cpg",
            "ecoli",
            "mhcii",
            "next_base",
            "promoters",
            "reviews",
            "secondary_structure",
        )
    )
)
#: What stands for the files of examples that come without an accession.
LOCAL = {
    "cpg.yaml": CPG,
    "mhcii.yaml": MHCII,
    "promoters.yaml": PROMOTERS,
    "reviews.yaml": REVIEWS,
    "secondary_structure.yaml": PROTEINS,
}
TAGGERS, SWEEPS, MODELS = (
    (REPOSITORY / f"docs/{page}.md").read_text() for page in ("taggers", "sweeps", "models")
)
#: What the taggers of the page are made for: beside segments, what rules and programs call.
SEGMENTS = {"blocks": {"simulate": {"hmm": "blocks", "records": 40, "length": 500}}}
CALLED = {
    "islands": {"simulate": {"hmm": "cpg", "records": 40, "length": 500}},
    "genes": {
        "fasta": "genome.fa.gz",
        "labels": {
            "gff": "genome.gff.gz",
            "features": {"CDS": "coding"},
            "stranded": True,
            "background": "noncoding",
        },
    },
}
SMALL = {"bases": 4000, "batch": 4, "window": 100, "validations": 2, "validation_bases": 500}


def local_files(text, folder):
    """Write a page's local.yaml, and its files where the folder has none; return the config."""
    for name in re.findall(r": ([\w.]+)\b", text):
        if not (folder / name).exists():
            (folder / name).touch()
    (folder / "local.yaml").write_text(text)
    return folder / "local.yaml"


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", TAGGERS, re.DOTALL))
def test_the_taggers_of_the_page_are_a_config(text, tmp_path):
    config = yaml.safe_load(text)
    config.setdefault("datasets", SEGMENTS | (CALLED if "baseline:" in text else {}))
    for name in ("genome.fa.gz", "genome.gff.gz", "states.fa", "rsa.fa"):
        (tmp_path / name).touch()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    checked = load_config(config, [tmp_path / "config.yaml"], REPOSITORY)
    assert {name for _, name, _ in checked.runs()} == set(config["taggers"])


def test_the_sweep_of_the_page_has_the_rows_and_names_that_it_tells(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", SWEEPS, re.DOTALL)
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text()) | yaml.safe_load(text)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    runs = load_config(config, [tmp_path / "config.yaml"], REPOSITORY).sweep_runs("wrong_model")
    (told,) = re.findall(r"(\d+) rows", SWEEPS)
    assert len(runs) == int(told)
    assert ("blocks-contrast0p5-mean_length100", "bilstm-bases4000000", 2) in runs


def test_the_variations_of_the_page_are_those_of_a_simulation(tmp_path):
    (text,) = re.findall(r"```yaml\n(datasets:.*?)```", MODELS, re.DOTALL)
    config = yaml.safe_load(text) | {"taggers": {"exact": {"baseline": "exact"}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    checked = load_config(config, [tmp_path / "config.yaml"], REPOSITORY)
    assert len(checked.simulate_settings("durations")["hmm"]["states"]) == 16
    assert tuple(re.findall(r"^\| `(\w+): \w`", MODELS, re.MULTILINE)) == VARIATIONS


@pytest.mark.parametrize("example", sorted(path.name for path in REPOSITORY.glob("examples/*")))
def test_an_example_can_be_planned(example, tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    text = (REPOSITORY / "examples" / example).read_text()
    (tmp_path / example).write_text(text)
    over = local_files(LOCAL[example], tmp_path) if example in LOCAL else None
    assert {"train_tagger", "render_report"} <= planned(workflow, tmp_path / example, over=over)


def test_the_example_on_genes_fetches_its_genome_unless_files_take_its_place(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    example = REPOSITORY / "examples/ecoli.yaml"
    (tmp_path / "ecoli.yaml").write_text(example.read_text())
    assert "fetch_dataset" in planned(workflow, tmp_path / "ecoli.yaml")
    over = local_files(ECOLI, tmp_path)
    rules = planned(workflow, tmp_path / "ecoli.yaml", over=over)
    assert not {"fetch_dataset", "fetch_genome"} & rules
    assert {"encode_fasta_finer", "train_tagger"} <= rules


def test_the_ceiling_in_small_ends_in_a_report(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/ceiling.yaml").read_text())
    config["datasets"] = {"mean100": config["datasets"]["mean100"]}
    config["datasets"]["mean100"]["simulate"] |= {"records": 60, "length": 400}
    config["training"] |= SMALL
    config["seeds"] = [1]
    (tmp_path / "ceiling.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(workflow, tmp_path / "ceiling.yaml")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "results/report.html").stat().st_size > 100_000
    table = (tmp_path / "results/comparison.tsv").read_text()
    assert {line.split("\t")[1] for line in table.splitlines()[1:]} == set(config["taggers"])


@pytest.mark.parametrize("example", ["wrong_model", "sweeps"])
def test_the_sweeps_of_an_example_cover_what_it_says(example, tmp_path):
    path = REPOSITORY / f"examples/{example}.yaml"
    config = load_config(yaml.safe_load(path.read_text()), [path], REPOSITORY)
    axes = {
        axis.partition(".")[2]
        for sweep in config.plans
        for axis in config.summarise_sweep_settings(sweep)["axes"]
    }
    mapped = {"simulate.contrast", "simulate.mean_length", "training.bases"}
    figures = {"hidden", "layers", "training.bases", "simulate.mean_length", "cell"}
    assert axes == {"wrong_model": mapped, "sweeps": figures}[example]


def test_the_wrong_model_in_small_ends_in_a_table(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/wrong_model.yaml").read_text())
    del config["datasets"]["flickers"], config["taggers"]["majority"]
    config["datasets"]["durations"]["simulate"] |= {"records": 100, "length": 2000}
    sweep = config["sweeps"]["explicit_duration"]
    config["sweeps"] = {"explicit_duration": sweep}
    sweep["datasets"]["durations"] = {"simulate.contrast": [1], "simulate.mean_length": [20]}
    sweep["taggers"]["bigru"]["training.bases"] = [4000]
    config["training"] |= SMALL
    (tmp_path / "wrong_model.yaml").write_text(yaml.safe_dump(config))
    target = "results/sweeps/explicit_duration.tsv"
    run = snakemake(workflow, tmp_path / "wrong_model.yaml", target)
    assert run.returncode == 0, run.stderr
    header, *lines = (tmp_path / target).read_text().splitlines()
    rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
    attained = {row["tagger_base"]: float(row["attained"]) for row in rows}
    assert attained["exact"] == 1
    assert 0 < attained["hmm_counts"] < 0.6  # of first order, and wrong
    assert {path.parts[-3] for path in (tmp_path / "results").glob("*/*/seed*/*.npy")} == {"exact"}


def letters(path):
    """Return the letters of the only record of a compressed FASTA file."""
    with gzip.open(path, "rt") as file:
        return "".join(line.strip() for line in file if not line.startswith(">"))


def write_synthetic_genes(folder):
    """Write a genome of 40 kb with a gene of 200 codons in each 1,000 bases, on either strand."""
    generator = np.random.default_rng(3)
    complement = str.maketrans("ACGT", "TGCA")
    parts, rows = [], ["##gff-version 3"]
    for index in range(40):
        codons = generator.choice(["GCA", "CTG", "GAA", "GTG", "AAA", "GGC"], 198)
        gene = "".join(["ATG", *codons, "TAA"])
        strand = "+-"[index % 2]
        gene = gene if strand == "+" else gene.translate(complement)[::-1]
        parts += ["".join(generator.choice(list("ACGT"), 200)), gene]
        parts.append("".join(generator.choice(list("ACGT"), 200)))
        start = 1000 * index + 201
        rows.append(f"one\tx\tCDS\t{start}\t{start + 599}\t.\t{strand}\t0\tID=gene{index}")
    with gzip.open(folder / "genome.fna.gz", "wt") as file:
        file.write(f">one\n{''.join(parts)}\n")
    with gzip.open(folder / "genes.gff.gz", "wt") as file:
        file.write("\n".join(rows) + "\n")
    (folder / "lambda.fa").write_text(f">phage\n{''.join(parts[:15])}\n")


def write_real_genes(data, folder):
    """Write the first 300 kb of E. coli, and what is annotated there."""
    source = data / "ecoli_mg1655/GCF_000005845.2_ASM584v2_genomic"
    end = 300_000
    with gzip.open(folder / "genome.fna.gz", "wt") as file:
        file.write(f">NC_000913.3\n{letters(f'{source}.fna.gz')[:end]}\n")
    with gzip.open(f"{source}.gff.gz", "rt") as file:
        rows = [line for line in file if "\tCDS\t" in line and int(line.split("\t")[4]) <= end]
    with gzip.open(folder / "genes.gff.gz", "wt") as file:
        file.writelines(["##gff-version 3\n", *rows])
    (folder / "lambda.fa").write_bytes((data / "lambda_phage/NC_001416.1.fasta").read_bytes())


def write_synthetic_islands(folder):
    """Write the parts of one window and another window, each with an island of 1,000 bases."""
    generator = np.random.default_rng(4)
    names = [f"chr3_{index:02}" for index in (0, 1, 4)] + ["chr4"]
    with (folder / "windows.fa").open("w") as fasta, (folder / "islands.bed").open("w") as bed:
        for name in names:
            sea = generator.choice(list("ACGT"), 6000, p=[0.3, 0.2, 0.2, 0.3])
            sea[2000:3000] = list("CG" * 500)
            print(f">{name}\n{''.join(sea)}", file=fasta)
            print(name, 2000, 3000, sep="\t", file=bed)


def write_real_islands(data, folder):
    """Write the files of the page by its own snippet, and keep some of the parts."""
    for name in ("chr3.42M.fa.gz", "chr4.103M.fa.gz"):
        (folder / name).symlink_to(data / "human_cpg" / name)
    (folder / "all_islands.bed").symlink_to(data / "human_cpg/islands.bed")
    page = (REPOSITORY / "docs/example_cpg.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    subprocess.run([sys.executable, "-c", snippet], cwd=folder, check=True)
    records = (folder / "windows.fa").read_text().split(">")[1:]
    assert [record.split()[0] for record in records] == [
        *(f"chr3_{index:02}" for index in range(20)),
        "chr4",
    ]
    islands = [line.split() for line in (folder / "islands.bed").read_text().splitlines()]
    assert sum(int(end) - int(start) for _, start, end in islands) == 37_935
    # The test window's first 200 kb have islands, too.
    kept = [record[:200_010] for record in records[3:8:2] + records[9:10] + records[-1:]]
    names = {record.split()[0] for record in kept}
    (folder / "windows.fa").write_text(">" + ">".join(kept))
    ends = dict.fromkeys(names, 190_000)
    (folder / "islands.bed").write_text(
        "".join("\t".join(row) + "\n" for row in islands if int(row[2]) < ends.get(row[0], 0))
    )


def run_in_small(example, kept, folder, local):
    """Run an example to its report with some of its taggers and little training."""
    workflow = copy_workflow(folder / "workflow")
    config = yaml.safe_load((REPOSITORY / f"examples/{example}.yaml").read_text())
    config["taggers"] = {name: config["taggers"][name] for name in kept}
    config["training"] |= SMALL | {"bases": 20_000, "batch": 4, "window": 500}
    config["evaluation"] |= {"pairs": 20, "controls": {"bases": 0}}
    for genome in config.get("annotate", {}).values():
        genome["taggers"] = [use for use in genome["taggers"] if use["tagger"] in kept]
    if "block" in config["datasets"][example]["split"]:
        config["datasets"][example]["split"] |= {"block": 4000, "gap": 100}
    (folder / f"{example}.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    over = local_files(local, folder)
    run = snakemake(workflow, folder / f"{example}.yaml", over=over)
    assert run.returncode == 0, run.stderr
    assert (folder / "results/report.html").stat().st_size > 100_000
    header, *rows = (folder / "results/comparison.tsv").read_text().splitlines()
    column = header.split("\t").index("tagger")
    assert {row.split("\t")[column] for row in rows} == set(kept)


def test_the_genes_in_small_end_in_a_report(tmp_path):
    write_synthetic_genes(tmp_path)
    run_in_small("ecoli", ("codons", "pyrodigal"), tmp_path, ECOLI)


def test_the_genes_of_a_part_of_e_coli_end_in_a_report(tmp_path, shared_data):
    write_real_genes(shared_data, tmp_path)
    run_in_small("ecoli", ("codons", "pyrodigal"), tmp_path, ECOLI)


def test_the_islands_in_small_end_in_a_report(tmp_path):
    write_synthetic_islands(tmp_path)
    run_in_small("cpg", ("kernels_crf", "takai_jones"), tmp_path, CPG)


def test_the_islands_of_parts_of_human_chromosomes_end_in_a_report(tmp_path, shared_data):
    write_real_islands(shared_data, tmp_path)
    run_in_small("cpg", ("kernels_crf", "hmm"), tmp_path, CPG)


def write_synthetic_proteins(folder):
    """Write 120 proteins in which a helix is rich in A and E, and a strand in V and I."""
    generator = np.random.default_rng(6)
    residues = {"H": "AAAELKQ", "E": "VVIITYF", "L": "GPSNDGPS"}
    with gzip.open(folder / "cb6133filtered.csv.gz", "wt") as file:
        print("id,len,input,expected", file=file)
        for number in range(120):
            runs = generator.choice(list("HEL"), 12), generator.integers(3, 12, 12).tolist()
            states = "".join(str(state) * n for state, n in zip(*runs, strict=True))
            # Each state of the eight occurs.
            states = states.replace("LLLL", "LTSL").replace("HHHHHHHH", "HHHHHGGG", 1)
            states = states.replace("EEEEE", "EEEEB", 1).replace("HHHHH", "HHHHI", 1)
            letters = "".join(
                generator.choice(list(residues.get(state, residues["L"]))) for state in states
            )
            print(number, len(states), letters, states, sep=",", file=file)
            if number % 20 == 0:
                print(number + 1000, len(states), letters, states, sep=",", file=file)


def write_real_proteins(data, folder):
    """Write the first 300 rows of the table, and one of them again."""
    with gzip.open(data / "protein_ss/cb6133filtered.csv.gz", "rt") as file:
        rows = [line for _, line in zip(range(301), file, strict=False)]
    again = rows[7].split(",", 1)[1]
    with gzip.open(folder / "cb6133filtered.csv.gz", "wt") as file:
        file.writelines([*rows, f"again,{again}"])


def check_three_states(folder, copies):
    """Hold what a run says of Q3 against its own eight states."""
    place = folder / "results/secondary_structure"
    about = json.loads((place / "corpus/corpus.json").read_text())
    assert len(about["duplicates"]) == copies
    (path,) = (place / "dcrnn").glob("seed*/metrics.json")
    metrics = json.loads(path.read_text())
    found = metrics["groups"]["Q3"]
    confusion = np.array(metrics["confusion"])
    of = [[s in found["members"][group] for s in metrics["states"]] for group in found["groups"]]
    assert set(found["members"]["H"]) == set("HGI")
    # Of the same residues, each called its likeliest group.
    assert found["called_by"] == "probability"
    of_groups = np.array(found["confusion"]).sum(axis=1)
    assert of_groups.tolist() == (np.array(of, int) @ confusion.sum(axis=1)).tolist()
    assert found["accuracy"]["value"] >= metrics["accuracy"]["value"]
    assert 0 < found["overlap"]["sov"]["value"] <= 1
    assert "States in groups: Q3" in (folder / "results/report.html").read_text()


def test_the_proteins_in_small_end_in_a_report(tmp_path):
    write_synthetic_proteins(tmp_path)
    run_in_small("secondary_structure", ("dcrnn", "residue"), tmp_path, PROTEINS)
    check_three_states(tmp_path, copies=6)


def test_some_real_proteins_end_in_a_report(tmp_path, shared_data):
    write_real_proteins(shared_data, tmp_path)
    run_in_small("secondary_structure", ("dcrnn", "residue"), tmp_path, PROTEINS)
    check_three_states(tmp_path, copies=1)


def test_lambda_in_small_ends_in_a_report(tmp_path):
    write_synthetic_genes(tmp_path)
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/lambda.yaml").read_text())
    config["datasets"]["lambda"]["simulate"] |= {"records": 20, "length": 2000}
    config["taggers"] = {name: config["taggers"][name] for name in ("bigru_crf", "exact")}
    config["training"] |= SMALL
    config["evaluation"] |= {"pairs": 20, "controls": {"bases": 0}}
    phage = config["annotate"]["phage"]
    phage["taggers"] = [use for use in phage["taggers"] if use["tagger"] in config["taggers"]]
    (tmp_path / "lambda.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "local.yaml").write_text("annotate: {phage: {fasta: lambda.fa}}")
    run = snakemake(workflow, tmp_path / "lambda.yaml", over=tmp_path / "local.yaml")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "results/report.html").exists()


def comparison_of(folder):
    """Return the rows of a run's comparison."""
    header, *rows = (folder / "results/comparison.tsv").read_text().splitlines()
    return [dict(zip(header.split("\t"), row.split("\t"), strict=True)) for row in rows]


def test_start_codons_in_small_are_told_by_the_best_state_and_not_by_the_last(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/start_codon.yaml").read_text())
    config["datasets"]["start"]["simulate"] |= {"records": 1200}
    config["datasets"]["anywhere"]["simulate"] |= {"records": 300}
    config["taggers"] = {
        name: config["taggers"][name] for name in ("gru_last", "gru_max", "exact", "majority")
    }
    config["training"]["learning_rate"] = 0.03
    config["seeds"] = [1]
    (tmp_path / "start_codon.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(workflow, tmp_path / "start_codon.yaml")
    assert run.returncode == 0, run.stderr
    found = {row["tagger"]: row for row in comparison_of(tmp_path) if row["dataset"] == "start"}
    assert float(found["exact"]["accuracy"]) == 1
    assert float(found["gru_max"]["accuracy"]) > 0.95
    assert float(found["gru_last"]["accuracy"]) < 0.75
    assert int(found["exact"]["test_bases"]) == 800


def test_the_sine_in_small_ends_with_errors_between_the_noise_and_the_last_number(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/series.yaml").read_text())
    assert {"rnn", "gru", "lstm", "filtered", "last", "mean"} <= set(config["taggers"])
    config["datasets"]["sine"]["simulate"] |= {"records": 60, "length": 200}
    config["taggers"] = {
        name: config["taggers"][name] for name in ("gru", "filtered", "last", "mean")
    }
    config["training"] |= {"bases": 400_000, "window": 100, "validations": 4}
    config["evaluation"]["pairs"] = 20
    (tmp_path / "series.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(workflow, tmp_path / "series.yaml")
    assert run.returncode == 0, run.stderr
    error = {row["tagger"]: float(row["rmse"]) for row in comparison_of(tmp_path)}
    assert 0.095 < error["filtered"] < error["gru"] < 0.7 * error["last"] < error["mean"]
    page = (tmp_path / "results/report.html").read_text()
    assert "What comes next?" in page
    assert "times the noise" in page
    assert {"sine.errors.svg", "sine.stretch.svg"} <= {
        path.name for path in (tmp_path / "results/figures").iterdir()
    }


def write_synthetic_promoters(folder):
    """Write ten sequences of which five have a box, as the file of the real ones is written."""
    generator = np.random.default_rng(8)
    lines = []
    for number in range(10):
        letters = generator.choice(list("acgt"), 40)
        if number % 2:
            letters[20:26] = list("tataat")
        lines.append(f"{'-+'[number % 2]},S{number},\t\t{''.join(letters)}\n")
    (folder / "promoters.data").write_text("".join(lines))


@pytest.mark.parametrize("real", [False, True])
def test_promoters_in_small_are_left_out_one_by_one(tmp_path, request, real):
    if real:
        source = request.getfixturevalue("shared_data") / "promoters_uci/promoters.data"
        (tmp_path / "promoters.data").write_bytes(source.read_bytes())
    else:
        write_synthetic_promoters(tmp_path)
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/promoters.yaml").read_text())
    folds = config["sweeps"]["leave_one_out"]["datasets"]["promoters"]["split.fold"]
    assert folds == list(range(106))
    config["sweeps"]["leave_one_out"]["datasets"]["promoters"]["split.fold"] = [0, 1, 2]
    config["training"] |= {"epochs": 2, "validations": 1}
    (tmp_path / "promoters.yaml").write_text(yaml.safe_dump(config))
    over = local_files(PROMOTERS, tmp_path)
    run = snakemake(workflow, tmp_path / "promoters.yaml", over=over)
    assert run.returncode == 0, run.stderr
    page = (tmp_path / "results/report.html").read_text()
    assert "Cross-validation" in page
    table = (tmp_path / "results/sweeps/leave_one_out.tsv").read_text().splitlines()
    assert len(table) == 1 + 3


def test_reviews_in_small_are_told_by_the_order_of_their_words_alone(tmp_path):
    rows = write_reviews(tmp_path / "reviews.csv", 700)
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/reviews.yaml").read_text())
    config["datasets"]["reviews"]["split"]["fractions"] = {
        "train": 0.6, "validation": 0.1, "test": 0.3
    }  # fmt: skip
    config["taggers"] = {name: config["taggers"][name] for name in ("bag", "attention")}
    for tagger in config["taggers"].values():
        tagger["embedding"] = {"dimensions": 8}
    config["taggers"]["attention"]["hidden"] = 12
    config["training"] |= {"epochs": 12, "batch": 16, "learning_rate": 0.02, "validations": 4}
    config["evaluation"] |= {"pairs": 20, "shown_records": 2}
    config["seeds"] = [1]
    config["classify"] = {
        "new": {
            "table": "new.csv", "column": "text",
            "tagger": {"dataset": "reviews", "tagger": "attention"},
        }
    }  # fmt: skip
    (tmp_path / "new.csv").write_text(
        'text\n"well, the film was good; honestly, xyz says, the plot was not bad"\n'
        '"well, the film was not good; honestly, xyz says, the plot was bad"\n'
    )
    (tmp_path / "reviews.yaml").write_text(yaml.safe_dump(config))
    over = local_files(REVIEWS, tmp_path)
    run = snakemake(workflow, tmp_path / "reviews.yaml", over=over)
    assert run.returncode == 0, run.stderr
    found = {row["tagger"]: row for row in comparison_of(tmp_path)}
    assert float(found["bag"]["accuracy"]) < 0.65
    assert float(found["attention"]["accuracy"]) > 0.9
    results = tmp_path / "results"
    told = pd.read_csv(results / "classified/new.tsv", sep="\t")
    assert told["class"].tolist() == ["positive", "negative"]
    assert told["words"].tolist() == [13, 13]
    assert told["unknown"].tolist() == [1, 1]
    metrics = json.loads((results / "reviews/attention/seed1/metrics.json").read_text())
    vocabulary = metrics["vocabulary"]
    assert 0.02 < vocabulary["test_unknown"] / vocabulary["test_words"] < 0.2
    page = (results / "report.html").read_text()
    assert f"The vocabulary has {vocabulary['size']} words, all of the training split" in page
    assert "Which words matter" in page
    assert len(rows) == 700


def write_peptides(folder, real):
    """Write four folds of peptides, as they lie in their repository, and make the page's table."""
    generator = np.random.default_rng(9)
    for fold in range(1, 5):
        rows = [",peptide_seq,log50k,allele,allele_enc"]
        for row in range(60):
            peptide = "".join(generator.choice(list("ACDEFGHIKLMNPQRSTVWY"), 12))
            bound = sum(letter in "FILMVWY" for letter in peptide) / 12 + 0.2 * (row % 2)
            rows.append(f"{row},{peptide},{bound:.6f},HLA-DRB1010{1 + row % 2},0")
        if real is not None:
            with gzip.open(real / f"mhcii_pan/fold{fold}.csv.gz", "rt") as file:
                rows = file.read().splitlines()[::200]
                rows[0] = rows[0].strip()
        with gzip.open(folder / f"fold{fold}.csv.gz", "wt") as file:
            file.write("\n".join(rows) + "\n")
    page = (REPOSITORY / "docs/example_mhcii.md").read_text()
    (snippet,) = re.findall(r"```sh\n(for fold.*?)```", page, re.DOTALL)
    subprocess.run(["sh", "-c", snippet], cwd=folder, check=True)


@pytest.mark.parametrize("real", [False, True])
def test_peptides_in_small_end_in_a_report_with_their_numbers(tmp_path, request, real):
    write_peptides(tmp_path, request.getfixturevalue("shared_data") if real else None)
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/mhcii.yaml").read_text())
    config["taggers"] = {name: config["taggers"][name] for name in ("residues", "majority")}
    config["training"] |= {"epochs": 3, "batch": 16, "validations": 2}
    config["classify"] = {
        "new": {"fasta": "new.fa", "tagger": {"dataset": "peptides", "tagger": "residues"}}
    }
    (tmp_path / "new.fa").write_text(">one\nFFLLIIVVWWYY\n>two\nAADDEEGGKKSS\n")
    (tmp_path / "mhcii.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(workflow, tmp_path / "mhcii.yaml", over=local_files(MHCII, tmp_path))
    assert run.returncode == 0, run.stderr
    results = tmp_path / "results"
    table = pd.read_csv(results / "comparison.tsv", sep="\t").set_index(["dataset", "tagger"])
    numbers = ["pearson", "spearman", "r2", "rmse"]
    assert table.loc[("mhcii", "residues"), numbers].notna().all()
    assert table.loc[("peptides", "majority"), numbers].isna().tolist() == [
        True,
        True,
        False,
        False,
    ]
    own = results / "mhcii/residues/seed1"
    told = np.load(own / "predictions.npy")
    metrics = json.loads((own / "metrics.json").read_text())
    records = pd.read_csv(results / "mhcii/corpus/targets.tsv", sep="\t")
    test = records[records["record"].str.startswith("f4_")]["target"].to_numpy()
    assert told.shape == test.shape == (metrics["test"]["bases"],)
    rmse = np.sqrt(((told - test) ** 2).mean())
    assert metrics["regression"]["rmse"]["value"] == pytest.approx(rmse, rel=1e-5)
    assert metrics["regression"]["pearson"]["value"] == pytest.approx(
        np.corrcoef(told, test)[0, 1], abs=1e-5
    )
    page = (results / "report.html").read_text()
    assert '<section id="numbers"' in page
    assert "told = true" in page
    assert "mean squared error over the variance of the training split" in page
    new = pd.read_csv(results / "classified/new.tsv", sep="\t")
    assert new["number"].between(-2, 3).all()
    named = np.where(new["p_binder"] > 0.5, "binder", "non-binder")
    assert (new["class"] == named).all()


def test_the_next_base_in_small_ends_in_a_report_and_in_sequences(tmp_path):
    write_synthetic_genes(tmp_path)
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/next_base.yaml").read_text())
    del config["datasets"]["phage"]
    del config["generate"]["phage_like"], config["generate"]["phage_long"]
    config["datasets"]["ecoli"]["split"] |= {"block": 4000, "gap": 100}
    kept = ("gru", "markov0", "markov6")
    config["taggers"] = {name: config["taggers"][name] for name in kept}
    config["taggers"]["gru"]["hidden"] = 8
    config["training"] |= SMALL
    config["evaluation"] |= {"pairs": 20}
    config["generate"]["ecoli_like"] |= {"records": 2, "length": 100}
    (tmp_path / "next_base.yaml").write_text(yaml.safe_dump(config))
    lines = [line for line in NEXT_BASE.splitlines() if "phage" not in line]
    over = local_files("\n".join(lines), tmp_path)
    run = snakemake(workflow, tmp_path / "next_base.yaml", over=over)
    assert run.returncode == 0, run.stderr
    page = (tmp_path / "results/report.html").read_text()
    assert "What does the next letter cost?" in page
    assert "ecoli.letters" in page
    header, *rows = (tmp_path / "results/comparison.tsv").read_text().splitlines()
    table = [dict(zip(header.split("\t"), row.split("\t"), strict=True)) for row in rows]
    bits = {row["tagger"]: float(row["bits_per_token"]) for row in table}
    assert set(bits) == set(kept)
    # Genes are made of six codons, which six letters tell.
    assert bits["markov6"] < bits["markov0"] - 0.3
    text = gzip.decompress(
        (tmp_path / "results/generated/from_a_start.fa.gz").read_bytes()
    ).decode()
    records = ["".join(record.split("\n")[1:]) for record in text.split(">")[1:]]
    assert [len(record) for record in records] == [999] * 3
    assert all(record.startswith("ATG") and set(record) <= set("ACGT") for record in records)
    assert len(set(records)) == 3


def test_pretraining_in_small_says_what_a_start_is_worth(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/pretraining.yaml").read_text())
    for dataset in config["datasets"].values():
        dataset["simulate"] |= {"records": 20, "length": 500}
    config["training"] |= SMALL
    config["taggers"]["body"]["training"] = {"bases": 8000}
    del config["taggers"]["majority"], config["taggers"]["filtered"], config["taggers"]["frozen"]
    sweep = config["sweeps"]["labels"]
    del sweep["taggers"]["frozen"]
    sweep["seeds"] = [1, 2]
    for grid in sweep["taggers"].values():
        grid["training.labels"] = [600]
    (tmp_path / "pretraining.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(workflow, tmp_path / "pretraining.yaml")
    assert run.returncode == 0, run.stderr
    header, *lines = (tmp_path / "results/sweeps/labels.tsv").read_text().splitlines()
    rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
    labels = {row["tagger_base"]: row["learnt_labels"] for row in rows}
    assert labels["fresh"] == labels["pretrained"] == "600"
    page = (tmp_path / "results/report.html").read_text()
    assert "isochores: pretrained and fresh" in page
    assert "With 600 labels, pretrained" in page
    assert "With 3,500 labels, pretrained" in page  # all of them, of one seed
    assert "of one seed nobody knows" in page
    assert "unlabelled: pretrained" not in page
