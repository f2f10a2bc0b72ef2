"""What a rule's code is: a digest of the script and of every library module that it imports.

Snakemake does not notice a change in a module that a script imports. The digest here goes into
each rule's params, so that a changed expression in any module reruns exactly the rules that use
it. It is taken from the syntax trees, so comments, docstrings and layout do not enter, nor does
`__version__`, nor do `errors` and `job_log`, whose words change no result. It sees `import`
statements, those inside functions included, but neither names put together at run time nor data
files that a module reads: such a file is an input of the rule.

The text that is digested leaves out what is empty, so a later Python that only adds fields to
its trees gives the same digest.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from basetag.errors import BasetagError

#: Modules of the library that change no result.
LEFT_OUT = frozenset({"errors", "job_log"})


def code_digest(script: Path, library: Path) -> str:
    """Return the digest of `script` and of all library modules that it imports.

    Parameters
    ----------
    script : Path
        A Python file, usually a rule's entry script.
    library : Path
        Folder of the package, `scripts/basetag`.

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    BasetagError
        For a file that is missing or is no valid Python, with its line.
    """
    digest = hashlib.sha256(_source(script).digest.encode())
    for name, module in sorted(_imported(script, library).items()):
        digest.update(f"\n{name} {_source(module).digest}".encode())
    return digest.hexdigest()[:32]


def imported_modules(script: Path, library: Path) -> list[str]:
    """Return the dotted names of the library modules that `script` imports, directly or not.

    Parameters
    ----------
    script, library : Path
        As in `code_digest`.

    Returns
    -------
    list of str
        Sorted, without those in `LEFT_OUT`.

    Raises
    ------
    BasetagError
        As in `code_digest`.
    """
    return sorted(_imported(script, library))


def _imported(script: Path, library: Path) -> dict[str, Path]:
    """Return the files of the library modules that `script` imports, by their dotted names."""
    modules = _modules(library)
    for left_out in LEFT_OUT:
        modules.pop(f"{library.name}.{left_out}", None)
    found: dict[str, Path] = {}
    waiting = [(script, "")]
    while waiting:
        file, package = waiting.pop()
        for imported in _source(file).imports:
            for name in _candidates(imported, package):
                if name in found or name not in modules:
                    continue
                module = found[name] = modules[name]
                is_package = module.name == "__init__.py"
                waiting.append((module, name if is_package else name.rpartition(".")[0]))
    return found


@dataclass(frozen=True)
class _Import:
    """An import statement: `from {dots}{module} import {names}`, or `import {module}`."""

    dots: int
    module: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """What one file adds: the digest of its tree, and what it imports."""

    digest: str
    imports: tuple[_Import, ...]


def _source(file: Path) -> _Source:
    """Return what stands in `file`, read anew where its content may have changed."""
    try:
        status = file.stat()
    except OSError as error:
        raise BasetagError(f"cannot read the code: {error.strerror}", file=file) from None
    return _parsed(file, status.st_mtime_ns, status.st_size)


@cache
def _parsed(file: Path, _modified: int, _size: int) -> _Source:
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        message = f"this is no valid Python: {error.msg}"
        raise BasetagError(message, file=file, line=error.lineno, column=error.offset) from None
    except ValueError as error:
        raise BasetagError(f"this is no valid Python: {error}", file=file) from None
    parts: list[str] = []
    _write(tree, parts)
    digest = hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return _Source(digest, tuple(_imports(tree)))


def _write(node: ast.AST, parts: list[str]) -> None:
    """Append the text of `node`: its class and its fields, without positions."""
    parts.append(type(node).__name__)
    parts.append("(")
    if isinstance(node, ast.Constant):
        parts.append(f"{type(node.value).__name__} {node.value!r})")
        return
    for field in node._fields:
        value = getattr(node, field, None)
        if value is None or value == []:
            continue
        parts.append(field)
        parts.append("=")
        if isinstance(value, ast.AST):
            _write(value, parts)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.AST):
                    if _changes_nothing(item):
                        continue
                    _write(item, parts)
                else:  # a name of `global`, or the missing key of `{**mapping}`
                    parts.append(repr(item))
                parts.append(",")
        else:
            parts.append(repr(value))
        parts.append(";")
    parts.append(")")


def _changes_nothing(node: ast.AST) -> bool:
    """Whether `node` is a statement of a bare string (a docstring), or sets `__version__`."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Name) and t.id == "__version__" for t in node.targets)
    return False


def _imports(node: ast.AST) -> Iterator[_Import]:
    """Yield the imports below `node`, except those for type checkers alone."""
    # Imports are statements, so expressions need not be searched.
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield _Import(0, alias.name, ())
        elif isinstance(child, ast.ImportFrom):
            names = tuple(alias.name for alias in child.names)
            yield _Import(child.level, child.module or "", names)
        elif isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.orelse:
                yield from _imports(ast.Module([statement], []))
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _imports(child)


def _is_type_checking(test: ast.expr) -> bool:
    if isinstance(test, ast.Attribute):
        return test.attr == "TYPE_CHECKING"
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _candidates(imported: _Import, package: str) -> Iterator[str]:
    """Yield every module that Python may run for `imported`, packages on the way included."""
    module = imported.module
    if imported.dots:
        parts = package.split(".")
        base = parts[: len(parts) - (imported.dots - 1)]
        module = ".".join([*base, module] if module else base)
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])
    for name in imported.names:
        yield f"{module}.{name}"


def _modules(library: Path) -> dict[str, Path]:
    """Return the file of each module of the library, by its dotted name; packages go before."""
    found: dict[str, Path] = {}
    for file in library.rglob("*.py"):
        place = file.parent if file.name == "__init__.py" else file.with_suffix("")
        name = ".".join([library.name, *place.relative_to(library).parts])
        if file.name == "__init__.py" or name not in found:
            found[name] = file
    return found
