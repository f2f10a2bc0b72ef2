"""Predict the state probabilities of every base of test, validation and controls, and call it.

From here on networks and baselines are the same kind of thing; two rules, because a baseline's
job must not wait for torch to start.

IN   results/{dataset}/corpus/, split.tsv, controls/, {tagger}/seed{seed}/tagger.safetensors
OUT  results/{dataset}/{tagger}/seed{seed}/posteriors.npy, posteriors.validation.npy,
     posteriors.controls.npy, calls.npy, calls.validation.npy, calls.controls.npy,
     predictions.npy (the numbers of the test records; none where nothing has a number);
     of networks also hidden.npz, and posteriors.{head}.npy of each further head
"""


rule predict_baseline:
    """Posteriors and calls of a tagger that is no network."""
    input:
        corpus=corpus_in("results/{dataset}"),
        targets=targets_in("results/{dataset}"),
        split="results/{dataset}/split.tsv",
        controls=CONTROL_FILES,
        tagger="results/{dataset}/{tagger}/seed{seed}/tagger.safetensors",
    output:
        posteriors="results/{dataset}/{tagger}/seed{seed}/posteriors.npy",
        validation="results/{dataset}/{tagger}/seed{seed}/posteriors.validation.npy",
        calls="results/{dataset}/{tagger}/seed{seed}/calls.npy",
        predictions="results/{dataset}/{tagger}/seed{seed}/predictions.npy",
        validation_calls="results/{dataset}/{tagger}/seed{seed}/calls.validation.npy",
        controls="results/{dataset}/{tagger}/seed{seed}/posteriors.controls.npy",
        control_calls="results/{dataset}/{tagger}/seed{seed}/calls.controls.npy",
        timing="results/{dataset}/{tagger}/seed{seed}/predict_timing.json",
    log:
        "logs/predict_baseline/{dataset}.{tagger}.seed{seed}.log",
    benchmark:
        "logs/predict_baseline/{dataset}.{tagger}.seed{seed}.benchmark.tsv"
    wildcard_constraints:
        dataset=predicted_by(BASELINES, kept=True),
        tagger=either(BASELINES),
    priority: PREPARING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("predict", "dataset", "tagger"),
        code=code("predict_baseline.py"),
    message:
        "Predicting {wildcards.dataset} by {wildcards.tagger}"
    script:
        "../scripts/predict_baseline.py"


rule predict_network:
    """Posteriors and calls of a network, and its hidden states where the report shows them."""
    input:
        corpus=corpus_in("results/{dataset}"),
        targets=targets_in("results/{dataset}"),
        features=features_in("results/{dataset}"),
        split="results/{dataset}/split.tsv",
        controls=CONTROL_FILES,
        tagger="results/{dataset}/{tagger}/seed{seed}/tagger.safetensors",
    output:
        posteriors="results/{dataset}/{tagger}/seed{seed}/posteriors.npy",
        validation="results/{dataset}/{tagger}/seed{seed}/posteriors.validation.npy",
        calls="results/{dataset}/{tagger}/seed{seed}/calls.npy",
        predictions="results/{dataset}/{tagger}/seed{seed}/predictions.npy",
        validation_calls="results/{dataset}/{tagger}/seed{seed}/calls.validation.npy",
        controls="results/{dataset}/{tagger}/seed{seed}/posteriors.controls.npy",
        control_calls="results/{dataset}/{tagger}/seed{seed}/calls.controls.npy",
        hidden="results/{dataset}/{tagger}/seed{seed}/hidden.npz",
        timing="results/{dataset}/{tagger}/seed{seed}/predict_timing.json",
    log:
        "logs/predict_network/{dataset}.{tagger}.seed{seed}.log",
    benchmark:
        "logs/predict_network/{dataset}.{tagger}.seed{seed}.benchmark.tsv"
    wildcard_constraints:
        dataset=predicted_by(NETWORKS, kept=True),
        tagger=either(NETWORKS),
    conda:
        "../envs/network.yaml"
    resources:
        gpu=0,
        # What the job stays below, however long the sequences are.
        mem_mb=1500,
    params:
        settings=settings("predict", "dataset", "tagger"),
        code=code("predict_network.py"),
    message:
        "Predicting {wildcards.dataset} by {wildcards.tagger}"
    script:
        "../scripts/predict_network.py"


rule predict_head:
    """Posteriors of a further head of a network on the test split."""
    input:
        corpus=corpus_in("results/{dataset}"),
        features=features_in("results/{dataset}"),
        split="results/{dataset}/split.tsv",
        tagger="results/{dataset}/{tagger}/seed{seed}/tagger.safetensors",
    output:
        posteriors="results/{dataset}/{tagger}/seed{seed}/posteriors.{head}.npy",
    log:
        "logs/predict_head/{dataset}.{tagger}.seed{seed}.{head}.log",
    benchmark:
        "logs/predict_head/{dataset}.{tagger}.seed{seed}.{head}.benchmark.tsv"
    wildcard_constraints:
        dataset=predicted_by(NETWORKS, kept=True) if HEADS else either([]),
        tagger=either(NETWORKS),
        head=either(HEADS),
    conda:
        "../envs/network.yaml"
    resources:
        gpu=0,
        # What the job stays below, however long the sequences are.
        mem_mb=1500,
    params:
        code=code("predict_head.py"),
    message:
        "Predicting {wildcards.head} of {wildcards.dataset} by {wildcards.tagger}"
    script:
        "../scripts/predict_head.py"
