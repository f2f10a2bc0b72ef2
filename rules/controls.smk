"""Negative controls: sequences in which no state ever changes, so every called border is false.

IN   results/{dataset}/corpus/, split.tsv
OUT  results/{dataset}/controls/homogeneous/, shuffled/ (corpora without labels), segments.tsv;
     without records where the config asks for no bases of them
"""


rule make_controls:
    """Draw letters at the training composition, and shuffle test sequences by dinucleotides."""
    input:
        corpus=corpus_in("results/{dataset}"),
        split="results/{dataset}/split.tsv",
    output:
        controls=CONTROL_FILES,
    log:
        "logs/make_controls/{dataset}.log",
    benchmark:
        "logs/make_controls/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(DATASETS),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("controls", "dataset"),
        code=code("make_controls.py"),
    message:
        "Making the negative controls of {wildcards.dataset}"
    script:
        "../scripts/make_controls.py"
