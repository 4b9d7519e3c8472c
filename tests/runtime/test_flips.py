"""Faces that are looked at in the mirror too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus import load
from canthus.datasets import synthetic
from canthus.errors import CanthusError
from canthus.faces import SCHEMES, Landmarks
from canthus.faces.face_model import FaceModel, open_face_model, write_face_model
from canthus.geometry import Similarity
from canthus.runtime import Backend, Manifest, open_weights, weights
from canthus.runtime.backend import Arrays
from canthus.runtime.face_models import mesh_of
from canthus.runtime.flips import Flipped, both, flipped, signs_of

Crops = NDArray[np.uint8]
SCHEME = SCHEMES["68"]
MIRROR = list(SCHEME.mirror)
MEAN = open_face_model()
FORM = 0.2 * MEAN.keypoints_of(MEAN.neutral)[:, :2] * (1, -1)  # the same in the mirror
RISING = np.linspace(0.1, 0.9, 68)


class Leaning:
    """Finds a face about the bright spot of a crop; always turned, and too far to the right.

    Args:
        turn_deg: by how much, clockwise.
        right: pixels.
    """

    def __init__(self, turn_deg: float = 0.0, right: float = 0.0) -> None:
        turn = Similarity.about((0, 0), (0, 0), roll_deg=turn_deg)
        self._form = turn.apply(FORM) + np.array([right, 0])

    def run(self, crops: Crops) -> Arrays:
        middles = [np.argwhere(crop[..., 0] > 127).mean(axis=0)[::-1] for crop in crops]
        count = len(crops)
        found = {
            "points": np.stack([self._form + middle for middle in middles]),
            "scores": np.tile(RISING, (count, 1)),
            "covariances": np.tile([[4.0, 1.0], [1.0, 2.0]], (count, 68, 1, 1)),
            "depths": np.tile(RISING, (count, 1)),
            "errors": np.arange(1.0, count + 1),
            "steps": np.arange(1.0, count + 1),
        }
        return {name: values.astype(np.float32) for name, values in found.items()}


def spot(x: int, y: int) -> Crops:
    """A crop (1, 64, 64, 3) with nine bright pixels."""
    crop = np.zeros((1, 64, 64, 3), np.uint8)
    crop[0, y - 1 : y + 2, x - 1 : x + 2] = 255
    return crop


def drawn(size: int, count: int = 2) -> Crops:
    rng = np.random.default_rng(5)
    return np.stack([synthetic.draw(rng, size=size).image for _ in range(count)])


def inside(name: str) -> tuple[Manifest, Backend, Flipped]:
    manifest, backend = open_weights(weights.find(name))
    model = load(name).face_model
    return manifest, backend, flipped(backend, manifest, model)


def test_a_model_that_turns_faces_to_one_side_has_them_straight() -> None:
    (points,) = Flipped(Leaning(turn_deg=5), SCHEME).run(spot(25, 30))["points"]

    smaller = np.cos(np.radians(5))  # the mean of two turned ones is
    wanted = smaller * (FORM - FORM.mean(axis=0))
    np.testing.assert_allclose(points - points.mean(axis=0), wanted, atol=1e-4)


def test_how_far_to_the_right_a_face_lies_stays() -> None:
    (points,) = Flipped(Leaning(right=2), SCHEME).run(spot(25, 30))["points"]

    np.testing.assert_allclose(points, FORM + np.array([27, 30]), atol=1e-4)


def test_without_that_both_looks_differ_by_twice_the_lean() -> None:
    ahead, back = both(Leaning(right=2), SCHEME, spot(25, 30))

    apart = ahead["points"] - back["points"]
    np.testing.assert_allclose(apart, np.tile((4, 0), (1, 68, 1)), atol=1e-4)


def test_scores_and_depths_are_means_with_those_of_the_other_side() -> None:
    found = Flipped(Leaning(), SCHEME).run(spot(25, 30))

    wanted = (RISING + RISING[MIRROR]) / 2
    np.testing.assert_allclose(found["scores"][0], wanted, atol=1e-6)
    np.testing.assert_allclose(found["depths"][0], wanted, atol=1e-6)


def test_covariances_are_means_with_mirrored_ones() -> None:
    found = Flipped(Leaning(), SCHEME).run(spot(25, 30))

    np.testing.assert_array_equal(found["covariances"][0, 0], [[4, 0], [0, 2]])


def test_errors_are_means_and_steps_those_of_the_look_ahead() -> None:
    found = Flipped(Leaning(), SCHEME).run(np.concatenate([spot(25, 30), spot(30, 30)]))

    assert found["errors"].tolist() == [2, 3]  # of 1 and 3, of 2 and 4
    assert found["steps"].tolist() == [1, 2]


@pytest.mark.parametrize("name", weights.names())
def test_a_mirrored_crop_gives_the_mirrored_answer(name: str) -> None:
    manifest, _, both_ways = inside(name)
    crops, scheme = drawn(manifest.crop_size), manifest.landmark_scheme

    ahead = both_ways.run(crops)
    back = both_ways.run(np.ascontiguousarray(crops[:, :, ::-1]))

    for row in range(len(crops)):
        said = [Landmarks(each["points"][row], scheme) for each in (ahead, back)]
        one, two = said[0].points, said[1].mirrored(manifest.crop_size).points
        middles = one[:, 0].mean(), two[:, 0].mean()
        np.testing.assert_allclose(one - (middles[0], 0), two - (middles[1], 0), atol=0.01)


@pytest.mark.parametrize("name", weights.names())
def test_a_batch_equals_its_parts(name: str) -> None:
    manifest, _, both_ways = inside(name)
    crops = drawn(manifest.crop_size)

    whole = both_ways.run(crops)
    parts = [both_ways.run(crops[i : i + 1]) for i in range(len(crops))]

    together = np.concatenate([part["points"] for part in parts])
    np.testing.assert_allclose(whole["points"], together, atol=1e-3)
    assert {name: values.dtype for name, values in whole.items()} == {
        name: values.dtype for name, values in parts[0].items()
    }


@pytest.mark.parametrize("name", ["fast", "tddfa", "dpr-glsr"])
def test_left_and_right_do_not_swap_on_a_drawn_face(name: str) -> None:
    face = synthetic.draw(np.random.default_rng(3))
    box = face.landmarks.points.min(axis=0).tolist() + face.landmarks.points.max(axis=0).tolist()

    (plain,) = load(name)(face.image, [box])
    (found,) = load(name, flip=True)(face.image, [box])

    away = np.linalg.norm(found.landmarks.points - plain.landmarks.points, axis=1)
    assert 0 < away.mean() < 0.05 * plain.box.side
    middles = [found.landmarks.part(eye)[:, 0].mean() for eye in ("right_eye", "left_eye")]
    assert middles[0] < middles[1] - 0.2 * found.box.side


def test_a_mesh_is_where_the_landmarks_are() -> None:
    aligner = load("tddfa", flip=True)
    face = synthetic.draw(np.random.default_rng(3))
    assert aligner.face_model is not None

    (found,) = aligner(face.image, [[40, 40, 216, 216]])

    marks = aligner.face_model.keypoints_of(mesh_of(found, aligner.face_model))
    np.testing.assert_allclose(marks, found.landmarks.points, atol=0.2)
    assert found.visible is not None
    assert found.pose is not None


def test_the_signs_are_those_of_the_whole_mesh() -> None:
    symmetry = pytest.importorskip("canthus.training.symmetry")

    np.testing.assert_array_equal(signs_of(MEAN, SCHEME), symmetry.of_directions(MEAN))


def test_a_model_that_looks_again_and_one_behind_another_do_so_with_flip() -> None:
    face = synthetic.draw(np.random.default_rng(3))
    aligner = load("fast", flip=True, reinitialize=True)
    wide = [0, 0, 255, 255]

    assert aligner.manifest.name == "hourglass-fast with flip behind dpr-gsr"
    for each in (aligner, load("dpr-gsr", flip=True), load("fast", flip=True)):
        (found,) = each(face.image, [wide])
        away = np.linalg.norm(found.landmarks.points - face.landmarks.points, axis=1)
        assert away.mean() < 0.1 * found.box.side


def test_attention_is_of_the_look_ahead(attentive_weights: Path) -> None:
    manifest, backend = open_weights(attentive_weights)

    found = flipped(backend, manifest).run(spot(25, 30))

    np.testing.assert_array_equal(found["patches"][0], [[31.5, 31.5, 8], [47.5, 31.5, 8]])


def test_a_model_of_several_steps_takes_them_all(quitting_weights: Path) -> None:
    (face,) = load(quitting_weights, flip=True)(spot(25, 30)[0], [[10, 10, 50, 50]])

    assert face.steps == 3


def test_faces_that_quit_are_refused(quitting_weights: Path) -> None:
    with pytest.raises(CanthusError, match=r"quitter: with flip, .* found one whose faces quit"):
        load(quitting_weights, flip=True, budget="4%")


def test_a_fit_of_an_unknown_face_model_is_refused(spot_manifest: Manifest) -> None:
    class Fits:
        def run(self, crops: Crops) -> Arrays:
            return {"shapes": np.zeros((len(crops), 10), np.float32)}

    with pytest.raises(CanthusError, match=r"spot: with flip, expected the face model .*--face-mo"):
        flipped(Fits(), spot_manifest)


@pytest.mark.parametrize(
    ("bent", "said"),
    [
        (replace(MEAN, neutral=MEAN.neutral + 5), "a lopsided mean face"),
        (replace(MEAN, identity=MEAN.identity + MEAN.neutral), "that its direction"),
    ],
)
def test_a_lopsided_face_model_is_refused(bent: FaceModel, said: str, tmp_path: Path) -> None:
    path = tmp_path / "lopsided.safetensors"
    write_face_model(bent, path)

    with pytest.raises(CanthusError, match=f"tddfa: face model .*: expected one .*{said}"):
        load("tddfa", flip=True, face_model=path)
