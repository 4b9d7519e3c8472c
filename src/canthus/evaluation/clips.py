"""How landmarks tremble in a clip of somebody: frame by frame, with or without a truth."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import ibug
from canthus.errors import DatasetError
from canthus.evaluation.evaluate import Aligns, closest
from canthus.faces import Face, LandmarkScheme
from canthus.images.video import frame_paths
from canthus.metrics import distances, landmark_errors, nme, nmj, rms_motion, rms_shake

Array = NDArray[np.float64]

FRAMES_AT_ONCE = 16


@dataclass(frozen=True)
class ClipStability:
    """How one face's landmarks move through a clip; fractions of the face's size.

    The size is sqrt(w * h) of the box around the landmarks found, in the middle over the clip.

    Attributes:
        frames: how many there are.
        missed: in how many the face was not found; the figures leave these out.
        motion: root mean square movement from frame to frame, true and trembling alike.
        shake: the same of changes of movement: trembling, as far as no truth can tell it.
        nme: mean error by the distance of the outer eye corners; None without a truth.
        nmj: normalized mean jitter (see `metrics.nmj`); None without a truth.
    """

    frames: int
    missed: int
    motion: float
    shake: float
    nme: float | None = None
    nmj: float | None = None


def measure_clip(
    aligner: Aligns,
    frames: Iterable[NDArray[np.uint8]],
    *,
    truth: Array | None = None,
    scheme: LandmarkScheme | None = None,
) -> ClipStability:
    """Follow one face through a clip: the largest at first, then whatever overlaps it best.

    Args:
        aligner: finds the faces in each frame anew.
        frames: uint8 RGB each.
        truth: (T, L, 2) landmarks in pixels.
        scheme: of the truth.

    Raises:
        DatasetError: if the truth has not a row for each frame.
        ValueError: if there is no way from the aligner's scheme to the truth's.
    """
    faces = list(_followed(aligner, frames))
    found = [face for face in faces if face is not None]
    if len(found) < 2:
        lost = float("nan")
        return ClipStability(len(faces), len(faces) - len(found), lost, lost)
    points = _rows(faces, len(found[0].landmarks.points))
    size = float(np.median([face.box.size for face in found]))
    lengths = np.full(len(faces), size)
    errors = jitter = None
    if truth is not None and scheme is not None:
        errors, jitter = _against(faces, truth, scheme)
    return ClipStability(
        frames=len(faces),
        missed=len(faces) - len(found),
        motion=rms_motion(points, lengths),
        shake=rms_shake(points, lengths) if len(points) > 2 else float("nan"),
        nme=errors,
        nmj=jitter,
    )


def read_truth(path: Path) -> Array:
    """The landmarks (T, L, 2) of a clip, counted from 0.

    Args:
        path: an `.npy` file of shape (T, L, 2), as WFLW-V publishes them, or a folder of frames
            with a `.pts` file each.

    Raises:
        DatasetError: if it is neither, or holds what are no coordinates.
    """
    if path.is_dir():
        files = [frame.with_suffix(".pts") for frame in frame_paths(path)]
        rows = [ibug.read_points(file) for file in files]
        if len({len(row) for row in rows}) != 1:
            raise DatasetError(
                f"{path}: expected .pts files of one number of points, found several"
            )
        return np.array(rows, np.float64)
    try:
        points = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{path}: cannot be read as an array: {error}") from None
    if points.ndim != 3 or points.shape[2] != 2 or points.dtype.kind not in "fiu":
        raise DatasetError(f"{path}: expected frames x landmarks x 2, found {points.shape}")
    if not np.isfinite(points).all():
        raise DatasetError(f"{path}: expected finite numbers, found another")
    return points.astype(np.float64)


def _followed(aligner: Aligns, frames: Iterable[NDArray[np.uint8]]) -> Iterable[Face | None]:
    """The face of each frame; None where it was not found."""
    last: Face | None = None
    rest = iter(frames)
    while some := list(islice(rest, FRAMES_AT_ONCE)):
        for faces in aligner.many(some, None):
            if last is None:
                now = max(faces, key=lambda face: face.box.size, default=None)
            else:
                now = closest(faces, last.box)
            last = now or last
            yield now


def _rows(faces: Iterable[Face | None], count: int) -> Array:
    lost = np.full((count, 2), np.nan)
    return np.array([lost if face is None else face.landmarks.points[:, :2] for face in faces])


def _against(faces: list[Face | None], truth: Array, scheme: LandmarkScheme) -> tuple[float, float]:
    """Mean error and jitter of the frames in which the face was found."""
    if len(truth) != len(faces) or truth.shape[1] != scheme.num_landmarks:
        raise DatasetError(
            f"expected a truth of {len(faces)} frames and {scheme.num_landmarks} landmarks, found "
            f"{truth.shape}"
        )
    lost = np.full((scheme.num_landmarks, 2), np.nan)
    points = np.array(
        [lost if f is None else f.landmarks.map(scheme.name).points[:, :2] for f in faces]
    )
    seen = np.array([face is not None for face in faces])
    lengths = distances("inter_ocular", truth, scheme)
    errors = nme(landmark_errors(points[seen], truth[seen]), lengths[seen])
    return float(errors[np.isfinite(errors)].mean()), nmj(points, truth)
