"""From MTCNN's box and five points to the tight box around the landmarks.

The box alone tells less: it follows the head, and the landmarks of a head that is turned or tilted
lie to one side. A linear map of box and points knows to which.
"""

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import Box

# Fitted to training faces and their mirror images: `python scripts/fit_mtcnn_boxes.py DATA`.
# Rows: 1, the box's width and height, and x and y of the five points, in longer sides of the box
# from its center. Columns: right, down and side of the tight square, in the same frame.
COEFFICIENTS = np.array(
    [
        [0.000, 0.236, -0.009],
        [0.000, -0.275, 0.578],
        [0.000, -0.012, 0.350],
        [0.478, -0.004, 0.157],
        [0.142, 0.118, -0.102],
        [0.478, 0.004, -0.157],
        [-0.142, 0.118, -0.102],
        [-0.874, 0.000, 0.000],
        [0.000, -0.077, -0.195],
        [0.277, -0.211, -0.049],
        [0.049, 0.169, 0.159],
        [0.277, 0.211, 0.049],
        [-0.049, 0.169, 0.159],
    ]
)
LEAST, MOST = 0.5, 1.4  # sides of the tight square that are believed, in longer sides of the box


def features(box: Box, points: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the map is given, (13,)."""
    relative = (points - np.array(box.center)) / box.side
    return np.array([1.0, box.width / box.side, box.height / box.side, *relative.ravel()])


def tight_box(box: Box, points: NDArray[np.float32]) -> Box:
    """The square that stands for the tight box, from a box and five points (5, 2)."""
    right, down, side = (features(box, points) @ COEFFICIENTS).tolist()
    x, y = box.center
    half = min(max(side, LEAST), MOST) * box.side / 2
    x, y = x + right * box.side, y + down * box.side
    return Box(x - half, y - half, x + half, y + half)
