"""Covered faces with their landmarks, on one sheet: python THIS DATA OUT.png.

A face a row, its covered share growing to the right; the truth is drawn in blue, the answer in
orange, and the error stands below.

    python scripts/draw_occlusion.py data sheet.png --model hourglass --on 300w-val --faces 4
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import canthus
from canthus.datasets.pictures import read_picture
from canthus.evaluation import Benchmark, given_boxes, open_benchmark
from canthus.evaluation.benchmarks import evenly
from canthus.evaluation.occlusion import SHARES, Chance, patches_of
from canthus.evaluation.pictures import draw_both
from canthus.images.files import write_image
from canthus.images.sheets import contact_sheet
from canthus.metrics import landmark_errors, nme
from canthus.runtime import Aligner


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, metavar="DATA")
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("--model", default="hourglass", metavar="NAME|FILE")
    parser.add_argument("--on", default="300w-val", metavar="BENCHMARK")
    parser.add_argument("--faces", type=int, default=4)
    asked = parser.parse_args()
    aligner, benchmark = canthus.load(asked.model), open_benchmark(asked.on, asked.root)
    rows = evenly(benchmark, asked.faces)
    tiles = [tile for row in rows for tile in tiles_of(aligner, benchmark, row)]
    pictures, captions = zip(*tiles, strict=True)
    write_image(asked.out, contact_sheet(pictures, len(SHARES), captions))


def tiles_of(
    aligner: Aligner, benchmark: Benchmark, row: int
) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """A face at each share, in its first draw, with captions."""
    sample, scheme = benchmark.samples[row], benchmark.scheme.name
    image, boxes = read_picture(sample), given_boxes(benchmark, "jitter") or []
    patches = list(patches_of(benchmark, row, Chance(draws=1)))
    shown = [image, *(patch.over(image) for patch in patches)]
    length = benchmark.lengths(benchmark.normalizer)[[row]]
    for share, picture in zip(SHARES, shown, strict=True):
        (face,) = aligner(picture, [boxes[row]])
        found = face.landmarks.map(scheme)
        tile = draw_both(picture, sample.box, sample.landmarks, found)
        errors = landmark_errors(found.points[None, :, :2], benchmark.truth[[row]])
        yield tile, f"{100 * share:g} % covered, {100 * nme(errors, length)[0]:.2f} %"


if __name__ == "__main__":
    main()
