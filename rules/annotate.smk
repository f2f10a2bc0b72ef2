"""Annotate genomes with trained taggers, and compare the annotations with one another.

IN   a FASTA (a user's own, or fetched by accession), tagger.safetensors (of this run, or any)
OUT  results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/segments.bed.gz, segments.gff3.gz
     and their index (.tbi; for a chromosome of 2^29 bases or more .csi, too); posteriors/, a
     bigWig of each state; summary.tsv, distributions.tsv, composition.json;
     agreement.tsv, regions.npz
"""


rule fetch_genome:
    """Fetch a genome by its NCBI accession."""
    output:
        genome="results/genomes/{genome}/genome.fa.gz",
    log:
        "logs/fetch_genome/{genome}.log",
    benchmark:
        "logs/fetch_genome/{genome}.benchmark.tsv"
    wildcard_constraints:
        genome=either(FETCHED),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("fetch", "genome"),
        code=code("fetch_genome.py"),
    message:
        "Fetching {wildcards.genome} from NCBI"
    script:
        "../scripts/fetch_genome.py"


rule encode_genome:
    """Turn a genome's letters into tokens; it has no labels."""
    input:
        sequences=genome_of,
    output:
        tokens="results/genomes/{genome}/corpus/tokens.npy",
        records="results/genomes/{genome}/corpus/records.tsv",
        alphabet="results/genomes/{genome}/corpus/corpus.json",
    log:
        "logs/encode_genome/{genome}.log",
    benchmark:
        "logs/encode_genome/{genome}.benchmark.tsv"
    wildcard_constraints:
        genome=either(GENOMES),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("encode_genome", "genome"),
        code=code("encode_genome.py"),
    message:
        "Encoding the genome {wildcards.genome}"
    script:
        "../scripts/encode_genome.py"


checkpoint plan_annotation:
    """Share the records of a genome out among jobs."""
    input:
        corpus=corpus_in("results/genomes/{genome}", labelled=False),
    output:
        plan="results/genomes/{genome}/parts.tsv",
    log:
        "logs/plan_annotation/{genome}.log",
    benchmark:
        "logs/plan_annotation/{genome}.benchmark.tsv"
    wildcard_constraints:
        genome=either(GENOMES),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("plan_annotation", "genome"),
        code=code("plan_annotation.py"),
    message:
        "Sharing out the genome {wildcards.genome}"
    script:
        "../scripts/plan_annotation.py"


rule annotate_part:
    """Call the states of some records of a genome. The parts go when they are gathered."""
    input:
        corpus=corpus_in("results/genomes/{genome}", labelled=False),
        features=annotating_features,
        tagger=annotating_tagger,
        plan="results/genomes/{genome}/parts.tsv",
    output:
        part=temp(
            directory(
                "results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/parts/{part}"
            )
        ),
    log:
        "logs/annotate_part/{genome}.{dataset}.{tagger}.seed{seed}.{part}.log",
    benchmark:
        "logs/annotate_part/{genome}.{dataset}.{tagger}.seed{seed}.{part}.benchmark.tsv"
    wildcard_constraints:
        genome=either(GENOMES),
        dataset=either([*DATASETS, TAGGER_FILES]),
        tagger=either(NETWORKS + BASELINES + FILE_TAGGERS),
        part=r"\d+",
    conda:
        "../envs/network.yaml"
    resources:
        gpu=0,
        # What the job stays below, however long the sequences are.
        mem_mb=1500,
    params:
        settings=settings("annotate", "genome", "dataset", "tagger"),
        code=code("annotate_part.py"),
    message:
        "Annotating {wildcards.genome} by {wildcards.tagger} of {wildcards.dataset}, part {wildcards.part}"
    script:
        "../scripts/annotate_part.py"


rule gather_annotation:
    """Put the tracks of a genome together and index them for a genome browser."""
    input:
        parts=parts_of_annotation,
        corpus=corpus_in("results/genomes/{genome}", labelled=False),
        tagger=annotating_tagger,
    output:
        bed="results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/segments.bed.gz",
        bed_index="results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/segments.bed.gz.tbi",
        gff3="results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/segments.gff3.gz",
        gff3_index="results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/segments.gff3.gz.tbi",
        posteriors=directory(
            "results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/posteriors"
        ),
        summary="results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/summary.tsv",
        distributions="results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/distributions.tsv",
        composition="results/annotations/{genome}/{dataset}/{tagger}/seed{seed}/composition.json",
    log:
        "logs/gather_annotation/{genome}.{dataset}.{tagger}.seed{seed}.log",
    benchmark:
        "logs/gather_annotation/{genome}.{dataset}.{tagger}.seed{seed}.benchmark.tsv"
    wildcard_constraints:
        genome=either(GENOMES),
        dataset=either([*DATASETS, TAGGER_FILES]),
        tagger=either(NETWORKS + BASELINES + FILE_TAGGERS),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1500,
    params:
        settings=settings("annotate", "genome", "dataset", "tagger"),
        code=code("gather_annotation.py"),
    message:
        "Gathering what {wildcards.tagger} of {wildcards.dataset} says of {wildcards.genome}"
    script:
        "../scripts/gather_annotation.py"


rule compare_annotations:
    """On how many bases do a genome's annotations agree, pair by pair?"""
    input:
        segments=lambda wildcards: every_annotation("segments.bed.gz", wildcards.genome),
    output:
        agreement="results/annotations/{genome}/agreement.tsv",
    log:
        "logs/compare_annotations/{genome}.log",
    benchmark:
        "logs/compare_annotations/{genome}.benchmark.tsv"
    wildcard_constraints:
        genome=either(GENOMES),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("compare_annotations", "genome"),
        code=code("compare_annotations.py"),
    message:
        "Comparing the annotations of {wildcards.genome}"
    script:
        "../scripts/compare_annotations.py"


rule show_regions:
    """Read what the report shows base by base back from a genome's tracks."""
    input:
        corpus=corpus_in("results/genomes/{genome}", labelled=False),
        segments=lambda wildcards: every_annotation("segments.bed.gz", wildcards.genome),
        indices=lambda wildcards: every_annotation(
            "segments.bed.gz.tbi", wildcards.genome
        ),
        posteriors=lambda wildcards: every_annotation("posteriors", wildcards.genome),
        summaries=lambda wildcards: every_annotation("summary.tsv", wildcards.genome),
    output:
        regions="results/annotations/{genome}/regions.npz",
    log:
        "logs/show_regions/{genome}.log",
    benchmark:
        "logs/show_regions/{genome}.benchmark.tsv"
    wildcard_constraints:
        genome=either(GENOMES),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("show_regions", "genome"),
        code=code("show_regions.py"),
    message:
        "Reading the shown regions of {wildcards.genome}"
    script:
        "../scripts/show_regions.py"
