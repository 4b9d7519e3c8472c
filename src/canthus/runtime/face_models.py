"""The face model that a network answers by: which one, and where its mesh is in a picture."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.errors import CanthusError
from canthus.faces import Face
from canthus.faces.face_model import OPEN, FaceModel, read_face_model
from canthus.images.visibility import visible_keypoints
from canthus.runtime.manifest import Manifest

APART = 0.02  # sides of a face's box that the landmarks and the mesh may be apart


def face_model_of(manifest: Manifest, given: Path | None = None) -> FaceModel | None:
    """The face model that a network was made for, as many directions of it as it uses.

    Args:
        manifest: the network's.
        given: the face model's file; by default the one inside the package, if that is its own.

    Returns:
        None where the network knows no face model, or one that is not inside the package.

    Raises:
        WeightsError: if the face model's file is missing or damaged.
        CanthusError: if a file is given that does not fit the network, or has no triangles.
    """
    model = manifest.recipe.get("model")
    said = model if isinstance(model, dict) else {}
    if given is None and said.get("face_model") != OPEN:
        return None
    path = given or Path(OPEN)
    counts = [said.get(name) for name in ("identities", "expressions")]
    identities, expressions = (count if isinstance(count, int) else None for count in counts)
    if identities is None or expressions is None:
        raise CanthusError(
            f"{manifest.name}: finds landmarks and no mesh; a face model is for networks that fit "
            "one, such as `canthus import tddfa` makes"
        )
    try:
        found = read_face_model(path).reduced(identities, expressions)
    except ValueError as error:
        raise CanthusError(f"{path}: {error}; {manifest.name} was made for another model") from None
    if not len(found.triangles):
        raise CanthusError(
            f"{path}: has points and no triangles; convert the face model without --sparse"
        )
    return found


def mesh_of(face: Face, model: FaceModel) -> NDArray[np.float32]:
    """Where a face's mesh is, (V, 3), in pixels of the picture and depths.

    Args:
        face: with a fit.
        model: that it was fitted with.

    Raises:
        CanthusError: if the mesh is not where the landmarks are: the face model is another.
    """
    assert face.fit is not None
    places = face.fit.in_picture(model.shaped(face.fit.shape))
    away = model.keypoints_of(places)[:, :2] - face.landmarks.points[:, :2]
    if np.linalg.norm(away, axis=1).mean() > APART * face.box.side:
        raise CanthusError(
            f"face model {model.name}: its points are not where the network has found them; "
            "expected the face model that the network was made for"
        )
    return places


def visible_of(face: Face, model: FaceModel) -> NDArray[np.bool_]:
    """Which of a face's 68 landmarks are seen, and not hidden by the face itself.

    Args:
        face: with a fit.
        model: that it was fitted with.

    Raises:
        CanthusError: as `mesh_of`.
    """
    return visible_keypoints(model, mesh_of(face, model))
