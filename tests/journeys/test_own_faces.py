"""The how-to about own faces: its files and commands as they stand there, with less of all."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from canthus.datasets import cats
from canthus.faces.scheme_files import check, read_scheme
from canthus.images.files import read_image

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "own-faces.md").read_text(encoding="utf-8")
FILES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
LESS = {
    "canthus train": [
        *("--set", "schedule.steps=60"),
        *("--set", "schedule.hold_out=0.3"),
        *("--threads", "1"),
    ]
}


def run(words: list[str], folder: Path) -> None:
    more = LESS.get(" ".join(words[:2]), [])
    words = [word.replace("80, 5,", "16, 5,") for word in words]
    program = [sys.executable] + (["-m", "canthus.cli"] if words[0] == "canthus" else [])
    done = subprocess.run(
        [*program, *words[1:], *more],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, f"{words}: {done.stderr}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all commands of the page were run, in their order."""
    folder = tmp_path_factory.mktemp("own")
    for name, text in zip(("cat.yaml", "cats-recipe.yaml"), FILES, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    for words in COMMANDS:
        run(words, folder)
    return folder


def test_the_scheme_of_the_page_is_that_of_the_drawn_cats(folder: Path) -> None:
    file = read_scheme(folder / "cat.yaml")

    assert file.scheme == cats.SCHEME
    assert check(file) == []


def test_pts_files_and_coco_say_the_same_points(folder: Path) -> None:
    one, other = (
        json.loads((folder / "cats" / name).read_text())["annotations"]
        for name in ("cats.json", "from-pts.json")
    )

    for first, second in zip(one, other, strict=True):
        assert first["keypoints"] == pytest.approx(second["keypoints"], abs=1e-4)


def test_no_cat_is_learned_and_tested_on(folder: Path) -> None:
    learned, tested = (
        {image["file_name"][:17] for image in json.loads(path.read_text())["images"]}
        for path in (folder / "cats" / "learn.json", folder / "cats" / "test.json")
    )

    assert len(learned | tested) == 16
    assert not learned & tested


def test_a_model_of_other_points_finds_them_on_cats_it_never_saw(folder: Path) -> None:
    every = json.loads((folder / "report" / "report.json").read_text())["subsets"]["all"]

    assert every["nme"] < 0.2


def test_a_picture_is_aligned_and_drawn_by_the_weights_alone(folder: Path) -> None:
    said = json.loads((folder / "faces" / "cat_0005_0.json").read_text())

    (face,) = said["faces"]
    assert face["landmarks"]["scheme"] == "cat"
    assert len(face["landmarks"]["points"]) == 21
    assert read_image(folder / "faces" / "cat_0005_0.png").shape[1] >= 640
