"""300-W's files where they are odd, and the list of pictures that are held out."""

from pathlib import Path

import pytest
from tests.datasets.conftest import ring, write_pair

from canthus.datasets import ibug, w300
from canthus.errors import DatasetError


@pytest.mark.parametrize("count", ["\u00b2", "9" * 5000, "-68", "6_8"])
def test_a_count_that_is_no_count_is_named(tmp_path: Path, count: str) -> None:
    (tmp_path / "ibug").mkdir()
    (tmp_path / "ibug" / "a b.jpg").touch()
    text = f"version: 1\nn_points: {count}\n{{\n1 1\n}}\n"
    (tmp_path / "ibug" / "a b.pts").write_text(text, encoding="utf-8")

    with pytest.raises(DatasetError, match=r"a b\.pts:2: expected a count"):
        w300.read(tmp_path, "challenging")


@pytest.mark.parametrize("name", ["/etc/x.jpg", "../x.jpg", "C:\\x.jpg"])
def test_a_held_out_picture_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    write_pair(tmp_path / "1.jpg", ring(68))
    (tmp_path / "val.txt").write_text(f"1.jpg\n{name}\n")

    with pytest.raises(DatasetError, match=r"val\.txt:2: expected the name of a picture below"):
        ibug.read(tmp_path)


def test_a_list_of_held_out_pictures_that_is_no_text_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path / "1.jpg", ring(68))
    (tmp_path / "val.txt").write_bytes(b"\xff\xfe1")

    with pytest.raises(DatasetError, match=r"val\.txt: cannot be read as text"):
        ibug.read(tmp_path)


@pytest.mark.parametrize(
    ("stem", "photo"),
    [
        ("AFW_134212_1_0", "AFW/134212"),
        ("AFW_134212_2_15", "AFW/134212"),
        ("HELEN_100032540_1_3", "HELEN/100032540"),
        ("LFPW_image_train_0001_0", "LFPW/image_train_0001"),
        ("LFPW_image_test_0001_0", "LFPW/image_test_0001"),
        ("IBUG_image_003_1_0", "IBUG/image_003"),
        ("IBUG_image_016_2", "IBUG/image_016"),
        ("10009865324_0", "10009865324"),
        ("portrait", "portrait"),
    ],
)
def test_a_turned_copy_belongs_to_its_photo(stem: str, photo: str) -> None:
    assert ibug.photo_of(stem) == photo


def test_real_faces_of_afw_keep_their_own_photos(shared: Path) -> None:
    faces = [face for face in ibug.read(shared / "data" / "300w") if "afw" in face.tags]

    assert len(faces) == 337
    assert all(face.group == f"afw/{face.image.stem.split('_')[0]}" for face in faces)
