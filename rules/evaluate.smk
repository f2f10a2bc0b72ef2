"""Judge posteriors and calls by truth, exact posterior and chance, and compare all taggers.

IN   results/{dataset}/{tagger}/seed{seed}/posteriors.npy, posteriors.validation.npy, calls.npy,
     calls.controls.npy, predictions.npy, the posteriors of exact and filtered; of networks
     hidden.npz and posteriors.{head}.npy of each further head;
     results/{dataset}/matched.npy
OUT  results/{dataset}/{tagger}/seed{seed}/metrics.json, units.npz, tracks.npz;
     results/comparison.tsv, differences.tsv, variance.tsv
"""


rule evaluate_tagger:
    """Every figure of the report for one tagger, and the counts that they derive from."""
    input:
        corpus=corpus_in("results/{dataset}"),
        targets=targets_in("results/{dataset}"),
        split="results/{dataset}/split.tsv",
        matched="results/{dataset}/matched.npy",
        tagger="results/{dataset}/{tagger}/seed{seed}/tagger.safetensors",
        posteriors="results/{dataset}/{tagger}/seed{seed}/posteriors.npy",
        calls="results/{dataset}/{tagger}/seed{seed}/calls.npy",
        predictions="results/{dataset}/{tagger}/seed{seed}/predictions.npy",
        validation="results/{dataset}/{tagger}/seed{seed}/posteriors.validation.npy",
        hidden=hidden_states_of,
        heads=heads_in("results/{dataset}"),
        head_posteriors=head_posteriors_of,
        controls=CONTROL_FILES,
        control_calls="results/{dataset}/{tagger}/seed{seed}/calls.controls.npy",
        reference_control_calls=control_calls_of_reference,
        exact=reference_of("exact", "posteriors.npy"),
        filtered=reference_of("filtered", "posteriors.npy"),
        exact_validation=reference_of("exact", "posteriors.validation.npy"),
        filtered_validation=reference_of("filtered", "posteriors.validation.npy"),
    output:
        metrics="results/{dataset}/{tagger}/seed{seed}/metrics.json",
        units="results/{dataset}/{tagger}/seed{seed}/units.npz",
        tracks="results/{dataset}/{tagger}/seed{seed}/tracks.npz",
    log:
        "logs/evaluate_tagger/{dataset}.{tagger}.seed{seed}.log",
    benchmark:
        "logs/evaluate_tagger/{dataset}.{tagger}.seed{seed}.benchmark.tsv"
    wildcard_constraints:
        dataset=either(DATASETS),
        tagger=either(NETWORKS + BASELINES),
    priority: JUDGING
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("evaluate", "dataset", "tagger"),
        code=code("evaluate_tagger.py"),
    message:
        "Evaluating {wildcards.tagger} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate_tagger.py"


rule compare_taggers:
    """A row per dataset, tagger and seed; how taggers differ; where variance comes from."""
    input:
        metrics=every_run("metrics.json"),
        units=every_run("units.npz"),
        timing=every_run("timing.json"),
        predict_timing=every_run("predict_timing.json"),
    output:
        comparison=report(
            "results/comparison.tsv",
            caption="../report/comparison.rst",
            category="Tables",
        ),
        differences="results/differences.tsv",
        variance="results/variance.tsv",
    log:
        "logs/compare_taggers.log",
    benchmark:
        "logs/compare_taggers.benchmark.tsv"
    conda:
        "../envs/data.yaml"
    params:
        settings=settings("compare"),
        code=code("compare_taggers.py"),
    message:
        "Comparing all taggers"
    script:
        "../scripts/compare_taggers.py"
