"""3DDFA and 3DDFA_V2 as they were published: squares, crops, decoding, pose, tracking.

Both were trained on labels with 1-based pixels, cut squares with whole edges, and mapped landmarks
back through the edges before they were rounded. Ours does neither; this is what it is measured
against. In this file x points right and y down in pictures, as everywhere; z is as published,
toward the viewer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from canthus.images.warp import stretch
from canthus.models import Tddfa
from canthus.models.layers.morphable import DEPTH_SHIFT, POSE
from canthus.models.tddfa import LANDMARKS

Conventions = Literal["v1", "v2"]
Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

SIDE = 120  # of the crops, in pixels
LOWER, LARGER = 0.14, 1.58  # how a detector's box becomes a square
POLE = 0.998  # of the sine of a yaw, beyond which 3DDFA_V2 takes pitch and roll together
LOST = 2020.0  # square pixels: a tracked face whose square is smaller is looked for anew
FRAME = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))  # corners of the square of a pose's box


def square_of_box(box: Sequence[float]) -> Floats:
    """The square (left, top, right, bottom) about a detector's box."""
    left, top, right, bottom = (float(edge) for edge in box[:4])
    side = ((right - left) + (bottom - top)) / 2
    x, y = (left + right) / 2, (top + bottom) / 2 + LOWER * side
    half = int(LARGER * side) / 2
    return np.array([x - half, y - half, x + half, y + half])


def square_of_points(points: ArrayLike) -> Floats:
    """The square about landmarks (n, 2 or more)."""
    low, high = _extent(points)
    half = float((high - low).max()) / 2**0.5
    middle = (low + high) / 2
    return np.concatenate([middle - half, middle + half])


def third_of_square(points: ArrayLike) -> float:
    """A third of the side of the square about landmarks: the size of a pose's box."""
    low, high = _extent(points)
    return float((high - low).max()) * 2**0.5 / 3


def _extent(points: ArrayLike) -> tuple[Floats, Floats]:
    places = np.asarray(points, np.float64)[:, :2]
    return places.min(axis=0), places.max(axis=0)


def cut(image: Image, square: Sequence[float] | Floats) -> Image:
    """The square with its edges rounded to whole pixels; black outside the picture.

    Raises:
        ValueError: if it is wholly outside, or empty.
    """
    x0, y0, x1, y1 = (round(float(edge)) for edge in square)
    height, width = image.shape[:2]
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if left >= right or top >= bottom:
        raise ValueError(
            f"square {x0}, {y0}, {x1}, {y1}: expected one that shows some of the picture of "
            f"{width} x {height} pixels"
        )
    found = np.zeros((y1 - y0, x1 - x0, *image.shape[2:]), np.uint8)
    found[top - y0 : bottom - y0, left - x0 : right - x0] = image[top:bottom, left:right]
    return found


@torch.no_grad()
def look(network: Tddfa, image: Image, squares: Iterable[Floats]) -> Tensor:
    """What the network says of faces in squares, (N, K), whitened."""
    crops = [stretch(cut(image, square), SIDE) for square in squares]
    seen = torch.tensor(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    return network.eval()(seen).whitened


def completed(network: Tddfa, whitened: Tensor) -> Tensor:
    """All coefficients (N, K), where 3DDFA takes fewer: 12, a pose, or one without its depth.

    What is missing becomes the mean of the training faces.
    """
    count = network.config.num_coefficients
    if whitened.shape[1] == POSE:
        return torch.cat([whitened, whitened.new_zeros(len(whitened), count - POSE)], dim=1)
    if whitened.shape[1] == count - 1:
        before, after = whitened[:, :DEPTH_SHIFT], whitened[:, DEPTH_SHIFT:]
        return torch.cat([before, whitened.new_zeros(len(whitened), 1), after], dim=1)
    if whitened.shape[1] == count:
        return whitened
    raise ValueError(
        f"expected {POSE}, {count - 1} or {count} coefficients, found {whitened.shape[1]}"
    )


def places(
    network: Tddfa, coefficients: Tensor, conventions: Conventions, rows: Tensor | None = None
) -> NDArray[np.float32]:
    """Vertices (N, V, 3) in pixels of the crop.

    Args:
        network: whose face model it is.
        coefficients: (N, K), in their own units.
        conventions: whose pixels.
        rows: of the vertices that are wanted; all by default.
    """
    found = network.model.places(coefficients, rows).numpy()
    x, y, z = np.moveaxis(found, -1, 0)
    if conventions == "v1":
        return np.stack([x, SIDE + 1 - y, z], axis=-1)
    return np.stack([x - 1, SIDE - y, z - 1], axis=-1)


def in_picture(
    found: NDArray[np.float32], square: Sequence[float] | Floats, conventions: Conventions
) -> NDArray[np.float32]:
    """Vertices (V, 3) of a crop in pixels of the picture.

    In 3DDFA_V2 the depths begin at 0, whichever vertices these are.
    """
    x0, y0, x1, y1 = (float(edge) for edge in square)
    across, down = (x1 - x0) / SIDE, (y1 - y0) / SIDE
    moved = found * np.array([across, down, (across + down) / 2]) + np.array([x0, y0, 0])
    if conventions == "v2":
        moved[:, 2] -= moved[:, 2].min()
    return moved.astype(np.float32)


def landmarks(
    network: Tddfa, whitened: Tensor, square: Sequence[float] | Floats, conventions: Conventions
) -> NDArray[np.float32]:
    """The 68 landmarks (68, 3) of one face in pixels of the picture."""
    coefficients = network.model.colored(whitened)[None]
    found = places(network, coefficients, conventions, torch.arange(LANDMARKS))
    return in_picture(found[0], square, conventions)


@dataclass(frozen=True, eq=False)
class Turned:
    """A pose, taken out of the first twelve coefficients.

    Attributes:
        scale: pixels of the crop in a unit of the face model.
        rotation: (3, 3); its rows are of length 1, the first two not always square to each other.
        shift: (3,), in pixels of the crop.
        angles: yaw, pitch and roll in radians, by the formula of the conventions.
    """

    scale: float
    rotation: Floats
    shift: Floats
    angles: Floats

    @property
    def camera(self) -> Floats:
        """The rotation and the shift, (3, 4)."""
        return np.column_stack([self.rotation, self.shift])


def turned(pose: ArrayLike, conventions: Conventions) -> Turned:
    """Scale, rotation, shift and angles of a map (3, 4)."""
    matrix = np.asarray(pose, np.float64)
    scale = float(np.linalg.norm(matrix[:2, :3], axis=1).mean())
    right, up = matrix[:2, :3] / np.linalg.norm(matrix[:2, :3], axis=1, keepdims=True)
    rotation = np.stack([right, up, np.cross(right, up)])
    return Turned(scale, rotation, matrix[:, 3], angles(rotation, conventions))


def angles(rotation: Floats, conventions: Conventions) -> Floats:
    """Yaw, pitch and roll in radians. Near the poles roll is 0, and pitch has a sign of its own."""
    sine = float(rotation[2, 0])
    at_pole = abs(sine) > POLE if conventions == "v2" else abs(sine) == 1
    if at_pole:
        sign = 1.0 if sine > 0 else -1.0
        # 3DDFA's yaw at a pole is the opposite of what its formula elsewhere tends to
        yaw = sign * np.pi / 2 * (1 if conventions == "v2" else -1)
        return np.array([yaw, np.arctan2(-sign * rotation[0, 1], -sign * rotation[0, 2]), 0.0])
    yaw = np.arcsin(sine)
    cosine = np.cos(yaw)
    pitch = np.arctan2(rotation[2, 1] / cosine, rotation[2, 2] / cosine)
    return np.array([yaw, pitch, np.arctan2(rotation[1, 0] / cosine, rotation[0, 0] / cosine)])


def pose_box(found: Turned, points: ArrayLike) -> NDArray[np.int32]:
    """The ten corners of the box that shows a pose, (10, 2), in whole pixels of the picture.

    Args:
        found: the pose.
        points: the landmarks (68, 2 or more) in the picture.
    """
    places = np.asarray(points, np.float64)
    projected = box_corners(third_of_square(places)) @ found.rotation.T + found.shift
    flat = projected[:, :2] * [1, -1]
    flat += places[:27, :2].mean(axis=0) - flat[:4].mean(axis=0)
    return flat.astype(np.int32)


def box_corners(half: float) -> Floats:
    """The corners (10, 3): a square about the face, and a larger one behind it."""
    far = int(4 * half / 3)
    near = [(half * x, half * y, 0.0) for x, y in FRAME]
    return np.array(near + [(far * x, far * y, far) for x, y in FRAME], np.float64)


class Tracker:
    """Follows one face through a video: each frame is looked at where the face was before.

    Args:
        network: imported.
        first: the detector's box in the first frame.

    Attributes:
        squares: of all looks so far.
    """

    def __init__(self, network: Tddfa, first: Sequence[float]) -> None:
        self.network = network
        self.squares: list[Floats] = []
        self._box: Sequence[float] | None = first
        self._points: NDArray[np.float32] | None = None

    def __call__(self, frame: Image, box: Sequence[float] | None = None) -> NDArray[np.float32]:
        """The landmarks (68, 3) of the face in the next frame.

        Args:
            frame: RGB, (H, W, 3).
            box: the detector's, where the face may have been lost.

        Raises:
            ValueError: if the face is lost and there is no box.
        """
        if self._points is None:
            assert self._box is not None
            self._points = self._looked(frame, square_of_box(self._box))
            self._points = self._looked(frame, square_of_points(self._points))
            return self._points
        square = square_of_points(self._points)
        if (square[2] - square[0]) * (square[3] - square[1]) < LOST:
            if box is None:
                raise ValueError("the face is lost: expected a detector's box of it, found none")
            square = square_of_box(box)
        self._points = self._looked(frame, square)
        return self._points

    def _looked(self, frame: Image, square: Floats) -> NDArray[np.float32]:
        self.squares.append(square)
        (whitened,) = look(self.network, frame, [square])
        return landmarks(self.network, whitened, square, "v2")


def smoothed(
    frames: Sequence[NDArray[np.float32]], before: int, after: int
) -> list[NDArray[np.float32]]:
    """Landmarks of a video, each the mean over some frames before and after.

    The first and the last frame stand for those that there are not.
    """
    last = len(frames) - 1
    return [
        np.mean([frames[min(max(i, 0), last)] for i in range(at - before, at + after + 1)], axis=0)
        for at in range(len(frames))
    ]
