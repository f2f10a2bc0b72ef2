"""The digest of a rule's code changes with what the code does, and with nothing else."""

import ast
from pathlib import Path

import pytest

from basetag.code_digest import code_digest, imported_modules
from basetag.errors import BasetagError

ROOT = Path(__file__).parents[1]

SCRIPT = '''"""Train."""
from basetag.training import train

def main(path: str) -> None:
    """Do it."""
    train(path, rate=0.5)

main("a")
'''
MODULES = {
    "__init__": '"""A library."""\n__version__ = "0.1.0"\n',
    "training": (
        "from __future__ import annotations\nimport json\nimport numpy as np\n"
        "from basetag import numbers, errors\n"
        "def train(path, rate):\n    from basetag.late import STEP\n    return rate * STEP\n"
    ),
    "numbers": "from . import deep\nLIMIT = 3\n",
    "deep": "# the floor\nBASE = {'a': 1, **{}}\n",
    "late": "STEP = 2\n",
    "errors": "class Wrong(Exception):\n    text = 'no'\n",
    "job_log": "from basetag import only_logged\n",
    "only_logged": "A = 1\n",
    "elsewhere": "B = 1\n",
    "typed": "C = 1\n",
}


@pytest.fixture
def code(tmp_path):
    library = tmp_path / "basetag"
    library.mkdir()
    for name, text in MODULES.items():
        (library / f"{name}.py").write_text(text)
    script = tmp_path / "train_tagger.py"
    script.write_text(SCRIPT)
    return script, library


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_modules_are_found_through_every_way_of_importing(code):
    script, library = code
    (library / "part").mkdir()
    (library / "part/__init__.py").write_text("from .inner import X\n")
    (library / "part/inner.py").write_text("from ..elsewhere import B as X\n")
    change(script, "from basetag.training", "import basetag.part.inner\nfrom basetag.training")
    assert imported_modules(script, library) == [
        "basetag",
        "basetag.deep",
        "basetag.elsewhere",
        "basetag.late",
        "basetag.numbers",
        "basetag.part",
        "basetag.part.inner",
        "basetag.training",
    ]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("train_tagger.py", '"""Train."""', '"""Learn."""'),
        ("train_tagger.py", '    """Do it."""\n', ""),
        ("train_tagger.py", 'main("a")', '# a comment\n\n\nmain("a")  # another'),
        (
            "train_tagger.py",
            "train(path, rate=0.5)",
            "train(\n        path,\n        rate = .50,\n    )",
        ),
        ("basetag/deep.py", "# the floor", "# the lowest floor"),
        ("basetag/deep.py", "'a'", '"a"'),
        ("basetag/__init__.py", "0.1.0", "0.2.0"),
    ],
)
def test_words_for_readers_and_layout_change_nothing(code, file, old, new):
    script, library = code
    before = code_digest(script, library)
    change(script.parent / file, old, new)
    assert code_digest(script, library) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("train_tagger.py", "rate=0.5", "rate=0.25"),
        ("train_tagger.py", 'main("a")', 'main(b"a")'),
        ("train_tagger.py", "rate=0.5", "step=0.5"),
        ("basetag/training.py", "rate * STEP", "rate + STEP"),
        ("basetag/training.py", "rate * STEP", "STEP * rate"),
        ("basetag/numbers.py", "LIMIT = 3", "LIMIT = 3.0"),
        ("basetag/numbers.py", "LIMIT = 3", "LIMIT = 3\nMORE = None"),
        ("basetag/deep.py", "**{}", "'b': {}"),
        ("basetag/late.py", "2", "3"),
        ("basetag/__init__.py", "__version__", "OTHER = 1\n__version__"),
    ],
)
def test_a_changed_expression_in_any_imported_module_counts(code, file, old, new):
    script, library = code
    before = code_digest(script, library)
    change(script.parent / file, old, new)
    assert code_digest(script, library) != before


@pytest.mark.parametrize("module", ["errors", "job_log", "only_logged", "elsewhere", "typed"])
def test_errors_logging_and_modules_not_imported_do_not_count(code, module):
    script, library = code
    change(
        script,
        "from basetag.training",
        "from typing import TYPE_CHECKING\nfrom basetag import job_log\n"
        "if TYPE_CHECKING:\n    from basetag.typed import C\nfrom basetag.training",
    )
    before = code_digest(script, library)
    (library / f"{module}.py").write_text("CHANGED = True\n")
    assert code_digest(script, library) == before


def test_a_moved_repository_has_the_same_digests(code, tmp_path_factory):
    script, library = code
    elsewhere = tmp_path_factory.mktemp("moved") / "copy"
    script.parent.rename(elsewhere)
    moved = code_digest(elsewhere / script.name, elsewhere / library.name)
    elsewhere.rename(script.parent)
    assert moved == code_digest(script, library)


def test_code_swapped_between_two_modules_counts(code):
    script, library = code
    before = code_digest(script, library)
    deep, late = library / "deep.py", library / "late.py"
    deep_text, late_text = deep.read_text(), late.read_text()
    deep.write_text(late_text)
    late.write_text(deep_text)
    assert code_digest(script, library) != before


def test_empty_fields_that_a_later_python_adds_to_its_trees_change_nothing(code, monkeypatch):
    script, library = code
    before = code_digest(script, library)
    monkeypatch.setattr(ast.FunctionDef, "_fields", (*ast.FunctionDef._fields, "type_params"))
    script.write_text(script.read_text() + "# read anew\n")
    assert code_digest(script, library) == before


def test_a_syntax_error_is_told_with_its_file_and_line(code):
    script, library = code
    change(library / "late.py", "STEP = 2", "STEP = 2\nSTEP = = 3")
    with pytest.raises(BasetagError, match=r"late\.py, line 2.*no valid Python") as caught:
        code_digest(script, library)
    assert "\n" not in str(caught.value)


def test_a_missing_script_is_told(code):
    with pytest.raises(BasetagError, match=r"gone\.py: cannot read the code"):
        code_digest(code[0].with_name("gone.py"), code[1])


def test_the_library_s_own_modules_depend_on_what_they_import():
    library = ROOT / "scripts/basetag"
    modules = imported_modules(ROOT / "scripts/write_schema.py", library)
    assert {"basetag.files", "basetag.config.model", "basetag.hmm_spec"} <= set(modules)
    assert "basetag.code_digest" not in modules
