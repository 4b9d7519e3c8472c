"""LaPa: which of its pictures are one photo, and faces without extent."""

from pathlib import Path

import pytest

from canthus.datasets import lapa
from canthus.errors import DatasetError


def write(root: Path, name: str, rows: list[str]) -> None:
    path = root / "train" / "landmarks" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["106", *rows]) + "\n")


def test_turned_copies_and_other_faces_of_a_photo_are_its_group(tmp_path: Path) -> None:
    for name in ("10009865324_0", "HELEN_100032540_1_3", "HELEN_100032540_1_5"):
        write(tmp_path, name, [f"{i} {2 * i}" for i in range(106)])

    groups = [face.group for face in lapa.read(tmp_path, "train")]

    assert groups == ["10009865324", "HELEN/100032540", "HELEN/100032540"]


def test_points_that_span_no_area_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, "1_0", ["5 5"] * 106)

    with pytest.raises(DatasetError, match=r"1_0\.txt: a box is"):
        lapa.read(tmp_path, "train")
