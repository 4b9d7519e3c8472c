"""Which landmarks the face itself hides, on the face model inside the package."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import SCHEMES, Pose
from canthus.faces.face_model import FaceModel, open_face_model
from canthus.images.visibility import visible_keypoints

PARTS = SCHEMES["68"].parts
MIRROR = list(SCHEMES["68"].mirror)
MODEL = open_face_model()
SQUARE = np.array([(0, 1, 2), (0, 2, 3)], np.int32)


def turned(yaw: float, pitch: float = 0, roll: float = 0) -> NDArray[np.float64]:
    """The mean face in a picture: x right, y down, z away."""
    return MODEL.neutral @ Pose(yaw, pitch, roll).rotation.T * (1, -1, -1)


def seen(vertices: NDArray[np.float64], model: FaceModel = MODEL) -> NDArray[np.bool_]:
    return visible_keypoints(model, vertices)


@pytest.mark.parametrize("roll", [0, 30, 180])
@pytest.mark.parametrize("pitch", [-12, 0, 12])
def test_a_face_from_ahead_shows_all_however_the_picture_is_turned(
    pitch: float, roll: float
) -> None:
    picture = Pose(0, 0, roll).rotation
    assert seen(turned(0, pitch) @ picture).all()


@pytest.mark.parametrize("yaw", [70, 80, 90])
def test_a_face_from_the_side_hides_the_far_eye_brow_and_outline(yaw: float) -> None:
    found = seen(turned(yaw))  # the nose points to the picture's left: the right side is far

    far = [*PARTS["contour"][:7], *PARTS["right_eye"], *PARTS["right_brow"][:4]]
    near = [*PARTS["contour"][8:], *PARTS["left_eye"][1:4], *PARTS["left_brow"][1:]]
    assert not found[far].any()
    assert found[near].all()


@pytest.mark.parametrize("yaw", [5, 20, 35, 50, 65, 77])
def test_a_mirrored_face_hides_the_mirrored_landmarks(yaw: float) -> None:
    np.testing.assert_array_equal(seen(turned(-yaw))[MIRROR], seen(turned(yaw)))


def test_the_further_it_turns_the_fewer_are_seen() -> None:
    counts = [int(seen(turned(yaw)).sum()) for yaw in (0, 20, 40, 60, 80)]

    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < 45


@pytest.mark.parametrize("scale", [1e-3, 1, 1e4])
def test_size_and_place_do_not_matter(scale: float) -> None:
    vertices = turned(50, 10, 20)

    np.testing.assert_array_equal(seen(scale * np.add(vertices, (300, -40, 99))), seen(vertices))


def test_what_stands_before_a_face_hides_it() -> None:
    vertices, count = turned(0), len(MODEL.neutral)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    corners = [(low[0] - 9, low[1] - 9), (0, low[1] - 9), (0, high[1] + 9), (low[0] - 9, high[1])]
    plate = np.array([(x, y, low[2] - 20) for x, y in corners])
    model = replace(
        MODEL,
        neutral=np.concatenate([MODEL.neutral, plate]),
        triangles=np.concatenate([MODEL.triangles, count + SQUARE]),
        identity=np.zeros((0, count + 4, 3), np.float32),
        expression=np.zeros((0, count + 4, 3), np.float32),
        identity_deviations=None,
        expression_deviations=None,
        uv=None,
    )

    found = seen(np.concatenate([vertices, plate]), model)

    assert not found[list(PARTS["right_eye"])].any()
    assert found[list(PARTS["left_eye"])].all()


def test_another_mesh_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected vertices of shape"):
        seen(np.zeros((len(MODEL.neutral) + 1, 3)))
