"""A user's whole way, with the commands they would type: draw, train, evaluate, export, align."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from canthus import load, read_image
from canthus.datasets import ibug, synthetic

RECIPE = """
name: drawn
license: free
model: {family: hourglass, stem: 8, widths: [16, 24, 32]}
data: [{layout: ibug, root: faces}]
crop: {size: 64}
augment: {roll_deg: 5, wild: 0, occlude: 0, cut: 0, degrade: 0}
schedule: {steps: 400, batch_size: 16, learning_rate: 5.0e-3, warmup: 20, ema: 0.98}
"""


def canthus(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "canthus.cli", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with drawn faces, and the model that was trained on most of them."""
    folder = tmp_path_factory.mktemp("journey")
    synthetic.write(folder / "faces", 72, np.random.default_rng(0), size=128)
    names = sorted(path.name for path in (folder / "faces").glob("*.png"))
    (folder / "faces" / "val.txt").write_text("\n".join(names[-12:]))
    (folder / "drawn.yaml").write_text(RECIPE)
    canthus(folder, "train", "drawn.yaml", "--data", ".", "--out", "run", "--threads", "1")
    canthus(folder, "export", "run/model.safetensors", "--out", "drawn.onnx")
    return folder


def test_the_model_finds_the_landmarks_of_drawn_faces_it_never_saw(journey: Path) -> None:
    text = canthus(
        journey,
        "evaluate",
        "drawn.onnx",
        "300w-val",
        "--data",
        "faces",
        "--boxes",
        "truth",
        "--json",
    )

    every = json.loads(text)["subsets"]["all"]
    assert every["faces"] == 12
    assert every["nme"] < 0.06


def test_the_command_and_the_library_answer_the_same(journey: Path) -> None:
    sample = ibug.read(journey / "faces", "val")[0]
    box = ",".join(map(str, sample.box.as_tuple()))
    words = ["--model", "drawn.onnx", "--box", box, "--json", "--out", "answers"]

    said = json.loads(canthus(journey, "align", str(sample.image), *words))

    (face,) = load(journey / "drawn.onnx")(read_image(sample.image), [sample.box])
    found = np.array(said["faces"][0]["landmarks"]["points"])
    np.testing.assert_allclose(found, face.landmarks.points, atol=1e-3)
    assert (journey / "answers" / f"{sample.image.stem}.png").is_file()


def test_torch_and_the_exported_file_answer_the_same(journey: Path) -> None:
    sample = ibug.read(journey / "faces", "val")[1]
    image = read_image(sample.image)

    (exported,) = load(journey / "drawn.onnx")(image, [sample.box])
    (trained,) = load(journey / "run" / "model.safetensors")(image, [sample.box])

    apart = np.abs(exported.landmarks.points - trained.landmarks.points)
    assert apart.max() < 1e-3


def test_a_trained_model_knows_how_far_its_landmarks_may_be_off(journey: Path) -> None:
    sample = ibug.read(journey / "faces", "val")[2]
    box = ",".join(map(str, sample.box.as_tuple()))
    words = ["--model", "drawn.onnx", "--box", box, "--json", "--out", "unsure"]

    said = json.loads(canthus(journey, "align", str(sample.image), *words, "--show", "uncertainty"))

    (trained,) = load(journey / "run" / "model.safetensors")(sample.image, [sample.box])
    assert trained.landmarks.covariances is not None
    xx, xy, yy = np.array(said["faces"][0]["landmarks"]["covariances"]).T
    found = np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2)
    largest = trained.landmarks.covariances.max()
    np.testing.assert_allclose(found, trained.landmarks.covariances, rtol=0, atol=1e-3 * largest)
