"""Whether landmarks stand still on a still photo: shifted a little, with noise, compressed.

Shifted by known parts of a pixel, a perfect model's landmarks move by just that; under noise or
compression they stay. How far they stray is what a viewer sees as trembling in a video of
somebody who holds still, so shifts are measured both with a box that follows exactly and with the
detector's own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.datasets.pictures import read_picture
from canthus.evaluation.benchmarks import Benchmark
from canthus.evaluation.evaluate import Aligns, closest
from canthus.faces import Face
from canthus.geometry import Box, Similarity
from canthus.images.degrade import add_noise, compress
from canthus.images.warp import crop

Array = NDArray[np.float64]
Change = Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]

GRID = 32  # OpenCV's bilinear warp knows places to 1/32 of a pixel; on these it is exact
GOLDEN_TURN = math.pi * (3 - math.sqrt(5))  # turns by it spread evenly, however many there are


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
    chosen = _chosen(benchmark, photos)
    strayed = [_strayed(aligner, benchmark.samples[i], moves, detect) for i in chosen]
    return _summed_up(benchmark, chosen, strayed, len(moves))


def measure_changed(
    aligner: Aligns, benchmark: Benchmark, change: Change, *, photos: int = 20, repeats: int = 4
) -> Stability:
    """Change some photos of a benchmark where they stand, and see how well the landmarks stay.

    Args:
        aligner: what to measure; it is given the true box.
        benchmark: where the photos come from, evenly chosen.
        change: what happens to a photo; the second argument is the number of the repeat.
        photos: how many.
        repeats: how often each is changed.
    """
    chosen = _chosen(benchmark, photos)
    strayed = [_strayed_in_place(aligner, benchmark.samples[i], change, repeats) for i in chosen]
    return _summed_up(benchmark, chosen, strayed, repeats)


def noisy(sigma: float) -> Change:
    """Adds Gaussian noise of so many gray levels, another in each repeat."""

    def change(image: NDArray[np.uint8], repeat: int) -> NDArray[np.uint8]:
        noise = np.random.default_rng(repeat).normal(0, sigma, image.shape)
        return add_noise(image, noise.astype(np.float32))

    return change


def compressed(quality: int) -> Change:
    """Compresses as JPEG of a quality in 1 to 100."""
    return lambda image, _: compress(image, quality)


def _chosen(benchmark: Benchmark, photos: int) -> list[int]:
    """The indices of some photos, evenly spread."""
    places = np.linspace(0, len(benchmark.samples) - 1, photos)
    return [int(i) for i in np.unique(places.round())]


def _summed_up(
    benchmark: Benchmark, chosen: Sequence[int], strayed: Sequence[Array | None], repeats: int
) -> Stability:
    lengths = benchmark.lengths(benchmark.normalizer)
    each = [
        (apart / lengths[i]) ** 2
        for i, apart in zip(chosen, strayed, strict=True)
        if apart is not None
    ]
    means = [float(squares.mean()) for squares in each]
    return Stability(
        photos=len(chosen),
        repeats=repeats,
        rms=math.sqrt(sum(means) / len(means)) if means else math.nan,
        worst=math.sqrt(max(means, default=math.nan)),
        missed=len(chosen) - len(each),
    )


def _strayed(
    aligner: Aligns, sample: Sample, moves: Sequence[tuple[float, float]], detect: bool
) -> Array | None:
    """How far each landmark is from where the shift took it, (shifts, L); None if lost."""
    image = read_picture(sample)
    every = [(0.0, 0.0), *moves]
    boxes = [_moved(sample.box, *move) for move in every]
    images = [shifted(image, *move) for move in every]
    answers = aligner.many(images, None if detect else [[box] for box in boxes])
    found = [
        closest(faces, box) if detect else next(iter(faces), None)
        for faces, box in zip(answers, boxes, strict=True)
    ]
    if any(face is None for face in found):
        return None
    points = np.array([_points(face) for face in found if face is not None])
    away = points[1:] - points[0] - np.array(moves)[:, None]
    return np.sqrt((away**2).sum(axis=2))


def _strayed_in_place(
    aligner: Aligns, sample: Sample, change: Change, repeats: int
) -> Array | None:
    """How far each landmark is from where it was on the photo itself, (repeats, L)."""
    image = read_picture(sample)
    images = [image, *(change(image, repeat) for repeat in range(repeats))]
    answers = aligner.many(images, [[sample.box]] * len(images))
    found = [next(iter(faces), None) for faces in answers]
    if any(face is None for face in found):
        return None
    points = np.array([_points(face) for face in found if face is not None])
    return np.sqrt(((points[1:] - points[0]) ** 2).sum(axis=2))


def _points(face: Face) -> Array:
    return face.landmarks.points[:, :2].astype(np.float64)


def _moved(box: Box, right: float, down: float) -> Box:
    return Box(box.x0 + right, box.y0 + down, box.x1 + right, box.y1 + down)


def _on_grid(shift: float) -> float:
    return round(shift * GRID) / GRID
