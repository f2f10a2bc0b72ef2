"""Look at all that a run will read before anything of it is computed; seconds, without torch.

IN   the user's own files: sequences, annotations, tables, tracks
OUT  results/preflight.json, preflight.tsv: what was found and what the run will take, about.
     What is wrong ends the run

Nothing takes its output but the report, so that a changed finding reruns nothing else. It goes
first by its priority, and alone, since it takes all cores. An `ancient()` input of those that read
the files would not do: when the job behind such an input reruns, Snakemake 9.27 does not look for
other reasons to rerun what hangs on it, and leaves out what has changed indeed.
"""


rule preflight:
    """Read the user's files, draw their splits, and estimate time, memory and disk."""
    input:
        preflight_files(CONFIG),
    output:
        report="results/preflight.json",
        table="results/preflight.tsv",
    log:
        "logs/preflight.log",
    benchmark:
        "logs/preflight.benchmark.tsv"
    priority: 1000
    # What it finds wrong is as wrong the next time.
    retries: 0
    conda:
        "../envs/data.yaml"
    # On a cluster it runs beside Snakemake, whose machine is everybody's.
    threads: workflow.resource_settings.cores or 1
    resources:
        # Of the machine, and so nothing that a rerun depends on.
        visible_gpus=max(given.values(), default=0),
        elsewhere=lambda wildcards: int(workflow.non_local_exec),
    params:
        settings=canonical_json(preflight_settings(CONFIG)),
        code=code("preflight.py"),
    message:
        "Looking at the files, the splits and the cost of the run"
    script:
        "../scripts/preflight.py"
