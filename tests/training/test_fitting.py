"""Fits of the open face model to faces of which all is known."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import SCHEMES, Fit, Pose, find_conversion
from canthus.faces.face import angles_of
from canthus.faces.face_model import FaceModel, open_face_model
from canthus.training import face_rim, fitting
from canthus.training.fitting import OUTLINE, Witnesses

Floats = NDArray[np.float64]

YAWS = np.array([-75.0, -40.0, -20.0, -5.0, 5.0, 20.0, 40.0, 75.0])
SIZE = 1.3  # pixels in a millimetre


def drawn(model: FaceModel) -> tuple[list[Fit], Floats]:
    """Faces somewhat different, each turned by one of `YAWS`; and all their vertices."""
    rng = np.random.default_rng(0)
    assert model.identity_deviations is not None
    assert model.expression_deviations is not None
    deviations = np.concatenate([model.identity_deviations, model.expression_deviations])
    fits, places = [], []
    for yaw in YAWS:
        turn = Pose(yaw, rng.uniform(-10, 10), 0).rotation
        camera = np.zeros((3, 4))
        camera[:, :3] = SIZE * turn * [[1], [-1], [-1]]
        camera[:2, 3] = rng.uniform(150, 250, 2)
        shape = 0.7 * deviations * rng.normal(size=len(deviations))
        fits.append(Fit(camera, shape))
        count = len(model.identity)
        places.append(fits[-1].in_picture(model.vertices(shape[:count], shape[count:])))
    return fits, np.array(places, np.float64)


def witnesses(model: FaceModel, places: Floats, **changes: object) -> Witnesses:
    marks = np.array(model.keypoints_of(places)[..., :2], np.float64)
    side = np.ptp(marks, axis=1).max(axis=1)
    known = Witnesses(
        marks=marks,
        readout=np.eye(68),
        doubt=np.full(68, 0.01),
        follows=False,
        lifted=np.full((len(marks), 1, 3), np.nan),
        yaw_deg=np.full(len(marks), np.nan),
        side=side,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def test_the_face_is_found_again_from_its_68_points() -> None:
    model = open_face_model()
    _, places = drawn(model)
    known = witnesses(model, places)

    found = fitting.fit(model, known)

    assert found.errors.max() < 0.006
    np.testing.assert_allclose(found.yaw_deg, YAWS, atol=6)
    poses = [Fit(camera, [0.0]).pose.yaw_deg for camera in found.cameras]
    np.testing.assert_allclose(found.yaw_deg, poses, atol=0.01)
    # the camera and the shape make these landmarks
    for camera, shape, landmarks in zip(found.cameras, found.shapes, found.landmarks, strict=True):
        mesh = Fit(camera, shape).in_picture(model.vertices(shape[:40], shape[40:]))
        np.testing.assert_allclose(model.keypoints_of(mesh), landmarks, atol=0.05)


def test_a_lifted_face_says_the_rest() -> None:
    model = open_face_model()
    _, places = drawn(model)
    lifted = places + np.array([0.0, 0.0, 500.0])  # how far away it is means nothing

    alone = fitting.fit(model, witnesses(model, places))
    found = fitting.fit(model, witnesses(model, places, lifted=lifted))

    np.testing.assert_allclose(found.yaw_deg, YAWS, atol=2)
    assert np.abs(found.yaw_deg - YAWS).mean() < np.abs(alone.yaw_deg - YAWS).mean()


def test_aflw_marks_of_which_half_are_seen_are_enough_with_the_yaw() -> None:
    model = open_face_model()
    _, places = drawn(model)
    readout = find_conversion("68", "21").weights
    marks = readout @ np.array(model.keypoints_of(places)[..., :2], np.float64)
    left = np.array([3, 4, 5, 9, 10, 11, 15, 16])  # of the subject
    right = np.array([0, 1, 2, 6, 7, 8, 12, 13])
    marks[np.ix_(YAWS > 60, left)] = np.nan  # nose to the picture's left: the right side is far
    marks[np.ix_(YAWS < -60, right)] = np.nan
    hidden = marks.copy()
    hidden[np.ix_(YAWS > 60, left)] = np.nan
    known = replace(
        witnesses(model, places), marks=hidden, readout=readout, doubt=np.full(21, 0.01)
    )

    found = fitting.fit(model, replace(known, yaw_deg=YAWS))

    np.testing.assert_allclose(found.yaw_deg, YAWS, atol=6)
    assert found.errors.max() < 0.02


def test_the_far_outline_of_a_turned_head_is_not_believed() -> None:
    model = open_face_model()
    _, places = drawn(model)
    known = witnesses(model, places, follows=True)
    marks = known.marks.copy()
    turned = np.abs(YAWS) > 35
    far = np.where(YAWS[turned, None] > 0, OUTLINE < 8, OUTLINE > 8)
    marks[np.ix_(turned, OUTLINE)] += 12.0 * far[..., None]

    found = fitting.fit(model, replace(known, marks=marks))
    fooled = fitting.fit(model, replace(known, marks=marks, follows=False))

    inner = np.setdiff1d(np.arange(68), OUTLINE)
    off, worse = (
        np.linalg.norm((each.landmarks[..., :2] - known.marks)[turned][:, inner], axis=2).mean()
        for each in (found, fooled)
    )
    assert off < 0.5 * worse
    assert off < 1.0


def test_a_mark_far_off_hardly_moves_the_face() -> None:
    model = open_face_model()
    _, places = drawn(model)
    known = witnesses(model, places)
    marks = known.marks.copy()
    marks[:, 30] += 40.0

    found = fitting.fit(model, replace(known, marks=marks))

    others = np.arange(68) != 30
    apart = np.linalg.norm((found.landmarks[..., :2] - known.marks)[:, others], axis=2)
    assert apart.mean() < 1.5


def test_landmarks_are_at_a_mirrored_place_in_the_mirror() -> None:
    model = open_face_model()
    _, places = drawn(model)
    known = witnesses(model, places)
    image = known.marks[:, list(SCHEMES["68"].mirror)] * [-1, 1] + [400, 0]

    found = fitting.fit(model, known)
    other = fitting.fit(model, replace(known, marks=image))

    back = other.landmarks[:, list(SCHEMES["68"].mirror), :2] * [-1, 1] + [400, 0]
    np.testing.assert_allclose(back, found.landmarks[..., :2], atol=0.3)
    np.testing.assert_allclose(other.yaw_deg, -found.yaw_deg, atol=0.5)


def test_a_model_that_does_not_say_how_far_faces_vary_is_refused() -> None:
    model = open_face_model()
    known = witnesses(model, drawn(model)[1])
    with pytest.raises(ValueError, match="does not say how far its coefficients vary"):
        fitting.fit(replace(model, identity_deviations=None), known)


def test_small_turns_are_as_their_axis_says() -> None:
    turn = fitting._rodrigues(np.array([[0.0, 0.3, 0.0]]))[0]

    wanted = [[np.cos(0.3), 0, np.sin(0.3)], [0, 1, 0], [-np.sin(0.3), 0, np.cos(0.3)]]
    np.testing.assert_allclose(turn, wanted, atol=1e-9)
    np.testing.assert_allclose(angles_of(turn), [-np.degrees(0.3), 0, 0], atol=1e-6)


def test_a_deeper_outline_is_found_by_turned_heads() -> None:
    model = open_face_model()
    deeper = np.zeros((17, 3))
    deeper[:, 2] = -np.array([9, 14, 20, 16, 12, 9, 6, 3, 0, 3, 6, 9, 12, 16, 20, 14, 9])
    truth = face_rim.with_rim(model, deeper)
    _, places = drawn(truth)
    marks = np.array(truth.keypoints_of(places)[..., :2], np.float64)
    heard = np.where(np.isin(np.arange(68), OUTLINE), 1e3, 0.01)
    known = witnesses(model, places[:, : len(model.neutral)], marks=marks, doubt=heard)
    lifted = places[:, : len(model.neutral)]

    known = replace(known, lifted=lifted)
    found = face_rim.offsets(model, [(known, fitting.fit(model, known))])

    np.testing.assert_allclose(found, deeper, atol=3)


def test_a_rim_keeps_the_points_and_covers_what_lies_between() -> None:
    model = open_face_model()
    deeper = np.zeros((17, 3))
    deeper[:, 2] = -10

    found = face_rim.with_rim(model, deeper)

    wanted = model.keypoints_of(model.neutral)
    wanted[:17, 2] -= 10
    np.testing.assert_allclose(found.keypoints_of(found.neutral), wanted, atol=1e-4)
    more = found.triangles[len(model.triangles) :]
    rim = np.arange(len(model.neutral), len(found.neutral))
    assert set(rim) <= set(more.ravel())
    sides = np.sort(np.concatenate([more[:, [0, 1]], more[:, [1, 2]], more[:, [2, 0]]]), axis=1)
    _, times = np.unique(sides, axis=0, return_counts=True)
    assert times.max() == 2  # a strip: no side has more than two triangles
