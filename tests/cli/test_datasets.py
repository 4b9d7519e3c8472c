"""`canthus datasets` and `canthus inspect`, called as from a shell."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.images.files import read_image, write_image

Command = Callable[..., Any]


@pytest.fixture
def lapa(tmp_path: Path) -> Path:
    """Two test pictures of LaPa, as it is published."""
    root = tmp_path / "LaPa"
    for name in ("images", "labels", "landmarks"):
        (root / "test" / name).mkdir(parents=True)
    angles = np.linspace(0, 2 * np.pi, 106, endpoint=False)
    points = 64 + 20 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rows = "\n".join(f"{x:.2f} {y:.2f}" for x, y in points)
    for index in range(2):
        image = root / "test" / "images" / f"{index}.jpg"
        write_image(image, np.full((128, 128, 3), 100, np.uint8))
        (root / "test" / "landmarks" / f"{index}.txt").write_text(f"106\n{rows}\n")
    return root


def test_every_data_set_is_listed(command: Command) -> None:
    done = command("datasets")
    assert done.code == 0, done.err
    assert "wflw" in done.out.splitlines()
    assert "train 7500, test 2500" in done.out


def test_the_list_is_json_too(command: Command) -> None:
    lines = [json.loads(line) for line in command("datasets", "--json").out.splitlines()]
    assert {"name", "source", "files", "terms", "splits"} <= set(lines[0])


def test_every_benchmark_is_listed_with_its_measure(command: Command) -> None:
    lines = command("datasets", "--benchmarks", "--json").out.splitlines()
    found = {line["name"]: line for line in map(json.loads, lines)}
    assert found["wflw"]["normalizer"] == "inter_ocular"
    assert found["wflw"]["threshold"] == 0.1
    assert found["300w"]["subsets"] == ["common", "challenging", "helen", "lfpw", "ibug"]


def test_a_copy_with_too_few_faces_is_not_whole(command: Command, lapa: Path) -> None:
    done = command("inspect", "lapa", lapa, "--split", "test")
    assert done.code == 1
    assert "test: 2 faces, expected 2000" in done.out
    assert done.out.splitlines()[-1] == "not whole"


def test_the_inspection_is_json_too(command: Command, lapa: Path) -> None:
    (lapa / "test" / "images" / "1.jpg").write_bytes(b"no picture")
    values = json.loads(command("inspect", "lapa", lapa, "--split", "test", "--json").out)
    assert values["splits"][0]["faces"] == 2
    assert len(values["unreadable"]) == 1


def test_the_sheet_is_a_picture(command: Command, lapa: Path, tmp_path: Path) -> None:
    command("inspect", "lapa", lapa, "--split", "test", "--out", tmp_path / "sheet.png")
    assert read_image(tmp_path / "sheet.png").ndim == 3


def test_the_sheet_never_goes_into_the_data_set(command: Command, lapa: Path) -> None:
    picture = lapa / "test" / "images" / "1.jpg"
    before = picture.read_bytes()
    done = command("inspect", "lapa", lapa, "--split", "test", "--out", picture)
    assert done.code == 1
    assert "is in the data set; choose another place to write" in done.err
    assert picture.read_bytes() == before


@pytest.mark.parametrize("name", ["sheet.gif", "nowhere/sheet.png"])
def test_a_sheet_that_cannot_be_written_is_refused_at_once(
    command: Command, lapa: Path, tmp_path: Path, name: str
) -> None:
    done = command("inspect", "lapa", lapa, "--split", "test", "--out", tmp_path / name)
    assert done.code == 1
    assert "expected a name that ends in .png" in done.err
    assert not done.out


@pytest.mark.parametrize("words", [("lappa",), ("lapa", "--split", "all")])
def test_unknown_names_are_misuse(command: Command, lapa: Path, words: tuple[str, ...]) -> None:
    name, *options = words
    assert command("inspect", name, lapa, *options).code == 2


def test_a_split_that_is_refused_has_a_reason(command: Command, tmp_path: Path) -> None:
    done = command("inspect", "menpo", tmp_path, "--split", "train-profile")
    assert done.code == 1
    assert "split train-profile: the order of the 39 points of Menpo's profile" in done.err


def test_a_folder_that_is_not_there_is_a_reason(command: Command, tmp_path: Path) -> None:
    done = command("inspect", "lapa", tmp_path / "nowhere")
    assert done.code == 1
    assert "nowhere: expected the folder of a data set, found none" in done.err


def test_a_layout_that_trainings_read_is_inspected_too(command: Command, tmp_path: Path) -> None:
    points = " ".join(f"{40 + 5 * np.cos(i):.2f},{40 + 5 * np.sin(i):.2f}" for i in range(21))
    names = ",".join(f"x{i},y{i}" for i in range(21))
    rows = [f"{split}.png,{split},{points.replace(' ', ',')}" for split in ("train", "val")]
    (tmp_path / "landmarks.csv").write_text("\n".join([f"image,split,{names}", *rows]))
    (tmp_path / "images").mkdir()
    for split in ("train", "val"):
        write_image(tmp_path / "images" / f"{split}.png", np.full((120, 120, 3), 90, np.uint8))
    done = command("inspect", "table", tmp_path)
    assert done.code == 0, done.out
    assert "val: 1 faces, no official count" in done.out
