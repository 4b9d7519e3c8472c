"""`canthus benchmark`, called as from a shell."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.evaluation.speed import drawn_photo
from canthus.images.files import write_image

Command = Callable[..., Any]
START = ["start_ms", "start_peak_mb", "import_ms", "import_torch_count"]
SPEED = ["parameters_count", "multiply_adds_count", *4 * ["face_ms"], *START]


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many cores everywhere, so that as many figures are printed."""
    monkeypatch.setattr("canthus.evaluation.speed.num_cores", lambda: 2)


def test_speed_needs_no_data(command: Command, spot_weights: Path) -> None:
    done = command("benchmark", "speed", "--model", spot_weights, "--runs", "3", "--json")
    assert done.code == 0, done.err
    values = json.loads(done.out)
    assert [values["schema"], values["kind"]] == [1, "benchmark"]
    assert [figure["metric"] for figure in values["results"][0]["figures"]] == SPEED


def test_counts_are_whole_numbers(command: Command, spot_weights: Path) -> None:
    done = command("benchmark", "speed", "--model", spot_weights, "--runs", "1", "--json")
    figures = json.loads(done.out)["results"][0]["figures"]
    assert [figure["value"] for figure in figures[:2]] == [8192, 8192]
    assert all(isinstance(figure["value"], int) for figure in figures[:2])


def test_the_machine_is_named(command: Command, spot_weights: Path) -> None:
    done = command("benchmark", "speed", "--model", spot_weights, "--runs", "1")
    assert done.out.splitlines()[-1].startswith("processor ")
    assert ", cores 2, system " in done.out.splitlines()[-1]


def test_the_start_is_that_of_the_whole_command(
    command: Command, spot_weights: Path, photo: Path
) -> None:
    done = command("benchmark", "start", "--model", spot_weights, "--photo", photo, "--runs", "1")
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()[1:5]] == START
    assert str(spot_weights) not in done.out  # the model is called by its name


def test_the_start_needs_no_photo(command: Command, spot_weights: Path) -> None:
    done = command("benchmark", "start", "--model", spot_weights, "--runs", "1")
    assert done.code == 0, done.err
    assert "canthus align, one drawn picture, whole process" in done.out


@pytest.mark.parametrize("root", ["--root", "--data"])
def test_a_data_set_that_is_missing_is_named(
    command: Command, spot_weights: Path, tmp_path: Path, root: str
) -> None:
    done = command("benchmark", "accuracy", "--model", spot_weights, root, tmp_path)
    assert done.code == 1
    assert f"{tmp_path}: expected a folder 300w in it, for 300w-val" in done.err


def test_an_unknown_part_is_misuse(command: Command) -> None:
    assert command("benchmark", "beauty").code == 2


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """A folder with 300-W in small: three pictures for validation."""
    root = tmp_path / "data" / "300w" / "afw"
    root.mkdir(parents=True)
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    ring = 60 + 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for index in range(3):
        image = np.zeros((120, 120, 3), np.uint8)
        image[58:63, 58:63] = 255
        write_image(root / f"{index}_1.png", image)
        rows = "\n".join(f"{x:.3f} {y:.3f}" for x, y in ring + 1)
        (root / f"{index}_1.pts").write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n")
    (root.parent / "val.txt").write_text("".join(f"afw/{i}_1.png\n" for i in range(3)))
    return tmp_path / "data"


def test_boxes_end_in_a_curve_per_model(
    command: Command, spot_weights: Path, drawn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "boxes"
    words = ("benchmark", "boxes", "--model", spot_weights, "--root", drawn, "--out", out)
    done = command(*words, "--faces", "2")
    assert done.code == 0, done.err
    assert "2 faces of 300w-val, box scaled by 1.5" in done.out
    swept = json.loads((out / "boxes.json").read_text())
    assert swept["kind"] == "sweeps"
    assert [sweep["model"] for sweep in swept["sweeps"]] == ["spot"]
    assert (out / "boxes.html").read_text().count("<svg") == 6


def test_occlusion_ends_in_a_curve_per_model(
    command: Command, spot_weights: Path, drawn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "covered"
    words = ("benchmark", "occlusion", "--model", spot_weights, "--model", spot_weights)
    done = command(*words, "--data", drawn, "--out", out, "--json")
    assert done.code == 0, done.err
    figures = json.loads(done.out)["results"][1]["figures"]
    places = {figure["benchmark"] for figure in figures if figure["metric"] == "nme inter_ocular"}
    covered = "3 faces of 300w-val, 20 % of the face covered"
    assert {covered, f"{covered}, hidden landmarks", f"{covered}, seen landmarks"} <= places
    assert len(figures) == 3 + 4 * 5
    found = json.loads((out / "occlusion.json").read_text())
    assert found["kind"] == "occlusions"
    assert [each["model"] for each in found["occlusions"]] == ["spot", "spot"]
    assert (out / "occlusion.html").read_text().count("<svg") == 4
    assert not (out / "boxes.json").exists()


def test_occlusion_of_some_faces(command: Command, spot_weights: Path, drawn: Path) -> None:
    words = ("benchmark", "occlusion", "--model", spot_weights, "--root", drawn)
    done = command(*words, "--faces", "2")
    assert done.code == 0, done.err
    assert "2 faces of 300w-val, 0 % of the face covered" in done.out


def test_stability_of_a_clip(command: Command, spot_weights: Path, tmp_path: Path) -> None:
    """A still face: the spot network is given the same box in each frame."""
    (tmp_path / "clip").mkdir()
    frame = drawn_photo(tmp_path).read_bytes()
    for index in range(3):
        (tmp_path / "clip" / f"{index}.jpg").write_bytes(frame)
    words = ("benchmark", "stability", "--model", spot_weights, "--clip", tmp_path / "clip")
    done = command(*words, "--json")
    assert done.code == 0, done.err
    found = {f["metric"]: f["value"] for f in json.loads(done.out)["results"][0]["figures"]}
    assert found == {"missed_count": 0, "motion_rms box_size": 0, "shake_rms box_size": 0}


@pytest.mark.parametrize("words", [("--on", "wflw-v"), ("--scheme", "67"), ("--faces", "0")])
def test_unknown_names_are_misuse(command: Command, words: tuple[str, ...]) -> None:
    assert command("benchmark", "boxes", *words).code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("speed", "--out", "made"), "--out: used by boxes and occlusion only"),
        (("boxes", "--clip", "clip"), "--clip: used by stability only"),
        (("stability", "--photo", "face.jpg"), "--photo: used by speed and start only"),
        (("stability", "--truth", "clip.npy"), "--clip: needed: the clip of the truth"),
        (
            ("speed", "--reinitialize"),
            "--reinitialize: used by accuracy and boxes and occlusion and stability only",
        ),
        (("speed", "--flip"), "--flip: used by accuracy and boxes and occlusion and stability"),
        (("all", "--dlib", "a.dat"), "--dlib: used by peers only"),
        (("speed", "--mediapipe", "wheel"), "--mediapipe: used by peers only"),
        (("peers",), "--dlib: needed: whom to measure beside our models"),
        (("all", "--parity"), "--parity: used by accuracy and boxes and occlusion and"),
    ],
)
def test_a_path_that_would_not_be_used_is_misuse(
    command: Command, words: tuple[str, ...], said: str
) -> None:
    done = command("benchmark", *words)
    assert done.code == 2
    assert said in " ".join(done.err.replace("'", "").split())
    assert not Path("made").exists()


@pytest.mark.parametrize("words", [("--dlib", "a.dat"), ("--mediapipe", "wheel")])
def test_a_peer_that_is_not_installed_is_named_before_any_work(
    command: Command, words: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = words[0].removeprefix("--")
    monkeypatch.setitem(sys.modules, name, None)
    done = command("benchmark", "peers", *words, "--root", "nowhere")
    assert done.code == 1
    assert f"{name} is not installed; `pip install {name}" in done.err
