"""Render the report: one HTML file that opens offline, and its charts as SVG files.

IN   results/comparison.tsv, differences.tsv, variance.tsv and preflight.json, every table of a
     sweep, and every metrics.json, history.tsv, tracks.npz, tagger and annotation
OUT  results/report.html, results/figures/
"""


rule render_report:
    """Verdicts, table and charts on one page."""
    input:
        comparison="results/comparison.tsv",
        differences="results/differences.tsv",
        variance="results/variance.tsv",
        preflight="results/preflight.json",
        metrics=every_run("metrics.json"),
        tracks=every_run("tracks.npz"),
        history=every_run("history.tsv", NETWORKS),
        segments=every_annotation("segments.bed.gz"),
        summaries=every_annotation("summary.tsv"),
        distributions=every_annotation("distributions.tsv"),
        compositions=every_annotation("composition.json"),
        regions=expand("results/annotations/{genome}/regions.npz", genome=GENOMES),
        agreement=expand("results/annotations/{genome}/agreement.tsv", genome=GENOMES),
        taggers=every_run("tagger.safetensors"),
        file_taggers=FILES_OF_TAGGERS,
        timing=every_run("timing.json"),
        sweeps=expand("results/sweeps/{sweep}.tsv", sweep=SWEEPS),
        generated=expand("results/generated/{generated}.json", generated=GENERATED),
        page=workflow.source_path("../report/template.html.jinja"),
        sections=[
            workflow.source_path(f"../report/sections/{section}.html.jinja")
            for section in (
                "calibration",
                "chance",
                "classes",
                "controls",
                "differences",
                "embeddings",
                "generated",
                "labelled",
                "letters",
                "measures",
                "preflight",
                "regression",
                "segments",
                "series",
                "sweeps",
            )
        ],
        style=workflow.source_path("../report/style.css"),
        script=workflow.source_path("../report/report.js"),
    output:
        page=report(
            "results/report.html",
            caption="../report/report.rst",
            category="Report",
        ),
        figures=report(
            directory("results/figures"),
            patterns=["{dataset}.{figure}.svg"],
            caption="../report/figure.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={"figure": "{figure}"},
        ),
    log:
        "logs/render_report.log",
    benchmark:
        "logs/render_report.benchmark.tsv"
    conda:
        "../envs/report.yaml"
    params:
        settings=settings("report"),
        code=code("render_report.py"),
    message:
        "Rendering the report"
    script:
        "../scripts/render_report.py"
