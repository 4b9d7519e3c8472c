"""Whether landmarks stand still on a still photo: shifted a little, with noise, compressed.

Shifted by known parts of a pixel, a perfect model's landmarks move by just that; under noise or
compression they stay. How far they stray is what a viewer sees as trembling in a video of
somebody who holds still, so shifts are measured both with a box that follows exactly and with the
detector's own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.datasets.pictures import read_picture
from canthus.evaluation.benchmarks import Benchmark, evenly
from canthus.evaluation.evaluate import Aligns, closest
from canthus.faces import Face
from canthus.geometry import Box, Similarity
from canthus.images.degrade import add_noise, compress
from canthus.images.warp import crop

Array = NDArray[np.float64]

GRID = 32  # OpenCV's bilinear warp knows places to 1/32 of a pixel; on these it is exact
GOLDEN_TURN = math.pi * (3 - math.sqrt(5))  # turns by it spread evenly, however many there are


@dataclass(frozen=True, eq=False)
class Change:
    """What happens to a photo.

    Attributes:
        change: makes the changed photo, uint8 RGB of the same size; told the number of the repeat.
        repeats: how often it is worth doing.
    """

    change: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]
    repeats: int

    def __call__(self, image: NDArray[np.uint8], repeat: int) -> NDArray[np.uint8]:
        """The photo, changed."""
        return self.change(image, repeat)


@dataclass(frozen=True, eq=False)
class _Trial:
    """What a photo is put to.

    Attributes:
        change: of the photo.
        moves: how far each repeat takes its contents right and down, (repeats, 2) pixels.
        detect: whether the aligner finds the face anew each time.
    """

    change: Change
    moves: Array
    detect: bool


@dataclass(frozen=True)
class Stability:
    """How far landmarks stray when their photo is changed a little.

    Attributes:
        photos: how many were changed.
        repeats: how often each.
        rms: root mean square of the distance strayed, over landmarks, repeats and photos, as a
            fraction of the benchmark's normalizer.
        worst: the largest rms of one photo.
        missed: photos where the face was lost under some change; they are in no other figure.
    """

    photos: int
    repeats: int
    rms: float
    worst: float
    missed: int


def shifts(count: int = 16, most: float = 4.0) -> list[tuple[float, float]]:
    """Known shifts (right, down) in pixels: ever longer up to `most`, in ever other directions.

    Each is a whole number of 1/32 pixels both ways.
    """
    lengths = [most * (i + 1) / count for i in range(count)]
    turns = [GOLDEN_TURN * i for i in range(count)]
    return [
        (_on_grid(length * math.cos(turn)), _on_grid(length * math.sin(turn)))
        for length, turn in zip(lengths, turns, strict=True)
    ]


def shifted(image: NDArray[np.uint8], right: float, down: float) -> NDArray[np.uint8]:
    """A picture (H, W, 3) whose contents are moved, bilinear; what comes in is black."""
    height, width = image.shape[:2]
    move = Similarity(np.array([[1.0, 0.0, right], [0.0, 1.0, down]]))
    return crop(image, move, max(height, width))[:height, :width]


def measure(
    aligner: Aligns, benchmark: Benchmark, *, photos: int = 20, detect: bool = False
) -> Stability:
    """Shift some photos of a benchmark and see how well the landmarks follow.

    Args:
        aligner: what to measure.
        benchmark: where the photos come from, evenly chosen.
        photos: how many.
        detect: whether the aligner finds the face anew each time; its box follows otherwise.
    """
    moves = shifts()
    change = Change(lambda image, i: shifted(image, *moves[i]), len(moves))
    return _measured(aligner, benchmark, _Trial(change, np.array(moves), detect), photos)


def measure_changed(
    aligner: Aligns,
    benchmark: Benchmark,
    change: Change,
    *,
    photos: int = 20,
    detect: bool = False,
) -> Stability:
    """Change some photos of a benchmark where they stand, and see how well the landmarks stay.

    Args:
        aligner: what to measure.
        benchmark: where the photos come from, evenly chosen.
        change: what happens to a photo.
        photos: how many.
        detect: whether the aligner finds the face anew each time; it is given the true box
            otherwise.
    """
    trial = _Trial(change, np.zeros((change.repeats, 2)), detect)
    return _measured(aligner, benchmark, trial, photos)


def noisy(sigma: float, repeats: int = 4) -> Change:
    """Adds Gaussian noise of so many gray levels, another in each repeat."""

    def change(image: NDArray[np.uint8], repeat: int) -> NDArray[np.uint8]:
        noise = np.random.default_rng(repeat).normal(0, sigma, image.shape)
        return add_noise(image, noise.astype(np.float32))

    return Change(change, repeats)


def compressed(quality: int) -> Change:
    """Compresses as JPEG of a quality in 1 to 100; that is the same each time, so once."""

    def change(image: NDArray[np.uint8], repeat: int) -> NDArray[np.uint8]:
        # JPEG keeps green best and blue worst; `compress` takes channels in OpenCV's order.
        blue_first = np.ascontiguousarray(image[:, :, ::-1])
        return np.ascontiguousarray(compress(blue_first, quality)[:, :, ::-1])

    return Change(change, 1)


def _measured(aligner: Aligns, benchmark: Benchmark, trial: _Trial, photos: int) -> Stability:
    lengths = benchmark.lengths(benchmark.normalizer)
    chosen = evenly(benchmark, photos)
    strayed = [_strayed(aligner, benchmark.samples[i], trial) for i in chosen]
    each = [
        (apart / lengths[i]) ** 2
        for i, apart in zip(chosen, strayed, strict=True)
        if apart is not None
    ]
    means = [float(squares.mean()) for squares in each]
    return Stability(
        photos=len(chosen),
        repeats=trial.change.repeats,
        rms=math.sqrt(sum(means) / len(means)) if means else math.nan,
        worst=math.sqrt(max(means, default=math.nan)),
        missed=len(chosen) - len(each),
    )


def _strayed(aligner: Aligns, sample: Sample, trial: _Trial) -> Array | None:
    """How far each landmark is from where it should have gone, (repeats, L); None if lost."""
    image, repeats = read_picture(sample), range(trial.change.repeats)
    images = chain([image], (trial.change(image, i) for i in repeats))
    moves = np.concatenate([np.zeros((1, 2)), trial.moves])
    boxes = [_moved(sample.box, *move) for move in moves.tolist()]
    answers = aligner.many(images, None if trial.detect else [[box] for box in boxes])
    found = [
        closest(faces, box) if trial.detect else next(iter(faces), None)
        for faces, box in zip(answers, boxes, strict=True)
    ]
    if any(face is None for face in found):
        return None
    points = np.array([_points(face) for face in found if face is not None])
    away = points[1:] - points[0] - trial.moves[:, None]
    return np.sqrt((away**2).sum(axis=2))


def _points(face: Face) -> Array:
    return face.landmarks.points[:, :2].astype(np.float64)


def _moved(box: Box, right: float, down: float) -> Box:
    return Box(box.x0 + right, box.y0 + down, box.x1 + right, box.y1 + down)


def _on_grid(shift: float) -> float:
    return round(shift * GRID) / GRID
