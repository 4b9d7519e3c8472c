"""`canthus fit`, called as from a shell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from canthus.datasets import fitted, ibug, synthetic
from canthus.faces.face_model import open_face_model

Command = Callable[..., Any]

RECIPE = """
name: small
model:
  family: tddfa
  backbone: pinned
  size: 32
  stem: 8
  widths: [8, 16, 16]
  face_model: open
  rotation: orthogonal
  loss: mesh
  vertices: 100
data: [{layout: ibug, root: faces, fits: FITS}]
crop: {size: 32}
schedule: {steps: 2, batch_size: 4, warmup: 0, hold_out: 0.3}
"""


def test_a_training_learns_from_fits(command: Command, tmp_path: Path) -> None:
    synthetic.write(tmp_path / "faces", 8, np.random.default_rng(0), size=96)
    table = tmp_path / "tables" / "fits.csv"

    done = command("fit", "--root", tmp_path / "faces", "--layout", "ibug", "--out", table)

    assert done.code == 0, done.err
    assert f"{table}: " in done.out
    found = fitted.read(table, ibug.read(tmp_path / "faces", "train"))
    model = open_face_model()
    for sample in found:
        fit = sample.fit
        assert fit is not None
        assert abs(fit.pose.yaw_deg) < 45
        mesh = fit.in_picture(model.vertices(fit.shape[:40], fit.shape[40:]))
        np.testing.assert_allclose(
            model.keypoints_of(mesh)[:, :2], sample.landmarks.points, atol=0.05
        )

    recipe = tmp_path / "small.yaml"
    recipe.write_text(RECIPE.replace("FITS", str(table)))
    run = tmp_path / "run"
    trained = command("train", recipe, "--data", tmp_path, "--out", run, "--threads", "1")
    assert trained.code == 0, trained.err
    assert (run / "model.safetensors").is_file()


def test_fits_that_are_all_too_far_off_are_an_error_and_nothing_is_written(
    command: Command, tmp_path: Path
) -> None:
    synthetic.write(tmp_path / "faces", 2, np.random.default_rng(0), size=96)
    table = tmp_path / "fits.csv"

    words = ("--root", tmp_path / "faces", "--layout", "ibug", "--out", table)
    done = command("fit", *words, "--limit", "0")

    assert done.code == 1
    assert "expected a fit within 0.0 sides of a face, found none" in done.err
    assert not table.exists()


def test_a_file_that_holds_no_lifted_faces_is_named(command: Command, tmp_path: Path) -> None:
    synthetic.write(tmp_path / "faces", 2, np.random.default_rng(0), size=96)
    (tmp_path / "lifted.npz").write_bytes(b"nothing")

    words = ("--root", tmp_path / "faces", "--layout", "ibug", "--out", tmp_path / "fits.csv")
    done = command("fit", *words, "--lifted", tmp_path / "lifted.npz")

    assert done.code == 1
    assert "lifted.npz: cannot be read as lifted faces" in done.err


def test_an_unknown_layout_is_named_with_the_known_ones(command: Command, tmp_path: Path) -> None:
    done = command("fit", "--root", tmp_path, "--layout", "cat", "--out", "a.csv")

    assert done.code == 2
    assert "'cat' is none of" in done.err
