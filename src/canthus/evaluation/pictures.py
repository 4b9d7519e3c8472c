"""The faces that went wrong, to look at."""

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.pictures import read_picture
from canthus.evaluation.report import FaceResult
from canthus.faces import Landmarks
from canthus.geometry import Box, Similarity
from canthus.images.drawing import LEFT, RIGHT, draw_landmarks
from canthus.images.warp import crop

TILE = 320  # pixels of a tile's side
VIEW = 1.9  # sides of the face's box that a tile shows
BOLD = 1.5  # weight of what is drawn: a page shows a tile at two thirds of its size, or less
TRUTH, FOUND = RIGHT, LEFT  # sky and orange: told apart by people of any color vision


def draw_face(face: FaceResult) -> NDArray[np.uint8]:
    """A tile (320, 320, 3) around a face's box, with truth and prediction drawn.

    Raises:
        ImageError: if its picture cannot be read.
    """
    sample = face.sample
    return draw_both(read_picture(sample), sample.box, sample.landmarks, face.found)


def draw_both(
    image: NDArray[np.uint8],
    box: Box,
    truth: Landmarks,
    found: Landmarks | None,
    *,
    side: int = TILE,
) -> NDArray[np.uint8]:
    """A tile (side, side, 3) around a box in a picture, with truth and prediction drawn."""
    to_tile = Similarity.crop(box.scaled(VIEW), side)
    tile = crop(image, to_tile, side)
    for landmarks, color in ((truth, TRUTH), (found, FOUND)):
        if landmarks is not None:
            draw_landmarks(tile, landmarks, color=color, similarity=to_tile, weight=BOLD)
    return tile
