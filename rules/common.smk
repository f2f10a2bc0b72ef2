"""What every stage needs: the checked config, a rule's settings and code, and who hangs on whom.

The config is checked before any job is planned; each mistake in it is one line, and ends the run.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir, "scripts")))

from basetag.code_digest import code_digest
from basetag.config import load_config
from basetag.config.preflight import preflight_files, preflight_settings
from basetag.errors import BasetagError
from basetag.files import canonical_json
from basetag.gpu_request import gpus_asked
from basetag.name_pattern import name_pattern as either
from basetag.training.attempts import memory_of_attempt

try:
    CONFIG = load_config(
        config,
        [Path(file) for file in workflow.overwrite_configfiles or workflow.configfiles],
        Path(workflow.basedir),
    )
except BasetagError as error:
    print(error, file=sys.stderr)
    sys.exit(1)

# Snakemake cuts a request down to the cap without a word: `--resources gpu=0` on a profile that
# asks for a GPU would train on the CPU in silence.
cap = workflow.resource_settings.resources.get("gpu")
for rule_name, asked in workflow.resource_settings.overwrite_resources.items():
    if cap is not None and cap.value == 0 and "gpu" in asked and asked["gpu"].value:
        print(
            f"--resources gpu=0 leaves none for {rule_name}, which asks for"
            f" {asked['gpu'].value}; to run on the CPU: --workflow-profile profiles/default",
            file=sys.stderr,
        )
        sys.exit(1)

# A list on the command line takes the place of the profile's: a rule that it leaves out would
# run on the CPU in silence.
ON_DEVICES = ("train_tagger", "predict_network", "annotate_part")
if any(CONFIG.heads(name) for name in CONFIG.datasets):
    ON_DEVICES = (*ON_DEVICES, "predict_head")
given = workflow.resource_settings.overwrite_resources
given = {
    name: gpus_asked(
        asked["gpu"].value if "gpu" in asked else 0,
        asked["gres"].raw if "gres" in asked else None,
    )
    for name, asked in ((name, given.get(name, {})) for name in ON_DEVICES)
    if "gpu" in asked or "gres" in asked
}
left_out = [name for name in ON_DEVICES if name not in given]
if any(given.values()) and left_out:
    print(
        f"--set-resources gives GPUs to {', '.join(given)}, and does not say how many"
        f" {left_out[0]} has; name each rule, such as {left_out[0]}:gpu=1 (0 for the CPU)",
        file=sys.stderr,
    )
    sys.exit(1)

# What is made for a sweep takes what its rule is given for all.
for rule_name in ("predict_baseline", "predict_network", "predict_head"):
    for asked in (
        workflow.resource_settings.overwrite_resources,
        workflow.resource_settings.overwrite_threads,
    ):
        if rule_name in asked:
            asked.setdefault(f"{rule_name}_of_sweep", asked[rule_name])

# With those of sweeps.
DATASETS = list(CONFIG.datasets)
SIMULATED = [name for name in DATASETS if CONFIG.is_simulated(name)]
WITH_MOTIF = [name for name in DATASETS if CONFIG.has_motif(name)]
WAVES = [name for name in DATASETS if CONFIG.is_wave(name)]
FETCHED_DATASETS = [name for name in DATASETS if CONFIG.is_fetched(name)]
NETWORKS = [name for name in CONFIG.taggers if CONFIG.is_network(name)]
BASELINES = [name for name in CONFIG.taggers if not CONFIG.is_network(name)]
SWEEPS = list(CONFIG.plans)
GENERATED = list(CONFIG.model.generate)
GENOMES = list(CONFIG.model.annotate)
# Of the taggers that a genome names by their files.
TAGGER_FILES = "files"
FILE_TAGGERS = [run[2] for run in CONFIG.annotations() if run[1] == TAGGER_FILES]
FILES_OF_TAGGERS = [
    found.file for name in GENOMES for found in CONFIG.uses(name) if found.file
]
CLASSIFIED = list(CONFIG.model.classify)
FETCHED = [name for name in GENOMES if CONFIG.genome_file(name) is None]

# Folders of results/ in which a corpus with features lies.
FEATURED = CONFIG.feature_owners()

# Datasets whose bases have finer states than their labels.
FINER = [name for name in DATASETS if CONFIG.has_substates(name)]

# Datasets with further labels of their bases, and the names of these.
WITH_HEADS = [name for name in DATASETS if CONFIG.heads(name)]
HEADS = sorted({head for name in WITH_HEADS for head in CONFIG.heads(name)})

# Datasets whose records have a number each.
NUMBERED = [name for name in DATASETS if CONFIG.regresses(name)]

# Datasets whose sequences are texts.
WORDED = [name for name in DATASETS if CONFIG.vocabulary(name)]
# Datasets of numeric series.
SERIES = [name for name in DATASETS if CONFIG.tells_value(name)]

# What make_controls writes: where its records come from, and a corpus for each control.
CONTROL_FILES = ["results/{dataset}/controls/segments.tsv"] + [
    f"results/{{dataset}}/controls/{control}/{name}"
    for control in ("homogeneous", "shuffled")
    for name in ("tokens.npy", "records.tsv", "corpus.json")
]

# What is predicted is judged before more is predicted, and what judging takes is made before that:
# the posteriors of a sweep go when they are judged, and all at once could fill a disk.
POINTS, PREPARING, JUDGING = 1, 10, 20

RUN = "results/{dataset}/{tagger}/seed{seed}"
ANNOTATION = "results/annotations/{genome}/{dataset}/{tagger}/seed{seed}"


wildcard_constraints:
    seed=r"\d+",


def predicted_by(taggers, kept):
    """Return a constraint on `dataset`: where the posteriors by `taggers` are kept, or are not.

    It looks ahead at the tagger in the path, since no constraint of one wildcard says that of two.
    """
    pairs = []
    for datasets in (CONFIG.model.datasets, CONFIG.swept_datasets):
        fitting = [
            tagger
            for tagger in taggers
            for dataset in list(datasets)[:1]  # all of these are alike
            if CONFIG.keeps_posteriors(dataset, tagger) == kept
        ]
        pairs.append(f"{either(datasets)}(?=/{either(fitting)}/)")
    return "|".join(pairs)


def settings(stage, *names):
    """Return the function from wildcards to a rule's part of the config, as canonical JSON.

    It is one string, because Snakemake compares params as a set of values: two equal-typed
    values that change places between keys would go unseen.
    """

    def of_wildcards(wildcards):
        values = [
            int(wildcards[name]) if name == "seed" else wildcards[name]
            for name in names
        ]
        return canonical_json(getattr(CONFIG, f"{stage}_settings")(*values))

    return of_wildcards


def code(script):
    """Return the digest of the syntax trees of `script` and of the modules that it imports."""
    scripts = Path(workflow.basedir, "scripts")
    return code_digest(scripts / script, scripts / "basetag")


def sequences_of(wildcards):
    """Return the sequences of a dataset: a simulated FASTA, the user's own file, or a fetched one."""
    own = CONFIG.sequence_file(wildcards.dataset)
    made = "record.gb.gz" if CONFIG.is_fetched(wildcards.dataset) else "sequences.fa.gz"
    made = "series.tsv" if CONFIG.is_wave(wildcards.dataset) else made
    return own or f"results/{wildcards.dataset}/{made}"


def labels_of(wildcards):
    """Return what labels a dataset: simulated states or classes, the user's own file, a fetched one."""
    own = CONFIG.label_file(wildcards.dataset)
    made = "record.gb.gz" if CONFIG.is_fetched(wildcards.dataset) else "states.fa.gz"
    made = "classes.tsv" if CONFIG.has_motif(wildcards.dataset) else made
    made = "series.tsv" if CONFIG.is_wave(wildcards.dataset) else made
    return own or f"results/{wildcards.dataset}/{made}"


def genome_of(wildcards):
    """Return the FASTA of a genome: fetched, or the user's own."""
    own = CONFIG.genome_file(wildcards.genome)
    return own or f"results/genomes/{wildcards.genome}/genome.fa.gz"


def parts_of_annotation(wildcards):
    """Return the parts of an annotation, as many as the genome's plan has, when there is one."""
    plan = checkpoints.plan_annotation.get(genome=wildcards.genome).output.plan
    with open(plan, encoding="utf-8") as file:
        parts = range(sum(1 for _ in file) - 1)
    return [f"{ANNOTATION}/parts/{part}".format(**wildcards) for part in parts]


def initial_tagger_of(wildcards):
    """Return the tagger whose weights a training starts from; nothing where it starts anew."""
    return CONFIG.initial_tagger(wildcards.tagger) or []


def word_vectors_of(wildcards):
    """Return the words' vectors that a training starts from; nothing where they are drawn."""
    return CONFIG.word_vectors(wildcards.tagger) or []


def corpus_in(folder, labelled=True):
    """Return the files of the corpus in `folder`."""
    labels = ["labels.npy"] if labelled else []
    names = ["tokens.npy", *labels, "records.tsv", "corpus.json"]
    return [f"{folder}/corpus/{name}" for name in names]


def features_in(folder):
    """Return the function to the features in `folder` that a tagger reads, where it reads any."""

    def of_wildcards(wildcards):
        if not CONFIG.features_of_tagger(wildcards.tagger):
            return []
        place = f"{folder}/corpus".format(**wildcards)
        return [f"{place}/features.npy", f"{place}/features.json"]

    return of_wildcards


def annotating_features(wildcards):
    """Return the features of a genome that a tagger reads, where it reads any."""
    found = CONFIG.use(wildcards.genome, wildcards.dataset, wildcards.tagger)
    place = f"results/genomes/{wildcards.genome}/corpus"
    return [f"{place}/features.npy", f"{place}/features.json"] if found.features else []


def annotating_tagger(wildcards):
    """Return the file of a tagger that annotates a genome: one of this run, or the user's own."""
    found = CONFIG.use(wildcards.genome, wildcards.dataset, wildcards.tagger)
    return found.file or f"{RUN}/tagger.safetensors".format(**wildcards)


def generating_dataset(generated):
    """Return the folder of the dataset whose sequences are gone on with."""
    return f"results/{CONFIG.generating_run(generated)[0]}"


def generating_tagger(generated):
    """Return the file of the network that sequences are drawn from."""
    dataset, tagger, seed = CONFIG.generating_run(generated)
    return f"results/{dataset}/{tagger}/seed{seed}/tagger.safetensors"


def substates_in(folder):
    """Return the function to the substates in `folder` that a tagger is trained on, if any."""

    def of_wildcards(wildcards):
        if not CONFIG.learns_substates(wildcards.dataset, wildcards.tagger):
            return []
        return f"{folder}/corpus/substates.npy".format(**wildcards)

    return of_wildcards


def targets_in(folder):
    """Return the function to the numbers that are told of a dataset in `folder`, where it has some.

    With them the numbers that are read, of a series.
    """

    def of_wildcards(wildcards):
        numbered = CONFIG.tells_numbers(wildcards.dataset)
        names = ["targets.npy"] if numbered else []
        if CONFIG.tells_value(wildcards.dataset):
            names += ["features.npy", "features.json"]
        return [f"{folder}/corpus/{name}".format(**wildcards) for name in names]

    return of_wildcards


def words_in(folder):
    """Return the function to the words of a dataset in `folder`, where its sequences are texts."""

    def of_wildcards(wildcards):
        worded = wildcards.dataset in WORDED
        return f"{folder}/corpus/words.npy".format(**wildcards) if worded else []

    return of_wildcards


def head_file_of(wildcards):
    """Return what has the further labels of a dataset: the user's FASTA file, or the table."""
    return CONFIG.head_file(wildcards.dataset, wildcards.head)


def heads_in(folder):
    """Return the function to the further labels in `folder` that a tagger learns, if any."""

    def of_wildcards(wildcards):
        place = f"{folder}/corpus".format(**wildcards)
        return [
            f"{place}/labels.{head}.{kind}"
            for head in CONFIG.heads_of(wildcards.dataset, wildcards.tagger)
            for kind in ("npy", "json")
        ]

    return of_wildcards


def head_posteriors_of(wildcards):
    """Return a tagger's posteriors of the further labels that it learns, in order; often none."""
    heads = CONFIG.heads_of(wildcards.dataset, wildcards.tagger)
    return [f"{RUN}/posteriors.{head}.npy".format(**wildcards) for head in heads]


def hidden_states_of(wildcards):
    """Return the hidden states of a network on what the report shows; a baseline has none."""
    name = "results/{dataset}/{tagger}/seed{seed}/hidden.npz"
    return name.format(**wildcards) if wildcards.tagger in NETWORKS else []


def reference_of(baseline, name):
    """Return the function to the file `name` of what a tagger is held against, if there is any."""

    def of_wildcards(wildcards):
        tagger = CONFIG.reference(wildcards.dataset, baseline)
        return f"results/{wildcards.dataset}/{tagger}/seed0/{name}" if tagger else []

    return of_wildcards


def control_calls_of_reference(wildcards):
    """Return the calls on the controls that a tagger's are held against, if there are any."""
    tagger = CONFIG.control_reference(wildcards.dataset, wildcards.tagger)
    name = f"results/{wildcards.dataset}/{tagger}/seed0/calls.controls.npy"
    return name if tagger else []


def training_threads(wildcards):
    """Return the threads that a training asks for: a scientific setting, it changes last bits."""
    return CONFIG.train_settings(wildcards.tagger, int(wildcards.seed))["training"][
        "threads"
    ]


# Of the first attempt at a training, in MB: what a profile says, or enough for most.
FIRST_MEMORY = 4000
asked = workflow.resource_settings.overwrite_resources.get("train_tagger", {})
if "first_mem_mb" in asked:
    FIRST_MEMORY = asked["first_mem_mb"].value


def training_memory(wildcards, attempt):
    """Return the memory of a training, in MB: more where an attempt before this one was killed."""
    return memory_of_attempt(
        FIRST_MEMORY, attempt, Path(RUN.format(**wildcards), "checkpoints")
    )


def every_run(name, taggers=None):
    """Return the file `name` of every run but those of sweeps, or of those of `taggers`."""
    return [
        f"{RUN}/{name}".format(dataset=dataset, tagger=tagger, seed=seed)
        for dataset, tagger, seed in CONFIG.main_runs()
        if taggers is None or tagger in taggers
    ]


def every_run_of(sweep, name):
    """Return the file `name` of every run of a sweep."""
    return [
        f"{RUN}/{name}".format(dataset=dataset, tagger=tagger, seed=seed)
        for dataset, tagger, seed in CONFIG.sweep_runs(sweep)
    ]


def every_annotation(name, genome=None):
    """Return the file `name` of every annotation of the config, or of those of `genome`."""
    return [
        f"{ANNOTATION}/{name}".format(
            genome=own, dataset=dataset, tagger=tagger, seed=seed
        )
        for own, dataset, tagger, seed in CONFIG.annotations()
        if genome is None or own == genome
    ]
