"""Cutting faces out of pictures, to a fraction of a pixel."""

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.geometry import Similarity

MARGIN = 2  # pixels around a crop's footprint, so that bilinear weights see true neighbors
FOLLOWED = 8  # rounds in which a point of a bent picture is found


def crop(
    image: NDArray[np.uint8],
    similarity: Similarity,
    size: int,
    *,
    fill: int = 0,
    reflect: bool = False,
) -> NDArray[np.uint8]:
    """Cut the size x size crop to which a similarity maps the picture.

    The value at (u, v) is the picture's at `similarity.inverse()` of it, bilinear; what lies
    outside the picture is `fill`. A picture that shrinks to half or less is averaged over whole
    pixels first, so that fine texture does not alias.

    Args:
        image: (H, W, 3) or (H, W).
        similarity: from picture pixels to crop pixels.
        size: of the crop's side, in pixels.
        fill: the gray value outside the picture.
        reflect: let the picture go on as in a mirror outside, instead.
    """
    image, similarity = _cut(image, similarity, size)
    if image.size == 0:
        return np.full((size, size, *image.shape[2:]), fill, np.uint8)
    if (step := int(1 / similarity.scale)) > 1:
        image, similarity = _shrink(image, similarity, step)
    warped = cv2.warpAffine(
        image,
        similarity.matrix,
        (size, size),
        borderMode=cv2.BORDER_REFLECT if reflect else cv2.BORDER_CONSTANT,
        borderValue=(fill, fill, fill),
    )
    return warped.astype(np.uint8, copy=False)


def resize(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """A picture scaled by `scale`: averaged when it shrinks, bilinear when it grows.

    The center of a pixel goes from x to scale * (x + 0.5) - 0.5.
    """
    height, width = (max(1, round(scale * side)) for side in image.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=how).astype(np.uint8, copy=False)


def stretch(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A picture made size x size, bilinear: nothing is averaged when it shrinks, so it aliases.

    For what was trained on such pictures. Pixels' centers move as in `resize`.
    """
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR).astype(
        np.uint8, copy=False
    )


def resample(image: NDArray[np.uint8], places: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture whose pixels come from given places of another, bilinear.

    Outside, the other goes on as in a mirror.

    Args:
        image: (h, w, 3) or (h, w).
        places: (2, H, W), x and y of each pixel of the result.
    """
    x, y = np.ascontiguousarray(places)
    taken = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return taken.astype(np.uint8, copy=False)


def bending(knots: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """Where each pixel of a bent picture comes from, (2, size, size), for `resample`.

    Args:
        knots: (2, K, K), how far x and y of a coarse grid over the picture are moved, in pixels;
            between its knots the way is smooth.
        size: of the picture's side, in pixels.
    """
    number = knots.shape[-1]
    eye = np.eye(number, dtype=np.float32)
    shares = cv2.resize(eye, (number, size), interpolation=cv2.INTER_CUBIC)
    places = shares @ knots.astype(np.float32) @ shares.T
    line = np.arange(size, dtype=np.float32)
    places[0] += line
    places[1] += line[:, None]
    return places


def follow(points: NDArray[np.floating], places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where points of a picture are in the one that `resample` makes of it.

    Args:
        points: (N, 2), in pixels of the picture; NaN stays NaN, and beyond the edge the bending is
            the edge's.
        places: (2, H, W), as of `bending`; a bending that folds the picture has no one answer.
    """
    points = points.astype(np.float32)
    last = np.array(places.shape[:0:-1], np.float32) - 1
    found = points
    for _ in range(FOLLOWED):
        at = np.clip(np.nan_to_num(found), 0, last)
        x, y = np.ascontiguousarray(at.T)[..., None]
        here = [cv2.remap(each, x, y, cv2.INTER_LINEAR) for each in places]
        found = points + (at - np.concatenate(here, axis=1))
    return found


def _cut(
    image: NDArray[np.uint8], similarity: Similarity, size: int
) -> tuple[NDArray[np.uint8], Similarity]:
    """The part of the picture that the crop can see, and the map from that part."""
    low, high = -0.5, size - 0.5
    corners = similarity.inverse().apply([(low, low), (low, high), (high, low), (high, high)])
    margin = MARGIN + (1 / similarity.scale)
    first = np.maximum(np.floor(corners.min(axis=0) - margin), 0)
    last = np.minimum(np.ceil(corners.max(axis=0) + margin) + 1, image.shape[1::-1])
    (x0, y0), (x1, y1) = first.astype(np.int64), np.maximum(last, first).astype(np.int64)
    shift = np.array([[1.0, 0.0, x0], [0.0, 1.0, y0]])
    return image[y0:y1, x0:x1], similarity @ Similarity(shift)


def _shrink(
    image: NDArray[np.uint8], similarity: Similarity, step: int
) -> tuple[NDArray[np.uint8], Similarity]:
    """Average blocks of step x step pixels; the edge is repeated to a whole block."""
    height, width = image.shape[:2]
    below, right = -height % step, -width % step
    if below or right:
        image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE).astype(np.uint8)
    size = (image.shape[1] // step, image.shape[0] // step)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    shift = (step - 1) / 2  # the center of small pixel (0, 0), in pixels of the picture
    return small, similarity @ Similarity(np.array([[step, 0.0, shift], [0.0, step, shift]]))
