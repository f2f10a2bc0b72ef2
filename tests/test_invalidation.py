"""A change reruns the rules that it concerns and what hangs on them, and nothing else."""

import copy
import modulefinder
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from basetag.code_digest import code_digest, imported_modules
from tests.conftest import REPOSITORY
from tests.workflow import TINY, copy_workflow, planned, snakemake, write_config

#: What directly hangs on each rule, as DESIGN's flow has it.
FOLLOWERS = {
    # Its findings rerun nothing but the page.
    "preflight": {"render_report"},
    "simulate_hmm": {"encode_fasta"},
    "encode_fasta": {"split_records", "mark_matches", "make_controls", "train_tagger",
                     "fit_baseline", "predict_network", "predict_baseline", "evaluate_tagger"},
    "split_records": {"mark_matches", "make_controls", "train_tagger", "fit_baseline",
                      "predict_network", "predict_baseline", "evaluate_tagger"},
    "mark_matches": {"evaluate_tagger"},
    "make_controls": {"predict_network", "predict_baseline", "evaluate_tagger"},
    "train_tagger": {"predict_network", "evaluate_tagger", "annotate_part", "gather_annotation",
                     "compare_taggers", "render_report"},
    "fit_baseline": {"predict_baseline", "evaluate_tagger", "annotate_part", "gather_annotation",
                     "compare_taggers", "render_report"},
    # The posteriors of `exact` are what networks are held against.
    "predict_network": {"evaluate_tagger", "compare_taggers"},
    "predict_network_of_sweep": {"evaluate_tagger", "summarise_sweep"},
    "predict_baseline": {"evaluate_tagger", "compare_taggers"},
    # Posteriors of a sweep are not kept: to be judged again they are predicted again.
    "evaluate_tagger": {"predict_network_of_sweep", "compare_taggers", "summarise_sweep",
                        "render_report"},
    "compare_taggers": {"render_report"},
    "summarise_sweep": {"render_report"},
    "encode_genome": {"plan_annotation", "annotate_part", "gather_annotation", "show_regions"},
    "plan_annotation": {"annotate_part", "gather_annotation"},
    "annotate_part": {"gather_annotation"},
    # Parts are not kept: to be gathered again they are called again.
    "gather_annotation": {"annotate_part", "compare_annotations", "show_regions", "render_report"},
    "show_regions": {"render_report"},
    "compare_annotations": {"render_report"},
    "render_report": set(),
}  # fmt: skip

SCRIPTS = [rule for rule in FOLLOWERS if not rule.endswith("_of_sweep")]

#: Modules whose words change no result: errors and logging.
SILENT = {"basetag.errors", "basetag.job_log"}
LIBRARY = REPOSITORY / "scripts" / "basetag"
MODULES = sorted(
    path.relative_to(LIBRARY.parent).with_suffix("").as_posix().replace("/", ".")
    for path in LIBRARY.rglob("*.py")
)


def closure(rules):
    found = set(rules)
    while more := {after for rule in found for after in FOLLOWERS[rule]} - found:
        found |= more
    # How many parts a genome has is not known before its plan is there.
    return found - ({"annotate_part"} if "plan_annotation" in found else set())


def modules_of(rule):
    """What a rule's script imports, by the standard library's own finder."""
    finder = modulefinder.ModuleFinder(path=[str(REPOSITORY / "scripts")])
    finder.run_script(str(REPOSITORY / "scripts" / f"{rule.removesuffix('_of_sweep')}.py"))
    return {name for name in finder.modules if name.split(".")[0] == "basetag"}


def digest(workflow, rule):
    script = workflow / "scripts" / f"{rule.removesuffix('_of_sweep')}.py"
    return code_digest(script, workflow / "scripts" / "basetag")


@contextmanager
def changed_code(workflow, *modules):
    paths = [workflow / "scripts" / Path(*name.split(".")).with_suffix(".py") for name in modules]
    before = {path: path.read_text() for path in paths}
    try:
        for path, text in before.items():
            path.write_text(f"{text}\n\n_CHANGED = 1\n")
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invalidation")
    workflow = copy_workflow(folder / "workflow")
    (folder / "work").mkdir()
    config = write_config(folder / "work", TINY)
    run = snakemake(workflow, config)
    assert run.returncode == 0, run.stderr
    return workflow, config


@pytest.fixture(scope="module")
def users():
    """The rules that use each module, by their scripts' imports."""
    rules = {name: set() for name in MODULES}
    for rule in FOLLOWERS:
        for name in modules_of(rule):
            rules[name if name in rules else f"{name}.__init__"].add(rule)
    return rules


def test_comments_docstrings_and_dates_of_all_code_rerun_nothing(ran):
    workflow, config = ran
    before = {path: path.read_text() for path in (workflow / "scripts").rglob("*.py")}
    try:
        for path, text in before.items():
            path.write_text(text.replace('"""', '"""Said better: ', 1) + "\n# A comment.\n")
        assert planned(workflow, config) == set()
    finally:
        for path, text in before.items():
            path.write_text(text)


@pytest.mark.parametrize("rule", SCRIPTS)
def test_a_rule_hangs_on_the_modules_that_its_script_imports(users, rule):
    script = REPOSITORY / "scripts" / f"{rule}.py"
    used = {name.removesuffix(".__init__") for name in MODULES if rule in users[name]}
    assert set(imported_modules(script, LIBRARY)) == used - SILENT


def test_code_of_a_module_changes_the_digest_of_its_users_alone(ran, users):
    workflow, _ = ran
    before = {rule: digest(workflow, rule) for rule in FOLLOWERS}
    for module in MODULES:
        using = users[module]
        # One that uses it and one that does not, where there are such.
        rules = [*sorted(using)[:1], *sorted(FOLLOWERS.keys() - using)[:1]]
        with changed_code(workflow, module):
            moved = {rule for rule in rules if digest(workflow, rule) != before[rule]}
        assert moved == (set() if module in SILENT else using & set(rules)), module


def test_modules_rerun_their_users_and_what_hangs_on_them(ran, users):
    """A digest that moves reruns its rule: shown with modules of few, of more and of all rules."""
    workflow, config = ran
    of_users = {frozenset(rules): module for module, rules in users.items() if module not in SILENT}
    sets = sorted(filter(None, of_users), key=lambda rules: (len(rules), sorted(rules)))
    for rules in sets[:: max(1, len(sets) // 5)]:
        module = of_users[rules]
        with changed_code(workflow, module):
            assert planned(workflow, config) == closure(rules), module
    with changed_code(workflow, *SILENT):
        assert planned(workflow, config) == set()


@pytest.mark.parametrize("rule", SCRIPTS)
def test_code_of_a_script_reruns_its_rule_and_what_hangs_on_it(ran, rule):
    workflow, config = ran
    with changed_code(workflow, rule):
        assert planned(workflow, config) == closure({rule})


def changed(keys, value):
    config = copy.deepcopy(TINY)
    *way, last = keys
    section = config
    for key in way:
        section = section[key]
    section[last] = value
    return config


#: What never hangs on the dataset `own`: nothing is annotated with it, and it is in no sweep.
OF_SWEEP = {"predict_network_of_sweep", "summarise_sweep"}
OWN_ALONE = {"annotate_part", "gather_annotation", "compare_annotations", "show_regions", *OF_SWEEP}


@pytest.mark.parametrize(
    ("config", "rerun"),
    [
        (changed(("datasets", "tiny", "simulate", "seed"), 2), closure({"simulate_hmm"})),
        (changed(("datasets", "own", "split", "gap"), 20),
         closure({"split_records", "preflight"}) - OWN_ALONE),
        (changed(("datasets", "own", "labels", "states"), {"H": "rich", "L": "poor"}),
         closure({"encode_fasta", "preflight"}) - OWN_ALONE),
        (changed(("taggers", "gru", "layers"), 1), closure({"train_tagger", "preflight"})),
        # The sweep's own value takes its place.
        (changed(("taggers", "gru", "hidden"), 4),
         closure({"train_tagger", "preflight"}) - OF_SWEEP),
        (changed(("sweeps", "size", "taggers", "gru", "hidden"), [2, 3]),
         {"train_tagger", "evaluate_tagger", "render_report", "preflight", *OF_SWEEP}),
        (changed(("training", "mask"), 0.02), closure({"train_tagger"})),
        (changed(("training", "threads"), 2), closure({"train_tagger"})),
        (changed(("evaluation", "pairs"), 60), closure({"evaluate_tagger"})),
        (changed(("evaluation", "controls", "bases"), 0),
         closure({"make_controls", "preflight"})),
        (changed(("evaluation", "shown_bases"), 90),
         closure({"predict_network", "evaluate_tagger"})),
        (changed(("annotate", "phage", "decoding"), "viterbi"), closure({"annotate_part"})),
        (changed(("annotate", "phage", "bases_per_job"), 600), closure({"plan_annotation"})),
        (changed(("annotate", "phage", "regions"), ["phage:1-90"]),
         closure({"show_regions", "preflight"})),
        # How states are called changes no training, and what is predicted, judged and annotated.
        (changed(("taggers", "gru", "decoding"), "viterbi"),
         closure({"predict_network", "annotate_part"})),
        (changed(("taggers", "exact", "decoding"), {"method": "viterbi", "minimum_length": 5}),
         closure({"predict_baseline", "annotate_part"})),
    ],
)  # fmt: skip
def test_a_value_reruns_its_rule_and_what_hangs_on_it(ran, config, rerun):
    workflow, path = ran
    other = path.with_name("changed.yaml")
    other.write_text(yaml.safe_dump(config, sort_keys=False))
    assert planned(workflow, other) == rerun


def test_two_equal_typed_values_that_change_places_rerun_the_training(ran):
    workflow, path = ran
    config = changed(("taggers", "gru"), {"cell": "gru", "hidden": 2, "layers": 3})
    other = path.with_name("swapped.yaml")
    other.write_text(yaml.safe_dump(config, sort_keys=False))
    assert planned(workflow, other) == closure({"train_tagger", "preflight"})


def test_the_order_of_keys_and_comments_rerun_nothing(ran):
    workflow, path = ran
    other = path.with_name("reordered.yaml")
    other.write_text("# Sorted.\n" + yaml.safe_dump(TINY, sort_keys=True))
    assert planned(workflow, other) == set()


def test_the_content_of_an_input_counts_and_its_date_does_not(ran):
    workflow, config = ran
    fasta = config.with_name("own.fa")
    before = fasta.read_text()
    try:
        fasta.write_text(before)
        os.utime(fasta)
        assert planned(workflow, config) == set()
        fasta.write_text(before.replace("GGCC", "GGCA", 1))
        assert planned(workflow, config) == closure({"encode_fasta", "preflight"}) - OWN_ALONE
    finally:
        fasta.write_text(before)


def test_the_content_of_initial_weights_counts_and_the_spelling_of_their_path_does_not(ran):
    workflow, path = ran
    initial = path.with_name("initial.safetensors")
    trained = (path.parent / "results/tiny/gru/seed1/tagger.safetensors").read_bytes()
    initial.write_bytes(trained)
    target = "results/tiny/tuned/seed1/posteriors.npy"
    other = path.with_name("tuned.yaml")

    def start_from(file):
        tuned = TINY["taggers"]["gru"] | {"init_from": file}
        other.write_text(yaml.safe_dump(changed(("taggers", "tuned"), tuned), sort_keys=False))

    start_from("initial.safetensors")
    run = snakemake(workflow, other, target)
    assert run.returncode == 0, run.stderr
    start_from("../work/./initial.safetensors")
    assert planned(workflow, other, target) == set()
    os.utime(initial)
    assert planned(workflow, other, target) == set()
    initial.write_bytes(trained[:-1] + bytes([trained[-1] ^ 1]))
    assert planned(workflow, other, target) == {"train_tagger", "predict_network"}


def test_a_comment_in_an_hmm_reruns_nothing_and_a_number_its_simulation(ran):
    workflow, config = ran
    preset = workflow / "resources/hmms/toy.yaml"
    before = preset.read_text()
    try:
        preset.write_text(f"# A comment.\n{before}")
        assert planned(workflow, config) == set()
        assert "0.4" in before
        preset.write_text(before.replace("0.4", "0.45").replace("0.6", "0.55"))
        # `exact` and `filtered` are fitted from the model's own numbers.
        assert planned(workflow, config) == closure({"simulate_hmm", "fit_baseline"})
    finally:
        preset.write_text(before)


def test_a_state_that_is_renamed_reruns_the_encoding_and_not_the_simulation(ran):
    workflow, config = ran
    preset = workflow / "resources/hmms/toy.yaml"
    before = preset.read_text()
    try:
        assert "GC-rich" in before
        preset.write_text(before.replace("GC-rich", "rich in GC"))
        # The words are those by which annotations are compared, too.
        assert planned(workflow, config) == closure({"encode_fasta"})
    finally:
        preset.write_text(before)
