"""`canthus profiles`, called as from a shell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import fitted, ibug, synthetic, tables
from canthus.faces import Fit
from canthus.faces.face_model import open_face_model
from canthus.geometry import Similarity
from canthus.images.files import read_image

Command = Callable[..., Any]

MODEL = open_face_model()
COUNTS = (len(MODEL.identity), len(MODEL.expression))


@pytest.fixture
def words(tmp_path: Path) -> list[str | Path]:
    """Three drawn faces, the mean face fitted to each of them, and what to type."""
    root, fits = tmp_path / "faces", tmp_path / "fits.csv"
    synthetic.write(root, 3, np.random.default_rng(0), size=240)
    samples = ibug.read(root, "train")
    found = [_fit(sample.landmarks.points) for sample in samples]
    points = [fit.in_picture(MODEL.keypoints_of(MODEL.neutral))[:, :2] for fit in found]
    fitted.write(fits, samples, points, found)
    return ["profiles", "--layout", "ibug", "--root", root, "--fits", fits]


def _fit(points: NDArray[np.float32]) -> Fit:
    flat = MODEL.keypoints_of(MODEL.neutral)[:, :2] * [1, -1]
    place = Similarity.fit(flat, points)
    camera = np.zeros((3, 4))
    camera[:2, :2], camera[:2, 3] = place.matrix[:, :2] * [1, -1], place.matrix[:, 2]
    camera[2, 2] = -place.scale
    return Fit(camera.astype(np.float32), np.zeros(sum(COUNTS), np.float32))


def test_faces_are_turned_into_a_folder(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    out = tmp_path / "profiles"

    done = command(*words, "--out", out)

    assert done.code == 0, done.err
    samples = fitted.read(out / "fits.csv", tables.read(out, "train"))
    assert done.out == f"{out}: {len(samples)} pictures of 3 faces\n"
    assert len({sample.group for sample in samples}) == 3
    assert max(abs(sample.yaw_deg or 0) for sample in samples) > 70
    for sample in samples:
        assert isinstance(sample.fit, Fit)
        keypoints = MODEL.keypoints_of(
            MODEL.vertices(sample.fit.shape[: COUNTS[0]], sample.fit.shape[COUNTS[0] :])
        )
        there = sample.fit.in_picture(keypoints)[:, :2]
        assert np.abs(there - sample.landmarks.points).max() < 0.05
        assert sample.fit.pose.yaw_deg == pytest.approx(sample.yaw_deg, abs=0.1)
        assert sample.box.side <= 1.5 * 180
        assert max(read_image(sample.image).shape) <= 1 + 2.6 * sample.box.side


def test_a_seed_says_the_yaws(command: Command, words: list[str | Path], tmp_path: Path) -> None:
    tables_of = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        done = command(*words, "--out", tmp_path / name, "--seed", seed, "--limit", "1")
        assert done.code == 0, done.err
        tables_of.append((tmp_path / name / "landmarks.csv").read_text())
    assert tables_of[0] == tables_of[1] != tables_of[2]


def test_what_cannot_be_finished_leaves_nothing(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    (tmp_path / "faces" / "face_0002.png").write_bytes(b"no picture")

    done = command(*words, "--out", tmp_path / "profiles")

    assert done.code == 1
    assert "face_0002.png" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_folder_that_is_there_is_kept(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    done = command(*words, "--out", tmp_path / "faces")

    assert done.code == 1
    assert "expected a new folder" in done.err
    assert (tmp_path / "faces" / "face_0000.png").exists()


def test_fits_of_another_model_are_refused(
    command: Command, words: list[str | Path], tmp_path: Path
) -> None:
    samples = ibug.read(tmp_path / "faces", "train")
    points = [sample.landmarks.points for sample in samples]
    other = Fit(np.eye(3, 4, dtype=np.float32), np.zeros(4, np.float32))
    fitted.write(tmp_path / "fits.csv", samples, points, 3 * [other])

    done = command(*words, "--out", tmp_path / "profiles")

    assert done.code == 1
    assert "face_0000.png: expected 50 coefficients" in done.err


def test_an_unknown_layout_is_refused(command: Command, words: list[str | Path]) -> None:
    done = command(*words, "--layout", "pile", "--out", "somewhere")
    assert done.code == 2
    assert "'pile' is none of" in done.err
