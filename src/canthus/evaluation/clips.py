"""How landmarks tremble in a clip of somebody: frame by frame, with or without a truth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import ibug
from canthus.datasets.trust import LIMIT
from canthus.errors import DatasetError
from canthus.evaluation.evaluate import Aligns, closest
from canthus.faces import Face, LandmarkScheme, find_conversion
from canthus.geometry import Box
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
        nmj: normalized mean jitter (see `metrics.nmj`) over the landmarks that the model's
            scheme knows, its length that of their box; None without a truth.
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
    boxes: Iterable[Box] | None = None,
    truth: Array | None = None,
    scheme: LandmarkScheme | None = None,
) -> ClipStability:
    """Follow one face through a clip: the largest at first, then whatever overlaps it best.

    Args:
        aligner: finds the faces in each frame anew.
        frames: uint8 RGB each.
        boxes: of the face in each frame; the aligner has to find it by default.
        truth: (T, L, 2) landmarks in pixels.
        scheme: of the truth.

    Raises:
        DatasetError: if the truth has not a row for each frame.
        ValueError: if there are not as many boxes as frames, the truth's scheme is not said, or
            there is no way to it from the aligner's.
    """
    if truth is not None and scheme is None:
        raise ValueError("expected the scheme of the truth, found none")
    faces = list(_followed(aligner, frames, boxes))
    if truth is not None and scheme is not None:
        _check(truth, len(faces), scheme)
    found = [face for face in faces if face is not None]
    missed = len(faces) - len(found)
    if not found or len(faces) < 2:
        return ClipStability(len(faces), missed, float("nan"), float("nan"))
    points = _rows(faces, len(found[0].landmarks.points))
    lengths = np.full(len(faces), np.median([face.box.size for face in found]))
    errors = jitter = None
    if truth is not None and scheme is not None:
        errors, jitter = _against(faces, truth, scheme)
    return ClipStability(
        frames=len(faces),
        missed=missed,
        motion=rms_motion(points, lengths),
        shake=rms_shake(points, lengths),
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
        ImageError: if the folder holds no frame.
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
        # Mapped, so that memory is taken for what is in the file, not for what it says.
        points = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{path}: cannot be read as an .npy array: {error}") from None
    if points.ndim != 3 or points.shape[2] != 2 or points.dtype.kind not in "fiu":
        raise DatasetError(
            f"{path}: expected frames x landmarks x 2 as numbers, found {points.shape} of "
            f"{points.dtype}"
        )
    places = points.astype(np.float64)
    if not (np.abs(places) < LIMIT).all():  # false for NaN too
        raise DatasetError(f"{path}: expected places in a picture, found a number that is none")
    return places


def _followed(
    aligner: Aligns, frames: Iterable[NDArray[np.uint8]], boxes: Iterable[Box] | None
) -> Iterable[Face | None]:
    """The face of each frame; None where it was not found."""
    last: Face | None = None
    rest, given = iter(frames), None if boxes is None else iter(boxes)
    while some := list(islice(rest, FRAMES_AT_ONCE)):
        drawn = None if given is None else [[box] for box in islice(given, len(some))]
        if drawn is not None and len(drawn) < len(some):
            raise ValueError("expected a box for each frame, found fewer")
        for faces in aligner.many(some, drawn):
            if last is None or drawn is not None:
                now = max(faces, key=lambda face: face.box.size, default=None)
            else:
                now = closest(faces, last.box)
            last = now or last
            yield now
    if given is not None and next(given, None) is not None:
        raise ValueError("expected a box for each frame, found more")


def _rows(faces: Iterable[Face | None], count: int) -> Array:
    lost = np.full((count, 2), np.nan)
    return np.array([lost if face is None else face.landmarks.points[:, :2] for face in faces])


def _check(truth: Array, frames: int, scheme: LandmarkScheme) -> None:
    expected = (frames, scheme.num_landmarks, 2)
    if truth.shape != expected:
        raise DatasetError(
            f"expected a truth of {frames} frames and {scheme.num_landmarks} landmarks, found "
            f"{truth.shape}; name the scheme it is of, and give it for every frame"
        )


def _against(
    faces: Sequence[Face | None], truth: Array, scheme: LandmarkScheme
) -> tuple[float, float]:
    """Mean error and jitter of the frames in which the face was found."""
    mapped = [None if face is None else face.landmarks.map(scheme.name) for face in faces]
    points = np.full(truth.shape, np.nan)
    for row, landmarks in enumerate(mapped):
        if landmarks is not None:
            points[row] = landmarks.points[:, :2]
    seen = np.array([face is not None for face in faces])
    own = next(face.landmarks.scheme.name for face in faces if face is not None)
    held = np.isfinite(find_conversion(own, scheme.name).weights).all(axis=1)
    lengths = distances("inter_ocular", truth, scheme)
    errors = landmark_errors(points[:, held], truth[:, held])
    return float(nme(errors[seen], lengths[seen]).mean()), nmj(points[:, held], truth[:, held])
