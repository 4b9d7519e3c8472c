"""How well landmarks told to be seen are those that people marked: python THIS DATA MODEL.

DATA holds aflw21, in which only landmarks that were seen are marked; MODEL fits a face model and
says how each head is turned. The mean face of the open model is turned so. A face counts whose
yaw is within 15 degrees of the annotated one. With a third word, a face model's file, that
model's mean face is taken instead.
"""

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import canthus
from canthus.datasets import LAYOUTS, Sample
from canthus.faces import Face
from canthus.faces.face_model import OPEN, FaceModel, read_face_model
from canthus.images import visibility

FACES = 2600  # drawn at random, by seed 0
# Points of scheme 21, and those of scheme 68 at the same places; ears are none.
MARKED = (0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 14, 15, 17, 19, 20)
SAME = (17, 19, 21, 22, 24, 26, 36, 39, 42, 45, 31, 30, 35, 48, 54, 8)
SURE = 15.0  # degrees
SHARES = (0.08, 0.12, 0.16)

Flags = NDArray[np.bool_]


def main() -> None:
    """Print the agreement, for several depths below which nothing hides a landmark."""
    root, weights, path = Path(sys.argv[1]), sys.argv[2], Path([*sys.argv, OPEN][3])
    samples = LAYOUTS["table"](root / "aflw21", "train")
    chosen = [samples[i] for i in np.random.default_rng(0).permutation(len(samples))[:FACES]]
    faces = canthus.load(weights, once=True).many(
        [sample.image for sample in chosen], [[sample.box] for sample in chosen]
    )
    pairs = [(s, f) for s, (f,) in zip(chosen, faces, strict=True) if off(s, f) <= SURE]
    known = np.array([sample.landmarks.known for sample, _ in pairs])[:, MARKED]
    yaw = np.array([abs(face.pose.yaw_deg) for _, face in pairs if face.pose])
    model = read_face_model(path)
    for share in SHARES:
        visibility.BEFORE = share
        start = time.perf_counter()
        seen = np.array([flags(model, face) for _, face in pairs])
        spent = 1000 * (time.perf_counter() - start) / len(pairs)
        print(f"before by {share}: {spent:.2f} ms a face")
        show(seen, known, yaw)


def off(sample: Sample, face: Face) -> float:
    """How far the yaw found is from the annotated one, in degrees."""
    assert face.pose is not None
    return np.inf if sample.yaw_deg is None else abs(face.pose.yaw_deg - sample.yaw_deg)


def flags(model: FaceModel, face: Face) -> Flags:
    """Which landmarks of the mean face are seen when it is turned as a face is."""
    assert face.fit is not None
    return visibility.visible_keypoints(model, model.neutral @ face.fit.camera[:, :3].T)


def show(seen: Flags, known: Flags, yaw: NDArray[np.float64]) -> None:
    """Print the figures of faces turned little, much, and in all."""
    same = seen[:, SAME]
    for name, rows in (
        ("all", yaw >= 0),
        ("beyond 45", yaw > 45),
        ("within 20", yaw < 20),
        ("within 10", yaw < 10),
    ):
        print(
            f"  {name}, {rows.sum()} faces: {(same == known)[rows].mean():.3f} agree, "
            f"{known[rows].mean():.3f} are marked, {(known & ~same)[rows].mean():.3f} are marked "
            f"and hidden; of all 68 {seen[rows].mean():.3f} are seen, of the outline "
            f"{seen[rows][:, :17].mean():.3f}"
        )


if __name__ == "__main__":
    main()
