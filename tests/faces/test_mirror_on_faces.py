"""Rule 10: on faces the mirror pairs are the right ones, which no permutation can tell."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import ibug, synthetic
from canthus.faces import find_conversion, scheme_of
from canthus.geometry import Similarity

Face = NDArray[np.float64]  # (L, 2)
Faces = NDArray[np.float64]  # (N, L, 2)


def read_68(shared: Path) -> Faces:
    return np.stack([sample.landmarks.points for sample in ibug.read(shared / "data" / "300w")])


def read_21(shared: Path) -> Faces:
    with (shared / "data" / "aflw21" / "landmarks.csv").open() as file:
        rows = [row[3:] for row in csv.reader(file)][1:]
    return np.array([row for row in rows if "" not in row], np.float64).reshape(-1, 21, 2)


def read_98(shared: Path) -> Faces:
    means = np.load(shared / "parity" / "dpr" / "mean" / "mean_shapes.npz")
    return np.asarray(means["face"], np.float64)[None]


def mirrored(face: Face, scheme_name: str) -> Face:
    """The face in the mirror, laid over itself."""
    swapped = face[list(scheme_of(scheme_name).mirror)] * (-1, 1)
    known = np.isfinite(face[:, 0])
    return Similarity.fit(swapped[known], face[known]).apply(swapped)


def frontal_mean(faces: Faces, scheme_name: str) -> Face:
    """The mean of the most symmetric third, in inter-ocular distances."""
    moves = [np.linalg.norm(mirrored(face, scheme_name) - face, axis=1).mean() for face in faces]
    skew = np.array(moves) / np.ptp(faces, axis=1).max(axis=1)
    kept = faces[skew <= np.quantile(skew, 1 / 3)]
    mean = np.mean([Similarity.fit(face, kept[0]).apply(face) for face in kept], axis=0)
    right, left = map(list, scheme_of(scheme_name).normalizers["inter_ocular"])
    return np.asarray(mean / np.linalg.norm(mean[right].mean(axis=0) - mean[left].mean(axis=0)))


@pytest.mark.parametrize(
    ("read", "own", "scheme_name"),
    [
        pytest.param(read_68, "68", "68", id="300-W"),
        pytest.param(read_68, "68", "29", id="300-W as COFW"),
        pytest.param(read_68, "68", "19", id="300-W as AFLW without ears"),
        pytest.param(read_21, "21", "21", id="AFLW"),
        pytest.param(read_98, "98", "98", id="WFLW"),
        pytest.param(read_98, "98", "106jd", id="WFLW as JD"),
    ],
)
def test_on_real_faces_a_point_and_its_mirror_are_one(
    read: Callable[[Path], Faces], own: str, scheme_name: str, shared: Path
) -> None:
    face = find_conversion(own, scheme_name).convert(frontal_mean(read(shared), own))
    assert_mirror_is_at_home(face, scheme_name)


@pytest.mark.parametrize("scheme_name", ["68", "29", "21", "19"])
def test_on_a_drawn_face_a_point_and_its_mirror_are_one(scheme_name: str) -> None:
    drawn = synthetic.points_of(synthetic.Head())[:, :2]
    assert_mirror_is_at_home(find_conversion("68", scheme_name).convert(drawn), scheme_name)


def assert_mirror_is_at_home(face: Face, scheme_name: str) -> None:
    """Every mirrored point is close to its own place, and closer than to any other."""
    gaps = np.linalg.norm(mirrored(face, scheme_name)[:, None] - face[None], axis=2)
    known = np.isfinite(face[:, 0])
    gaps = gaps[known][:, known]
    assert gaps.diagonal().max() < 0.04
    assert gaps.argmin(axis=1).tolist() == list(range(len(gaps)))
