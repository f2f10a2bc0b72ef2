# Basetag: label every base of a sequence with a network, and say how good the labels are.
# An index: what each stage does stands in rules/, what each job does in scripts/.

from snakemake.utils import min_version

min_version("9.27")

# A config given on the command line stands alone; nothing of the default is merged into it.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


# Two jobs on one machine share its cards; on a cluster each job has its own.
resource_scopes:
    gpu="local",


# Jobs run in it by --sdm apptainer, which somebody has built before: docs/cluster.md.
containerized: f"{workflow.basedir}/basetag.sif"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/preflight.smk"
include: "rules/simulate.smk"
include: "rules/encode.smk"
include: "rules/controls.smk"
include: "rules/train.smk"
include: "rules/predict.smk"
include: "rules/evaluate.smk"
include: "rules/sweep.smk"
include: "rules/annotate.smk"
include: "rules/classify.smk"
include: "rules/generate.smk"
include: "rules/report.smk"


rule all:
    input:
        "results/report.html",
        expand("results/classified/{name}.tsv", name=CLASSIFIED),
        expand("results/generated/{generated}.fa.gz", generated=GENERATED),


# On a cluster, these run beside Snakemake: they take seconds, or need the network, which the machines
# of a cluster often lack.
localrules:
    all,
    preflight,
    fetch_dataset,
    fetch_genome,
    plan_annotation,
    summarise_sweep,
