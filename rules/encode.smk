"""Encode sequences as a corpus that every later stage maps into memory, and split it.

IN   the accession of a record of GenBank or RefSeq, or
     results/{dataset}/sequences.fa.gz and states.fa.gz, or a user's sequences and what labels
     them: FASTA, GFF, GTF, BED, GenBank, bigWig; or both in one GenBank file or table
     with features: a user's bedGraph files, tables and folders of matrices, of a dataset or a genome
     with a split by a table: that table, a user's
OUT  results/{dataset}/record.gb.gz, where it is fetched
     results/{dataset}/corpus/ (tokens, labels, records), results/{dataset}/split.tsv, matched.npy
     with positions in codons: substates.npy in the dataset's corpus
     of texts: words.npy, vocabulary.tsv in the dataset's corpus
     with a number for each record: targets.npy, targets.tsv in the dataset's corpus
     with further labels: labels.{head}.npy, labels.{head}.json in the dataset's corpus
     of numeric series: targets.npy, features.npy, features.json there
     with features: features.npy, features.json in the dataset's or genome's corpus
"""


rule fetch_dataset:
    """Fetch a record with its sequence and features by its NCBI accession."""
    output:
        record="results/{dataset}/record.gb.gz",
    log:
        "logs/fetch_dataset/{dataset}.log",
    benchmark:
        "logs/fetch_dataset/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(FETCHED_DATASETS),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("fetch_dataset", "dataset"),
        code=code("fetch_dataset.py"),
    message:
        "Fetching {wildcards.dataset} from NCBI"
    script:
        "../scripts/fetch_dataset.py"


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
        dataset=either(
            [
                name
                for name in DATASETS
                if name not in (*FINER, *NUMBERED, *WORDED, *SERIES)
            ]
        ),
    priority: PREPARING
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
        tokens="results/{dataset}/corpus/tokens.npy",
        labels="results/{dataset}/corpus/labels.npy",
        records="results/{dataset}/corpus/records.tsv",
        alphabet="results/{dataset}/corpus/corpus.json",
        substates="results/{dataset}/corpus/substates.npy",
    wildcard_constraints:
        dataset=either(FINER),


use rule encode_fasta as encode_fasta_numbers with:
    output:
        tokens="results/{dataset}/corpus/tokens.npy",
        labels="results/{dataset}/corpus/labels.npy",
        records="results/{dataset}/corpus/records.tsv",
        alphabet="results/{dataset}/corpus/corpus.json",
        targets="results/{dataset}/corpus/targets.npy",
        table="results/{dataset}/corpus/targets.tsv",
    wildcard_constraints:
        dataset=either([name for name in NUMBERED if name not in WORDED]),


use rule encode_fasta as encode_fasta_texts with:
    input:
        sequences=sequences_of,
        labels=labels_of,
        table=lambda wildcards: CONFIG.split_table(wildcards.dataset) or [],
    output:
        tokens="results/{dataset}/corpus/tokens.npy",
        labels="results/{dataset}/corpus/labels.npy",
        records="results/{dataset}/corpus/records.tsv",
        alphabet="results/{dataset}/corpus/corpus.json",
        words="results/{dataset}/corpus/words.npy",
        vocabulary="results/{dataset}/corpus/vocabulary.tsv",
    wildcard_constraints:
        dataset=either([name for name in WORDED if name not in NUMBERED]),


use rule encode_fasta_texts as encode_fasta_numbered_texts with:
    output:
        tokens="results/{dataset}/corpus/tokens.npy",
        labels="results/{dataset}/corpus/labels.npy",
        records="results/{dataset}/corpus/records.tsv",
        alphabet="results/{dataset}/corpus/corpus.json",
        words="results/{dataset}/corpus/words.npy",
        vocabulary="results/{dataset}/corpus/vocabulary.tsv",
        targets="results/{dataset}/corpus/targets.npy",
        table="results/{dataset}/corpus/targets.tsv",
    wildcard_constraints:
        dataset=either([name for name in WORDED if name in NUMBERED]),


rule encode_head:
    """Put further labels of a dataset's bases beside its corpus."""
    input:
        sequences=sequences_of,
        labels=head_file_of,
    output:
        labels="results/{dataset}/corpus/labels.{head}.npy",
        about="results/{dataset}/corpus/labels.{head}.json",
    log:
        "logs/encode_head/{dataset}.{head}.log",
    benchmark:
        "logs/encode_head/{dataset}.{head}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(WITH_HEADS),
        head=either(HEADS),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("encode_head", "dataset", "head"),
        code=code("encode_head.py"),
    message:
        "Encoding {wildcards.head} of {wildcards.dataset}"
    script:
        "../scripts/encode_head.py"


use rule encode_fasta as encode_fasta_series with:
    output:
        tokens="results/{dataset}/corpus/tokens.npy",
        labels="results/{dataset}/corpus/labels.npy",
        records="results/{dataset}/corpus/records.tsv",
        alphabet="results/{dataset}/corpus/corpus.json",
        targets="results/{dataset}/corpus/targets.npy",
        features="results/{dataset}/corpus/features.npy",
        names="results/{dataset}/corpus/features.json",
    wildcard_constraints:
        dataset=either(SERIES),


rule encode_features:
    """Put further numbers for each base, of a dataset or a genome, beside its corpus."""
    input:
        corpus=lambda wildcards: corpus_in(
            f"results/{wildcards.owner}", labelled=wildcards.owner in DATASETS
        ),
        files=lambda wildcards: CONFIG.feature_files(wildcards.owner),
        matrices=lambda wildcards: CONFIG.matrix_files(wildcards.owner),
    output:
        features="results/{owner}/corpus/features.npy",
        names="results/{owner}/corpus/features.json",
    log:
        "logs/encode_features/{owner}.log",
    benchmark:
        "logs/encode_features/{owner}.benchmark.tsv"
    wildcard_constraints:
        owner=either(FEATURED),
    priority: PREPARING
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
    """Give records or blocks to train, validation and test; no base to two of them."""
    input:
        corpus=corpus_in("results/{dataset}"),
        words=words_in("results/{dataset}"),
        table=lambda wildcards: CONFIG.split_table(wildcards.dataset) or [],
    output:
        split="results/{dataset}/split.tsv",
    log:
        "logs/split_records/{dataset}.log",
    benchmark:
        "logs/split_records/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(DATASETS),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("split", "dataset"),
        code=code("split_records.py"),
    message:
        "Splitting {wildcards.dataset}"
    script:
        "../scripts/split_records.py"


rule mark_matches:
    """Mark the test bases inside a match of 31 letters to training, on either strand."""
    input:
        corpus=corpus_in("results/{dataset}"),
        words=words_in("results/{dataset}"),
        split="results/{dataset}/split.tsv",
    output:
        matched="results/{dataset}/matched.npy",
    log:
        "logs/mark_matches/{dataset}.log",
    benchmark:
        "logs/mark_matches/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(DATASETS),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    resources:
        # What the job stays below, however long the sequences are.
        mem_mb=1000,
    params:
        code=code("mark_matches.py"),
    message:
        "Marking matches to training in {wildcards.dataset}"
    script:
        "../scripts/mark_matches.py"
