"""Faces drawn over their picture, so that a person can judge them at a glance."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces import Face, Landmarks, LandmarkScheme, Pose
from canthus.faces.uncertainty import squared_radius
from canthus.geometry import Similarity
from canthus.images.arrays import as_image
from canthus.images.lettering import BITS, Color, fixed, number_width, write_number
from canthus.images.warp import resize

RIGHT: Color = (74, 190, 255)  # the subject's right side: sky
LEFT: Color = (255, 158, 54)  # the subject's left side: orange
NOSE: Color = (143, 232, 120)
MOUTH: Color = (255, 120, 180)
OUTLINE: Color = (245, 245, 245)  # contour, chin, and whatever has no color of its own
DARK: Color = (16, 18, 24)
# A patch that counted little, middling and much: violet, red, yellow.
COUNTED: tuple[Color, ...] = ((60, 30, 150), (225, 70, 115), (255, 240, 70))
FAILED: Color = (255, 64, 64)  # the box, and the lines across it, of a face that has failed

MIN_LONGER_SIDE = 640  # pixels: smaller pictures are drawn enlarged
_FINE_LINE = 4  # sub-pixels: thinner lines are drawn on an enlarged copy, then averaged
_LINES_SHOW, _BOX_SHOWS, _PLATE_SHOWS = 0.8, 0.6, 0.7  # how far each covers what is below
_HIDDEN_SHOW = 0.35
_RINGS_SHOW, _INSIDES_SHOW = 0.9, 0.25
_SQUARES_SHOW = 0.45
_SPAN = 0.02  # of attention: patches that differ by less look more alike
_HELD = squared_radius(0.95)  # what an ellipse holds
_CORNERS = 60  # of the polygon that stands for an ellipse

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]


def draw_faces(
    image: ArrayLike,
    faces: Sequence[Face],
    *,
    uncertainty: bool = False,
    attention: bool = False,
) -> Pixels:
    """Draw landmarks, the scheme's lines between them, boxes and scores on a copy of a picture.

    What is on the subject's right is blue, on the left orange; the nose is green, the mouth pink,
    the contour white. Sizes follow the face's and the picture's. A picture whose longer side is
    under 640 pixels comes back enlarged by a whole number, to 640 at least, so that lines stay
    finer than what they mark; any other keeps its size. Landmarks that the face itself hides are
    faint. A face that has failed has a red box, crossed out.

    Args:
        image: RGB, anything that `as_image` takes.
        faces: with points in the picture's pixels.
        uncertainty: draw around each point the ellipse that holds the true one in 95 of 100
            cases, as far as the model says.
        attention: draw, in place of lines, what the model looked at last; see `draw_attention`.

    Returns:
        A new uint8 RGB picture (H, W, 3).

    Raises:
        ValueError: if the array is no picture.
    """
    picture = as_image(image)
    times = -(-MIN_LONGER_SIDE // max(picture.shape[:2]))
    canvas = np.array(picture, order="C") if times == 1 else resize(picture, times)
    similarity = Similarity.about((-0.5, -0.5), (-0.5, -0.5), scale=times)
    for face in faces:
        _draw_frame(canvas, face, similarity)
    for face in faces:
        if uncertainty:
            draw_ellipses(canvas, face.landmarks, similarity=similarity)
        if attention and face.attention is not None:
            draw_attention(canvas, face, similarity=similarity)
            continue
        draw_landmarks(canvas, face.landmarks, similarity=similarity, visible=face.visible)
    return canvas


def draw_landmarks(
    canvas: Pixels,
    landmarks: Landmarks,
    *,
    color: Color | None = None,
    similarity: Similarity | None = None,
    weight: float = 1.0,
    visible: NDArray[np.bool_] | None = None,
) -> None:
    """Draw one face's points, and the lines between them, on the canvas itself.

    Unknown points are left out, and lines that end in one.

    Args:
        canvas: uint8 RGB (H, W, 3), contiguous; changed in place.
        landmarks: the points.
        color: one for all, to tell truth from prediction; each part has its own otherwise.
        similarity: from the points' pixels to the canvas's, where they differ.
        weight: how many times as bold as usual, for a canvas that is shown smaller than it is.
        visible: (L,) flags; others are drawn faintly, and below. All are visible by default.
    """
    known = np.flatnonzero(landmarks.known)
    if len(known) == 0:
        return
    points = _within_reach(canvas, landmarks.points[:, :2], similarity)
    side = float(np.ptp(points[known], axis=0).max())
    pen = _Pen.of(side, max(canvas.shape[:2]), landmarks.num_landmarks, weight=weight)
    colors = [color] * len(points) if color else _colors(landmarks.scheme)
    clear = landmarks.known if visible is None else landmarks.known & visible
    with _magnified(canvas, points[known], pen) as (layer, to_layer):
        points = to_layer.apply(points)
        edges = [(a, b) for a, b in landmarks.scheme.edges if landmarks.known[[a, b]].all()]
        if len(faint := np.flatnonzero(landmarks.known & ~clear)):
            bare = layer.copy()
            _draw_lines(layer, points, [e for e in edges if not clear[[*e]].all()], colors, pen)
            _draw_dots(layer, points, faint, colors, pen)
            layer[:] = cv2.addWeighted(layer, _HIDDEN_SHOW, bare, 1 - _HIDDEN_SHOW, 0)
        _draw_lines(layer, points, [e for e in edges if clear[[*e]].all()], colors, pen)
        _draw_dots(layer, points, np.flatnonzero(clear), colors, pen)


def draw_ellipses(
    canvas: Pixels, landmarks: Landmarks, *, similarity: Similarity | None = None
) -> None:
    """Draw where one face's points are in 95 of 100 cases, on the canvas itself.

    Args:
        canvas: uint8 RGB (H, W, 3), contiguous; changed in place.
        landmarks: the points; those without a covariance are left out.
        similarity: from the points' pixels to the canvas's, where they differ.
    """
    covariances = landmarks.covariances
    if covariances is None:
        return
    known = np.flatnonzero(landmarks.known & np.isfinite(covariances).all(axis=(1, 2)))
    if len(known) == 0:
        return
    outlines = [
        _within_reach(canvas, _outline(landmarks.points[i, :2], covariances[i]), similarity)
        for i in known
    ]
    points = _within_reach(canvas, landmarks.points[known, :2], similarity)
    side = float(np.ptp(points, axis=0).max())
    pen = _Pen.of(side, max(canvas.shape[:2]), landmarks.num_landmarks, weight=0.6)
    colors = _colors(landmarks.scheme)
    with _magnified(canvas, np.concatenate(outlines), pen) as (layer, to_layer):
        rings = [fixed(to_layer.apply(outline)) for outline in outlines]
        inside, bare = layer.copy(), layer.copy()
        for index, ring in zip(known, rings, strict=True):
            cv2.fillPoly(inside, [ring], colors[index], cv2.LINE_AA, BITS)
        layer[:] = cv2.addWeighted(inside, _INSIDES_SHOW, bare, 1 - _INSIDES_SHOW, 0)
        bare[:] = layer
        width = pen.width(rimmed=False)
        for index, ring in zip(known, rings, strict=True):
            cv2.polylines(layer, [ring], True, colors[index], width, cv2.LINE_AA, BITS)
        layer[:] = cv2.addWeighted(layer, _RINGS_SHOW, bare, 1 - _RINGS_SHOW, 0)


def draw_attention(canvas: Pixels, face: Face, *, similarity: Similarity | None = None) -> None:
    """Draw the patches that a model looked at last, on the canvas itself.

    The more a patch counted, the brighter are its square and the dot in its middle: from the least
    of this face's to the greatest, about the middle of the colors where these are less than
    `_SPAN` apart, so that no difference is drawn where there is hardly one. Where squares overlap,
    that of the patch that counted most is seen.

    Args:
        canvas: uint8 RGB (H, W, 3), contiguous; changed in place.
        face: one whose attention and patches are known; nothing is drawn otherwise.
        similarity: from the picture's pixels to the canvas's, where they differ.
    """
    if face.attention is None or face.patches is None or len(face.patches) == 0:
        return
    squares = _within_reach(canvas, face.patches, similarity)
    middles = squares.mean(axis=1)
    side = float(np.ptp(middles, axis=0).max())
    pen = _Pen.of(side, max(canvas.shape[:2]), len(squares), weight=1.5)
    shares = _shares(face.attention)
    colors = [_ink(share) for share in shares.tolist()]
    order = np.argsort(shares, kind="stable")
    with _magnified(canvas, squares.reshape(-1, 2), pen) as (layer, to_layer):
        _draw_squares(layer, to_layer.apply(squares)[order], [colors[i] for i in order], pen)
        _draw_dots(layer, to_layer.apply(middles), order, colors, pen)


def _shares(attention: NDArray[np.float32]) -> Points:
    """Where each of (P,) stands between the least, 0, and the greatest, 1."""
    values = attention.astype(np.float64)
    middle = (values.min() + values.max()) / 2
    return np.asarray(0.5 + (values - middle) / max(np.ptp(values), _SPAN), np.float64)


def _ink(share: float) -> Color:
    """The color of a share in [0, 1]."""
    stops = np.linspace(0, 1, len(COUNTED))
    r, g, b = (round(np.interp(share, stops, each)) for each in zip(*COUNTED, strict=True))
    return r, g, b


def draw_pose(
    canvas: Pixels, face: Face, *, similarity: Similarity | None = None, weight: float = 1.0
) -> None:
    """Draw which way a head looks, on the canvas itself: a box that grows toward where it looks.

    The smaller square stands where the outline and the brows are, the larger one is before the
    face. Edges on the subject's right are blue, on the left orange, as far as they run forward;
    an arrow goes from the middle of the smaller square to that of the larger.

    Args:
        canvas: uint8 RGB (H, W, 3), contiguous; changed in place.
        face: one whose pose is known; nothing is drawn otherwise.
        similarity: from the points' pixels to the canvas's, where they differ.
        weight: how many times as bold as usual.
    """
    if face.pose is None or not face.landmarks.known.any():
        return
    corners = _within_reach(canvas, _pose_box(face.landmarks, face.pose), similarity)
    side = float(np.ptp(face.landmarks.points[face.landmarks.known, :2], axis=0).max())
    pen = _Pen.of(
        side * (similarity.scale if similarity else 1), max(canvas.shape[:2]), 68, weight=weight
    )
    with _magnified(canvas, corners, pen) as (layer, to_layer):
        places = to_layer.apply(corners)
        bare = layer.copy()
        for edges, color, bold in _POSE_EDGES:
            for ink, more in ((DARK, 2 * pen.rim), (color, 0.0)):
                width = max(1, round(pen.fine * (bold * pen.line + more)))
                _draw_segments(layer, places, edges, ink, width)
        layer[:] = cv2.addWeighted(layer, _RINGS_SHOW, bare, 1 - _RINGS_SHOW, 0)
        _draw_dot(layer, places[_TIP], 2 * pen.dot * pen.fine, DARK)
        _draw_dot(layer, places[_TIP], 1.5 * pen.dot * pen.fine, NOSE)


# Corners of the smaller square and then of the larger: top right of the subject, top left, bottom
# left, bottom right; then the squares' middles.
_TIP = 9
_POSE_EDGES: tuple[tuple[Sequence[tuple[int, int]], Color, float], ...] = (
    (((0, 1), (1, 2), (2, 3), (3, 0)), OUTLINE, 0.8),
    (((0, 4), (3, 7)), RIGHT, 1.2),
    (((1, 5), (2, 6)), LEFT, 1.2),
    (((4, 5), (5, 6), (6, 7), (7, 4)), OUTLINE, 1.8),
    (((8, _TIP),), NOSE, 2.0),
)


def _pose_box(landmarks: Landmarks, pose: Pose) -> Points:
    """The corners of two squares and their middles, (10, 2), in pixels of the picture.

    The squares are as large and as far from each other as those of 3DDFA_V2.
    """
    known, parts = landmarks.known, landmarks.scheme.parts
    around = [i for part in ("contour", "right_brow", "left_brow") for i in parts.get(part, ())]
    behind = [i for i in around if known[i]] or np.flatnonzero(known)
    half = float(np.ptp(landmarks.points[known, :2], axis=0).max()) * 2**0.5 / 3
    square = np.array([(-1, 1), (1, 1), (1, -1), (-1, -1), (0, 0)], np.float64)
    near = 4 / 3 * half
    squares = (
        np.column_stack([half * square, np.zeros(5)]),
        np.column_stack([near * square, np.full(5, near)]),
    )
    points = np.concatenate([squares[0][:4], squares[1][:4], squares[0][4:], squares[1][4:]])
    turned = points @ pose.rotation.T * (1, -1, 1)
    middle = landmarks.points[behind, :2].mean(axis=0)
    return np.asarray(turned[:, :2] + middle)


def _outline(center: ArrayLike, covariance: ArrayLike) -> Points:
    """The ellipse that holds 95 % of a Gaussian, as a polygon (n, 2)."""
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    variances, axes = np.linalg.eigh(np.asarray(covariance, np.float64))
    return np.asarray(center + circle * np.sqrt(_HELD * variances.clip(0)) @ axes.T, np.float64)


@dataclass(frozen=True, slots=True)
class _Pen:
    """Sizes for one face on one picture, in pixels of the canvas.

    Attributes:
        line: width of a line.
        rim: width of the dark on either side of it, so that it is seen on any skin.
        dot: radius of a point, its rim not counted.
        text: height of a digit.
        fine: how many times larger to draw, for lines that are to be thinner than a few pixels.
    """

    line: float
    rim: float
    dot: float
    text: float
    fine: int

    @classmethod
    def of(
        cls, face_side: float, picture_side: float, num_landmarks: int, *, weight: float = 1.0
    ) -> "_Pen":
        """Large enough for the picture seen as a whole, small enough for the face."""
        wanted = weight * max(face_side / 180, picture_side / 900)
        line = max(min(wanted, face_side / 65), 0.4)
        crowd = float(np.clip((68 / num_landmarks) ** 0.3, 0.6, 1.8))
        text = max(min(max(face_side / 16, picture_side / 75), face_side / 4), 8.0)
        rim = min(0.5 * line, face_side / 200)
        return cls(
            line, rim, 1.5 * crowd * line, text, int(np.clip(round(_FINE_LINE / line), 1, 6))
        )

    def width(self, *, rimmed: bool) -> int:
        """Of a line, in sub-pixels."""
        return max(1, round(self.fine * (self.line + 2 * self.rim * rimmed)))


@contextmanager
def _magnified(canvas: Pixels, points: Points, pen: _Pen) -> Iterator[tuple[Pixels, Similarity]]:
    """The part of the canvas around points, enlarged to draw finely on it, and the map there.

    Pixels are repeated and then averaged again, so those that nothing is drawn on do not change.
    """
    limits, margin = canvas.shape[1::-1], 2 + 3 * (pen.line + pen.dot)
    x0, y0 = np.clip(np.floor(points.min(axis=0) - margin), 0, limits).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(points.max(axis=0) + margin) + 1, 0, limits).astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        x0, y0, x1, y1 = 0, 0, 1, 1  # out of sight: whatever is drawn falls beside the canvas
    place = canvas[y0:y1, x0:x1]
    size = (pen.fine * (x1 - x0), pen.fine * (y1 - y0))
    layer = np.asarray(cv2.resize(place, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    yield layer, Similarity.about((x0 - 0.5, y0 - 0.5), (-0.5, -0.5), scale=pen.fine)
    place[:] = cv2.resize(layer, place.shape[1::-1], interpolation=cv2.INTER_AREA)


def _draw_lines(
    layer: Pixels,
    points: Points,
    edges: Sequence[tuple[int, int]],
    colors: Sequence[Color],
    pen: _Pen,
) -> None:
    """Join points by lines that let the skin below show through."""
    by_color: dict[Color, list[tuple[int, int]]] = {}
    for edge in edges:
        by_color.setdefault(colors[edge[0]], []).append(edge)
    bare = layer.copy()
    _draw_segments(layer, points, edges, DARK, pen.width(rimmed=True))
    for color, lines in by_color.items():
        _draw_segments(layer, points, lines, color, pen.width(rimmed=False))
    layer[:] = cv2.addWeighted(layer, _LINES_SHOW, bare, 1 - _LINES_SHOW, 0)


def _draw_segments(
    layer: Pixels, points: Points, edges: Sequence[tuple[int, int]], color: Color, width: int
) -> None:
    segments = [fixed(points[list(edge)]) for edge in edges]
    cv2.polylines(layer, segments, False, color, width, cv2.LINE_AA, BITS)


def _draw_squares(layer: Pixels, squares: Points, colors: Sequence[Color], pen: _Pen) -> None:
    """Tint what is below squares (P, 4, 2), each in its color, the last above all others."""
    inside, bare = layer.copy(), layer.copy()
    width = max(1, round(pen.fine * pen.line / 2))
    rings = [fixed(square) for square in squares]
    for ring, color in zip(rings, colors, strict=True):
        cv2.fillPoly(inside, [ring], color, cv2.LINE_AA, BITS)
        cv2.polylines(inside, [ring], True, DARK, width, cv2.LINE_AA, BITS)
    layer[:] = cv2.addWeighted(inside, _SQUARES_SHOW, bare, 1 - _SQUARES_SHOW, 0)


def _draw_dots(
    layer: Pixels,
    points: Points,
    indices: NDArray[np.intp],
    colors: Sequence[Color],
    pen: _Pen,
) -> None:
    for index in indices:
        _draw_dot(layer, points[index], 1.5 * pen.dot * pen.fine, DARK)
    for index in indices:
        _draw_dot(layer, points[index], pen.dot * pen.fine, colors[index])


def _draw_dot(layer: Pixels, center: Points, radius: float, color: Color) -> None:
    x, y = fixed(center).tolist()
    cv2.circle(layer, (x, y), round(radius * (1 << BITS)), color, cv2.FILLED, cv2.LINE_AA, BITS)


def _draw_frame(canvas: Pixels, face: Face, similarity: Similarity) -> None:
    """The box, and the score above it, or in its corner where the picture ends above it."""
    box = face.box
    corners = np.array([(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)])
    corners = _within_reach(canvas, corners, similarity)
    pen = _Pen.of(float(np.ptp(corners, axis=0).max()), max(canvas.shape[:2]), 68)
    with _magnified(canvas, corners, pen) as (layer, to_layer):
        bare, lines = layer.copy(), _frame_lines(fixed(to_layer.apply(corners)), face)
        for color, rimmed in ((DARK, True), (FAILED if face.failed else OUTLINE, False)):
            cv2.polylines(layer, lines, True, color, pen.width(rimmed=rimmed), cv2.LINE_AA, BITS)
        layer[:] = cv2.addWeighted(layer, _BOX_SHOWS, bare, 1 - _BOX_SHOWS, 0)
    _draw_score(canvas, f"{face.score:.2f}", corners[0], pen)


def _frame_lines(corners: NDArray[np.int32], face: Face) -> list[NDArray[np.int32]]:
    """A box, and its diagonals if the face has failed."""
    return [corners, corners[[0, 2]], corners[[1, 3]]] if face.failed else [corners]


def _draw_score(canvas: Pixels, score: str, corner: Points, pen: _Pen) -> None:
    """Write a number on a dark plate that stands on a corner of a box."""
    plate = np.array((number_width(score, pen.text) + pen.text, 1.8 * pen.text))
    room = np.maximum(0, canvas.shape[1::-1] - plate)
    corner = np.clip(corner - (0, plate[1]), 0, room)
    with _magnified(canvas, np.array((corner, corner + plate)), pen) as (layer, to_layer):
        (x0, y0), (x1, y1) = np.rint(to_layer.apply((corner, corner + plate))).astype(int)
        below = layer[y0:y1, x0:x1]
        below[:] = np.rint(below + _PLATE_SHOWS * (np.array(DARK) - below)).astype(np.uint8)
        x, y = to_layer.apply((corner[0] + 0.5 * pen.text, corner[1] + 0.4 * pen.text))
        write_number(layer, score, (x, y), pen.fine * pen.text, OUTLINE)


def _within_reach(canvas: Pixels, points: ArrayLike, similarity: Similarity | None) -> Points:
    """Points on the canvas; those too far out to be seen are drawn nearer, as OpenCV needs."""
    mapped = np.asarray(points, np.float64) if similarity is None else similarity.apply(points)
    reach = 4 * max(canvas.shape[:2])
    return np.clip(mapped, -reach, reach)


def _colors(scheme: LandmarkScheme) -> list[Color]:
    """The color of every point, by the part that it is of."""
    colors = [OUTLINE] * scheme.num_landmarks
    for part, indices in scheme.parts.items():
        for index in indices:
            colors[index] = _color(part)
    return colors


def _color(part: str) -> Color:
    words = part.split("_")
    if words[0] in ("right", "left"):
        return RIGHT if words[0] == "right" else LEFT
    if words[0] == "nose":
        return NOSE
    return MOUTH if words[0] in ("mouth", "lip", "lips") else OUTLINE
