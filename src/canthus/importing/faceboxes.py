"""FaceBoxes as 3DDFA_V2 runs it, all but its network (Zhang et al., IJCB 2017).

The network looks at a grid of boxes, the priors, and says of each how to move it and how likely it
holds a face. Boxes are left, top, right, bottom; edges are pixels' numbers, so that a box from 3 to
5 is three pixels wide. That counts where boxes are compared, and nowhere else.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.detection.windows import best

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

LARGEST = 1080, 720  # width and height of the largest picture that is looked at as it is
MEAN = 123.0, 117.0, 104.0  # red, green, blue: what the network has for black

# Of each scale: a cell's pixels, and its boxes, each a side and how many centers in a row.
SCALES = ((32, ((32, 4), (64, 2), (128, 1))), (64, ((256, 1),)), (128, ((512, 1),)))
MOVE, GROW = 0.1, 0.2  # what an offset of 1 is: in sides of the prior, in its logarithm

POSSIBLE = 0.05  # the score above which a box is weighed
WEIGHED, KEPT = 5000, 750  # at most so many boxes, before and after the overlapping ones go
OVERLAP = 0.3  # as intersection over union, above which the lower score goes
SURE = 0.5  # the score above which a box is a face


def scale_of(width: int, height: int) -> float:
    """By how much a picture is shrunk to be looked at; 1 where it is small enough.

    Raises:
        ValueError: if the picture has no pixels.
    """
    _check_size(width, height)
    return min(1.0, LARGEST[1] / height, LARGEST[0] / width)


def planes(image: Image) -> NDArray[np.float32]:
    """What the network sees of a picture (H, W, 3): (1, 3, H, W), blue first, about 0.

    Raises:
        ValueError: if the picture has another shape, or is not of bytes.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f"picture: expected shape (H, W, 3) of uint8, found {image.shape} of {image.dtype}"
        )
    seen = image.astype(np.float32) - np.array(MEAN, np.float32)
    return np.ascontiguousarray(seen[..., ::-1].transpose(2, 0, 1)[None])


def priors(width: int, height: int) -> Floats:
    """The boxes that the network looks at, (P, 4): center x and y, width, height.

    All are parts of the picture's width and height. They go by scales, then rows, columns and sides
    of boxes; many small ones share a cell, by rows and columns again.

    Args:
        width: of the picture that is looked at, in pixels.
        height: the same.

    Raises:
        ValueError: if the picture has no pixels.
    """
    _check_size(width, height)
    rows = []
    for cell, boxes in SCALES:
        down, across = math.ceil(height / cell), math.ceil(width / cell)
        inside = np.concatenate([_in_cell(*box) for box in boxes])  # centers in cells, and sides
        found = np.empty((down, across, len(inside), 4))
        found[..., 0] = (np.arange(across)[:, None] + inside[:, 0]) * cell
        found[..., 1] = (np.arange(down)[:, None, None] + inside[:, 1]) * cell
        found[..., 2:] = inside[:, 2:]
        rows.append(found.reshape(-1, 4))
    return np.concatenate(rows) / np.array([width, height, width, height])


def decode(offsets: ArrayLike, priors: ArrayLike) -> Floats:
    """The boxes (P, 4) to which priors (P, 4) are moved, in parts of the picture.

    Args:
        offsets: (P, 4), as the network says them: of the center, and of the sides.
        priors: (P, 4), center x and y, width, height.

    Raises:
        ValueError: if these have other shapes.
    """
    moves, boxes = np.asarray(offsets, np.float64), np.asarray(priors, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or moves.shape != boxes.shape:
        raise ValueError(
            f"expected offsets and priors of shape (P, 4), found {moves.shape} and {boxes.shape}; "
            "both are about the picture that the network sees"
        )
    centers = boxes[:, :2] + MOVE * moves[:, :2] * boxes[:, 2:]
    halves = boxes[:, 2:] * np.exp(GROW * moves[:, 2:]) / 2
    return np.concatenate([centers - halves, centers + halves], axis=1)


def nms(rows: ArrayLike, overlap: float = OVERLAP) -> NDArray[np.intp]:
    """The boxes that no surer one overlaps too much: their indices, the surest first.

    Args:
        rows: (N, 5), left, top, right and bottom in pixels, and a score.
        overlap: how much may be shared, as intersection over union.

    Raises:
        ValueError: if the rows have another shape.
    """
    boxes = np.asarray(rows, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 5:
        raise ValueError(f"expected boxes and scores of shape (N, 5), found {boxes.shape}")
    return best(boxes[:, :4] + (0, 0, 1, 1), boxes[:, 4].astype(np.float32), overlap)


def faces(
    offsets: ArrayLike, scores: ArrayLike, looked: tuple[int, int], *, scale: float = 1.0
) -> Floats:
    """The faces in a picture, (N, 5): left, top, right and bottom in its pixels, and the score.

    Args:
        offsets: (P, 4), what the network says of each of its `priors`.
        scores: (P,), in [0, 1].
        looked: width and height of what the network saw, in pixels.
        scale: by how much the picture had been shrunk to that, as `scale_of` says.

    Returns:
        The surest first.

    Raises:
        ValueError: if there are not as many of both as priors, or the scale is not in (0, 1].
    """
    if not 0 < scale <= 1:
        raise ValueError(f"scale: expected one above 0, at most 1, found {scale}")
    seen, known = priors(*looked), np.asarray(scores, np.float64)
    if known.shape != seen.shape[:1]:
        raise ValueError(
            f"scores: expected shape ({len(seen)},) for {looked[0]} x {looked[1]} pixels, "
            f"found {known.shape}; the size is that of the shrunken picture"
        )
    edges = decode(offsets, seen) * np.tile(looked, 2) / scale
    rows = np.column_stack([edges, known])[known > POSSIBLE]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")[:WEIGHED]]
    rows = rows[nms(rows)[:KEPT]]
    return rows[rows[:, 4] > SURE]


def _in_cell(side: int, count: int) -> Floats:
    """The boxes of one side in a cell: where their centers are in it, in cells, and their sides."""
    places = np.arange(count) / count if count > 1 else np.array([0.5])
    y, x = np.meshgrid(places, places, indexing="ij")
    return np.stack([x, y, np.full_like(x, side), np.full_like(x, side)], axis=-1).reshape(-1, 4)


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise ValueError(f"expected a picture of some pixels, found {width} x {height}")
