"""Simulate sequences and their true states from a hidden Markov model, or records with a motif.

IN   the HMM of the config (resources/hmms/ or a user's YAML; its content is in the settings)
OUT  results/{dataset}/sequences.fa.gz, states.fa.gz; of records with a motif classes.tsv;
     of numeric series series.tsv
"""


rule simulate_hmm:
    """Draw a state path by its dwell times, then a base at every position."""
    output:
        sequences="results/{dataset}/sequences.fa.gz",
        states="results/{dataset}/states.fa.gz",
    log:
        "logs/simulate_hmm/{dataset}.log",
    benchmark:
        "logs/simulate_hmm/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(SIMULATED),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("simulate", "dataset"),
        code=code("simulate_hmm.py"),
    message:
        "Simulating {wildcards.dataset}"
    script:
        "../scripts/simulate_hmm.py"


rule simulate_motif:
    """Draw records at random, and put a motif into some of them."""
    output:
        sequences="results/{dataset}/sequences.fa.gz",
        classes="results/{dataset}/classes.tsv",
    log:
        "logs/simulate_motif/{dataset}.log",
    benchmark:
        "logs/simulate_motif/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(WITH_MOTIF),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("motif", "dataset"),
        code=code("simulate_motif.py"),
    message:
        "Simulating {wildcards.dataset}"
    script:
        "../scripts/simulate_motif.py"


rule simulate_wave:
    """Draw sines of random phase with noise."""
    output:
        table="results/{dataset}/series.tsv",
    log:
        "logs/simulate_wave/{dataset}.log",
    benchmark:
        "logs/simulate_wave/{dataset}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(WAVES),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("wave", "dataset"),
        code=code("simulate_wave.py"),
    message:
        "Simulating {wildcards.dataset}"
    script:
        "../scripts/simulate_wave.py"
