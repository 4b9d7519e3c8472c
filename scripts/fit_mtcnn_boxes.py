"""Measure how MTCNN draws its boxes, and fit the map from box and five points to the tight box.

    python scripts/fit_mtcnn_boxes.py ../shared/data

Needs the training splits of 300-W, YouTube Faces (68 points) and AFLW (21 points), and some
minutes. Prints the relation of `canthus.detection.boxes`, the coefficients of
`canthus.detection.tight`, and how well both do on faces held out of the fit.
"""

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample, ibug, tables
from canthus.detection import Mtcnn
from canthus.detection.boxes import measured
from canthus.detection.tight import features
from canthus.geometry import Box, Similarity
from canthus.images.files import read_image
from canthus.images.warp import crop

FOLDS = 4
ROLLS_DEG = (-40, -20, 20, 40)  # every fourth picture of 300-W is turned by these too
ROLLED_WEIGHT = 0.25  # of each roll, against the other sets; they have a weight of 1 each
MIRRORED = np.array([1, 0, 2, 4, 3])
FOUND = 0.25  # intersection over union of the box as it is drawn with the tight square

Face = tuple[str, str, Box, NDArray[np.float32], Box]  # set, group, box, points, tight square


def main(root: Path) -> None:
    """Print all that is measured."""
    faces = list(_found(root))
    upright = [face for face in faces if face[0] in ("300w", "ytf68")]
    relation = measured([face[2] for face in upright], [face[4] for face in upright])
    print(relation)
    rows, wanted = _rows(faces), _wanted(faces)
    mirrored = _rows([_mirror(face) for face in faces])
    weights = _weights(faces)
    both, turned = np.concatenate([rows, mirrored]), wanted * [-1, 1, 1]
    answers, twice = np.concatenate([wanted, turned]), np.tile(weights, 2)
    folds = np.array([zlib.crc32(face[1].encode()) % FOLDS for face in faces])
    guesses = np.empty_like(wanted)
    for fold in range(FOLDS):
        others = np.tile(folds != fold, 2)
        fitted = _fitted(both[others], answers[others], twice[others])
        guesses[folds == fold] = rows[folds == fold] @ fitted
    constant = [-relation.right / relation.scale, -relation.down / relation.scale]
    _report("relation", faces, np.tile([*constant, 1 / relation.scale], (len(faces), 1)))
    _report("map", faces, guesses)
    print(np.array2string(_fitted(both, answers, twice), precision=3, suppress_small=True))


def _found(root: Path) -> Iterator[Face]:
    """Training faces that the detector finds."""
    detect = Mtcnn()
    for name, roll_deg, sample in _samples(root):
        image = read_image(sample.image)
        height, width = image.shape[:2]
        size, scale = max(height, width), 1.0
        if name == "aflw21":  # crops close about the face: they need room, and are small
            size, scale = 4 * size, 2.0
        center, middle = ((width - 1) / 2, (height - 1) / 2), ((size - 1) / 2, (size - 1) / 2)
        view = Similarity.about(center, middle, scale=scale, roll_deg=roll_deg)
        points = np.array(sample.box.as_tuple()).reshape(2, 2)
        if name != "aflw21":
            points = sample.landmarks.points[:, :2].astype(np.float64)
        truth = Box.around(view.apply(points)).squared()
        fits = [
            (detection.box.iou(truth), detection) for detection in detect(crop(image, view, size))
        ]
        fit, best = max(fits, key=lambda pair: pair[0], default=(0.0, None))
        if fit > FOUND and best is not None and best.points is not None:
            yield f"{name}{roll_deg or ''}", sample.group, best.box, best.points, truth


def _samples(root: Path) -> Iterator[tuple[str, float, Sample]]:
    """Which faces: the set, how far to turn the picture, and the face."""
    for number, sample in enumerate(ibug.read(root / "300w", "train")):
        yield "300w", 0, sample
        if number % 4 == 0:
            yield from (("300w", roll_deg, sample) for roll_deg in ROLLS_DEG)
    yield from (("ytf68", 0, sample) for sample in tables.read(root / "ytf68", "train")[::4])
    yield from (("aflw21", 0, sample) for sample in tables.read(root / "aflw21", "train")[::6])


def _rows(faces: list[Face]) -> NDArray[np.float64]:
    return np.array([features(box, points) for _, _, box, points, _ in faces])


def _wanted(faces: list[Face]) -> NDArray[np.float64]:
    """Right, down and side of the tight square, in longer sides of the box."""
    rows = []
    for _, _, box, _, tight in faces:
        right, down = np.subtract(tight.center, box.center).tolist()
        rows.append((right / box.side, down / box.side, tight.side / box.side))
    return np.array(rows)


def _mirror(face: Face) -> Face:
    """The face in the mirror, about the center of its box."""
    name, group, box, points, tight = face
    flipped = points[MIRRORED] * [-1, 1] + [2 * box.center[0], 0]
    return name, group, box, flipped.astype(np.float32), tight


def _weights(faces: list[Face]) -> NDArray[np.float64]:
    names, counts = np.unique([face[0] for face in faces], return_counts=True)
    weight = dict(zip(names.tolist(), (1 / counts).tolist(), strict=True))
    rolled = {name for name in weight if name not in ("300w", "ytf68", "aflw21")}
    return np.array([weight[n] * (ROLLED_WEIGHT if n in rolled else 1) for n, *_ in faces])


def _fitted(
    rows: NDArray[np.float64], wanted: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    root = np.sqrt(weights)[:, None]
    return np.linalg.lstsq(rows * root, wanted * root, rcond=None)[0].astype(np.float64)


def _report(how: str, faces: list[Face], guesses: NDArray[np.float64]) -> None:
    print(f"{how:9} {'faces':>6} {'center':>7} {'p90':>6} {'scale':>6} {'p90':>6} {'iou':>6}")
    names = np.array([face[0] for face in faces])
    for name in sorted(set(names.tolist())):
        errors = np.array(
            [
                _errors(guess, face)
                for guess, face in zip(guesses, faces, strict=True)
                if face[0] == name
            ]
        )
        center, scale, iou = errors.T
        print(
            f"{name:9} {len(errors):6} {center.mean():7.3f} {np.quantile(center, 0.9):6.3f} "
            f"{scale.std():6.3f} {np.quantile(abs(scale), 0.9):6.3f} {iou.mean():6.3f}"
        )


def _errors(guess: NDArray[np.float64], face: Face) -> tuple[float, float, float]:
    """Distance of centers and log of scale, in sides of the truth, and the overlap."""
    box, truth = face[2], face[4]
    (x, y), (right, down, side) = box.center, guess.tolist()
    x, y, half = x + right * box.side, y + down * box.side, side * box.side / 2
    drawn = Box(x - half, y - half, x + half, y + half)
    shift = np.subtract(drawn.center, truth.center)
    return np.hypot(*shift) / truth.side, np.log(drawn.side / truth.side), drawn.iou(truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
