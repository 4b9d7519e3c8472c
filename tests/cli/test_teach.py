"""`canthus teach`, called as from a shell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from canthus.datasets import synthetic

Command = Callable[..., Any]

RECIPE = """
name: pupil
model: {family: hourglass, stem: 8, widths: [16, 16]}
data:
  - {layout: ibug, root: faces}
  - {layout: ibug, root: faces, labels: LABELS}
crop: {size: 32}
schedule: {steps: 2, batch_size: 4, warmup: 0, hold_out: 0.3}
"""


def test_one_model_learns_from_another(command: Command, tmp_path: Path) -> None:
    synthetic.write(tmp_path / "faces", 12, np.random.default_rng(0), size=96)
    labels = tmp_path / "tables" / "faces.csv"

    done = command(
        "teach", "hourglass-fast", "--root", tmp_path / "faces", "--layout", "ibug", "--out", labels
    )

    assert done.code == 0, done.err
    assert f"{labels}: " in done.out
    assert len(labels.read_text().splitlines()) == 13

    recipe = tmp_path / "pupil.yaml"
    recipe.write_text(RECIPE.replace("LABELS", str(labels)))
    run = tmp_path / "run"
    trained = command("train", recipe, "--data", tmp_path, "--out", run, "--threads", "1")
    assert trained.code == 0, trained.err
    assert (run / "model.safetensors").is_file()


def test_several_models_write_one_table(command: Command, tmp_path: Path) -> None:
    faces, words = tmp_path / "faces", ("--root", tmp_path / "faces", "--layout", "ibug", "--out")
    synthetic.write(faces, 2, np.random.default_rng(0), size=96)
    for name, models in {"one": ["fast"], "two": ["fast", "fast"]}.items():
        done = command("teach", *models, *words, tmp_path / name)
        assert done.code == 0, done.err

    odd = command("teach", "fast", "dpr-gsr-98", *words, tmp_path / "odd")

    assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text()
    assert odd.code == 2
    assert "expected models of one scheme, found 68 and 98" in odd.err
    assert not (tmp_path / "odd").exists()


def test_faces_of_which_nothing_is_known_make_no_table(command: Command, tmp_path: Path) -> None:
    faces, out = tmp_path / "faces", tmp_path / "faces.csv"
    synthetic.write(faces, 1, np.random.default_rng(0), size=96)
    (points,) = faces.glob("*.pts")
    head, _, tail = points.read_text().partition("{\n")
    pairs = [map(float, line.split()) for line in tail.splitlines()[:-1]]
    lines = [f"{x} {96 - y}" for x, y in pairs]  # on their head
    points.write_text("\n".join([f"{head}{{", *lines, "}"]))

    done = command("teach", "fast", "--root", faces, "--layout", "ibug", "--out", out)

    assert done.code == 1
    assert "of 1 faces none is left to learn from: on 1 models and annotation part" in done.err
    assert not out.exists()


def test_a_table_of_other_faces_stops_a_training_before_it_begins(
    command: Command, tmp_path: Path
) -> None:
    synthetic.write(tmp_path / "faces", 3, np.random.default_rng(0), size=96)
    labels = tmp_path / "labels.csv"
    labels.write_text("image,scheme,x0,y0\nsomeone.png,68,1,2\n")
    recipe = tmp_path / "pupil.yaml"
    recipe.write_text(RECIPE.replace("LABELS", str(labels)))

    done = command("train", recipe, "--data", tmp_path, "--out", tmp_path / "run")

    assert done.code == 1
    assert "expected 3 faces as the data set has, found 1" in done.err


def test_an_unknown_layout_is_named_with_the_known_ones(command: Command, tmp_path: Path) -> None:
    done = command("teach", "hourglass", "--root", tmp_path, "--layout", "cat", "--out", "a.csv")

    assert done.code == 2
    assert "'cat' is none of" in done.err
    assert "ibug" in done.err


def test_a_device_that_is_not_here_is_named(command: Command, tmp_path: Path) -> None:
    synthetic.write(tmp_path / "faces", 1, np.random.default_rng(0), size=96)
    words = ("--root", tmp_path / "faces", "--layout", "ibug", "--out", tmp_path / "faces.csv")

    done = command("teach", "fast", *words, "--device", "moon")

    assert done.code == 2
    assert "expected device cpu or cuda, found 'moon'" in done.err
    assert not (tmp_path / "faces.csv").exists()
