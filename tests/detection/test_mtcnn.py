from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import Sample, ibug, tables
from canthus.detection import Detection, Mtcnn, mtcnn_weights
from canthus.errors import WeightsError
from canthus.geometry import Box
from canthus.images.files import list_images, read_image

Picture = NDArray[np.uint8]
ASTRONAUT = Path(__file__).parents[2] / "docs" / "pictures" / "astronaut.jpg"
FACE = Box(179, 86, 272, 178)  # around the 68 landmarks of the astronaut, read off by eye
ENOUGH = 0.5  # intersection over union of two boxes of the same face


@pytest.fixture(scope="module")
def mtcnn() -> Mtcnn:
    return Mtcnn()


@pytest.fixture(scope="module")
def portrait() -> Picture:
    return read_image(ASTRONAUT)


def tight(found: Detection) -> Box:
    return found.tight_by(Mtcnn.relation)


def is_found(mtcnn: Mtcnn, sample: Sample) -> bool:
    detections = mtcnn(read_image(sample.image))
    return any(tight(found).iou(sample.box.squared()) >= ENOUGH for found in detections)


def test_it_finds_the_face_and_nothing_else(mtcnn: Mtcnn, portrait: Picture) -> None:
    (found,) = mtcnn(portrait)

    assert tight(found).iou(FACE) > 0.75
    assert found.score > 0.9


def test_the_points_are_the_subjects_right_eye_first(mtcnn: Mtcnn, portrait: Picture) -> None:
    (found,) = mtcnn(portrait)

    expected = [(203, 102), (247, 103), (226, 126), (205, 143), (243, 143)]
    assert found.points is not None
    np.testing.assert_allclose(found.points, expected, atol=6)


def test_a_cut_in_whole_pixels_moves_the_box_by_as_many(mtcnn: Mtcnn, portrait: Picture) -> None:
    (whole,) = mtcnn(portrait)
    (cut,) = mtcnn(portrait[37:, 51:])

    moved = np.array(tight(cut).as_tuple()) + np.array([51, 37, 51, 37])
    assert Box(*moved.tolist()).iou(tight(whole)) > 0.8


@pytest.mark.parametrize("part", [np.s_[:], np.s_[40:240, 120:320]], ids=["whole", "face"])
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_that_lies_or_stands_on_its_head_is_found(
    mtcnn: Mtcnn, portrait: Picture, quarters: int, part: tuple[slice, ...]
) -> None:
    (found,) = mtcnn(np.rot90(portrait[part], quarters))

    assert found.points is not None
    right_eye, left_eye = found.points[:2].astype(float)
    x, y = left_eye - right_eye
    turn = np.degrees(np.arctan2(y, x))
    assert abs((turn + 90 * quarters + 180) % 360 - 180) < 20


def test_everybody_in_a_group_is_found(mtcnn: Mtcnn, portrait: Picture) -> None:
    group = np.tile(portrait[:256, 100:356], (3, 3, 1))

    assert len(mtcnn(group)) == 9


def test_a_large_picture_is_answered_in_its_own_pixels(mtcnn: Mtcnn, portrait: Picture) -> None:
    (found,) = mtcnn(portrait.repeat(6, axis=0).repeat(6, axis=1))

    edges = (np.array(tight(found).as_tuple()) + 0.5) / 6 - 0.5
    assert Box(*edges.tolist()).iou(FACE) > 0.7


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((200, 300, 3), np.uint8),
        np.full((200, 300, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8),
        np.zeros((16, 16, 3), np.uint8),
        np.zeros((16, 900, 3), np.uint8),
    ],
    ids=["black", "white", "noise", "tiny", "ribbon"],
)
def test_where_nobody_is_nobody_is_found(mtcnn: Mtcnn, picture: Picture) -> None:
    assert mtcnn(picture) == []


def test_gray_is_enough(mtcnn: Mtcnn, portrait: Picture) -> None:
    (found,) = mtcnn(portrait.mean(axis=2).astype(np.uint8))

    assert tight(found).iou(FACE) > 0.75


def test_the_same_picture_gives_the_same_answer(mtcnn: Mtcnn, portrait: Picture) -> None:
    (first,), (again,) = mtcnn(portrait), Mtcnn()(portrait)

    assert first.box == again.box


def test_a_smallest_face_below_the_nets_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="expected faces of 12 pixels or more"):
        Mtcnn(min_face=5)


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mtcnn_weights, "find_spec", lambda _: None)

    with pytest.raises(WeightsError, match=r"pip install 'mtcnn"):
        Mtcnn()


@pytest.mark.parametrize("name", ["pnet", "rnet", "onet"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "pickle"])
def test_damaged_weights_are_refused_by_name(tmp_path: Path, name: str, damage: str) -> None:
    for file in mtcnn_weights.find().glob("*.lz4"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / f"{name}.lz4"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    broken = {"cut": bytes(data[:100]), "flip": bytes(data), "pickle": b"\x80\x04cos\nsystem\n."}
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(broken[damage])

    with pytest.raises(WeightsError, match=f"{name}.lz4"):
        Mtcnn(weights=tmp_path)


def test_all_faces_of_the_300w_validation_are_found(mtcnn: Mtcnn, shared: Path) -> None:
    samples = ibug.read(shared / "data" / "300w", "val")

    assert np.mean([is_found(mtcnn, sample) for sample in samples]) >= 0.995


def test_all_faces_of_the_youtube_validation_are_found(mtcnn: Mtcnn, shared: Path) -> None:
    samples = tables.read(shared / "data" / "ytf68", "val")[::5]

    assert np.mean([is_found(mtcnn, sample) for sample in samples]) >= 0.98


def test_nearly_all_faces_of_any_pose_are_found(mtcnn: Mtcnn, shared: Path) -> None:
    from scipy.io import loadmat  # it comes with scikit-image

    found = []
    for path in list_images([shared / "data" / "aflw2000-sample"]):
        points = loadmat(path.with_suffix(".mat"))["pt3d_68"][:2].T - 1
        face = Sample(path, Box.around(points), None)  # type: ignore[arg-type]
        found.append(is_found(mtcnn, face))

    assert np.mean(found) >= 0.95
