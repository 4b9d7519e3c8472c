"""3DDFA and 3DDFA_V2 as published, against what the originals found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from canthus.faces import Pose
from canthus.images.files import read_image
from canthus.images.warp import stretch
from canthus.importing import tddfa
from canthus.importing.tddfa_pipeline import (
    Conventions,
    Tracker,
    angles,
    box_corners,
    completed,
    cut,
    in_picture,
    landmarks,
    look,
    places,
    pose_box,
    smoothed,
    square_of_box,
    square_of_points,
    third_of_square,
    turned,
)
from canthus.models import Tddfa, TddfaConfig

Stored = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "tddfa"


@pytest.fixture(scope="module")
def stored(fixtures: Path) -> Callable[[str], Stored]:
    return lambda name: dict(np.load(fixtures / f"{name}.npz"))


def filled(network: Tddfa, fixtures: Path, whitening: Conventions) -> Tddfa:
    """The network with the sparse face model, or the small one if it has room for that."""
    sparse = np.load(fixtures / "data" / "sparse_3dmm.npz")
    mini, model = np.load(fixtures / "data" / "mini3dmm.npz"), network.model
    if network.config.vertices == 68:
        neutral, parts = sparse["u_base"], (sparse["w_shp_base"], sparse["w_exp_base"])
    else:
        neutral, parts = mini["u_shp"] + mini["u_exp"], (mini["w_shp"], mini["w_exp"])
    model.neutral.copy_(torch.tensor(neutral).reshape(-1, 3))
    model.basis.copy_(torch.tensor(np.concatenate(parts, axis=1).T.reshape(model.basis.shape)))
    model.mean.copy_(torch.tensor(sparse[f"{whitening}_mean"]))
    model.spread.copy_(torch.tensor(sparse[f"{whitening}_std"]))
    return network.eval()


@pytest.fixture(scope="module")
def published(fixtures: Path) -> Tddfa:
    config, state = tddfa.read(fixtures / "data" / "mb05_120x120.pth")
    network = Tddfa(config)
    network.backbone.load_state_dict(state, strict=False)
    return filled(network, fixtures, "v2")


def test_squares_are_the_originals(stored: Callable[[str], Stored]) -> None:
    wanted = stored("roi_crop")
    points = wanted["pts"].transpose(0, 2, 1)

    found = [square_of_box(box) for box in wanted["bbox"]]
    np.testing.assert_allclose(found, wanted["roi_from_bbox"], atol=1e-6)
    found = [square_of_points(each) for each in points]
    np.testing.assert_allclose(found, wanted["roi_from_landmark"], atol=1e-6)
    thirds = [third_of_square(each) for each in points]
    np.testing.assert_allclose(thirds, wanted["calc_hypotenuse"], atol=1e-6)


@pytest.mark.parametrize("number", range(6))
def test_crops_are_the_originals(stored: Callable[[str], Stored], number: int) -> None:
    wanted = stored("roi_crop")

    found = cut(wanted["crop_image"], wanted["crop_roi"][number])

    np.testing.assert_array_equal(found, wanted[f"crop{number}"])
    small = stretch(found, 120).astype(int)
    assert np.abs(small - wanted[f"crop{number}_120"]).max() <= 1


@pytest.mark.parametrize("square", [(200, 0, 300, 100), (-60, 5, -10, 55), (10, 10, 10, 10)])
def test_a_square_that_shows_nothing_is_refused(square: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="shows some of the picture of 150 x 100 pixels"):
        cut(np.zeros((100, 150, 3), np.uint8), square)


def test_v1_decodes_as_the_original(fixtures: Path, stored: Callable[[str], Stored]) -> None:
    wanted = stored("decode_v1")
    network = filled(Tddfa(TddfaConfig()), fixtures, "v1")
    whitened = torch.tensor(wanted["param_whitened"])
    coefficients = network.model.colored(whitened)

    found = places(network, coefficients, "v1")

    np.testing.assert_allclose(coefficients, wanted["param_dewhitened"], rtol=1e-6)
    np.testing.assert_allclose(found.transpose(0, 2, 1), wanted["pts68_crop"], atol=2e-3)
    np.testing.assert_allclose(found.transpose(0, 2, 1), wanted["pts68_from_raw"], atol=2e-3)
    moved = [in_picture(*each, "v1").T for each in zip(found, wanted["roi"], strict=True)]
    np.testing.assert_allclose(moved, wanted["pts68_image"], atol=2e-3)
    for name, given in (("12", whitened[:6, :12]), ("61", torch.tensor(wanted["param61"]))):
        full = network.model.colored(completed(network, given))
        again = places(network, full, "v1").transpose(0, 2, 1)
        np.testing.assert_allclose(again, wanted[f"pts68_from{name}"], atol=2e-3)


def test_a_dense_mesh_is_decoded_as_the_original(
    fixtures: Path, stored: Callable[[str], Stored]
) -> None:
    wanted = stored("decode_v1")
    network = filled(Tddfa(TddfaConfig(vertices=500)), fixtures, "v1")
    coefficients = network.model.colored(torch.tensor(wanted["param_whitened"][:8]))

    found = places(network, coefficients, "v1")

    moved = [in_picture(*each, "v1").T for each in zip(found, wanted["roi"][:8], strict=True)]
    np.testing.assert_allclose(moved, wanted["dense_mini_image"], atol=2e-3)


def test_other_counts_of_coefficients_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 12, 61 or 62 coefficients, found 40"):
        completed(Tddfa(TddfaConfig()), torch.zeros(2, 40))


def test_v2_decodes_as_the_original(fixtures: Path, stored: Callable[[str], Stored]) -> None:
    wanted = stored("decode_v2")
    network = filled(Tddfa(TddfaConfig()), fixtures, "v2")
    whitened = torch.tensor(wanted["param_whitened"])

    pairs = zip(whitened, wanted["roi"], strict=True)
    found = [landmarks(network, each, square, "v2").T for each, square in pairs]

    np.testing.assert_allclose(found, wanted["pts68"], atol=2e-3)
    coefficients = network.model.colored(whitened)
    np.testing.assert_allclose(coefficients, wanted["param"], rtol=1e-6)
    poses = [turned(each[:12].reshape(3, 4), "v2") for each in coefficients]
    degrees = np.degrees([pose.angles for pose in poses])
    np.testing.assert_allclose(degrees, wanted["pose_deg"], atol=1e-3)
    np.testing.assert_allclose([pose.camera for pose in poses], wanted["P"], atol=1e-4)
    poles = [angles(rotation, "v2") for rotation in wanted["nearpole_R"]]
    np.testing.assert_allclose(poles, wanted["nearpole_angle_rad"], atol=1e-6)


def test_v2_measures_the_depths_of_a_mesh_from_its_nearest_end(
    fixtures: Path, stored: Callable[[str], Stored]
) -> None:
    wanted = stored("decode_v2")
    network = filled(Tddfa(TddfaConfig(vertices=500)), fixtures, "v2")
    coefficients = network.model.colored(torch.tensor(wanted["param_whitened"][:6]))
    rows = torch.tensor(wanted["mini_rows_in_noneck"])  # of the small model

    for i in range(6):
        crop = places(network, coefficients[i : i + 1], "v2", rows)[0]
        found = in_picture(crop, wanted["roi"][i], "v2")
        dense = wanted["dense_mini"][i].T
        np.testing.assert_allclose(found[:, :2], dense[:, :2], atol=2e-3)
        depths = dense[:, 2] - dense[:, 2].min()  # these begin where the whole mesh does
        np.testing.assert_allclose(found[:, 2], depths, atol=2e-3)
        left = in_picture(crop, wanted["roi"][i], "v1")[:, 2]  # the depths as they come
        np.testing.assert_allclose(left - wanted["dense_zshift"][i], dense[:, 2], atol=2e-3)


def test_v1_poses_are_the_originals(fixtures: Path, stored: Callable[[str], Stored]) -> None:
    wanted = stored("pose_v1")

    found = [turned(pose, "v1") for pose in wanted["P"]]

    np.testing.assert_allclose([pose.scale for pose in found], wanted["s"], rtol=1e-5)
    np.testing.assert_allclose([pose.rotation for pose in found], wanted["R"], atol=1e-5)
    np.testing.assert_allclose([pose.shift for pose in found], wanted["t3d"], atol=1e-5)
    np.testing.assert_allclose([pose.angles for pose in found], wanted["angle_v1_rad"], atol=1e-5)
    poles = [angles(rotation, "v1") for rotation in wanted["gimbal_R"]]
    np.testing.assert_allclose(poles, wanted["gimbal_angle_v1_rad"], atol=1e-5)
    network = filled(Tddfa(TddfaConfig()), fixtures, "v1")
    coefficients = network.model.colored(torch.tensor(wanted["param_whitened"]))
    parsed = [turned(each[:12].reshape(3, 4), "v1") for each in coefficients]
    np.testing.assert_allclose([pose.camera for pose in parsed], wanted["parse_P"], atol=1e-4)
    parsed_angles = [pose.angles for pose in parsed]
    np.testing.assert_allclose(parsed_angles, wanted["parse_pose_v1_rad"], atol=1e-5)
    points = [
        in_picture(each, wanted["box_roi"], "v1").T for each in places(network, coefficients, "v1")
    ]
    np.testing.assert_allclose(points, wanted["box_pts68"], atol=2e-3)
    boxes = [
        pose_box(*each) for each in zip(parsed, wanted["box_pts68"].swapaxes(1, 2), strict=True)
    ]
    assert np.abs(np.array(boxes) - wanted["box_points2d"]).max() <= 1
    np.testing.assert_array_equal(box_corners(90), wanted["camera_box_90"])


@torch.no_grad()
def test_the_pose_has_the_signs_of_the_data_sets(
    fixtures: Path, stored: Callable[[str], Stored]
) -> None:
    wanted, raw = stored("pose_aflw2000"), stored("nme_aflw2000")["mb05_raw_f16"]
    network = filled(Tddfa(TddfaConfig()), fixtures, "v2")
    coefficients = network.model.colored(torch.tensor(raw, dtype=torch.float32))

    published = [turned(each[:12].reshape(3, 4), "v2") for each in coefficients]
    poses = [Pose.of_rotation(each.rotation) for each in published]

    found = np.array([(pose.pitch_deg, pose.yaw_deg, pose.roll_deg) for pose in poses])
    stored_angles = wanted["mb05_pitch_yaw_roll_datasetorder_deg"]
    # what the network said is stored at half precision; near the poles that tells
    sideways = np.abs(found[:, 1]) < 80
    np.testing.assert_allclose(found[sideways], stored_angles[sideways], atol=0.1)
    theirs = np.degrees([each.angles for each in published])
    away = np.abs(theirs[:, 0]) < 80  # from the poles, of which the stored ones take no notice
    by_formula = wanted["mb05_yaw_pitch_roll_v2formula_deg"]
    np.testing.assert_allclose(theirs[away], by_formula[away], atol=0.1)
    off = np.abs(found - wanted["pose_para_deg"])[wanted["valid"]].mean(axis=0)
    np.testing.assert_allclose(off, wanted["mae_pitch_yaw_roll"], atol=0.02)
    assert off.mean() == pytest.approx(3.90, abs=0.02)


def of_picture(stored: Stored, number: int) -> Stored:
    """What the original found in one of its two pictures."""
    return {name.removeprefix(f"im{number}_"): value for name, value in stored.items()}


@pytest.mark.parametrize("number", [0, 1])
def test_the_pipeline_finds_the_originals_landmarks(
    fixtures: Path, stored: Callable[[str], Stored], published: Tddfa, number: int
) -> None:
    wanted = of_picture(stored("pipeline_v2"), number)
    image = read_image(fixtures / "images" / str(wanted["names"][number]))

    squares = [square_of_box(box) for box in wanted["boxes"]]
    said = look(published, image, squares)
    found = [landmarks(published, *each, "v2") for each in zip(said, squares, strict=True)]

    np.testing.assert_allclose(squares, wanted["roi"], atol=1e-6)
    crops = np.stack([stretch(cut(image, square), 120) for square in squares])
    assert np.abs(crops[..., ::-1].astype(int) - wanted["crop"]).max() <= 1  # blue came first
    np.testing.assert_allclose(said, wanted["raw"], atol=0.02)
    np.testing.assert_allclose([each.T for each in found], wanted["pts68"], atol=0.3)
    again = [square_of_points(each) for each in found]
    np.testing.assert_allclose(again, wanted["lm_roi"], atol=0.3)
    second = look(published, image, again)
    found = [landmarks(published, *each, "v2") for each in zip(second, again, strict=True)]
    np.testing.assert_allclose([each.T for each in found], wanted["lm_pts68"], atol=0.3)


@pytest.mark.parametrize("number", [0, 1])
def test_the_pipeline_finds_the_originals_poses(
    fixtures: Path, stored: Callable[[str], Stored], published: Tddfa, number: int
) -> None:
    wanted = of_picture(stored("pipeline_v2"), number)
    image = read_image(fixtures / "images" / str(wanted["names"][number]))

    for before in ("", "lm_"):
        squares = wanted[f"{before}roi"]
        found = published.model.colored(look(published, image, squares))
        off = (found.numpy() - wanted[f"{before}param"]) / published.model.spread.numpy()
        assert np.abs(off).max() < 0.02
        poses = [turned(each[:12].reshape(3, 4), "v2") for each in found]
        degrees = np.degrees([pose.angles for pose in poses])
        np.testing.assert_allclose(degrees, wanted[f"{before}pose_deg"], atol=0.05)
        if not before:
            np.testing.assert_allclose([pose.camera for pose in poses], wanted["P"], atol=0.05)
            points = wanted["pts68"].swapaxes(1, 2)
            boxes = [pose_box(*each) for each in zip(poses, points, strict=True)]
            assert np.abs(np.array(boxes) - wanted["posebox2d"]).max() <= 1


@pytest.mark.parametrize("number", [0, 1])
def test_the_pipeline_finds_the_originals_meshes(
    fixtures: Path, stored: Callable[[str], Stored], number: int
) -> None:
    wanted = of_picture(stored("pipeline_v2"), number)
    network = filled(Tddfa(TddfaConfig(vertices=500)), fixtures, "v2")
    rows = torch.tensor(wanted["mini_rows_in_noneck"])

    found = places(network, torch.tensor(wanted["param"]), "v2", rows)

    for i, crop in enumerate(found):
        moved = in_picture(crop, wanted["roi"][i], "v1")
        moved[:, 2] -= wanted["dense_zshift"][i]
        np.testing.assert_allclose(moved.T, wanted["dense_mini"][i], atol=2e-3)


def test_a_video_is_followed_as_by_the_original(
    fixtures: Path, stored: Callable[[str], Stored], published: Tddfa
) -> None:
    wanted = stored("tracking_v2")
    frames = [read_image(file) for file in sorted((fixtures / "track_frames").iterdir())]
    follow = Tracker(published, wanted["detector_box_first"][0].tolist())

    found = [follow(frame) for frame in frames]

    np.testing.assert_allclose(follow.squares, wanted["roi_calls"], atol=0.5)
    for before, after in ((0, 0), (1, 1), (2, 3)):
        smooth = [each.T for each in smoothed(found, before, after)]
        np.testing.assert_allclose(smooth, wanted[f"smooth_{before}_{after}"], atol=0.5)


def test_each_look_at_a_video_is_the_originals(
    fixtures: Path, stored: Callable[[str], Stored], published: Tddfa
) -> None:
    """The first frame is looked at twice."""
    wanted = stored("tracking_v2")
    frames = [read_image(file) for file in sorted((fixtures / "track_frames").iterdir())]
    pairs = zip([frames[0], *frames], wanted["roi_calls"], strict=True)

    said = torch.cat([look(published, frame, [square]) for frame, square in pairs])

    assert len(frames) == len(wanted["source_frame_index"])
    off = published.model.colored(said).numpy() - wanted["param_calls"]
    assert np.abs(off / published.model.spread.numpy()).max() < 1e-3


def test_a_face_that_has_become_too_small_is_looked_for_anew() -> None:
    network = Tddfa(TddfaConfig(conventions="v2")).eval()
    network.model.mean[[3, 7]] = 60.0  # all landmarks at one place: a square of no size
    image = np.zeros((100, 100, 3), np.uint8)
    follow = Tracker(network, (20, 20, 80, 80))
    follow._points = np.zeros((68, 3), np.float32)

    with pytest.raises(ValueError, match="lost"):
        follow(image)
    follow(image, (30, 30, 70, 70))

    np.testing.assert_allclose(follow.squares, [square_of_box((30, 30, 70, 70))])
