"""Where to look for landmarks: boxes given or detected, in the one frame the networks know."""

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces import CONVERSIONS, Landmarks
from canthus.geometry import Box, BoxRelation, Similarity

if TYPE_CHECKING:
    from canthus.detection import Detection

Boxes = Sequence[Box] | ArrayLike

TURNED_DEG = 30.0  # the networks are trained on faces turned by that much, and more
ASTRAY = 2.5  # times that a box may be too large or too small, for a model to be believed
# What the networks hardly mind: so far may a box be off without a second look.
WRONG_SIZE = 1.15  # times
WRONG_PLACE = 0.15  # sides of the box
WRONG_TURN_DEG = 25.0
SMALLEST = 1.0  # pixels of a box's longer side
LARGEST = 8.0  # longer sides of the picture; a face that large shows no more than a cheek
# The tight boxes of 4,888 annotated faces have sides of 1.64 to 1 at most.
LONGEST = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look for the landmarks of one face.

    Attributes:
        box: tight around the landmarks, as far as one knows.
        score: how surely there is a face, in [0, 1].
        roll_deg: how far the face is turned, clockwise as seen in the picture; 0 if that is
            too little to matter.
    """

    box: Box
    score: float = 1.0
    roll_deg: float = 0.0

    def to_crop(self, size: int, scale: float) -> Similarity:
        """The map from the picture to the square crop `scale` times the box's longer side."""
        return Similarity.crop(self.box.scaled(scale), size, roll_deg=self.roll_deg)


def from_boxes(boxes: Boxes, size: tuple[int, int], boxes_from: str = "tight") -> list[Look]:
    """Where to look, by boxes from outside.

    Args:
        boxes: boxes, or (N, 4) rows of x0, y0, x1, y1.
        size: the picture's width and height.
        boxes_from: who drew them: "tight", or a detector by name.

    Raises:
        ValueError: naming the box that is none, or is not in the picture; or if nobody knows how
            `boxes_from` draws.
    """
    relation = relation_of(boxes_from)
    looks = []
    for number, box in enumerate(_read(boxes)):
        _check(box, number, size)
        tight = box if boxes_from == "tight" else relation.to_tight(box)
        looks.append(Look(tight))
    return looks


def from_detections(detections: Iterable["Detection"], relation: BoxRelation) -> list[Look]:
    """Where to look, by what a detector found.

    Args:
        detections: where their five points say that a face is turned by more than `TURNED_DEG`,
            it is looked at upright.
        relation: how the detector draws its boxes, where it says no tight box itself.
    """
    looks = []
    for found in detections:
        roll_deg = 0.0 if found.points is None else roll_of(found.points)
        if abs(roll_deg) < TURNED_DEG:
            roll_deg = 0.0
        tight = found.tight
        if tight is None:
            tight = _turned(relation.to_tight(found.box), found.box, roll_deg)
        looks.append(Look(tight, float(found.score), roll_deg))
    return looks


def from_landmarks(landmarks: Landmarks, first: Look, *, most: float = ASTRAY) -> Look:
    """Where to look again, by what the first look found: about the landmarks, upright.

    The first look stands where the landmarks cannot be: `most` times smaller than the box, or
    larger.
    """
    points = landmarks.points[landmarks.known, :2]
    roll_deg = _roll_of_landmarks(landmarks)
    upright = Similarity.about((0, 0), (0, 0), roll_deg=-roll_deg)
    box = Box.around(upright.apply(points)).squared()
    center = upright.inverse().apply(box.center)
    box = box.moved(*((center - box.center) / box.side))
    if not 1 / most < box.side / first.box.side < most:
        return first
    return Look(box, first.score, roll_deg)


def is_off(drawn: Look, found: Look) -> bool:
    """Whether a box is so far off that a second look pays.

    Args:
        drawn: where a network looked.
        found: where it should have looked, by the landmarks that it found.
    """
    ratio = found.box.side / drawn.box.side
    (x, y), (u, v) = drawn.box.center, found.box.center
    away = math.hypot(u - x, v - y) / found.box.side
    turn = abs((found.roll_deg - drawn.roll_deg + 180) % 360 - 180)
    return not 1 / WRONG_SIZE < ratio < WRONG_SIZE or away > WRONG_PLACE or turn > WRONG_TURN_DEG


def _roll_of_landmarks(landmarks: Landmarks) -> float:
    """How far the face is turned; 0 in a scheme that does not know eyes and mouth."""
    if landmarks.scheme.name != "5" and (landmarks.scheme.name, "5") not in CONVERSIONS:
        return 0.0
    five = landmarks.map("5")
    return roll_of(five.points[:, :2]) if five.known.all() else 0.0


def relation_of(boxes_from: str) -> BoxRelation:
    """How a source of boxes draws them.

    Raises:
        ValueError: naming the known sources, if it is none of them.
    """
    if boxes_from == "tight":
        return BoxRelation()
    from canthus.detection import RELATIONS

    if boxes_from not in RELATIONS:
        known = ", ".join(dict.fromkeys(("tight", *RELATIONS)))
        raise ValueError(f"expected boxes from one of {known}; found {boxes_from!r}")
    return RELATIONS[boxes_from]


def roll_of(points: ArrayLike) -> float:
    """How far a face is turned, in degrees clockwise as seen in the picture.

    Both the line between the eyes and the way from the eyes to the mouth tell; each counts by its
    length, so that a face from the side, whose eyes are close, is judged by its height.

    Args:
        points: (5, 2), in the order of scheme "5".
    """
    right_eye, left_eye, _, right_mouth, left_mouth = np.asarray(points, np.float64)
    across = left_eye - right_eye
    down = (right_mouth + left_mouth - right_eye - left_eye) / 2
    x, y = np.array([across[0], across[1]]) + np.array([down[1], -down[0]])
    return math.degrees(math.atan2(y, x))


def _turned(tight: Box, drawn: Box, roll_deg: float) -> Box:
    """The tight box of a turned face: what a detector adds above is then beside or below."""
    (x, y), side = tight.center, tight.side
    turn = Similarity.about(drawn.center, drawn.center, roll_deg=roll_deg)
    new_x, new_y = turn.apply((x, y)).tolist()
    return tight.moved((new_x - x) / side, (new_y - y) / side)


def _read(boxes: Boxes) -> list[Box]:
    if isinstance(boxes, Sequence) and any(isinstance(box, Box) for box in boxes):
        rows: list[object] = [box.as_tuple() if isinstance(box, Box) else box for box in boxes]
    else:
        rows = boxes  # type: ignore[assignment]
    try:
        edges: NDArray[np.float64] = np.asarray(rows, np.float64)
    except (TypeError, ValueError):
        raise ValueError("expected boxes as rows of x0, y0, x1, y1; found other things") from None
    if edges.size == 0:
        return []
    if edges.ndim != 2 or edges.shape[1] != 4:
        raise ValueError(f"expected boxes of shape (N, 4), found {edges.shape}")
    read = []
    for number, row in enumerate(edges.tolist()):
        try:
            read.append(Box(*row))
        except ValueError as error:
            raise ValueError(f"box {number}: {error}") from None
    return read


def _check(box: Box, number: int, size: tuple[int, int]) -> None:
    """Raise if a box cannot be a face of this picture; warn if it is drawn unlike one."""
    width, height = size
    where = f"box {number}, {box.as_tuple()} in a picture of {width} x {height} pixels"
    if box.side > LARGEST * max(size):
        raise ValueError(f"{where}: more than {LARGEST:g} times as large as the picture")
    if box.side < SMALLEST:
        raise ValueError(f"{where}: smaller than a pixel; boxes are in pixels, not in fractions")
    if min(box.x1, width - 0.5) <= max(box.x0, -0.5) or min(box.y1, height - 0.5) <= max(
        box.y0, -0.5
    ):
        raise ValueError(f"{where}: outside the picture")
    if _is_likely_xywh(box, size):
        warnings.warn(
            f"{where}: {box.width:g} x {box.height:g} is no shape of a face; if it is x, y, width, "
            "height, use Box.from_xywh",
            stacklevel=2,
        )


def _is_likely_xywh(box: Box, size: tuple[int, int]) -> bool:
    """No face has this shape, but one would if the last two numbers were width and height."""
    x, y, width, height = box.as_tuple()
    return (
        _elongation(box.width, box.height) > LONGEST
        and width > 0
        and height > 0
        and _elongation(width, height) <= LONGEST
        and x + width <= size[0]
        and y + height <= size[1]
    )


def _elongation(width: float, height: float) -> float:
    return max(width / height, height / width)
