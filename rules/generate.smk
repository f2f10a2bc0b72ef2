"""Draw sequences, letter by letter, from networks that tell the next one.

IN   the tagger.safetensors of a dataset with task: next_token; its corpus and split
OUT  results/generated/{generated}.fa.gz, {generated}.json (letters and pairs beside training)
"""


rule generate_sequences:
    """Go on from a prompt, or from nothing, and hold the letters against those of training."""
    input:
        tagger=lambda wildcards: generating_tagger(wildcards.generated),
        corpus=lambda wildcards: corpus_in(generating_dataset(wildcards.generated)),
        split=lambda wildcards: f"{generating_dataset(wildcards.generated)}/split.tsv",
    output:
        sequences="results/generated/{generated}.fa.gz",
        summary="results/generated/{generated}.json",
    log:
        "logs/generate_sequences/{generated}.log",
    benchmark:
        "logs/generate_sequences/{generated}.benchmark.tsv"
    wildcard_constraints:
        generated=either(GENERATED),
    conda:
        "../envs/network.yaml"
    params:
        settings=settings("generate", "generated"),
        code=code("generate_sequences.py"),
    message:
        "Generating {wildcards.generated}"
    script:
        "../scripts/generate_sequences.py"
