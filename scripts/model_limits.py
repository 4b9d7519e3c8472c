"""A portrait as a model meets it at its limits: turned, covered, in a wrong box, of few pixels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.evaluation.occlusion import Patch
from canthus.evaluation.pictures import draw_both
from canthus.evaluation.sweep import Case, turned
from canthus.faces import Landmarks
from canthus.geometry import Box, Similarity
from canthus.images.files import read_image
from canthus.images.sheets import contact_sheet
from canthus.images.warp import crop
from canthus.metrics import landmark_errors
from canthus.runtime import Aligner

PORTRAIT = Path(__file__).parents[1] / "docs" / "pictures" / "astronaut.jpg"  # public domain
FACE = Box(179.4, 87.7, 271.9, 178.2)  # around its landmarks
SMALL = 9  # pixels of a face that has few
COVERED = 0.75  # of the face, from below
GRAY = 127
SIDE = 200  # pixels of a tile's side

Picture = NDArray[np.uint8]


def sheet(aligner: Aligner) -> Picture:
    """The portrait as it is, and at five limits, uint8 RGB.

    The answer is drawn in orange over the answer to the portrait as it is, in blue; how far it is
    astray stands below, on average over landmarks, in distances between the outer eye corners.

    Args:
        aligner: whose limits they are; it has to find something in a given box.
    """
    image = read_image(PORTRAIT)
    (face,) = aligner(image, [FACE])
    usual = face.landmarks.points[:, :2].astype(np.float64)
    outer = face.landmarks.map("68").points[[36, 45], :2]
    length = float(np.linalg.norm(outer[1] - outer[0]))
    tiles, captions = [], []
    for name, shown, case in _cases(image, usual):
        tile, astray = _tile(aligner, shown, case, face.landmarks)
        tiles.append(tile)
        captions.append(f"{name}: {100 * astray / length:.1f} %")
    return contact_sheet(tiles, 3, captions)


def _cases(image: Picture, usual: NDArray[np.float64]) -> list[tuple[str, Picture, Case]]:
    """What each limit is called, what is seen there, and the box that is given."""
    case = Case("scale", 1.0, "", FACE, usual)
    turns = [(f"turned by {deg} degrees", turned(FACE, usual, deg)) for deg in (120, 180)]
    gray = np.full((round(COVERED * FACE.height), round(FACE.width), 3), GRAY, np.uint8)
    top = round(FACE.y1 - COVERED * FACE.height)
    covered = Patch(COVERED, round(FACE.x0), top, gray).over(image)
    return [
        ("as it is", image, case),
        ("box of three times the side", image, replace(case, box=FACE.scaled(3))),
        *((name, turn.shown(image), turn) for name, turn in turns),
        (f"{COVERED:.0%} covered from below", covered, case),
        (f"{SMALL} pixels wide", _coarse(image), case),
    ]


def _coarse(image: Picture) -> Picture:
    """The picture with as many pixels of the face as a distant one has."""
    longer = max(image.shape[:2])
    size = round(longer * SMALL / FACE.width)
    to_small = Similarity.crop(Box.from_xywh(-0.5, -0.5, image.shape[1], image.shape[0]), size)
    return crop(crop(image, to_small, size), to_small.inverse(), longer)


def _tile(aligner: Aligner, shown: Picture, case: Case, usual: Landmarks) -> tuple[Picture, float]:
    """What is seen with both answers drawn, and how far they are apart in pixels."""
    (face,) = aligner(shown, [case.box])
    expected = Landmarks(case.truth.astype(np.float32), usual.scheme)
    found = Landmarks(face.landmarks.points[:, :2], usual.scheme)
    tile = draw_both(shown, Box.around(case.truth), expected, found, side=SIDE)
    apart = landmark_errors(found.points[None].astype(np.float64), case.truth[None])
    return tile, float(np.nanmean(apart))
