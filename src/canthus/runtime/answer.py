"""What is said about one picture, as plain values for JSON: schema 1.

The command line, reports and servers all say it in this form.
"""

import math
from collections.abc import Iterable

from canthus.faces import Face

SCHEMA = 1
PIXEL_DIGITS = 3  # a thousandth of a pixel
SCORE_DIGITS = 4
COVARIANCE_DIGITS = 6  # in all, not behind the point: a small face has small ones


def answer(
    faces: Iterable[Face], *, image: str, size: tuple[int, int], model: str
) -> dict[str, object]:
    """One picture's faces as plain values.

    Args:
        faces: what the aligner found.
        image: the picture's name.
        size: its width and height in pixels, upright.
        model: the name in the manifest of the model.
    """
    width, height = size
    return {
        "schema": SCHEMA,
        "image": image,
        "width": width,
        "height": height,
        "model": model,
        "faces": [_plain(face) for face in faces],
    }


def _plain(face: Face) -> dict[str, object]:
    landmarks = face.landmarks
    points: dict[str, object] = {
        "scheme": landmarks.scheme.name,
        "points": [_rounded(point, PIXEL_DIGITS) for point in landmarks.points],
    }
    if landmarks.scores is not None:
        points["scores"] = _rounded(landmarks.scores, SCORE_DIGITS)
    if landmarks.covariances is not None:
        points["covariances"] = [_triangle(matrix) for matrix in landmarks.covariances.tolist()]
    plain: dict[str, object] = {
        "box": _rounded(face.box.as_tuple(), PIXEL_DIGITS),
        "score": round(face.score, SCORE_DIGITS),
        "landmarks": points,
    }
    if face.pose is not None:
        pose = face.pose
        plain["pose"] = {
            "yaw_deg": round(pose.yaw_deg, 2),
            "pitch_deg": round(pose.pitch_deg, 2),
            "roll_deg": round(pose.roll_deg, 2),
        }
    if face.visible is not None:
        plain["visible"] = face.visible.tolist()
    if face.expected_error is not None:
        plain["expected_error"] = round(face.expected_error, SCORE_DIGITS)
    if face.attention is not None and face.patches is not None:
        plain["attention"] = _rounded(face.attention, SCORE_DIGITS)
        plain["patches"] = [
            [_rounded(corner, PIXEL_DIGITS) for corner in square] for square in face.patches
        ]
    if face.expected_nme is not None:
        plain["expected_nme"] = round(face.expected_nme, SCORE_DIGITS)
    if face.steps is not None:
        plain["steps"] = face.steps
    if face.failed is not None:
        plain["failed"] = face.failed
    return plain


def _triangle(matrix: list[list[float]]) -> list[float | None]:
    """A symmetric matrix as xx, xy and yy."""
    (xx, xy), (_, yy) = matrix
    values = (xx, xy, yy)
    return [None if math.isnan(v) else float(f"{v:.{COVARIANCE_DIGITS}g}") for v in values]


def _rounded(values: Iterable[float], digits: int) -> list[float | None]:
    """Rounded numbers; None for what is not known."""
    return [None if math.isnan(value) else round(float(value), digits) for value in values]
