"""How wrong a 3-D model is on faces of AFLW2000-3D: python THIS SAMPLES CROPS MODEL ...

SAMPLES is the data set's folder, or a part of it. CROPS holds `aflw2000_crops`, crops of 120
pixels as 3DDFA's code has them, with `network_mb05.npz`, `pose_aflw2000.npz` and
`data/aflw2000.npz`, which say what they show. Printed are the mean error of the 68 landmarks by
yaw, by the root of the box's area, the mean of the three, the errors of parts, and the mean errors
of the pose of faces of less than 99 degrees. Boxes are the true ones; faces that are in both are
counted once.

If a MODEL's name ends in mb05.onnx, it is the published network, of which CROPS knows the errors on
all 2,000 faces (`nme_aflw2000.npz`). It then tells how much easier these faces are, and an estimate
of what the other models' errors are on all: bin by bin a regression of theirs on its own.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import canthus
from canthus.datasets import aflw2000
from canthus.faces import scheme_of
from canthus.geometry import Box

Floats = NDArray[np.float64]

SIDE = 120  # pixels of a crop
BINS = (30.0, 60.0)  # degrees of yaw: the ends of all bins but the last, which belong to them
PARTS = ("contour", "brow", "nose", "eye", "lip")  # words in the names of the scheme's parts
LARGEST = 99.0  # degrees of any angle, in the figures of the pose


class Sample(NamedTuple):
    """A face: its picture, the landmarks (68, 2) there, and pitch, yaw and roll in degrees."""

    image: NDArray[np.uint8]
    points: Floats
    pose: Floats


def main() -> None:
    """Print the figures of each model."""
    samples, crops, *models = sys.argv[1:]
    faces = dict(of_crops(Path(crops))) | dict(of_pictures(Path(samples)))
    errors = {name: show(name, list(faces.values())) for name in models}
    for control in (name for name in models if name.endswith("mb05.onnx")):
        for name in models:
            if name != control:
                estimate(name, errors[name], errors[control], list(faces.values()), Path(crops))


def estimate(name: str, errors: Floats, beside: Floats, faces: list[Sample], crops: Path) -> None:
    """Print what a model's errors are likely to be on all faces, with standard errors."""
    known = 100 * np.load(crops / "nme_aflw2000.npz")["mb05_v2decode_ori_nme"]
    whole = _bins(np.load(crops / "pose_aflw2000.npz")["pose_para_deg"][:, 1])
    here = _bins(np.array([face.pose[1] for face in faces]))
    means, spreads = [], []
    for number in range(len(BINS) + 1):
        x, y = beside[here == number], errors[here == number]
        slope = np.cov(x, y)[0, 1] / x.var(ddof=1)
        means.append(y.mean() + slope * (known[whole == number].mean() - x.mean()))
        off = y - y.mean() - slope * (x - x.mean())
        spreads.append(np.sqrt((off**2).sum() / (len(x) - 2) / len(x)))
    bins = ", ".join(f"{m:.2f} +- {s:.2f}" for m, s in zip(means, spreads, strict=True))
    print(f"{name}, estimated on all {len(known)} faces: {bins}; mean of bins", end=" ")
    print(f"{np.mean(means):.2f} +- {np.sqrt(np.square(spreads).sum()) / len(spreads):.2f} %")


def _bins(yaw: Floats) -> NDArray[np.int64]:
    return np.digitize(np.abs(yaw), BINS, right=True)


def rows_of(word: str) -> list[int]:
    """The landmarks of the parts that a word is in the names of."""
    parts = scheme_of("68").parts
    return [row for name, rows in parts.items() if word in name for row in rows]


def of_pictures(folder: Path) -> Iterator[tuple[str, Sample]]:
    """The faces of the data set, by the names of their pictures."""
    for sample in aflw2000.read(folder, "all"):
        assert sample.pose is not None
        pose = sample.pose
        angles = np.array([pose.pitch_deg, pose.yaw_deg, pose.roll_deg])
        points = sample.landmarks.points[:, :2].astype(np.float64)
        yield sample.image.stem, Sample(canthus.read_image(sample.image), points, angles)


def of_crops(folder: Path) -> Iterator[tuple[str, Sample]]:
    """The faces of the crops; pixels of their boxes and landmarks are counted from 1."""
    truth = np.load(folder / "data" / "aflw2000.npz")
    poses = np.load(folder / "pose_aflw2000.npz")["pose_para_deg"]
    listed = np.load(folder / "network_mb05.npz")
    pairs = zip(listed["aflw2000_names"], listed["aflw2000_index"], strict=True)
    for name, row in pairs:
        left, top, right, bottom = truth["roi"][row].astype(float)
        scale = SIDE / np.array([right - left, bottom - top])
        corner = np.array([left, top]) - 0.5
        points = (truth["pts68_xy"][row].T - corner) * scale - 0.5
        image = canthus.read_image(folder / "aflw2000_crops" / str(name))
        yield Path(str(name)).stem, Sample(image, points, poses[row].astype(np.float64))


def show(name: str, faces: list[Sample]) -> Floats:
    """Print a model's figures; the errors of all faces, in percent."""
    aligner = canthus.load(name)
    errors, off = [], []
    for face in faces:
        (found,) = aligner(face.image, [Box.around(face.points)])
        apart = np.linalg.norm(found.landmarks.points[:, :2] - face.points, axis=1)
        errors.append(100 * apart / np.sqrt(np.prod(np.ptp(face.points, axis=0))))
        pose = found.pose
        angles = (pose.pitch_deg, pose.yaw_deg, pose.roll_deg) if pose else (np.nan,) * 3
        off.append(np.abs(angles - face.pose) if np.abs(face.pose).max() < LARGEST else angles)
    known = np.array([np.abs(face.pose).max() < LARGEST for face in faces])
    means, bins = np.mean(errors, axis=1), _bins(np.array([face.pose[1] for face in faces]))
    each = [means[bins == number] for number in range(len(BINS) + 1)]
    binned = [part.mean() for part in each]
    pose = np.array(off)[known].mean(axis=0)
    told = ", ".join(f"{mean:.2f} ({len(part)})" for mean, part in zip(binned, each, strict=True))
    print(f"{name}: {told}; mean of bins {np.mean(binned):.2f} %, of {len(faces)} faces", end=" ")
    print(f"{means.mean():.2f} %")
    parts = (f"{word} {np.mean(errors, axis=0)[rows_of(word)].mean():.2f}" for word in PARTS)
    print(f"  {', '.join(parts)} %")
    print(f"  pitch, yaw, roll off by {np.round(pose, 2).tolist()}, mean {pose.mean():.2f} degrees")
    return means


if __name__ == "__main__":
    main()
