"""Gather what a sweep compares: a grid of datasets and taggers, made by the rules of the others.

Nobody looks at the posteriors of so many, so they go as soon as they are judged; only those of the
exact posterior stay, since a tagger that is added later is held against them.

IN   metrics.json, timing.json, predict_timing.json of every dataset, tagger and seed of a sweep
OUT  results/sweeps/{sweep}.tsv
"""


# Outputs are written out, here and in encode.smk: taken over from the other rule, a storage provider
# would not know them.
use rule predict_baseline as predict_baseline_of_sweep with:
    output:
        posteriors=temp("results/{dataset}/{tagger}/seed{seed}/posteriors.npy"),
        validation=temp(
            "results/{dataset}/{tagger}/seed{seed}/posteriors.validation.npy"
        ),
        calls=temp("results/{dataset}/{tagger}/seed{seed}/calls.npy"),
        predictions=temp("results/{dataset}/{tagger}/seed{seed}/predictions.npy"),
        validation_calls=temp(
            "results/{dataset}/{tagger}/seed{seed}/calls.validation.npy"
        ),
        controls=temp("results/{dataset}/{tagger}/seed{seed}/posteriors.controls.npy"),
        control_calls=temp("results/{dataset}/{tagger}/seed{seed}/calls.controls.npy"),
        timing="results/{dataset}/{tagger}/seed{seed}/predict_timing.json",
    wildcard_constraints:
        dataset=predicted_by(BASELINES, kept=False),
        tagger=either(BASELINES),
    priority: POINTS


use rule predict_network as predict_network_of_sweep with:
    output:
        posteriors=temp("results/{dataset}/{tagger}/seed{seed}/posteriors.npy"),
        validation=temp(
            "results/{dataset}/{tagger}/seed{seed}/posteriors.validation.npy"
        ),
        calls=temp("results/{dataset}/{tagger}/seed{seed}/calls.npy"),
        predictions=temp("results/{dataset}/{tagger}/seed{seed}/predictions.npy"),
        validation_calls=temp(
            "results/{dataset}/{tagger}/seed{seed}/calls.validation.npy"
        ),
        controls=temp("results/{dataset}/{tagger}/seed{seed}/posteriors.controls.npy"),
        control_calls=temp("results/{dataset}/{tagger}/seed{seed}/calls.controls.npy"),
        hidden="results/{dataset}/{tagger}/seed{seed}/hidden.npz",
        timing="results/{dataset}/{tagger}/seed{seed}/predict_timing.json",
    wildcard_constraints:
        dataset=predicted_by(NETWORKS, kept=False),
        tagger=either(NETWORKS),


use rule predict_head as predict_head_of_sweep with:
    output:
        posteriors=temp("results/{dataset}/{tagger}/seed{seed}/posteriors.{head}.npy"),
    wildcard_constraints:
        dataset=predicted_by(NETWORKS, kept=False) if HEADS else either([]),
        tagger=either(NETWORKS),
        head=either(HEADS),


rule summarise_sweep:
    """One table with a row per dataset, tagger and seed of a sweep."""
    input:
        metrics=lambda wildcards: every_run_of(wildcards.sweep, "metrics.json"),
        timing=lambda wildcards: every_run_of(wildcards.sweep, "timing.json"),
        predict_timing=lambda wildcards: every_run_of(
            wildcards.sweep, "predict_timing.json"
        ),
    output:
        table="results/sweeps/{sweep}.tsv",
    log:
        "logs/summarise_sweep/{sweep}.log",
    benchmark:
        "logs/summarise_sweep/{sweep}.benchmark.tsv"
    wildcard_constraints:
        sweep=either(SWEEPS),
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("summarise_sweep", "sweep"),
        code=code("summarise_sweep.py"),
    message:
        "Summarising the sweep {wildcards.sweep}"
    script:
        "../scripts/summarise_sweep.py"
