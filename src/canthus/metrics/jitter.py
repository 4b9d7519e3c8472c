"""How landmarks tremble from frame to frame of a clip."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# The authors of NMJ print it in percent of a face that measures 256 x 256 pixels.
NMJ_AS_PRINTED = 100 * 256


def rms_motion(points: ArrayLike, normalizer: ArrayLike) -> float:
    """How far landmarks move from frame to frame: root mean square, as a fraction.

    True motion and trembling count alike; of a face that holds still it is trembling alone. A
    movement is divided by the length of the later frame.

    Args:
        points: (T, L, 2) in pixels; a frame with NaN takes no part.
        normalizer: (T,) lengths in pixels.

    Raises:
        ValueError: if there are less than two frames, or not a length above 0 for each.

    Example:
        >>> rms_motion([[[0, 0]], [[3, 4]], [[3, 4]]], [100, 100, 100])
        0.035355339059327376
    """
    places = _clip(points)
    return _rms(np.diff(places, axis=0) / _lengths(normalizer, len(places))[1:, None, None])


def rms_shake(points: ArrayLike, normalizer: ArrayLike) -> float:
    """How much landmarks change their motion: root mean square of second differences, a fraction.

    Steady motion does not count, so this tells trembling from movement where no truth is known.
    It is scaled so that independent noise of each frame gives what it adds to `rms_motion`. NaN
    of less than three frames.

    Args:
        points: (T, L, 2) in pixels; a frame with NaN takes no part.
        normalizer: (T,) lengths in pixels.

    Raises:
        ValueError: if there are less than two frames, or not a length above 0 for each.

    Example:
        >>> rms_shake([[[0, 0]], [[3, 4]], [[6, 8]]], [100, 100, 100])
        0.0
    """
    places = _clip(points)
    lengths = _lengths(normalizer, len(places))
    # A second difference of noise has the variance 6, a first one 2.
    return _rms(np.diff(places, n=2, axis=0) / lengths[2:, None, None]) / math.sqrt(3)


def nmj(prediction: ArrayLike, truth: ArrayLike) -> float:
    """The normalized mean jitter (Micaelli et al., CVPR 2023, of WFLW-V), as a fraction.

    The root mean square over frames and landmarks of how the error changes from frame to frame,
    divided by sqrt(w * h) of the truth in the later frame. Its authors print it times
    `NMJ_AS_PRINTED`.

    Args:
        prediction: (T, L, 2) in pixels; a frame with NaN takes no part.
        truth: (T, L, 2) in pixels; the same.

    Raises:
        ValueError: if the shapes differ, there are less than two frames, or the truth of one has
            no area.

    Example:
        >>> truth = [[[0, 0], [10, 10]]] * 2
        >>> nmj([[[0, 0], [10, 10]], [[1, 0], [11, 10]]], truth)
        0.1
    """
    found, known = _clip(prediction), _clip(truth)
    if found.shape != known.shape:
        raise ValueError(f"expected clips of one shape, found {found.shape} and {known.shape}")
    sizes = _lengths(np.sqrt(np.ptp(known, axis=1).prod(axis=1)), len(known))
    return _rms(np.diff(found - known, axis=0) / sizes[1:, None, None])


def _rms(steps: Array) -> float:
    """Root mean square length of steps (T, L, 2), over frames without NaN; NaN if there is none."""
    squares = (steps**2).sum(axis=2)
    known = np.isfinite(squares).all(axis=1)
    return float(np.sqrt(squares[known].mean())) if known.any() else float("nan")


def _lengths(normalizer: ArrayLike, frames: int) -> Array:
    """A length of each frame; NaN where the face was lost."""
    lengths = np.asarray(normalizer, np.float64)
    if lengths.shape != (frames,):
        raise ValueError(f"expected {frames} lengths, one a frame, found {lengths.shape}")
    if len(bad := np.flatnonzero(lengths <= 0)):
        raise ValueError(f"expected lengths above 0, found {lengths[bad[0]]:g} in frame {bad[0]}")
    return lengths


def _clip(points: ArrayLike) -> Array:
    places = np.asarray(points, np.float64)
    if places.ndim != 3 or places.shape[2] != 2 or len(places) < 2:
        raise ValueError(f"expected two frames at least, (T, L, 2), found {places.shape}")
    return places
