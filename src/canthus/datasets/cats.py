"""Drawn cats: faces that are no human's, with landmarks known exactly, to try one's own data with.

As in `synthetic`, a face is points in space, its lengths in distances of the outer eye corners.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from canthus.datasets.formats import FORMATS
from canthus.datasets.sample import Sample
from canthus.datasets.synthetic import DrawnFace, Points, View, turn_of, write_points
from canthus.faces import Landmarks, LandmarkScheme
from canthus.geometry import Box, Similarity
from canthus.images.canvas import Color, Picture, fill, smooth, stroke
from canthus.images.files import write_image

COATS = ((70, 66, 66), (214, 140, 70), (236, 232, 224), (150, 148, 150), (120, 84, 56))
EYES = ((120, 180, 60), (220, 180, 60), (90, 160, 200))
PINK: Color = (226, 140, 144)
DARK: Color = (30, 22, 24)
MARGIN = 0.04  # least distance of a landmark to the picture's edge, in sides of the picture

NAMES = (
    *("right_ear_outer", "right_ear_tip", "right_ear_inner"),
    *("left_ear_inner", "left_ear_tip", "left_ear_outer"),
    *("right_eye_outer", "right_eye_inner", "left_eye_inner", "left_eye_outer"),
    *("right_nostril", "left_nostril", "nose_bottom"),
    *("right_mouth", "mouth_middle", "left_mouth"),
    *("right_pad", "left_pad"),  # where the whiskers grow
    *("right_cheek", "chin", "left_cheek"),
)
SCHEME = LandmarkScheme(
    name="cat",
    num_landmarks=21,
    mirror=(5, 4, 3, 2, 1, 0, 9, 8, 7, 6, 11, 10, 12, 15, 14, 13, 17, 16, 20, 19, 18),
    parts={
        "right_ear": (0, 1, 2),
        "left_ear": (3, 4, 5),
        "right_eye": (6, 7),
        "left_eye": (8, 9),
        "nose": (10, 11, 12),
        "mouth": (13, 14, 15),
        "right_pad": (16,),
        "left_pad": (17,),
        "contour": (18, 19, 20),
    },
    edges=(
        *((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (6, 7), (8, 9), (10, 11), (11, 12), (10, 12)),
        *((13, 14), (14, 15), (0, 18), (18, 19), (19, 20), (5, 20), (12, 14)),
    ),
    normalizers={"ear_tips": ((1,), (4,))},
    names=NAMES,
)


@dataclass(frozen=True)
class Cat:
    """What tells one cat from another, and what its face does.

    Attributes:
        coat: the color of its fur, and of its stripes.
        eyes: their color.
        ears: how high their tips are above the eyes.
        apart: how far to the side they are.
        cheek: half the width of the face.
        open: half the height of an eye's opening.
    """

    coat: tuple[Color, Color]
    eyes: Color
    ears: float
    apart: float
    cheek: float
    open: float


def write(
    folder: Path, cats: int, pictures: int, generator: np.random.Generator, *, size: int = 256
) -> None:
    """Draw cats into a folder: pictures with a `.pts` beside each, and `cats.json`, as COCO has it.

    Args:
        folder: for `pictures/cat_0000_0.png` and so on, and `cats.json`.
        cats: how many.
        pictures: of each cat.
        generator: the same state draws the same pictures.
        size: of a picture's side, in pixels.
    """
    samples = []
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for number in range(cats):
        cat = random_cat(generator)
        for view in range(pictures):
            face = draw(cat, generator, size=size)
            path = folder / "pictures" / f"cat_{number:04d}_{view}.png"
            write_image(path, face.image)
            box = Box.around(face.landmarks.points)
            samples.append(Sample(path, box, face.landmarks))
    FORMATS["coco"].write(samples, folder / "cats.json")
    for sample in samples:
        write_points(sample.image.with_suffix(".pts"), sample.landmarks)


def random_cat(generator: np.random.Generator) -> Cat:
    """A cat of random colors and form."""
    coat = COATS[generator.integers(len(COATS))]
    return Cat(
        coat=(_shaded(coat, generator.uniform(0.85, 1.1)), _shaded(coat, 0.6)),
        eyes=EYES[generator.integers(len(EYES))],
        ears=generator.uniform(0.72, 1.0),
        apart=generator.uniform(0.5, 0.68),
        cheek=generator.uniform(0.78, 0.95),
        open=generator.uniform(0.06, 0.12),
    )


def draw(cat: Cat, generator: np.random.Generator, *, size: int = 256) -> DrawnFace:
    """Draw a cat in a random pose and light, before a random wall."""
    points = points_of(replace(cat, open=cat.open * generator.uniform(0.6, 1.2)))
    view = _random_view(points, generator, size)
    picture = np.full((size, size, 3), generator.uniform(50, 235, 3), np.float32)
    for _ in range(6):
        middle, radius = generator.uniform(0, size, 2), generator.uniform(0.05, 0.3) * size
        spot = _ring((0, 0, 0), radius)[:, :2] * generator.uniform(0.4, 1, 2)
        fill(picture, middle + spot, _shaded(picture[0, 0], generator.uniform(0.6, 1.15)))
    _paint_head(picture, cat, points, view)
    _paint_eyes(picture, cat, points, view)
    _paint_muzzle(picture, cat, points, view)
    light = 1 + generator.uniform(-0.4, 0.4) * np.linspace(-0.5, 0.5, size)[:, None]
    noise = generator.normal(0, generator.uniform(0, 5), picture.shape)
    image = np.clip(np.rint(picture * light + noise), 0, 255).astype(np.uint8)
    return DrawnFace(image, Landmarks(view(points), SCHEME))


def points_of(cat: Cat) -> Points:
    """The 21 points of a cat's face in its own space, (21, 3)."""
    points = np.zeros((len(NAMES), 3))
    points[:3] = (-cat.cheek, -0.3, 0.2), (-cat.apart, -cat.ears, 0.1), (-0.2, -0.52, 0.05)
    points[6:8] = (-0.5, -0.03, 0.0), (-0.2, 0.05, -0.08)
    points[[10, 12]] = (-0.09, 0.34, -0.3), (0, 0.41, -0.31)
    points[13:15] = (-0.2, 0.56, -0.18), (0, 0.5, -0.28)
    points[16] = -0.24, 0.42, -0.22
    points[18:20] = (-cat.cheek, 0.3, 0.2), (0, 0.74, -0.1)
    right = points[:, 0] < 0
    points[np.array(SCHEME.mirror)[right]] = points[right] * (-1, 1, 1)
    return points


def _paint_head(picture: Picture, cat: Cat, points: Points, view: View) -> None:
    """Ears, whose corners are points, and the head, whose edge goes through cheeks and chin."""
    fur, stripes = cat.coat
    for ear in (points[:3], points[3:6]):
        fill(picture, view(ear), fur)
        fill(picture, view(ear.mean(axis=0) + 0.6 * (ear - ear.mean(axis=0))), PINK)
    top = [(-0.6, -0.42, 0.1), (0, -0.56, 0.05), (0.6, -0.42, 0.1)]
    outline = np.concatenate([points[[0]], top, points[[5, 20, 19, 18]]])
    fill(picture, smooth(view(outline), closed=True), fur)
    for side in (-0.14, 0, 0.14):
        line = view([(side, -0.52, 0), (0.8 * side, -0.24, -0.05)])
        stroke(picture, line, 0.05 * view.place.scale, stripes)


def _paint_eyes(picture: Picture, cat: Cat, points: Points, view: View) -> None:
    """Almonds from corner to corner, with an upright pupil."""
    for corners in (points[6:8], points[8:10]):
        middle = corners.mean(axis=0)
        upper, lower = (middle + np.array([0, side * cat.open, 0]) for side in (-1, 1))
        half = [smooth(view([corners[0], each, corners[1]])) for each in (upper, lower)]
        lids = np.concatenate([half[0], half[1][::-1]])
        stroke(picture, lids, 0.03 * view.place.scale, DARK)
        fill(picture, lids, cat.eyes)
        fill(picture, view(_ring(middle, 0.035)), DARK, within=lids)


def _paint_muzzle(picture: Picture, cat: Cat, points: Points, view: View) -> None:
    """Pads with whiskers, the nose's triangle, and the mouth below it."""
    scale, pale = view.place.scale, _shaded(cat.coat[0], 1.35)
    for pad, side in ((points[16], -1), (points[17], 1)):
        fill(picture, view(_ring(pad, 0.17)), pale)
        fill(picture, view(_ring(pad, 0.03)), DARK)
        for lift in (-0.12, 0, 0.12):
            whisker = view([pad, pad + np.array([0.75 * side, lift, 0.1])])
            stroke(picture, whisker, 0.012 * scale, (245, 245, 245))
    fill(picture, view(points[10:13]), PINK)
    mouth = smooth(view(points[13:16]))
    stroke(picture, mouth, 0.03 * scale, DARK)
    stroke(picture, view(points[[12, 14]]), 0.025 * scale, DARK)


def _random_view(points: Points, generator: np.random.Generator, size: int) -> View:
    """A view that shows all of the landmarks, somewhere in the picture."""
    turn = turn_of(generator.uniform(-25, 25), generator.uniform(-15, 15))
    scale, roll_deg = generator.uniform(0.22, 0.4) * size, generator.uniform(-30, 30)
    seen = View(turn, Similarity.about((0, 0), (0, 0), scale=scale, roll_deg=roll_deg))(points)
    low, high = MARGIN * size - seen.min(axis=0), (1 - MARGIN) * size - seen.max(axis=0)
    x, y = generator.uniform(low, np.maximum(low, high)).tolist()
    return View(turn, Similarity.about((0, 0), (x, y), scale=scale, roll_deg=roll_deg))


def _ring(middle: ArrayLike, radius: float) -> Points:
    """A circle that faces the camera, (24, 3)."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    return np.asarray(np.asarray(middle) + radius * ring)


def _shaded(color: ArrayLike, factor: float) -> Color:
    red, green, blue = np.clip(np.asarray(color, np.float64) * factor, 0, 255).tolist()
    return red, green, blue
