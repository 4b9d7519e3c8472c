"""Measure how far to the right annotators put their points, against a model without a side.

    python scripts/measure_lean.py ../shared/data

Every validation face is aligned as it is and mirrored; the mean of the two answers cannot lean to
a side. Prints, for each data set, how far the labels lie to its right in pixels of the picture,
with the standard error over the faces.
"""

import sys
from pathlib import Path

import numpy as np

from canthus import Box, Landmarks, load
from canthus.datasets import Sample
from canthus.evaluation import BENCHMARKS, open_benchmark
from canthus.images.files import read_image
from canthus.runtime import Aligner


def main(root: Path) -> None:
    """Print the lean of each data set."""
    aligner = load()
    for name in BENCHMARKS:
        leans = [lean(aligner, sample) for sample in open_benchmark(name, root).samples]
        error = np.std(leans) / np.sqrt(len(leans))
        print(f"{name}: {np.median(leans):+.2f} pixels, standard error {error:.2f}")


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
