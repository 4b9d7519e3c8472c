"""Rare poses shown more often (PDB; Feng et al., CVPR 2018; as L-GRN has it, TIP 2021)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.geometry import Similarity

BINS = 9  # of equal width, along the first principal component
ROUNDS = 2  # of fitting faces to their mean


def repeats(landmarks: ArrayLike, bins: int = BINS) -> NDArray[np.int64]:
    """How often an epoch shows each face, (N,): the rarer its pose, the more often.

    Faces are counted along their first principal component. As published they are not aligned
    before, so that it mixes the pose with the turn in the picture and the place; see `aligned`.

    Args:
        landmarks: (N, L, 2) or (N, 2 L), in pixels.
        bins: of equal width, of how far a face is from the mean.

    Raises:
        ValueError: if there are fewer than two faces.
    """
    rows = np.asarray(landmarks, np.float64)
    rows = rows.reshape(len(rows), -1)
    if len(rows) < 2:
        raise ValueError(f"expected two faces or more to balance, found {len(rows)}")
    apart = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(apart, full_matrices=False)
    far = np.abs(apart @ axes[0])
    counts, edges = np.histogram(far, bins)
    place = np.clip(np.digitize(far, edges) - 1, 0, bins - 1)
    return np.round(counts.max() / counts[place]).astype(np.int64)


def aligned(landmarks: ArrayLike) -> NDArray[np.float64]:
    """Faces (N, L, 2), each turned, scaled and shifted onto their mean: what is left is shape.

    Raises:
        ValueError: if the points of a face coincide.
    """
    faces = np.asarray(landmarks, np.float64)
    mean = faces[0]
    for _ in range(ROUNDS):
        moved = np.stack([Similarity.fit(face, mean).apply(face) for face in faces])
        mean = moved.mean(axis=0)
    return moved


def balanced(landmarks: ArrayLike, most: int) -> NDArray[np.int64]:
    """How often an epoch shows each face, (N,), by its shape alone, and at most so often.

    Args:
        landmarks: (N, L, 2); a face with an unknown point (NaN) is shown once.
        most: times.
    """
    faces = np.asarray(landmarks, np.float64)
    known = np.isfinite(faces).all(axis=(1, 2))
    found = np.ones(len(faces), np.int64)
    if most > 1 and known.sum() > 1:
        found[known] = np.clip(repeats(aligned(faces[known])), 1, most)
    return found
