"""Landmarks of several schemes as labels of one model.

A point of another scheme that is one of the model's landmarks is a label of that landmark; one
that is a mean of several (the center of an eye) is a blend, see `canthus.models.Target`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.formats.mapping import way_to
from canthus.faces import Landmarks
from canthus.faces.scheme_files import open_scheme


@dataclass(frozen=True, eq=False)
class Labels:
    """What is known of one face: points (L, 2) and blends (E, 2), NaN where unknown."""

    points: NDArray[np.float32]
    blends: NDArray[np.float32]


class Labeler:
    """Turns landmarks of any of several schemes into labels of a model's own scheme.

    Args:
        own: the model's scheme, a name or a scheme file.
        others: the names of those that the data are in.

    Attributes:
        own: the name of the model's scheme.
        readout: (E, L), how each blend is made from the model's landmarks.

    Raises:
        DatasetError: if the model's scheme cannot be converted into one of the others.
    """

    def __init__(self, own: str, others: tuple[str, ...]) -> None:
        file = open_scheme(own)
        self.own = file.scheme.name
        self._num_landmarks = file.scheme.num_landmarks
        self._direct: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._blended: dict[str, NDArray[np.int64]] = {}
        self._slots: dict[str, slice] = {}
        rows = [np.zeros((0, self._num_landmarks))]
        count = 0
        for name in sorted(set(others) - {self.own}):
            weights = way_to(file, name).weights
            single = (weights == 1).any(axis=1)
            blended = np.flatnonzero(~single & ~np.isnan(weights).any(axis=1))
            self._direct[name] = np.flatnonzero(single), weights[single].argmax(axis=1)
            self._blended[name] = blended
            self._slots[name] = slice(count, count + len(blended))
            rows.append(weights[blended])
            count += len(blended)
        self.readout = np.concatenate(rows).astype(np.float32)

    def __call__(self, landmarks: Landmarks) -> Labels:
        """The labels of one face."""
        name = landmarks.scheme.name
        blends = np.full((len(self.readout), 2), np.nan, np.float32)
        if name == self.own:
            return Labels(landmarks.points, blends)
        points = np.full((self._num_landmarks, 2), np.nan, np.float32)
        theirs, ours = self._direct[name]
        points[ours] = landmarks.points[theirs]
        blends[self._slots[name]] = landmarks.points[self._blended[name]]
        return Labels(points, blends)
