"""How the open face model lies beside another one: python THIS FACE_MODEL.safetensors.

The 68 points of the other model, such as `canthus face-model convert ict` makes, are moved,
turned and scaled onto those of the open model. What is left, by how much they had to nod, and
how large both are then, is printed for the inner points and for all.
"""

import sys
from pathlib import Path

import numpy as np

from canthus.faces.face import angles_of
from canthus.faces.face_model import open_face_model, read_face_model
from canthus.training.lifted import onto


def main() -> None:
    """Print a line for the inner points, and one for all."""
    points = []
    for model in (open_face_model(), read_face_model(Path(sys.argv[1]))):
        points.append(model.keypoints_of(model.neutral).astype(np.float64))
    for name, rows in (("inner points", range(17, 68)), ("all points", range(68))):
        own, other = (each[list(rows)] for each in points)
        weights = np.full(len(own), 1 / len(own))
        laid, turns = onto(other[None], own, weights)
        left = np.sqrt(((laid[0] - own) ** 2).sum(axis=1).mean())
        pitch = angles_of(turns.transpose(0, 2, 1))[0, 1]
        sizes = [np.ptp(each, axis=0).round().astype(int).tolist() for each in (own, laid[0])]
        print(f"{name}: {left:.1f} mm apart, nods by {pitch:.1f} degrees, {sizes} mm")


if __name__ == "__main__":
    main()
