"""AFLW2000-3D: the arrays beside its pictures, the bins, and the frame of its landmarks."""

import io
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from tests.datasets.conftest import ring

from canthus.datasets import aflw2000
from canthus.errors import DatasetError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A face, and its points annotated again."""
    solid = np.concatenate([ring(68) + 1, np.zeros((68, 1))], axis=1).T
    savemat(tmp_path / "image00002.mat", {"pt3d_68": solid, "Pose_Para": np.full((1, 7), 0.1)})
    np.save(tmp_path / aflw2000.REANNOTATED, ring(68).T[None].astype(np.float32))
    return tmp_path


@pytest.mark.parametrize("head", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\x80\x04"])
def test_an_array_that_is_none_is_refused(root: Path, head: bytes) -> None:
    path = root / aflw2000.REANNOTATED
    path.write_bytes(head + bytes(50 if head else 0))
    with pytest.raises(DatasetError, match=r"pts68\.npy: cannot be read as an array"):
        aflw2000.read(root, "reannotated")


def test_several_arrays_in_one_file_are_refused(root: Path) -> None:
    archive = io.BytesIO()
    np.savez(archive, points=np.ones((1, 2, 68)))
    (root / aflw2000.REANNOTATED).write_bytes(archive.getvalue())
    with pytest.raises(DatasetError, match="cannot be read as an array"):
        aflw2000.read(root, "reannotated")


def test_an_array_that_promises_more_than_it_holds_is_refused(root: Path) -> None:
    path = root / aflw2000.REANNOTATED
    path.write_bytes(path.read_bytes().replace(b"(1, 2, 68), }   ", b"(99999999999,)} "))
    with pytest.raises(DatasetError, match="cannot be read as an array"):
        aflw2000.read(root, "reannotated")


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.99])
def test_an_array_that_is_cut_off_is_refused(root: Path, share: float) -> None:
    path = root / aflw2000.REANNOTATED
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DatasetError, match="cannot be read as an array"):
        aflw2000.read(root, "reannotated")


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bits_in_its_head_give_a_result_or_an_error(root: Path, seed: int) -> None:
    path, random = root / aflw2000.REANNOTATED, np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    for place in random.integers(0, 90, 2):
        data[place] ^= 1 << random.integers(0, 8)
    path.write_bytes(data)
    try:
        faces = aflw2000.read(root, "reannotated")
    except DatasetError:
        return
    assert len(faces) == 1


def test_the_pose_alone_can_be_read(root: Path) -> None:
    pose = aflw2000.pose_of(root / "image00002.mat")
    assert pose.yaw_deg == pytest.approx(np.degrees(0.1))


@pytest.mark.parametrize(
    ("name", "counts"), [("yaw", (1312, 383, 305)), ("yaw_new", (1306, 462, 232))]
)
def test_the_bins_hold_as_many_faces_as_published(
    shared: Path, name: str, counts: tuple[int, int, int]
) -> None:
    yaw = np.load(shared / "parity" / "tddfa" / "data" / "aflw2000.npz")[name]
    bins = [aflw2000._bin(float(angle)) for angle in yaw]
    assert tuple(map(bins.count, ("yaw 0-30", "yaw 30-60", "yaw 60-90"))) == counts


def test_the_landmarks_are_those_of_the_published_evaluation_less_one(shared: Path) -> None:
    folder = shared / "data" / "aflw2000-sample"
    truth = np.load(shared / "parity" / "tddfa" / "data" / "aflw2000.npz")["pts68_xy"]
    found = np.array([f.landmarks.points[:, :2].T for f in aflw2000.read(folder, "all")]) + 1
    rows = [int(np.abs(truth - face).max(axis=(1, 2)).argmin()) for face in found]
    assert rows == sorted(rows)
    np.testing.assert_allclose(found, truth[rows], atol=1e-4)


def test_the_landmarks_annotated_again_lie_where_those_counted_from_0_do(shared: Path) -> None:
    """A pixel's difference in the median is that of the two ways to count."""
    arrays = np.load(shared / "parity" / "tddfa" / "data" / "aflw2000.npz")
    apart = arrays["pts68_reannotated"] - (arrays["pts68_xy"] - 1)
    inside = np.median(apart[:, :, 17:], axis=(0, 2))
    np.testing.assert_allclose(inside, 0, atol=0.1)
