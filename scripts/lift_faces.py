"""Lift training faces to 3-D by MediaPipe's face mesh: python THIS DATA OUT.npz.

It runs in an environment of its own, where MediaPipe is (Apache-2.0, weights in its wheel), and
reads the data with the readers of Canthus:

    python -m venv lifting
    lifting/bin/pip install mediapipe==0.10.21
    PYTHONPATH=src lifting/bin/python scripts/lift_faces.py DATA lifted.npz

DATA holds 300w, ytf68 and aflw21; only faces of their split train are lifted, those of aflw21 up
to 50 degrees of yaw. OUT.npz holds, for N faces:

    points      (N, 468, 3) float32; pixels of the picture, x right, y down, z away from the
                camera in the same unit, of which only differences within a face mean something
    group       (N,) whose face it is; the picture's path where the data set does not say
    data_set    (N,) 300w, ytf68 or aflw21
    picture     (N,) the picture's path below DATA

A face in which the network finds none, or another than was annotated, is left out.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import mediapipe
import numpy as np
from numpy.typing import NDArray

from canthus.datasets import LAYOUTS, Sample
from canthus.geometry import Similarity
from canthus.images import warp
from canthus.images.files import read_image

SETS = {"300w": "ibug", "ytf68": "table", "aflw21": "table"}  # and their layouts
LARGEST_YAW = 50  # degrees, where a set says the yaw
SIZE = 320  # pixels: the side of what the network is shown,
SEEN = 2.0  # times as wide as the face's box
NUM_POINTS = 468  # the first ones; those after them are of the irises
FARTHEST = 0.25  # of the box's side, between the middles of what was found and annotated


def main() -> None:
    """Lift the faces, and say how many of each set."""
    root, out = Path(sys.argv[1]), Path(sys.argv[2])
    rows = list(lifted(root))
    points, groups, sets, pictures = zip(*rows, strict=True)
    np.savez_compressed(
        out,
        points=np.array(points, np.float32),
        group=np.array(groups),
        data_set=np.array(sets),
        picture=np.array(pictures),
    )
    print({name: sets.count(name) for name in SETS})


def lifted(root: Path) -> Iterator[tuple[NDArray[np.float32], str, str, str]]:
    """The faces that can be lifted: points, group, data set and picture."""
    with mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, refine_landmarks=True, min_detection_confidence=0.3
    ) as network:
        for name, layout in SETS.items():
            for sample in LAYOUTS[layout](root / name, "train"):
                if abs(sample.yaw_deg or 0) > LARGEST_YAW:
                    continue
                if (points := lift(network, sample)) is not None:
                    picture = sample.image.relative_to(root).as_posix()
                    # A group of 300-W is a photo, of several people.
                    whose = sample.group if layout == "table" and sample.group else picture
                    yield points, whose, name, picture


def lift(network: object, sample: Sample) -> NDArray[np.float32] | None:
    """The points of a face in its picture's pixels, or None where it is not found."""
    cut = Similarity.crop(sample.box.squared().scaled(SEEN), SIZE)
    found = network.process(warp.crop(read_image(sample.image), cut, SIZE)).multi_face_landmarks
    if not found:
        return None
    points = np.array([(p.x, p.y, p.z) for p in found[0].landmark[:NUM_POINTS]]) * SIZE
    points[:, :2] = cut.inverse().apply(points[:, :2] - 0.5)  # centers of pixels are whole numbers
    points[:, 2] /= cut.scale
    known = sample.landmarks.points
    off = np.nanmean(known, axis=0) - points[:, :2].mean(axis=0)
    side = np.ptp(points[:, :2], axis=0).max()
    return None if np.hypot(*off) > FARTHEST * side else points.astype(np.float32)


if __name__ == "__main__":
    main()
