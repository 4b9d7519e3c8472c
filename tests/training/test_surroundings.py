"""Trainings where numbers have commas, where nobody is at home, and where the clock jumps."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from canthus import config
from canthus.training.loop import LOG, STATE
from canthus.training.recipe import Recipe

SCRIPT = """
import itertools, locale, sys, time
from canthus.cli import main
locale.setlocale(locale.LC_ALL, "")
sys.stderr.write(locale.localeconv()["decimal_point"])
now, jumps = time.time, itertools.cycle([0, 1e7, -1e7])
time.time = lambda: now() + next(jumps)
sys.argv = ["canthus", "train", *sys.argv[1:], "--threads", "1", "--device", "cpu"]
main()
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of locales, with one that writes decimals with a comma."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None:
        pytest.skip("no localedef")
    words = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no locale to make")
    return folder


def run(recipe: Path, data: Path, out: Path, surroundings: dict[str, str]) -> str:
    """Train with no terminal and no more surroundings than these; what was said."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, recipe, "--data", data, "--out", out],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", **surroundings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.decode("utf-8", "replace")


def test_a_training_is_the_same_wherever_it_is(
    recipe: Recipe, drawn: Path, tmp_path: Path, places: Path
) -> None:
    (tmp_path / "Größe").mkdir()
    path = tmp_path / "Größe" / "Rezept.yaml"
    path.write_text(config.to_yaml(replace(recipe, name="Größe")), encoding="utf-8")
    comma = {"LC_ALL": "de_DE.UTF-8", "LOCPATH": str(places), "HOME": "/nonexistent"}
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    points = [
        run(path, drawn.parent, path.parent / name, surroundings)[0]
        for name, surroundings in (("comma", comma), ("bare", bare))
    ]

    assert points == [",", "."]
    for name in (STATE, LOG):
        commas, plain = (path.parent / each / name for each in ("comma", "bare"))
        assert commas.read_bytes() == plain.read_bytes()
