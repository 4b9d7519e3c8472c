from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canthus.errors import RecipeError
from canthus.faces import SCHEMES, Fit
from canthus.faces.face_model import open_face_model, write_face_model
from canthus.models import HourglassConfig, TddfaConfig
from canthus.training import symmetry


def test_a_mirrored_fit_makes_the_mirrored_landmarks() -> None:
    model = open_face_model()
    rng = np.random.default_rng(0)
    assert model.identity_deviations is not None
    assert model.expression_deviations is not None
    deviations = np.concatenate([model.identity_deviations, model.expression_deviations])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    fit = Fit(np.column_stack([turn, [90.0, 80.0, 3.0]]), deviations * rng.normal(size=50))

    other = fit.mirrored(200, symmetry.of_directions(model))

    ours, theirs = (
        model.keypoints_of(each.in_picture(model.vertices(each.shape[:40], each.shape[40:])))
        for each in (fit, other)
    )
    wanted = ours[list(SCHEMES["68"].mirror)] * [-1, 1, 1] + [199, 0, 0]
    np.testing.assert_allclose(theirs, wanted, atol=0.02)
    assert np.linalg.det(other.camera[:, :3]) * np.linalg.det(fit.camera[:, :3]) > 0


def test_coefficients_of_both_kinds_are_told_apart() -> None:
    found = symmetry.signs(TddfaConfig(face_model="open", identities=40, expressions=10))

    assert found.shape == (50,)
    assert set(found.tolist()) == {1.0, -1.0}


def test_without_a_face_model_or_with_a_lopsided_one_a_training_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="name it, or set mirror: 0"):
        symmetry.signs(HourglassConfig())
    with pytest.raises(RecipeError, match="name it, or set mirror: 0"):
        symmetry.signs(TddfaConfig())
    model = open_face_model()
    lopsided = replace(model, identity=model.identity + np.array([0.1, 0, 0], np.float32))
    write_face_model(lopsided, tmp_path / "own.safetensors")
    with pytest.raises(RecipeError, match="is not symmetric, nor the opposite; set mirror: 0"):
        symmetry.signs(TddfaConfig(face_model=str(tmp_path / "own.safetensors")))
