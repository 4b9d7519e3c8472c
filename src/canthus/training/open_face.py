"""The open face model: from lifted faces and the points that people marked to a face model.

See docs/decisions/open-face-model.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.faces import SCHEMES
from canthus.faces.face import angles_of
from canthus.faces.face_model import FaceModel, Keypoints
from canthus.training import face_modes, face_points, lifted
from canthus.training.face_modes import Modes
from canthus.training.face_points import Marked
from canthus.training.face_surface import triangulate
from canthus.training.lifted import Laid, Lifted

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]

NAME = "Open face model of Canthus"
LICENSE = (
    "research-only (learned from 300-W, YouTube Faces frames and AFLW photos, "
    "lifted with MediaPipe Face Mesh, Apache-2.0)"
)
EYES_MM = 90.0  # between the outer corners of the mean face's eyes, as in people; a convention
HELD_OUT = 10  # every tenth person, and photo, is kept for figures
CREDIBLE = 2.2  # medians of the distance from the mean face; a shape further off was ill lifted
AHEAD_DEG = 15.0  # of yaw, and of pitch from the average: who looks ahead
DOUBT_MM = 0.5  # of a coordinate, where coefficients are fitted to a mesh


@dataclass(frozen=True, eq=False)
class Figures:
    """What was learned from, and how well the model says what it has not seen.

    Attributes:
        faces: how many it was learned from.
        people: how many of these people, or photos, there are.
        held_out: how many other faces the errors are of.
        shares: of the variance, by the first directions of identity and of expression.
        mesh_mm: root mean square distance of vertices of faces held out, after fitting: by the
            mean face alone, by identity, by all; of people with several pictures, in millimetres.
        marked: how many held-out faces are marked and look ahead.
        parts: mean distance of the 68 points from the marked ones on these, by part, in distances
            of the eyes' outer corners.
        asymmetry_mm: how far the mean face or a direction is from its mirror image or the
            opposite of it, at most.
    """

    faces: int
    people: int
    held_out: int
    shares: tuple[Floats, Floats]
    mesh_mm: tuple[float, float, float]
    marked: int
    parts: dict[str, float]
    asymmetry_mm: float


def learn(
    faces: Lifted, points: Floats, *, counts: tuple[int, int] = (40, 10)
) -> tuple[FaceModel, Figures]:
    """Learn a face model, and measure it on people that are kept out.

    Args:
        faces: lifted ones.
        points: (N, 68, 2), the points marked by hand in their pictures; NaN where there are none.
        counts: how many directions of identity and of expression.

    Raises:
        ValueError: if there are too few faces for that, or none that is marked and looks ahead.
    """
    people = np.unique(faces.group, return_inverse=True)[1]
    kept = _kept_out(people)
    laid = lifted.lay(faces.points[~kept])
    shapes, rotations = lifted.onto(faces.points * lifted.UP, laid.mean, laid.weights)
    ahead = _ahead(rotations) & np.isfinite(points).all(axis=(1, 2))
    seen, unseen = (
        Marked(faces.points[rows, :, :2], points[rows]) for rows in (ahead & ~kept, ahead & kept)
    )
    if not (len(seen.points) and len(unseen.points)):
        raise ValueError("expected marked faces that look ahead, some of them kept out, found none")
    keypoints = face_points.fit(seen, laid.mirror)
    scale = _scale(keypoints, laid.mean)
    good = _credible(laid)
    whose = np.unique(people[~kept][good], return_inverse=True)[1]
    modes = face_modes.learn(
        scale * lifted.unposed(laid)[good], whose, scale * laid.mean, laid.mirror, counts=counts
    )
    model = _model(scale * laid.mean, laid.mirror, keypoints, modes)
    several = kept & (np.bincount(people)[people] > 1)
    figures = Figures(
        faces=len(whose),
        people=int(whose.max()) + 1,
        held_out=int(several.sum()),
        shares=(modes.identity_shares, modes.expression_shares),
        mesh_mm=_mesh_errors(model, scale * shapes[several]),
        marked=len(unseen.points),
        parts=_by_part(face_points.residuals(keypoints, unseen)),
        asymmetry_mm=_asymmetry(model, laid.mirror),
    )
    return model, figures


def _kept_out(people: Longs) -> Flags:
    """Faces of every tenth person of several pictures, and of every tenth of one."""
    number = np.bincount(people)
    kept = np.zeros(len(number), bool)
    for several in (False, True):
        kept[np.flatnonzero((number > 1) == several)[::HELD_OUT]] = True
    return kept[people]


def _credible(laid: Laid) -> Flags:
    apart = np.sqrt(((laid.shapes - laid.mean) ** 2).sum(axis=2).mean(axis=1))
    return apart <= CREDIBLE * np.median(apart)


def _ahead(rotations: Floats) -> Flags:
    yaw, pitch, _ = angles_of(rotations).T
    return (np.abs(yaw) <= AHEAD_DEG) & (np.abs(pitch + lifted.NOD_DEG) <= AHEAD_DEG)


def _scale(keypoints: Keypoints, mean: Floats) -> float:
    """From the size of laid faces to millimetres."""
    points = np.einsum("kc,kcd->kd", keypoints.weights, mean[keypoints.indices])
    (right,), (left,) = SCHEMES["68"].normalizers["inter_ocular"]
    return EYES_MM / float(np.linalg.norm(points[right] - points[left]))


def _model(mean: Floats, mirror: Longs, keypoints: Keypoints, modes: Modes) -> FaceModel:
    return FaceModel(
        name=NAME,
        license=LICENSE,
        unit_mm=1.0,
        neutral=mean,
        triangles=triangulate(mean, mirror),
        keypoints=keypoints,
        identity=modes.identity,
        expression=modes.expression,
        identity_deviations=modes.identity_deviations,
        expression_deviations=modes.expression_deviations,
    )


def _mesh_errors(model: FaceModel, shapes: Floats) -> tuple[float, float, float]:
    """By the mean face alone, by identity, and by all."""
    offsets = (shapes - model.neutral).reshape(len(shapes), -1)
    bases = np.concatenate([model.identity, model.expression]).reshape(-1, offsets.shape[1])
    assert model.identity_deviations is not None
    assert model.expression_deviations is not None
    deviations = np.concatenate([model.identity_deviations, model.expression_deviations])
    errors = []
    for count in (0, len(model.identity), len(bases)):
        basis, doubt = bases[:count], np.diag((DOUBT_MM / deviations[:count]) ** 2)
        found = np.linalg.solve(basis @ basis.T + doubt, basis @ offsets.T).T
        left = (offsets - found @ basis).reshape(shapes.shape)
        errors.append(float(np.sqrt((left**2).sum(axis=2).mean())))
    return errors[0], errors[1], errors[2]


def _by_part(residuals: Floats) -> dict[str, float]:
    parts = SCHEMES["68"].parts
    return {name: float(residuals[:, list(rows)].mean()) for name, rows in parts.items()}


def _asymmetry(model: FaceModel, mirror: Longs) -> float:
    every = np.concatenate([model.neutral[None], model.identity, model.expression])
    image = lifted.mirrored(every, mirror)
    apart = np.minimum(np.abs(every - image).max((1, 2)), np.abs(every + image).max((1, 2)))
    return float(apart.max())
