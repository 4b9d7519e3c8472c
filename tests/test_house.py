"""The house keeps its plan: floors, names, sizes, and a front door that costs nothing."""

import ast
import importlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import canthus

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "canthus").rglob("*.py"))
PYTHON = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted(ROOT.glob("scripts/*.py"))]
NO_ROOMS = {"util", "utils", "common", "helper", "helpers", "misc", "contrib"}
HEAVY = {"torch", "cv2", "onnxruntime", "pydantic", "typer", "yaml", "joblib"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_source = pytest.mark.parametrize("path", SOURCES, ids=name_of)
every_file = pytest.mark.parametrize("path", PYTHON, ids=name_of)


def definitions(path: Path) -> list[Definition]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, Definition)]


def num_lines(function: Definition) -> int:
    """From the `def` to the end; what documents it is not held against it."""
    text = ast.get_docstring(function, clean=False)
    documented = len(text.splitlines()) if text else 0
    return (function.end_lineno or 0) - function.lineno + 1 - documented


def imported_by(code: str) -> set[str]:
    """The top-level packages that a fresh interpreter has imported after some code."""
    report = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_rooms_import_downwards_only() -> None:
    """In a process of its own, since it turns off the loggers of the one it runs in."""
    code = "import sys; from importlinter import cli; sys.exit(cli.lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", sorted(ROOT.glob("scripts/*.py")), ids=name_of)
def test_what_a_script_wants_of_canthus_is_there(path: Path) -> None:
    """Nothing else runs the scripts, and what they were written for moves."""
    pytest.importorskip("torch")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("canthus"):
            module = importlib.import_module(node.module or "")
            for name in (each.name for each in node.names):
                found = hasattr(module, name) or find_spec(f"{node.module}.{name}")
                assert found, f"{node.module} has no {name}"


def test_the_public_names_are_sorted() -> None:
    def order(name: str) -> tuple[bool, bool, str]:
        return not name.isupper(), not name[0].isupper(), name

    assert canthus.__all__ == sorted(canthus.__all__, key=order)


@pytest.mark.parametrize("name", canthus.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(canthus, name) is not None


def test_the_public_names_are_complete() -> None:
    tree = ast.parse((ROOT / "src" / "canthus" / "__init__.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    offered = {alias.name for node in imports for alias in node.names}
    hidden = {"TYPE_CHECKING", "import_module"}
    assert offered - hidden == set(canthus.__all__) - {"__version__"}


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Registry'"):
        canthus.Registry  # type: ignore[attr-defined]  # noqa: B018


def test_importing_canthus_imports_nothing_heavy() -> None:
    assert imported_by("import canthus") & HEAVY == set()


def test_no_public_name_needs_torch() -> None:
    assert "torch" not in imported_by("from canthus import *")


@every_source
def test_every_room_has_a_name(path: Path) -> None:
    assert not NO_ROOMS & {path.stem, *path.relative_to(ROOT).parts}


@every_file
def test_a_file_has_at_most_450_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450


@every_file
def test_a_function_has_at_most_40_lines(path: Path) -> None:
    functions = [node for node in definitions(path) if not isinstance(node, ast.ClassDef)]
    assert not [f.name for f in functions if num_lines(f) > 40]


@every_source
def test_everything_public_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [node for node in tree.body if isinstance(node, Definition) and node.name[0] != "_"]
    assert ast.get_docstring(tree)
    assert not [node.name for node in public if not ast.get_docstring(node)]


@pytest.mark.parametrize("command", ["pip install -c constraints.txt -e '.[dev]'", "scripts/check"])
@pytest.mark.parametrize("place", ["README.md", ".ci/run"])
def test_the_readme_and_ci_give_the_same_commands(place: str, command: str) -> None:
    assert command in (ROOT / place).read_text(encoding="utf-8")
