"""Every config that is shown is one, and the examples run."""

import gzip
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml

from basetag.config import load_config
from basetag.config.datasets import VARIATIONS
from tests.conftest import REPOSITORY
from tests.workflow import copy_workflow, planned, snakemake

CPG, ECOLI = (
    re.search(r"```yaml\n# local.yaml\n(.*?)```", page.read_text(), re.DOTALL)[1]
    for page in (REPOSITORY / "docs/example_cpg.md", REPOSITORY / "docs/example_ecoli.md")
)
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
    for name in ("genome.fa.gz", "genome.gff.gz"):
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
    over = local_files(CPG, tmp_path) if example == "cpg.yaml" else None
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
    (folder / f"{example}.yaml").write_text(yaml.safe_dump(config))
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
