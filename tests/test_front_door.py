"""The public names, and what importing them costs."""

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import canthus
from canthus.images.files import write_image


def run(code: str, *arguments: str) -> str:
    """What a program prints in a fresh interpreter."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_public_names_are_sorted() -> None:
    def order(name: str) -> tuple[int, str]:
        kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
        return kind, name

    assert canthus.__all__ == sorted(canthus.__all__, key=order)


@pytest.mark.parametrize("name", canthus.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(canthus, name) is not None


def test_every_public_name_is_listed_by_dir() -> None:
    assert set(canthus.__all__) <= set(dir(canthus))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        canthus.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert canthus.__version__ == project.get("version", canthus.__version__)


def test_importing_canthus_imports_nothing_heavy() -> None:
    code = "import sys, canthus; print(*sys.modules)"
    assert not {"torch", "numpy", "cv2", "onnxruntime", "yaml"} & set(run(code).split())


def test_aligning_needs_no_torch_no_pydantic_and_no_yaml(spot_weights: Path) -> None:
    code = """
import sys, numpy, canthus
aligner = canthus.load(sys.argv[1])
faces = aligner(numpy.zeros((99, 99, 3), numpy.uint8), [canthus.Box(20, 20, 60, 60)])
print(len(faces), *sys.modules)
"""
    count, *modules = run(code, str(spot_weights)).split()
    assert count == "1"
    assert not {"torch", "pydantic", "yaml", "typer", "onnx", "joblib"} & set(modules)


def test_the_command_aligns_with_as_few_imports_as_the_library(
    spot_weights: Path, tmp_path: Path
) -> None:
    write_image(tmp_path / "black.png", np.zeros((99, 99, 3), np.uint8))
    code = """
import sys
from canthus.cli import main
sys.argv[0] = "canthus"
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sys.modules)
"""
    box = ["--box", "20,20,60,60", "--out", str(tmp_path / "out")]
    said = run(code, "align", str(tmp_path / "black.png"), "--model", str(spot_weights), *box)
    heavy = {"torch", "pydantic", "yaml", "typer", "rich", "onnx", "joblib", "canthus.config"}
    assert not heavy & set(said.split())
