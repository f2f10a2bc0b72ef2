"""Encode sequences as a corpus that every later stage maps into memory, and split it.

IN   results/{dataset}/sequences.fa.gz and states.fa.gz, or a user's sequences and what labels
     them: FASTA, GFF, GTF, BED, GenBank, bigWig; or both in one GenBank file or table
     with features: a user's bedGraph files and tables, of a dataset or a genome
OUT  results/{dataset}/corpus/ (tokens, labels, records), results/{dataset}/split.tsv
     with positions in codons: substates.npy in the dataset's corpus
     with features: features.npy, features.json in the dataset's or genome's corpus
"""


rule encode_fasta:
    """Turn letters into tokens, and what labels the bases into a label for each."""
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
        dataset=either([name for name in DATASETS if name not in FINER]),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("encode", "dataset"),
        code=code("encode_fasta.py"),
    message:
        "Encoding {wildcards.dataset}"
    script:
        "../scripts/encode_fasta.py"


use rule encode_fasta as encode_fasta_finer with:
    output:
        **rules.encode_fasta.output,
        substates="results/{dataset}/corpus/substates.npy",
    wildcard_constraints:
        dataset=either(FINER),


rule encode_features:
    """Put further numbers for each base, of a dataset or a genome, beside its corpus."""
    input:
        corpus=lambda wildcards: corpus_in(
            f"results/{wildcards.owner}", labelled=wildcards.owner in DATASETS
        ),
        files=lambda wildcards: CONFIG.feature_files(wildcards.owner),
    output:
        features="results/{owner}/corpus/features.npy",
        names="results/{owner}/corpus/features.json",
    log:
        "logs/encode_features/{owner}.log",
    benchmark:
        "logs/encode_features/{owner}.benchmark.tsv"
    wildcard_constraints:
        owner=either(FEATURED),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("encode_features", "owner"),
        code=code("encode_features.py"),
    message:
        "Encoding the features of {wildcards.owner}"
    script:
        "../scripts/encode_features.py"


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
