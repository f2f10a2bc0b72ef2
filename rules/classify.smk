"""Tell the classes of new sequences by a tagger whose records have classes.

IN   a user's FASTA or table, tagger.safetensors (of this run, or any)
OUT  results/classified/{name}.tsv: a row for each record, with its class and the probability of each
"""


rule classify_sequences:
    """Tell the class of each record of a FASTA file, or of each row of a table."""
    input:
        sequences=lambda wildcards: CONFIG.classified_file(wildcards.name),
        tagger=lambda wildcards: CONFIG.classifier(wildcards.name),
    output:
        table="results/classified/{name}.tsv",
    log:
        "logs/classify_sequences/{name}.log",
    benchmark:
        "logs/classify_sequences/{name}.benchmark.tsv"
    wildcard_constraints:
        name=either(CLASSIFIED),
    conda:
        "../envs/network.yaml"
    resources:
        mem_mb=1500,
    params:
        settings=settings("classify", "name"),
        code=code("classify_sequences.py"),
    message:
        "Classifying the sequences {wildcards.name}"
    script:
        "../scripts/classify_sequences.py"
