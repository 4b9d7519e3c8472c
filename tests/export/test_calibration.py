"""Which faces an export on integers looks at: never those kept for validation or tests."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample, ibug, synthetic
from canthus.errors import DatasetError, ImageError
from canthus.export import calibration
from canthus.export.calibration import FEWEST, find, look
from canthus.images.files import write_image
from canthus.runtime import OnnxBackend

from .conftest import FACES, KEPT

Folder = Callable[[Path], Path]


def pictures(folder: Path) -> set[Path]:
    """The pictures of the faces that are found."""
    return {place.image if isinstance(place, Sample) else place for place in find(folder)}


def blank(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        write_image(folder / f"{number}.png", np.full((64, 64, 3), 90, np.uint8))
    return folder


@pytest.mark.parametrize(
    "asked", [lambda faces: faces, lambda faces: faces / "part", lambda faces: faces.parent]
)
def test_what_a_list_keeps_is_left_out_wherever_one_points(faces: Path, asked: Folder) -> None:
    kept = {sample.image.resolve() for sample in ibug.read(faces, "val")}

    found = pictures(asked(faces))

    assert len(found) == FACES - KEPT
    assert not found & kept


@pytest.mark.parametrize("inside", ["", "images"])
def test_what_a_table_keeps_is_left_out(faces: Path, tmp_path: Path, inside: str) -> None:
    shutil.copytree(faces / "part", tmp_path / "images")
    samples = ibug.read(tmp_path / "images")
    with (tmp_path / "landmarks.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "split", *(f"{axis}{i}" for i in range(68) for axis in "xy")])
        for number, sample in enumerate(samples):
            split = "val" if number % 4 == 0 else "train"
            points = sample.landmarks.points.ravel().tolist()
            table.writerow([sample.image.name, split, *points])

    found = {path.name for path in pictures(tmp_path / inside)}

    assert found == {each.image.name for i, each in enumerate(samples) if i % 4}


@pytest.mark.parametrize("name", ["testset", "val", "IBUG"])
def test_folders_for_tests_are_left_out(tmp_path: Path, name: str) -> None:
    for part in ("trainset", name):
        synthetic.write(tmp_path / part, 2, np.random.default_rng(0), size=64)

    assert {path.parent.name for path in pictures(tmp_path)} == {"trainset"}


def test_a_list_of_other_pictures_above_a_folder_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "val.txt").write_text("elsewhere/a.jpg\n")
    folder = blank(tmp_path / "mine", 2)

    assert pictures(folder) == {folder / "0.png", folder / "1.png"}


def test_where_nothing_is_annotated_the_detector_looks(tmp_path: Path, faces: Path) -> None:
    for picture in (faces / "part").glob("*.png"):
        shutil.copy(picture, tmp_path)

    assert all(isinstance(place, Path) for place in find(tmp_path))


def test_a_network_is_shown_each_face_once(exported: Path, faces: Path) -> None:
    backend = OnnxBackend(exported)

    found = look(faces, backend.manifest, backend)

    parts = (found.calibration, found.proof)
    assert [len(part.crops) for part in parts] == [part.pictures for part in parts] == [38, 10]
    for part in parts:
        np.testing.assert_allclose(backend.run(part.crops)["points"], part.points, atol=1e-3)


def test_no_more_pictures_are_opened_than_are_needed(
    exported: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "MOST", 15)
    backend = OnnxBackend(exported)

    found = look(faces, backend.manifest, backend)

    assert (found.calibration.pictures, found.proof.pictures) == (12, 3)


def test_pictures_without_faces_are_refused(exported: Path, tmp_path: Path) -> None:
    backend = OnnxBackend(exported)
    folder = blank(tmp_path / "blank", FEWEST + 1)

    with pytest.raises(DatasetError, match=r"expected 10 pictures with faces .* found 0 in 11"):
        look(folder, backend.manifest, backend)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: expected a folder with pictures"):
        find(tmp_path / "nowhere")


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected pictures"):
        find(tmp_path)


def test_a_data_set_for_validation_only_is_refused(tmp_path: Path) -> None:
    synthetic.write(tmp_path, 2, np.random.default_rng(0), size=64)
    names = [path.name for path in tmp_path.glob("*.png")]
    (tmp_path / "val.txt").write_text("\n".join(names))

    with pytest.raises(DatasetError, match="only those for validation or tests"):
        find(tmp_path)
