"""A face is also looked at in the mirror, and both answers are averaged.

What a network takes for left and what for right is not quite alike; in the mean that cancels. How
far to the right the face lies as a whole is left to the look that is not mirrored: annotators put
their points to one side, networks are calibrated to follow them, and a mirror would undo that.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.errors import CanthusError
from canthus.faces import Fit, Landmarks, LandmarkScheme
from canthus.runtime.backend import Arrays, Backend, quitter
from canthus.runtime.manifest import Manifest

if TYPE_CHECKING:
    from canthus.faces.face_model import FaceModel

OF_A_LOOK = {"steps", "attention", "patches"}  # what a network did, and not what it answers
NEARLY = 1e-3  # of a direction's length that it may differ from its mirror image, or its opposite


class Flipped:
    """A network that is shown each crop twice, as it is and mirrored, at twice the time.

    Points, depths, scores, expected errors, cameras and shapes are the means of both looks. So are
    covariances, as if both erred alike; they do not quite, so that errors are rather smaller. What
    a look did, its steps, patches and their attention, is told of the one that is not mirrored.

    Args:
        backend: what runs the network.
        scheme: of its landmarks.
        signs: (K,), of a face model's coefficients, see `faces.Fit.mirrored`; None without one.
    """

    def __init__(
        self, backend: Backend, scheme: LandmarkScheme, signs: ArrayLike | None = None
    ) -> None:
        self._backend, self._scheme, self._signs = backend, scheme, signs

    def run(self, crops: NDArray[np.uint8]) -> Arrays:
        ahead, back = both(self._backend, self._scheme, crops)
        if self._signs is not None:
            pairs = zip(back["cameras"], back["shapes"], strict=True)
            fits = [Fit(*pair).mirrored(crops.shape[2], self._signs) for pair in pairs]
            back["cameras"] = np.stack([fit.camera for fit in fits])
            back["shapes"] = np.stack([fit.shape for fit in fits])
        found = dict(ahead)
        for name in ahead.keys() - OF_A_LOOK:
            found[name] = np.mean([ahead[name], back[name]], axis=0)
        aside = (ahead["points"] - found["points"])[..., 0].mean(axis=1, keepdims=True)
        found["points"][..., 0] += aside
        if "cameras" in found:
            found["cameras"][:, 0, 3:] += aside
        return found


def both(
    backend: Backend, scheme: LandmarkScheme, crops: NDArray[np.uint8]
) -> tuple[Arrays, Arrays]:
    """What a network says of crops, and what it says of them in the mirror, mirrored back.

    Of the latter, only what is said of landmarks is mirrored back.

    Args:
        backend: what runs it.
        scheme: of its landmarks.
        crops: (B, S, S, 3).
    """
    found = backend.run(np.concatenate([crops, crops[:, :, ::-1]]))
    ahead = {name: rows[: len(crops)] for name, rows in found.items()}
    back = {name: rows[len(crops) :] for name, rows in found.items()}
    rows = [_mirrored(back, row, scheme, crops.shape[2]) for row in range(len(crops))]
    back["points"] = np.stack([each.points[:, :2] for each in rows])
    if "depths" in back:
        back["depths"] = np.stack([each.points[:, 2] for each in rows])
    for name in {"scores", "covariances"} & set(back):
        back[name] = np.stack([getattr(each, name) for each in rows])
    return ahead, back


def flipped(backend: Backend, manifest: Manifest, model: "FaceModel | None" = None) -> Flipped:
    """Let a network look at each crop in the mirror too.

    Args:
        backend: what runs the network.
        manifest: the network's.
        model: the face model that it was made for, if it fits one.

    Raises:
        CanthusError: if faces quit, or the face model is not known, or not the same in the mirror.
    """
    told, name = quitter(backend), manifest.name
    if told is not None and any(told.quit_below):
        raise CanthusError(
            f"{name}: with flip, expected a model that takes all its steps, found one whose faces "
            f"quit below {told.quit_below}; give no budget, or no flip, or export the model with "
            "--steps all"
        )
    side, scheme = manifest.crop_size, manifest.landmark_scheme
    if "shapes" not in backend.run(np.zeros((1, side, side, 3), np.uint8)):
        return Flipped(backend, scheme)
    if model is None:
        raise CanthusError(
            f"{name}: with flip, expected the face model that it was made for, which says how its "
            "fits are mirrored, found none; give it (--face-model FILE, or face_model in Python), "
            "or align without flip"
        )
    try:
        return Flipped(backend, scheme, signs_of(model, scheme))
    except ValueError as error:
        raise CanthusError(
            f"{name}: face model {model.name}: {error}; align without flip"
        ) from None


def signs_of(model: "FaceModel", scheme: LandmarkScheme) -> NDArray[np.float64]:
    """1 of a coefficient that moves both halves of a face alike, -1 of one that does the opposite.

    Identities first, (K,), by how they move the 68 landmarks.

    Args:
        model: whose plane of symmetry is x = 0.
        scheme: of the landmarks.

    Raises:
        ValueError: if the model is not the same in the mirror.
    """
    parts = (model.neutral[None], model.identity, model.expression)
    every = np.concatenate([model.keypoints_of(part) for part in parts]).astype(np.float64)
    image = every[:, list(scheme.mirror)] * [-1, 1, 1]
    length = np.linalg.norm(every, axis=(1, 2)) + 1e-12
    same = np.linalg.norm(every - image, axis=(1, 2)) / length
    other = np.linalg.norm(every + image, axis=(1, 2)) / length
    if same[0] > NEARLY:
        raise ValueError("expected one that is the same in the mirror, found a lopsided mean face")
    if (wrong := np.minimum(same, other) > NEARLY).any():
        raise ValueError(
            "expected one that is the same in the mirror, found that its direction "
            f"{int(np.argmax(wrong)) - 1} is not symmetric, nor the opposite"
        )
    return np.where(same < other, 1.0, -1.0)[1:]


def _mirrored(said: Arrays, row: int, scheme: LandmarkScheme, width: int) -> Landmarks:
    """What is said of one crop's landmarks, in the mirror; depths are a third coordinate."""
    points = said["points"][row]
    if "depths" in said:
        points = np.column_stack([points, said["depths"][row]])
    rest = (said[name][row] if name in said else None for name in ("scores", "covariances"))
    return Landmarks(points, scheme, *rest).mirrored(width)
