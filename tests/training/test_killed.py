"""`kill -9` at fifty moments that nobody chose."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from canthus import config
from canthus.training.recipe import Recipe

LIVES = Path(__file__).with_name("lives.py")
KILLS = 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_trainings_that_are_killed_at_any_moment_go_on_as_if_nothing_had_happened(
    recipe: Recipe, drawn: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    longer = replace(recipe, schedule=replace(recipe.schedule, steps=60, test_every=60))
    path.write_text(config.to_yaml(longer))

    done = subprocess.run(
        [sys.executable, str(LIVES), str(path), str(drawn), str(tmp_path), str(KILLS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )

    assert done.returncode == 0, done.stderr
    count = json.loads(done.stdout)
    assert count["killed"] == KILLS
    assert count["resumed"] > KILLS / 4
    assert count["finished"] > 0
