"""300-W, Menpo and MERL-RAV: pictures beside `.pts` files that count from 1."""

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.conftest import ring, write_pair, write_pts

from canthus.datasets import menpo, merl_rav, w300
from canthus.errors import DatasetError
from canthus.images.files import write_image


@pytest.fixture
def w300_root(tmp_path: Path) -> Path:
    """300-W in small, with the odd names that iBUG's part has."""
    for folder, name in (
        ("helen/testset", "296814969_3.jpg"),
        ("helen/trainset", "100032540_1.jpg"),
        ("lfpw/testset", "image_0001.png"),
        ("lfpw/trainset", "image_0002.png"),
        ("afw", "1051618982_1.jpg"),
        ("afw", "1051618982_2.jpg"),
        ("ibug", "image_003 _mirror.jpg"),
        ("ibug", "image.final.jpg"),
        ("300W/01_Indoor", "indoor_001.png"),
        ("300W/02_Outdoor", "outdoor_001.png"),
    ):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        write_pair(tmp_path / folder / name, ring(68))
    return tmp_path


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("common", ["helen/testset/296814969_3.jpg", "lfpw/testset/image_0001.png"]),
        ("challenging", ["ibug/image.final.jpg", "ibug/image_003 _mirror.jpg"]),
        ("private", ["01_Indoor/indoor_001.png", "02_Outdoor/outdoor_001.png"]),
    ],
)
def test_the_splits_of_300w(w300_root: Path, split: str, names: list[str]) -> None:
    assert [face.name for face in w300.read(w300_root, split)] == names


def test_full_is_common_and_challenging(w300_root: Path) -> None:
    faces = w300.read(w300_root, "full")
    assert [sorted(face.tags) for face in faces] == [
        ["common", "helen"],
        ["common", "lfpw"],
        ["challenging", "ibug"],
        ["challenging", "ibug"],
    ]


def test_points_of_300w_count_from_1_on_disk_and_from_0_here(w300_root: Path) -> None:
    face = w300.read(w300_root, "challenging")[0]
    np.testing.assert_allclose(face.landmarks.points, ring(68), atol=1e-3)


def test_faces_of_one_photo_are_one_group(w300_root: Path) -> None:
    faces = [face for face in w300.read(w300_root, "train") if "afw" in face.tags]
    assert {face.group for face in faces} == {"afw/1051618982"}


def test_a_part_of_300w_that_is_missing_is_named(w300_root: Path, tmp_path: Path) -> None:
    for file in (w300_root / "ibug").iterdir():
        file.unlink()
    (w300_root / "ibug").rmdir()
    with pytest.raises(DatasetError, match="ibug: expected this folder of 300-W, found none"):
        w300.read(w300_root, "full")


@pytest.mark.parametrize("count", [49, 51, 66])
def test_other_counts_are_refused(w300_root: Path, count: int) -> None:
    write_pair(w300_root / "ibug" / "a.jpg", ring(count))
    with pytest.raises(DatasetError, match=f"a.pts: expected 68 points, found {count}"):
        w300.read(w300_root, "challenging")


def test_what_is_there_of_300w_is_not_the_training_set(shared: Path) -> None:
    with pytest.raises(DatasetError, match="lfpw/trainset: expected this folder of 300-W"):
        w300.read(shared / "data" / "300w", "train")


@pytest.fixture
def menpo_root(tmp_path: Path) -> Path:
    for folder in ("trainset/semifrontal", "testset/semifrontal"):
        (tmp_path / folder).mkdir(parents=True)
        write_pair(tmp_path / folder / "aflw__face_1 a.jpg", ring(68))
    (tmp_path / "trainset" / "profile").mkdir()
    write_pair(tmp_path / "trainset" / "profile" / "side.jpg", ring(39))
    return tmp_path


@pytest.mark.parametrize("split", ["train", "test"])
def test_menpo_is_read_without_its_profiles(menpo_root: Path, split: str) -> None:
    (face,) = menpo.read(menpo_root, split)
    assert face.name == f"{split}set/semifrontal/aflw__face_1 a.jpg"
    np.testing.assert_allclose(face.landmarks.points, ring(68), atol=1e-3)


def test_menpos_profiles_are_refused_by_name(menpo_root: Path) -> None:
    with pytest.raises(DatasetError, match="order of the 39 points of Menpo's profile faces"):
        menpo.read(menpo_root, "train-profile")


def test_a_profile_among_the_others_is_refused(menpo_root: Path) -> None:
    write_pair(menpo_root / "testset" / "semifrontal" / "b.jpg", ring(39))
    with pytest.raises(DatasetError, match=r"b.pts: expected 68 points, found 39: the order"):
        menpo.read(menpo_root, "test")


def test_menpo_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected \.pts files below a folder test or testset"):
        menpo.read(tmp_path, "test")


@pytest.fixture
def merl_root(tmp_path: Path) -> Path:
    """A face of each pose; the frontal one is hidden in part."""
    for pose in merl_rav.POSES:
        folder = tmp_path / "merl_rav_labels" / pose / "testset" / "labels"
        write_pts(folder / "image00023_1.pts", ring(68))
    points = ring(68)
    points[5] = -points[5] - 2  # as written -(x + 1): hidden by something else
    points[7] = -2  # as written -1: hidden by the face itself
    frontal = tmp_path / "merl_rav_labels" / "frontal" / "testset" / "labels"
    write_pts(frontal / "image00023_1.pts", points, end="\r\n", head="\ufeff")
    return tmp_path


def test_a_minus_sign_means_hidden(merl_root: Path) -> None:
    face = merl_rav.read(merl_root, "test")[0]
    assert face.visible is not None
    assert np.flatnonzero(~face.visible).tolist() == [5, 7]
    np.testing.assert_allclose(face.landmarks.points[5], ring(68)[5], atol=1e-3)


def test_hidden_by_the_face_itself_is_not_known(merl_root: Path) -> None:
    face = merl_rav.read(merl_root, "test")[0]
    assert np.flatnonzero(~face.landmarks.known).tolist() == [7]


def test_poses_are_tags_and_make_the_groups_of_reports(merl_root: Path) -> None:
    faces = merl_rav.read(merl_root, "test")
    assert [sorted(face.tags) for face in faces] == [
        ["frontal"],
        ["left", "profile"],
        ["half", "lefthalf"],
        ["profile", "right"],
        ["half", "righthalf"],
    ]


def test_further_faces_are_of_the_same_picture(merl_root: Path) -> None:
    (merl_root / "flickr" / "3").mkdir(parents=True)
    picture = merl_root / "flickr" / "3" / "image00023.jpg"
    write_image(picture, np.full((128, 128, 3), 90, np.uint8))
    face = merl_rav.read(merl_root, "test")[0]
    assert (face.image, face.group, face.name) == (picture, "image00023", "image00023.jpg")


def test_labels_may_lie_without_the_extra_folder(tmp_path: Path) -> None:
    for pose in merl_rav.POSES:
        write_pts(tmp_path / pose / "trainset" / "image00001.pts", ring(68))
    assert len(merl_rav.read(tmp_path, "train")) == 5


def test_a_pose_that_is_missing_is_named(tmp_path: Path) -> None:
    write_pts(tmp_path / "frontal" / "testset" / "image00001.pts", ring(68))
    with pytest.raises(DatasetError, match="left/testset: expected this folder of MERL-RAV"):
        merl_rav.read(tmp_path, "test")


@pytest.mark.parametrize("split", ["val", "all"])
def test_unknown_splits_are_refused(tmp_path: Path, split: str) -> None:
    for module in (w300, menpo, merl_rav):
        with pytest.raises(ValueError, match=f"unknown split '{split}'"):
            module.read(tmp_path, split)


def test_photos_of_lfpw_that_are_numbered_alike_are_other_photos(tmp_path: Path) -> None:
    for part in ("afw", "helen/trainset", "lfpw/trainset", "helen/testset", "lfpw/testset"):
        (tmp_path / part).mkdir(parents=True)
        write_pair(tmp_path / part / "image_0001.png", ring(68))
    train, test = w300.read(tmp_path, "train"), w300.read(tmp_path, "common")
    assert not {face.group for face in train} & {face.group for face in test}
