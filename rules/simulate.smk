"""Simulate sequences and their true states from a hidden Markov model.

IN   the HMM of the config (resources/hmms/ or a user's YAML; its content is in the settings)
OUT  results/{dataset}/sequences.fa.gz, states.fa.gz
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
