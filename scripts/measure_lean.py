"""Measure how far to the right annotators put their points, against a model without a side.

    python scripts/measure_lean.py ../shared/data

Every validation face is aligned as it is and mirrored; the mean of the two answers cannot lean to
a side. Prints, for each data set and each quarter of its faces by size, how far the labels lie to
its right: medians, in pixels of the picture and in percent of the longer side of the face's box,
with the standard error over the faces.
"""

import sys
from pathlib import Path

import numpy as np

from canthus import Box, Landmarks, load
from canthus.datasets import Sample
from canthus.evaluation import open_benchmark
from canthus.evaluation.protocols import VALIDATION
from canthus.images.files import read_image
from canthus.runtime import Aligner


def main(root: Path) -> None:
    """Print the lean of each data set."""
    aligner = load()
    for name in VALIDATION:
        samples = sorted(open_benchmark(name, root).samples, key=lambda sample: sample.box.side)
        leans = np.array([lean(aligner, sample) for sample in samples])
        sides = np.array([sample.box.side for sample in samples])
        every, *quarters = [np.arange(len(leans)), *np.array_split(np.arange(len(leans)), 4)]
        print(f"{name}: {_said(leans, sides, every)}")
        for part in quarters:
            print(f"  faces of {sides[part[0]]:.0f} to {sides[part[-1]]:.0f} pixels: ", end="")
            print(_said(leans, sides, part))


def _said(leans: np.ndarray, sides: np.ndarray, part: np.ndarray) -> str:
    """The median lean of some faces, in pixels and in their sides."""
    told = []
    for values, unit in ((leans[part], "pixels"), (100 * leans[part] / sides[part], "%")):
        error = np.std(values) / np.sqrt(len(values))
        told.append(f"{np.median(values):+.2f} {unit}, standard error {error:.2f}")
    return "; ".join(told)


def lean(aligner: Aligner, sample: Sample) -> float:
    """How far one face's labels lie to the right of the middle of both answers, in pixels."""
    image, box = read_image(sample.image), sample.box
    width = image.shape[1]
    there = Box(width - 1 - box.x1, box.y0, width - 1 - box.x0, box.y1)
    (face,) = aligner(image, [box])
    (mirrored,) = aligner(image[:, ::-1], [there])
    answers = [face.landmarks, mirrored.landmarks.mirrored(width)]
    scheme = sample.landmarks.scheme.name
    middle = np.mean([_in_scheme(answer, scheme) for answer in answers], axis=0)
    return float(np.nanmean(sample.landmarks.points[:, 0] - middle[:, 0]))


def _in_scheme(landmarks: Landmarks, scheme: str) -> np.ndarray:
    return landmarks.map(scheme).points


if __name__ == "__main__":
    main(Path(sys.argv[1]))
