"""How a face model's coefficients change when left and right are exchanged."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.errors import RecipeError
from canthus.faces.face_model import FaceModel, read_face_model
from canthus.models import ModelConfig, TddfaConfig
from canthus.training.face_surface import mirror_map
from canthus.training.lifted import mirrored

Floats = NDArray[np.float64]

NEARLY = 1e-3  # of a direction's length that it may differ from its mirror image, or its opposite


def signs(model: ModelConfig) -> Floats:
    """Of the coefficients of a network's face model, see `of_directions`.

    Raises:
        RecipeError: if the network has no face model, or one that is not symmetric.
    """
    if not isinstance(model, TddfaConfig) or model.face_model is None:
        raise RecipeError(
            "augment.mirror: to mirror fitted faces, expected model.face_model to be the one that "
            "they were fitted with, found none; name it, or set mirror: 0"
        )
    faces = read_face_model(Path(model.face_model))
    try:
        return of_directions(faces.reduced(model.identities, model.expressions))
    except ValueError as error:
        raise RecipeError(f"augment.mirror: {faces.name}: {error}; set mirror: 0") from None


def of_directions(faces: FaceModel) -> Floats:
    """1 of a direction that moves both halves of a face alike, -1 of one that does the opposite.

    Identities first, (I + E,).

    Raises:
        ValueError: if the model is not the same in the mirror.
    """
    mirror = mirror_map(faces.neutral.astype(np.float64))
    every = np.concatenate([faces.identity, faces.expression]).astype(np.float64)
    image = mirrored(every, mirror)
    length = np.linalg.norm(every, axis=(1, 2)) + 1e-12
    same = np.linalg.norm(every - image, axis=(1, 2)) / length
    other = np.linalg.norm(every + image, axis=(1, 2)) / length
    if (wrong := np.minimum(same, other) > NEARLY).any():
        raise ValueError(f"direction {int(np.argmax(wrong))} is not symmetric, nor the opposite")
    return np.where(same < other, 1.0, -1.0)
