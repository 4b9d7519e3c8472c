"""Drawn faces: whatever is drawn sits exactly at its landmarks, for tests and tutorials.

A face is 68 points in space, so that it can turn and nod, and its features are painted where the
points appear. Its lengths are in inter-ocular distances: x to the picture's right, y down, z away
from the camera, zero midway between the eyes. All chance comes from the generator passed in.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces import Landmarks, scheme_of
from canthus.geometry import Similarity
from canthus.images.canvas import Color, Picture, fill, smooth, stroke
from canthus.images.files import write_image

Points = NDArray[np.float64]

SKINS = ((255, 220, 194), (236, 186, 148), (196, 132, 90), (140, 84, 52), (86, 54, 38))
HAIRS = ((32, 26, 24), (84, 54, 32), (150, 98, 48), (212, 172, 100), (148, 146, 144))
IRISES = ((40, 100, 200), (30, 130, 170), (60, 80, 160))  # blue, as nothing else in a face is
LIPS: Color = (190, 50, 60)
WHITE: Color = (242, 240, 236)
DARK: Color = (40, 22, 22)
IRIS_RADIUS = 0.075
MARGIN = 0.04  # least distance of a landmark to the picture's edge, in sides of the picture

# The right half of a face at rest; the left half mirrors it.
BROW = [
    (-0.63, -0.18, 0.06),
    (-0.54, -0.27, 0),
    (-0.41, -0.3, 0),
    (-0.27, -0.28, 0),
    (-0.15, -0.22, 0),
]
NOSE = [(0, 0, -0.06), (0, 0.15, -0.14), (0, 0.3, -0.23), (0, 0.44, -0.32)]
NOSE_BASE = [(-0.17, 0.54, -0.08), (-0.085, 0.575, -0.14), (0, 0.59, -0.18)]
EYE = [(-0.5, 0, 0), (-0.4, -1, 0), (-0.29, -1, 0), (-0.19, 0, 0), (-0.29, 1, 0), (-0.4, 1, 0)]
UPPER_LIP = [(-0.27, 0.86, -0.04), (-0.17, 0.81, -0.09), (-0.07, 0.785, -0.12), (0, 0.8, -0.12)]
LOWER_LIP = [(0, 0.955, -0.12), (-0.08, 0.95, -0.12), (-0.17, 0.925, -0.09)]
UPPER_INSIDE = [(-0.23, 0.862, -0.05), (-0.09, 0.86, -0.11), (0, 0.865, -0.11)]
LOWER_INSIDE = [(0, 0.868, -0.11), (-0.09, 0.865, -0.11)]


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """A picture, uint8 RGB (S, S, 3), and where its face's landmarks are."""

    image: NDArray[np.uint8]
    landmarks: Landmarks


@dataclass(frozen=True)
class Head:
    """The form of a head and what its face does, in inter-ocular distances."""

    half_width: float = 0.8
    chin: float = 1.26  # how far below the eyes
    eyes: float = 0.05  # half the height of their opening
    brows: float = 0.0  # how far they are raised
    smile: float = 0.0  # how far the corners of the mouth are raised
    mouth: float = 0.0  # the height of its opening


@dataclass(frozen=True)
class Look:
    """The colors of a drawn face, and how it is lit."""

    skin: Color = SKINS[1]
    hair: Color = HAIRS[1]
    iris: Color = IRISES[0]
    shirt: Color = (70, 90, 80)
    wall: Color = (200, 205, 190)
    light: tuple[float, float] = (0.0, 0.0)  # growth of brightness to the right, and downwards
    noise: float = 0.0  # its standard deviation, in gray values
    spots: int = 0  # how many shapes are on the wall


@dataclass(frozen=True, eq=False)
class View:
    """From a face's space to the picture's pixels: a turn of the head, then a similarity."""

    turn: Points  # (2, 3)
    place: Similarity

    def __call__(self, points: ArrayLike) -> Points:
        """Where points in space (n, 3) appear, (n, 2)."""
        return self.place.apply(np.asarray(points, np.float64) @ self.turn.T)


def draw(generator: np.random.Generator, *, size: int = 256) -> DrawnFace:
    """Draw one face of random form, expression, colors, pose and light.

    Args:
        generator: the same state draws the same picture.
        size: of the picture's side, in pixels.
    """
    head = _random_head(generator)
    view = _random_view(generator, head, size)
    return paint(head, _random_look(generator), view, size, generator)


def write(folder: Path, count: int, generator: np.random.Generator, *, size: int = 256) -> None:
    """Draw faces into a folder, in the layout of 300-W: a picture and a `.pts` file for each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        face = draw(generator, size=size)
        write_points(folder / f"face_{number:04d}.pts", face.landmarks)
        write_image(folder / f"face_{number:04d}.png", face.image)


def write_points(path: Path, landmarks: Landmarks) -> None:
    """Write a `.pts` file to a millionth of a pixel."""
    rows = "".join(f"{x:.6f} {y:.6f}\n" for x, y in landmarks.points.astype(float) + 1)
    text = f"version: 1\nn_points: {landmarks.num_landmarks}\n{{\n{rows}}}\n"
    path.write_text(text, encoding="utf-8")


def points_of(head: Head) -> Points:
    """The 68 points of a head in its own space, (68, 3)."""
    turn = np.linspace(0, np.pi / 2, 9)[:, None]
    points = np.zeros((68, 3))
    wide, deep = np.cos(turn) ** 0.8, np.sin(turn) ** 0.9
    chin = head.chin + 0.7 * head.mouth
    points[:9] = np.hstack([-head.half_width * wide, 0.02 + chin * deep, 0.3 * wide])
    points[17:22] = BROW - np.array([0, head.brows, 0])
    points[27:31], points[31:34] = NOSE, NOSE_BASE
    points[36:42] = EYE * np.array([1, head.eyes, 1])
    points[48:52], points[[57, 58, 59]] = UPPER_LIP, LOWER_LIP
    points[60:63], points[[66, 67]] = UPPER_INSIDE, LOWER_INSIDE
    points[[57, 58, 59, 66, 67], 1] += head.mouth * np.array([1, 1, 0.7, 1, 1])
    points[[48, 49, 59, 60], 1] += (head.mouth / 2 - head.smile) * np.array([1, 0.4, 0.4, 1])
    right = points[:, 0] < 0
    mirror = np.array(scheme_of("68").mirror)
    points[mirror[right]] = points[right] * (-1, 1, 1)
    return points


def paint(
    head: Head, look: Look, view: View, size: int, generator: np.random.Generator
) -> DrawnFace:
    """Draw one face as told; only the spots on the wall and the noise are random."""
    space = points_of(head)
    points = view(space)
    picture = np.full((size, size, 3), look.wall, np.float32)
    _paint_spots(picture, look.spots, generator)
    _paint_behind(picture, head, look, view)
    _paint_head(picture, head, look, view)
    for eye, middle in ((slice(36, 42), -0.345), (slice(42, 48), 0.345)):
        _paint_eye(picture, points[eye], view(_ring((middle, 0, 0), IRIS_RADIUS)), look)
    for brow in (slice(17, 22), slice(22, 27)):
        _paint_brow(picture, space[brow], look, view)
    _paint_nose(picture, points, look, view)
    _paint_mouth(picture, points, look)
    return DrawnFace(_lit(picture, look, generator), Landmarks(points, scheme_of("68")))


def _paint_spots(picture: Picture, count: int, generator: np.random.Generator) -> None:
    size = len(picture)
    for _ in range(count):
        middle, radius = generator.uniform(0, size, 2), generator.uniform(0.05, 0.3) * size
        shade = picture[0, 0] * generator.uniform(0.7, 1.15)
        turn = np.linspace(0, 2 * np.pi, generator.integers(3, 9), endpoint=False)
        fill(
            picture, middle + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1), _color(shade)
        )


def _paint_behind(picture: Picture, head: Head, look: Look, view: View) -> None:
    """Shoulders, neck, the hair at the back, and ears."""
    wide, chin = head.half_width, head.chin
    shoulders = [(-1.9, 4, 0.4), (-1.7, chin + 0.9, 0.4), (-0.4, chin + 0.45, 0.4)]
    fill(picture, view(_both_sides(shoulders)), look.shirt)
    neck = [(-0.45, chin + 0.75, 0.4), (-0.4, 0.5, 0.4)]
    fill(picture, view(_both_sides(neck)), _shaded(look.skin, 0.75))
    fill(picture, view(_ring((0, -0.2, 0.4), (wide + 0.12, 0.95))), _shaded(look.hair, 0.8))
    for side in (-1, 1):
        ear = _ring((side * wide, 0.12, 0.32), (0.13, 0.22))
        fill(picture, view(ear), _shaded(look.skin, 0.88))


def _paint_head(picture: Picture, head: Head, look: Look, view: View) -> None:
    """The skin, whose edge is the jaw line, and the hair above the forehead."""
    turn = np.linspace(0, np.pi, 9)[:, None]
    skull = np.hstack([np.cos(turn), -np.sin(turn), np.ones((9, 1))])
    top = skull[1:-1] * (head.half_width, 0.95, 0.3)
    outline = smooth(view(np.concatenate([points_of(head)[:17], top])), closed=True)
    fill(picture, outline, look.skin)
    over, hairline = (
        skull * (head.half_width + 0.06, 1.02, 0.25),
        skull * (head.half_width, 0.6, 0.1),
    )
    fringe = np.concatenate([smooth(view(over)), smooth(view(hairline[::-1]))])
    fill(picture, fringe, look.hair)


def _paint_eye(picture: Picture, eye: Points, iris: Points, look: Look) -> None:
    """An eye (6, 2) in its socket, and an iris that its lids may cover in part.

    The lids are alike above and below, so that the iris seen is centered on the eye's points.
    """
    lids = np.concatenate([smooth(eye[:4])[:-1], smooth(eye[[3, 4, 5, 0]])[:-1]])
    width = float(np.linalg.norm(eye[3] - eye[0]))
    stroke(picture, np.concatenate([lids, lids[:1]]), 0.12 * width, _shaded(look.skin, 0.5))
    fill(picture, lids, WHITE)
    fill(picture, iris, look.iris, within=lids)
    middle = iris.mean(axis=0)
    fill(picture, middle + 0.4 * (iris - middle), DARK, within=lids)


def _paint_brow(picture: Picture, brow: Points, look: Look, view: View) -> None:
    """A brow whose upper edge is at its points (5, 3)."""
    thickness = np.array([0.03, 0.07, 0.08, 0.08, 0.06])  # from the temple to the nose
    if brow[0, 0] > 0:  # the subject's left one, whose points begin at the nose
        thickness = thickness[::-1]
    lower = brow + np.outer(thickness, (0, 1, 0))
    outline = np.concatenate([smooth(view(brow)), smooth(view(lower[::-1]))])
    fill(picture, outline, _shaded(look.hair, 0.7))


def _paint_nose(picture: Picture, points: Points, look: Look, view: View) -> None:
    """One side in shadow, the bridge in light, its tip a dot, and the line of its base."""
    scale = view.place.scale
    fill(picture, points[[27, 28, 29, 30, 33, 34, 35]], _shaded(look.skin, 0.9))
    stroke(picture, smooth(points[27:31]), 0.035 * scale, _shaded(look.skin, 1.12))
    stroke(picture, smooth(points[31:36]), 0.035 * scale, _shaded(look.skin, 0.55))
    tip = 0.045 * scale * _ring((0, 0, 0), 1)[:, :2]
    fill(picture, points[30] + tip, _shaded(look.skin, 1.2))


def _paint_mouth(picture: Picture, points: Points, look: Look) -> None:
    """Lips between the outer points and the inner ones; what they leave open is dark."""
    lips = _mixed(look.skin, LIPS, 0.55)
    upper, lower = smooth(points[48:55]), smooth(points[[54, 55, 56, 57, 58, 59, 48]])
    fill(picture, np.concatenate([upper, lower[1:-1]]), lips)
    upper, lower = smooth(points[60:65]), smooth(points[[64, 65, 66, 67, 60]])
    inside = np.concatenate([upper, lower[1:-1]])
    stroke(
        picture, upper, 0.02 * float(np.linalg.norm(points[54] - points[48])), _shaded(lips, 0.5)
    )
    fill(picture, inside, DARK)


def _lit(picture: Picture, look: Look, generator: np.random.Generator) -> NDArray[np.uint8]:
    across, down = np.meshgrid(*2 * [np.linspace(-0.5, 0.5, len(picture))])
    light = 1 + look.light[0] * across + look.light[1] * down
    noise = generator.normal(0, 1, picture.shape) * look.noise
    return np.clip(np.rint(picture * light[..., None] + noise), 0, 255).astype(np.uint8)


def _random_head(generator: np.random.Generator) -> Head:
    return Head(
        half_width=generator.uniform(0.74, 0.84),
        chin=generator.uniform(1.16, 1.36),
        eyes=generator.uniform(0.03, 0.07),
        brows=generator.uniform(-0.03, 0.08),
        smile=generator.uniform(-0.03, 0.07),
        mouth=max(0.0, generator.uniform(-0.15, 0.2)),
    )


def _random_look(generator: np.random.Generator) -> Look:
    tone = generator.uniform(0, len(SKINS) - 1)
    lighter, darker = SKINS[int(tone)], SKINS[int(tone) + 1]
    return Look(
        skin=_mixed(lighter, darker, tone % 1),
        hair=HAIRS[generator.integers(len(HAIRS))],
        iris=IRISES[generator.integers(len(IRISES))],
        shirt=_color(generator.uniform(30, 230, 3)),
        wall=_color(generator.uniform(60, 230, 3)),
        light=(generator.uniform(-0.5, 0.5), generator.uniform(-0.3, 0.3)),
        noise=generator.uniform(0, 4),
        spots=6,
    )


def _random_view(generator: np.random.Generator, head: Head, size: int) -> View:
    """A view that shows all of the landmarks, somewhere in the picture."""
    turn = turn_of(generator.uniform(-18, 18), generator.uniform(-12, 12))
    scale, roll_deg = generator.uniform(0.2, 0.36) * size, generator.uniform(-30, 30)
    around_zero = View(turn, Similarity.about((0, 0), (0, 0), scale=scale, roll_deg=roll_deg))
    points = around_zero(points_of(head))
    lowest = (MARGIN * size) - points.min(axis=0)
    highest = (1 - MARGIN) * size - points.max(axis=0)
    x, y = generator.uniform(lowest, highest).tolist()
    return View(turn, Similarity.about((0, 0), (x, y), scale=scale, roll_deg=roll_deg))


def turn_of(yaw_deg: float, pitch_deg: float) -> Points:
    """The two rows of a head's rotation that are seen, with the signs of `canthus.faces.Pose`."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    )
    return np.asarray((about_x @ about_y)[:2])


def _ring(middle: tuple[float, float, float], radius: float | tuple[float, float]) -> Points:
    """An ellipse that faces the camera, (40, 3)."""
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    wide, high = np.broadcast_to(radius, 2)
    return middle + np.stack([wide * np.cos(turn), high * np.sin(turn), 0 * turn], axis=1)


def _both_sides(right: list[tuple[float, float, float]]) -> Points:
    """An outline whose left half mirrors its right half, (2 n, 3)."""
    half = np.array(right)
    return np.concatenate([half, half[::-1] * (-1, 1, 1)])


def _shaded(color: Color, factor: float) -> Color:
    return _color(np.minimum(np.array(color) * factor, 255))


def _mixed(one: Color, other: Color, share: float) -> Color:
    return _color((1 - share) * np.array(one) + share * np.array(other))


def _color(values: ArrayLike) -> Color:
    red, green, blue = np.asarray(values, np.float64).tolist()
    return red, green, blue
