"""Train networks and fit baselines: both end in a tagger file of the same form.

IN   results/{dataset}/corpus/ (with substates.npy, targets.npy or labels.{head}.npy where they are learnt), split.tsv, the tagger.safetensors to start from
     and the words' vectors, if any
OUT  results/{dataset}/{tagger}/seed{seed}/tagger.safetensors, timing.json;
     of networks also last.safetensors (the weights of the last step), history.tsv
"""


rule train_tagger:
    """Train a recurrent network on the training split, its weights chosen on validation."""
    input:
        corpus=corpus_in("results/{dataset}"),
        features=features_in("results/{dataset}"),
        substates=substates_in("results/{dataset}"),
        heads=heads_in("results/{dataset}"),
        targets=targets_in("results/{dataset}"),
        split="results/{dataset}/split.tsv",
        initial=initial_tagger_of,
        words=word_vectors_of,
    output:
        tagger="results/{dataset}/{tagger}/seed{seed}/tagger.safetensors",
        last="results/{dataset}/{tagger}/seed{seed}/last.safetensors",
        history="results/{dataset}/{tagger}/seed{seed}/history.tsv",
        timing="results/{dataset}/{tagger}/seed{seed}/timing.json",
    log:
        "logs/train_tagger/{dataset}.{tagger}.seed{seed}.log",
    benchmark:
        "logs/train_tagger/{dataset}.{tagger}.seed{seed}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(DATASETS),
        tagger=either(NETWORKS),
    conda:
        "../envs/network.yaml"
    threads: training_threads
    resources:
        gpu=0,
        mem_mb=training_memory,
    params:
        settings=settings("train", "tagger", "seed", "dataset"),
        code=code("train_tagger.py"),
    message:
        "Training {wildcards.tagger} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/train_tagger.py"


rule fit_baseline:
    """Fit a tagger that is no network: an HMM, a window rule, a table, a constant."""
    input:
        corpus=corpus_in("results/{dataset}"),
        targets=targets_in("results/{dataset}"),
        split="results/{dataset}/split.tsv",
    output:
        tagger="results/{dataset}/{tagger}/seed{seed}/tagger.safetensors",
        timing="results/{dataset}/{tagger}/seed{seed}/timing.json",
    log:
        "logs/fit_baseline/{dataset}.{tagger}.seed{seed}.log",
    benchmark:
        "logs/fit_baseline/{dataset}.{tagger}.seed{seed}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(DATASETS),
        tagger=either(BASELINES),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("fit", "dataset", "tagger"),
        code=code("fit_baseline.py"),
    message:
        "Fitting {wildcards.tagger} on {wildcards.dataset}"
    script:
        "../scripts/fit_baseline.py"
