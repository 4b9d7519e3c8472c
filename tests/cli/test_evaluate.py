"""`canthus evaluate` and `canthus benchmark`, called as from a shell."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.images.files import read_image, write_image

Command = Callable[..., Any]
SIDE = 120


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """300-W in small: two pictures for validation and one for training."""
    root = tmp_path / "data" / "300w"
    (root / "afw").mkdir(parents=True)
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    ring = 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for index in range(3):
        image = np.zeros((SIDE, SIDE, 3), np.uint8)
        image[50:55, 50 + 4 * index : 55 + 4 * index] = 255
        write_image(root / "afw" / f"{index}_1.png", image)
        points = ring + (52 + 4 * index, 52) + 1  # .pts files count from 1
        rows = "\n".join(f"{x:.3f} {y:.3f}" for x, y in points)
        text = f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n"
        (root / "afw" / f"{index}_1.pts").write_text(text)
    (root / "val.txt").write_text("afw/0_1.png\nafw/1_1.png\n")
    return root.parent


@pytest.fixture
def evaluated(command: Command, spot_weights: Path, data: Path) -> Callable[..., Any]:
    """Runs the evaluation of the spot network with more options."""
    return lambda *options: command("evaluate", spot_weights, "300w-val", "--data", data, *options)


def test_the_report_is_printed(evaluated: Command) -> None:
    done = evaluated("--boxes", "truth")
    assert done.code == 0
    assert "spot (68), truth boxes, errors by inter_ocular, failed above 8%" in done.out
    assert ["all", "2", "0"] in [line.split()[:3] for line in done.out.splitlines()]


def test_json_is_one_line(evaluated: Command) -> None:
    done = evaluated("--json")
    values = json.loads(done.out)
    assert done.out.count("\n") == 1
    assert [values["schema"], values["kind"], values["boxes"]] == [1, "evaluation", "jitter"]
    assert values["command"].startswith("canthus evaluate ")
    assert [face["image"] for face in values["faces"]] == ["0_1.png", "1_1.png"]


def test_the_folder_gets_the_report_and_its_pictures(evaluated: Command, tmp_path: Path) -> None:
    out = tmp_path / "report"
    done = evaluated("--out", out, "--worst", "1")
    assert sorted(path.name for path in out.iterdir()) == ["ced.png", "report.json", "worst.png"]
    assert json.loads((out / "report.json").read_text())["model"] == "spot"
    assert read_image(out / "worst.png").ndim == 3
    assert "wrote report.json, ced.png, worst.png" in done.err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--worst", "3"), "needs --out"),
        (("--boxes", "mine"), "--boxes"),
        (("--threads", "0"), "--threads"),
    ],
)
def test_misuse_ends_with_2(evaluated: Command, options: tuple[str, ...], complaint: str) -> None:
    done = evaluated(*options)
    assert done.code == 2
    assert complaint in done.err


def test_an_unknown_benchmark_is_misuse(command: Command, data: Path) -> None:
    done = command("evaluate", "fast", "wflw", "--data", data)
    assert done.code == 2
    assert "300w-val" in done.err


def test_data_that_is_not_there_is_a_reason(command: Command, tmp_path: Path) -> None:
    done = command("evaluate", "fast", "300w-val", "--data", tmp_path / "nowhere")
    assert done.code == 1
    assert "expected the folder of 300w-val" in done.err
    assert "Traceback" not in done.err


def test_speed_needs_no_data(command: Command, spot_weights: Path) -> None:
    done = command("benchmark", "speed", "--model", spot_weights, "--runs", "3", "--json")
    values = json.loads(done.out)
    assert [values["schema"], values["kind"]] == [1, "benchmark"]
    assert [figure["benchmark"] for figure in values["results"][0]["figures"]] == [
        "network only, batch of 1, one core",
        "network only, batch of 32, one core",
    ]


def test_the_start_is_that_of_the_whole_command(
    command: Command, spot_weights: Path, photo: Path
) -> None:
    done = command("benchmark", "start", "--model", spot_weights, "--photo", photo, "--runs", "1")
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()[1:5]] == [
        "start_ms",
        "start_peak_mb",
        "import_ms",
        "import_torch_count",
    ]
    assert str(spot_weights) not in done.out  # the model is called by its name


def test_a_data_set_that_is_missing_is_named(
    command: Command, spot_weights: Path, tmp_path: Path
) -> None:
    done = command("benchmark", "accuracy", "--model", spot_weights, "--data", tmp_path)
    assert done.code == 1
    assert "expected a folder 300w in it, for 300w-val" in done.err
