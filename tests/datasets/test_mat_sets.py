"""AFLW with 19 points, AFLW2000-3D and 300W-LP: MATLAB files that count from 1."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from tests.datasets.conftest import ring

from canthus.datasets import aflw19, aflw2000, matlab, w300lp
from canthus.datasets.inspection import sheet
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError


@pytest.fixture
def aflw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five faces, of which the permutation puts the last first; three are for training."""
    monkeypatch.setattr(aflw19, "TRAINING_FACES", 3)
    points = np.stack([ring(19, 60 + i) + 1 for i in range(5)])
    mask = np.ones((5, 19))
    mask[0, 4] = 0
    names = np.array([f"0/image0000{i} a.jpg" for i in range(5)], dtype=object)[:, None]
    values = {
        "bbox": np.array([[11.0 + i, 51 + i, 21, 81] for i in range(5)]),  # x1 x2 y1 y2
        "data": points.transpose(0, 2, 1).reshape(5, 38),
        "mask_new": mask,
        "nameList": names,
        "ra": np.array([[5, 4, 3, 2, 1]]),
    }
    savemat(tmp_path / "AFLWinfo_release.mat", values)
    return tmp_path


def test_the_permutation_makes_the_splits(aflw: Path) -> None:
    assert [face.name[11] for face in aflw19.read(aflw, "train")] == ["4", "3", "2"]
    assert [face.name[11] for face in aflw19.read(aflw, "test")] == ["1", "0"]


def test_frontal_faces_are_those_of_which_all_is_seen(aflw: Path) -> None:
    assert [face.name[11] for face in aflw19.read(aflw, "frontal")] == ["1"]


def test_points_of_aflw_are_x_then_y_and_count_from_1(aflw: Path) -> None:
    face = aflw19.read(aflw, "test")[0]
    np.testing.assert_allclose(face.landmarks.points, ring(19, 61), atol=1e-4)


def test_what_is_not_seen_is_not_known(aflw: Path) -> None:
    face = aflw19.read(aflw, "test")[1]
    assert np.flatnonzero(~face.landmarks.known).tolist() == [4]


def test_the_box_is_x_x_y_y(aflw: Path) -> None:
    assert aflw19.read(aflw, "test")[1].box.as_tuple() == (10, 20, 50, 80)


def test_a_name_that_leads_away_is_refused(aflw: Path) -> None:
    values = dict(matlab.load(aflw / "AFLWinfo_release.mat"))
    values["nameList"] = np.array(["../../x.jpg"] * 5, dtype=object)[:, None]
    savemat(aflw / "AFLWinfo_release.mat", values)
    with pytest.raises(DatasetError, match=r"row \d: expected the name of a picture below"):
        aflw19.read(aflw, "test")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("ra", np.array([[1, 1, 2, 3, 4]]), "ra: expected a permutation of 1 to 5"),
        ("data", np.full((5, 38), np.nan), r"data\[0, 0\]: expected a finite number"),
        ("data", np.ones((4, 38)), "data: expected shape 5 x 38"),
        ("bbox", np.array([[51.0, 11, 21, 81]] * 5), "bbox"),
        ("nameList", np.array(["a"], dtype=object)[:, None], "nameList: expected 5 names"),
    ],
)
def test_tables_of_aflw_that_do_not_fit_are_named(
    aflw: Path, name: str, value: np.ndarray, complaint: str
) -> None:
    values = dict(matlab.load(aflw / "AFLWinfo_release.mat"))
    savemat(aflw / "AFLWinfo_release.mat", {**values, name: value})
    with pytest.raises(DatasetError, match=complaint):
        aflw19.read(aflw, "test")


def write_2000(root: Path, number: int, yaw: float = 20.0) -> Path:
    points21 = ring(21).T + 1
    points21[:, 2] = -1
    points21[:, 3] = -1, 452  # turned upside down afterwards
    solid = np.concatenate([ring(68) + 1, np.arange(68)[:, None]], axis=1).T
    angles = np.radians([10.0, yaw, 5.0])
    values = {
        "pt2d": points21,
        "pt3d_68": solid.astype(np.float32),
        "Pose_Para": np.array([[*angles, 1, 2, 3, 0.001]], np.float32),
        "roi": np.array([[1, 1, 450, 450]], np.int16),
    }
    path = root / f"image{number:05d}.mat"
    savemat(path, values)
    return path


@pytest.fixture
def root2000(tmp_path: Path) -> Path:
    for number, yaw in ((2, 20.0), (4, -45.0), (10, 75.0)):
        write_2000(tmp_path, number, yaw)
    return tmp_path


def test_points_in_space_count_from_0_and_z_points_away(root2000: Path) -> None:
    face = aflw2000.read(root2000, "all")[0]
    np.testing.assert_allclose(face.landmarks.points[:, :2], ring(68), atol=1e-3)
    np.testing.assert_allclose(face.landmarks.points[:, 2], -np.arange(68))


def test_the_pose_is_in_degrees_in_the_files_order(root2000: Path) -> None:
    pose = aflw2000.read(root2000, "all")[0].pose
    assert pose is not None
    assert (pose.pitch_deg, pose.yaw_deg, pose.roll_deg) == pytest.approx((10, 20, 5), abs=1e-4)


def test_bins_are_by_the_fitted_yaw(root2000: Path) -> None:
    tags = [face.tags for face in aflw2000.read(root2000, "all")]
    assert tags == [{"yaw 0-30"}, {"yaw 30-60"}, {"yaw 60-90"}]


def test_the_papers_bins_are_there_if_their_file_is(root2000: Path) -> None:
    np.save(root2000 / aflw2000.PAPER_YAW, np.array([31.0, -60.0, 60.5], np.float32))
    tags = [face.tags for face in aflw2000.read(root2000, "all")]
    assert [max(each) for each in tags] == ["yaw 0-30", "yaw 30-60", "yaw 60-90"]
    assert [min(each) for each in tags] == [
        "paper yaw 30-60",
        "paper yaw 30-60",
        "paper yaw 60-90",
    ]


def test_points_annotated_again_count_from_0_already(root2000: Path) -> None:
    again = np.stack([ring(68, 60 + i).T for i in range(3)]).astype(np.float32)
    np.save(root2000 / aflw2000.REANNOTATED, again)
    faces = aflw2000.read(root2000, "reannotated")
    np.testing.assert_allclose(faces[2].landmarks.points, ring(68, 62), atol=1e-4)


def test_points_annotated_again_must_be_there(root2000: Path) -> None:
    with pytest.raises(DatasetError, match="expected this file beside the pictures"):
        aflw2000.read(root2000, "reannotated")


def test_one_row_a_picture(root2000: Path) -> None:
    np.save(root2000 / aflw2000.REANNOTATED, np.ones((2, 2, 68), np.float32))
    with pytest.raises(DatasetError, match=r"shape \(3, 2, 68\), one a picture"):
        aflw2000.read(root2000, "reannotated")


def test_absent_points_of_21_are_not_known(root2000: Path) -> None:
    face = aflw2000.read(root2000, "points21")[0]
    assert np.flatnonzero(~face.landmarks.known).tolist() == [2, 3]
    np.testing.assert_allclose(face.landmarks.points[5], ring(21)[5], atol=1e-4)


@pytest.fixture
def real(shared: Path) -> list[Sample]:
    return aflw2000.read(shared / "data" / "aflw2000-sample", "all")


def test_real_faces_are_read_with_their_pictures(real: list[Sample]) -> None:
    assert len(real) == 61
    assert all(face.image.is_file() for face in real)
    assert sheet(real, 6).ndim == 3


def test_the_nose_of_real_faces_points_to_the_camera(real: list[Sample]) -> None:
    points = np.array([f.landmarks.points for f in real if abs(f.yaw_deg or 0) < 30])
    assert (points[:, 30, 2] < points[:, [0, 16], 2].mean(axis=1)).all()


def test_yaw_is_positive_where_the_nose_points_to_the_pictures_left(real: list[Sample]) -> None:
    turned = [f for f in real if f.pose and abs(f.pose.yaw_deg) > 20 and abs(f.pose.roll_deg) < 30]
    points = np.array([f.landmarks.points[:, :2] for f in turned])
    to_left = points[:, [36, 45], 0].mean(axis=1) - points[:, 30, 0]
    assert (np.sign(to_left) == [np.sign(f.yaw_deg or 0) for f in turned]).mean() > 0.95


def test_roll_is_positive_where_the_head_is_turned_clockwise(real: list[Sample]) -> None:
    upright = [f for f in real if f.pose and abs(f.pose.yaw_deg) < 40]
    eyes = np.array([f.landmarks.points[45, :2] - f.landmarks.points[36, :2] for f in upright])
    rolls = [f.pose.roll_deg for f in upright if f.pose]
    assert np.corrcoef(np.arctan2(eyes[:, 1], eyes[:, 0]), rolls)[0, 1] > 0.9


def test_pitch_is_positive_where_the_nose_points_up(real: list[Sample]) -> None:
    """A head that looks up holds its chin nearer to the camera than its brow."""
    facing = [f for f in real if f.pose and abs(f.pose.yaw_deg) < 30]
    leans = [f.landmarks.points[27, 2] - f.landmarks.points[8, 2] for f in facing]
    assert np.corrcoef(leans, [f.pose.pitch_deg for f in facing if f.pose])[0, 1] > 0.9


@pytest.fixture
def lp(tmp_path: Path) -> Path:
    for name in w300lp.SETS:
        folder = tmp_path / "landmarks" / name
        folder.mkdir(parents=True)
        for step in (0, 17):
            flat, solid = ring(68) + 1, ring(68, 70) + 1
            path = folder / f"{name}_134212_1_{step}_pts.mat"
            savemat(path, {"pts_2d": flat, "pts_3d": solid})
    return tmp_path


@pytest.mark.parametrize(
    ("split", "count", "middle"),
    [
        ("train", 8, 60),
        ("train-3d", 8, 70),
        ("train-flipped", 16, 60),
        ("train-3d-flipped", 16, 70),
    ],
)
def test_the_splits_of_300w_lp(lp: Path, split: str, count: int, middle: float) -> None:
    faces = w300lp.read(lp, split)
    assert len(faces) == count
    np.testing.assert_allclose(faces[0].landmarks.points, ring(68, middle), atol=1e-4)


def test_mirrored_pictures_have_mirrored_landmarks(lp: Path) -> None:
    face, mirrored = (w300lp.read(lp, "train-flipped")[i] for i in (0, 2))
    assert mirrored.name == "AFW_Flip/AFW_134212_1_0.jpg"
    right, left = face.landmarks.points[36], mirrored.landmarks.points[45]
    assert left == pytest.approx((449 - right[0], right[1]), abs=1e-3)


def test_all_turns_of_a_photo_are_one_group(lp: Path) -> None:
    faces = w300lp.read(lp, "train-flipped")
    assert {face.group for face in faces if "afw" in face.tags} == {"AFW/134212"}
    assert faces[2].image == lp / "AFW_Flip" / "AFW_134212_1_0.jpg"


def test_a_missing_set_is_named(lp: Path) -> None:
    for file in (lp / "landmarks" / "IBUG").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match="IBUG: expected landmark files"):
        w300lp.read(lp, "train")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_mat_file_that_is_cut_off_is_an_error(tmp_path: Path, share: float) -> None:
    path = write_2000(tmp_path, 2)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DatasetError, match=r"image00002.mat"):
        aflw2000.read(tmp_path, "all")


@pytest.mark.parametrize("seed", range(400))
def test_flipped_bits_give_a_result_or_an_error(tmp_path: Path, seed: int) -> None:
    path = write_2000(tmp_path, 2)
    data = bytearray(path.read_bytes())
    for place in np.random.default_rng(seed).integers(0, len(data), 8):
        data[place] ^= 1 << (seed % 8)
    path.write_bytes(data)
    try:
        faces = aflw2000.read(tmp_path, "all")
    except DatasetError:
        return
    assert len(faces) == 1


def test_another_kind_of_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "image00002.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    with pytest.raises(DatasetError, match=r"up to version 7.2, found 7.3"):
        aflw2000.read(tmp_path, "all")
