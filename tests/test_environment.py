"""The pinned environments: one set of versions, no address of a registry, nothing unpinned."""

import re
import subprocess
from importlib.metadata import version

import pytest
import yaml

from tests.conftest import REPOSITORY

#: Names under which conda-forge and bioconda have some of PyPI's packages.
CONDA_NAMES = {"pytorch": "torch", "python-safetensors": "safetensors"}
LOCK = dict(
    re.fullmatch(r"([\w.-]+)==(\S+)(?: ;.*)?", line).groups()
    for line in (REPOSITORY / "requirements.lock").read_text().splitlines()
    if not line.startswith("#")
)
ENVS = sorted((REPOSITORY / "envs").glob("*.yaml"))


@pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)
def test_conda_environments_have_the_versions_of_the_lock_file(path):
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    for dependency in dependencies:
        name, pinned = dependency.split(" =")
        if name == "python":
            assert tuple(map(int, pinned.split("."))) >= (3, 11)
        else:
            assert LOCK[CONDA_NAMES.get(name, name)] == pinned, name


@pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)
def test_an_environment_has_all_that_its_rules_import(path):
    """Every library that a rule's script imports, directly or not, is in its environment."""
    import ast
    import sys

    from tests.test_invalidation import modules_of

    rules = (REPOSITORY / "rules").glob("*.smk")
    users = [
        match[1]
        for file in rules
        for match in re.finditer(
            rf'^(?:rule|checkpoint) (\w+):(?:(?!^\w).)*?"\.\./envs/{path.name}"',
            file.read_text(),
            re.M | re.S,
        )
    ]
    assert users
    have = {
        CONDA_NAMES.get(name, name)
        for name in (d.split(" =")[0] for d in yaml.safe_load(path.read_text())["dependencies"])
    }
    names = {"Bio": "biopython", "sklearn": "scikit-learn", "vl_convert": "vl-convert-python",
             "yaml": "pyyaml", "pydantic_core": "pydantic", "markupsafe": "jinja2",
             "lightning_fabric": "lightning-fabric", "pyBigWig": "pybigwig"}  # fmt: skip
    for rule in users:
        files = [REPOSITORY / "scripts" / f"{rule}.py"]
        for module in modules_of(rule):
            base = REPOSITORY / "scripts" / module.replace(".", "/")
            files += [p for p in (base.with_suffix(".py"), base / "__init__.py") if p.exists()]
        for file in files:
            for node in ast.walk(ast.parse(file.read_text())):
                found = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module]
                    if isinstance(node, ast.ImportFrom) and node.module
                    else []
                )
                for name in {name.split(".")[0] for name in found}:
                    if name in sys.stdlib_module_names or name in ("basetag", "__future__"):
                        continue
                    assert names.get(name, name) in have, f"{rule} ({file.name}) imports {name}"


def test_what_runs_here_is_what_is_pinned():
    for name in ("snakemake", "numpy", "torch", "biopython", "pysam", "pydantic"):
        assert version(name).split("+")[0] == LOCK[name]


def test_no_file_names_a_registry():
    files = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    pattern = re.compile(r"https?://[\w.]*(pypi|pythonhosted|anaconda|pytorch|conda)[\w.]*", re.I)
    for name in files:
        path = REPOSITORY / name
        if path.suffix in (".png", ".gz") or name == "tests/test_environment.py":
            continue
        assert not pattern.search(path.read_text(errors="replace")), name
