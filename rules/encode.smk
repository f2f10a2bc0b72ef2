"""Encode FASTA as a corpus that every later stage maps into memory, and split it.

IN   results/{dataset}/sequences.fa.gz and states.fa.gz, or a user's FASTA and labels
OUT  results/{dataset}/corpus/ (tokens, labels, records), results/{dataset}/split.tsv
"""


rule encode_fasta:
    """Turn letters into tokens and state letters into labels, in one pass."""
    input:
        sequences=sequences_of,
        labels=labels_of,
    output:
        tokens="results/{dataset}/corpus/tokens.npy",
        labels="results/{dataset}/corpus/labels.npy",
        records="results/{dataset}/corpus/records.tsv",
        alphabet="results/{dataset}/corpus/corpus.json",
    log:
        "logs/encode_fasta/{dataset}.log",
    benchmark:
        "logs/encode_fasta/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(DATASETS),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("encode", "dataset"),
        code=code("encode_fasta.py"),
    message:
        "Encoding {wildcards.dataset}"
    script:
        "../scripts/encode_fasta.py"


rule split_records:
    """Deal records or blocks to train, validation and test; no base in two of them."""
    input:
        corpus=corpus_in("results/{dataset}"),
    output:
        split="results/{dataset}/split.tsv",
    log:
        "logs/split_records/{dataset}.log",
    benchmark:
        "logs/split_records/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(DATASETS),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("split", "dataset"),
        code=code("split_records.py"),
    message:
        "Splitting {wildcards.dataset}"
    script:
        "../scripts/split_records.py"
