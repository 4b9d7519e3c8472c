"""What L-GRN does with faces around its network, against its own arrays."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.lgrn_recipes import Arrays, arrays

from canthus.errors import DatasetError
from canthus.faces import SCHEMES
from canthus.importing import lgrn_pipeline as pipeline
from canthus.importing.lgrn_pipeline import Change
from canthus.models import Lgrn, LgrnConfig

MARKS = SCHEMES["98"]


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "lgrn"


@pytest.fixture(scope="module")
def changes(fixtures: Path) -> Arrays:
    return arrays(fixtures / "augment.npz")


def change_of(changes: Arrays, number: int) -> Change:
    turn, right, down, zoom, mirror = changes["cases_angle_tx_ty_zoom_mirror"][number].tolist()
    return Change(turn, (round(right), round(down)), zoom, bool(mirror))


@pytest.mark.parametrize("number", range(4))
def test_changes_are_the_published_ones(changes: Arrays, number: int) -> None:
    change = change_of(changes, number)
    image = changes[f"c{number}_image"]
    size = (image.shape[1], image.shape[0])
    points = changes[f"c{number}_landmarks"].reshape(-1, 2)

    matrix = change.matrix(*size)
    warped = pipeline.warp(image, matrix)
    moved = change.points(points, size, MARKS)

    np.testing.assert_allclose(matrix, changes[f"c{number}_matrix"], atol=1e-9)
    assert (warped == changes[f"c{number}_image_warped"]).all()
    np.testing.assert_allclose(moved.ravel(), changes[f"c{number}_landmarks_warped"], atol=1e-6)
    scaled = pipeline.standardized(warped)
    np.testing.assert_allclose(scaled, changes[f"c{number}_zscore"], atol=1e-6)


def test_a_channel_of_one_color_is_only_shifted() -> None:
    picture = np.full((4, 5, 3), 9, np.uint8)
    picture[0, 0, 1] = 10

    found = pipeline.standardized(picture)

    assert (found[..., [0, 2]] == 0).all()
    assert found[..., 1].std() == pytest.approx(1)


def test_drawn_changes_keep_within_the_published_limits() -> None:
    rng = np.random.default_rng(0)
    drawn = [Change.draw(300.0, rng) for _ in range(500)]

    turns, zooms = (np.array([getattr(each, n) for each in drawn]) for n in ("turn_deg", "zoom"))
    shifts = np.array([each.shift for each in drawn])
    assert 38 < np.abs(turns).max() <= 40
    assert 0.9314 <= zooms.min() < 0.94 < 1.06 < zooms.max() <= 1.0686
    assert 28 <= np.abs(shifts).max() <= 30
    assert 0.4 < np.mean([each.mirror for each in drawn]) < 0.6


def test_rectangles_are_the_published_ones(changes: Arrays) -> None:
    for row in changes["occlusion_size_xc_yc_aspect_c3_then_x0_y0_x1_y1_npix"].tolist():
        side, x, y, aspect, *color, left, top, right, bottom, count = row
        found = pipeline.covered(int(side), (x, y), aspect)
        picture = np.full((int(side), int(side), 3), 127, np.uint8)
        shades = [int(each) for each in color]
        seen = pipeline.cover(picture, found, shades)

        assert found == (left, top, right, bottom)
        assert (seen == shades).all(axis=-1).sum() == count


def test_the_middle_is_cut_out_as_published(fixtures: Path) -> None:
    case = arrays(fixtures / "center_crop.npz")

    crop, points = pipeline.center_crop(case["image"], case["landmarks"].reshape(-1, 2), 40)

    assert (crop == case["crop"]).all()
    np.testing.assert_allclose(points.ravel(), case["landmarks_crop"], atol=1e-6)


def test_the_rate_falls_as_published(fixtures: Path) -> None:
    stored = json.loads((fixtures / "schedule.json").read_text())["epoch_lr_intended"]

    for epochs, rate in stored.items():
        first, last = map(int, epochs.split(".."))
        for epoch in (first, last):
            assert pipeline.learning_rate(epoch) == pytest.approx(rate)


def listed(tmp_path: Path, *, weights: bool, name: str = "a/b.jpg") -> Path:
    numbers = [str(number) for number in range(10, 206)] + ["0.5"] * (196 * weights)
    path = tmp_path / "train_98pt.txt"
    path.write_text(" ".join([*numbers, name]) + "\n\n")
    return path


@pytest.mark.parametrize("weights", [False, True])
def test_lists_are_read(tmp_path: Path, weights: bool) -> None:
    (face,) = pipeline.read_list(listed(tmp_path, weights=weights), tmp_path / "images", MARKS)

    assert face.image == tmp_path / "images" / "a" / "b.jpg"
    assert face.landmarks.points[:2].tolist() == [[10, 11], [12, 13]]
    assert face.box.as_tuple() == (10, 11, 204, 205)


def test_tags_are_read(tmp_path: Path) -> None:
    faces = pipeline.read_list(listed(tmp_path, weights=False), tmp_path, MARKS)
    path = tmp_path / "attributes.txt"
    path.write_text("1 0 0 0 1 0 a/b.jpg\n")

    (face,) = pipeline.read_attributes(path, faces)

    assert face.tags == {"pose", "occlusion"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 0 0 0 1 0 other.jpg", "expected the picture a/b.jpg, found other.jpg"),
        ("1 0 0 0 1 2 a/b.jpg", "expected six flags of 0 and 1"),
        ("1 0 0 0 1 a/b.jpg", "expected six flags of 0 and 1"),
        ("", "expected 1 faces, found 0"),
    ],
)
def test_tags_of_other_faces_are_refused(tmp_path: Path, line: str, said: str) -> None:
    faces = pipeline.read_list(listed(tmp_path, weights=False), tmp_path, MARKS)
    path = tmp_path / "attributes.txt"
    path.write_text(line)

    with pytest.raises(DatasetError, match=said):
        pipeline.read_attributes(path, faces)


def test_a_list_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="txt:1: expected 136 or 272 numbers and a name"):
        pipeline.read_list(listed(tmp_path, weights=False), tmp_path, SCHEMES["68"])
    with pytest.raises(DatasetError, match="below"):
        pipeline.read_list(listed(tmp_path, weights=False, name="../b.jpg"), tmp_path, MARKS)


def test_the_square_is_that_about_the_points() -> None:
    square = pipeline.square_of_points([(10, 20), (110, 60)])

    assert square.tolist() == [0, -20, 120, 100]


def test_landmarks_come_back_into_the_picture() -> None:
    torch.manual_seed(0)
    config = LgrnConfig(
        backbone="mobilenet_c",
        size=64,
        node_width=16,
        width=8,
        blocks=1,
        output="published",
        conventions="published",
    )
    network = Lgrn(config)
    picture = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)

    found = pipeline.align(network, picture, np.array([20.0, 10.0, 84.0, 74.0]))

    crop = torch.tensor(picture[10:74, 20:84]).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        wanted = network(crop).points[0].numpy() + np.array([20, 10])
    np.testing.assert_allclose(found, wanted, atol=1e-3)
