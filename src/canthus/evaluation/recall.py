"""How well a detector finds the faces of a benchmark, and how it draws their boxes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from canthus.datasets import Sample
from canthus.evaluation.benchmarks import Benchmark
from canthus.geometry import Box
from canthus.images.files import read_image

if TYPE_CHECKING:
    from canthus.detection import Detector

LEVELS = (0.3, 0.5, 0.7)  # of the intersection over union that counts as found
STANDARD = 0.5  # the field's own


@dataclass(frozen=True)
class Recall:
    """What a detector found of faces that are known, one in each picture.

    Boxes are compared in one frame: the detector's, brought to the tight square around the
    landmarks by its own relation, against the truth's.

    Attributes:
        faces: how many there were.
        recall: the share found, by the intersection over union asked for.
        extra: boxes per picture that fit no known face at the standard level. The pictures may
            show faces that nobody marked, so this is at most the rate of false positives.
        center: root mean square distance of the centers of found faces, in sides of the truth.
        scale: standard deviation of log(found side / true side) of found faces.
        missed: indices of the faces not found at the standard level.
    """

    faces: int
    recall: Mapping[float, float]
    extra: float
    center: float
    scale: float
    missed: tuple[int, ...]


def measure(
    detector: "Detector",
    benchmark: Benchmark,
    track: Callable[[Sequence[Sample]], Iterable[Sample]] = iter,
) -> Recall:
    """Run a detector over the pictures of a benchmark.

    Raises:
        ImageError: if a picture cannot be read.
    """
    best, overlaps, extra = [], [], 0
    for sample in track(benchmark.samples):
        truth = sample.box.squared()
        drawn = detector(read_image(sample.image))
        boxes = [detection.tight_by(detector.relation).squared() for detection in drawn]
        fits = [box.iou(truth) for box in boxes]
        overlaps.append(max(fits, default=0.0))
        extra += len(boxes) - (overlaps[-1] >= STANDARD)
        if overlaps[-1] >= STANDARD:
            best.append((boxes[int(np.argmax(fits))], truth))
    center, scale = _drawn(best)
    return Recall(
        faces=len(overlaps),
        recall={level: sum(fit >= level for fit in overlaps) / len(overlaps) for level in LEVELS},
        extra=extra / len(overlaps),
        center=center,
        scale=scale,
        missed=tuple(i for i, fit in enumerate(overlaps) if fit < STANDARD),
    )


def share_found(
    detector: "Detector",
    pictures: Sequence[Path],
    track: Callable[[Sequence[Path]], Iterable[Path]] = iter,
) -> float:
    """The share of pictures, each about one face, where some box holds the middle of the picture.

    For data sets whose pictures are centered on the face, as those of AFLW2000-3D.

    Raises:
        ImageError: if a picture cannot be read.
    """
    found = 0
    for picture in track(pictures):
        image = read_image(picture)
        middle = (image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2
        found += any(_holds(detection.box, *middle) for detection in detector(image))
    return found / len(pictures)


def _holds(box: Box, x: float, y: float) -> bool:
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1


def _drawn(pairs: Iterable[tuple[Box, Box]]) -> tuple[float, float]:
    """How boxes lie against the truth: rms distance of centers, deviation of the log scale."""
    rows = [(*_between(box, truth), np.log(box.side / truth.side)) for box, truth in pairs]
    if not rows:
        return float("nan"), float("nan")
    right, down, scale = np.array(rows, np.float64).T
    return float(np.sqrt((right**2 + down**2).mean())), float(scale.std())


def _between(box: Box, truth: Box) -> tuple[float, float]:
    (x, y), (true_x, true_y) = box.center, truth.center
    return (x - true_x) / truth.side, (y - true_y) / truth.side
