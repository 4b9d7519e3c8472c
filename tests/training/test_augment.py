import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import synthetic
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box, Similarity
from canthus.images import degrade, warp
from canthus.training import augment
from canthus.training.augment import Crop
from canthus.training.recipe import AugmentConfig, CropConfig

BOX = Box(40, 50, 140, 140)
CROP = CropConfig(size=128, scale=1.3)


def spot(x: float, y: float) -> Crop:
    """A crop that is black but for a soft spot, at which all landmarks stand."""
    rows, columns = np.mgrid[:128, :128]
    light = 250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
    image = np.repeat(light[..., None].round(), 3, axis=2).astype(np.uint8)
    points = np.tile(np.array([[x, y]], np.float32), (68, 1))
    return Crop(image, Landmarks(points, SCHEMES["68"]), 98.0)


def center_of_light(crop: Crop) -> list[float]:
    light = crop.image[..., 0].astype(float)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    total = light.sum()
    return [(columns * light).sum() / total, (rows * light).sum() / total]


def test_the_landmarks_of_a_turned_and_shifted_crop_stay_on_their_spot() -> None:
    whole = spot(70.3, 61.8)
    similarity = Similarity.crop(Box(20, 15, 120, 110), 128, roll_deg=31)

    crop = augment.cut(whole.image, BOX, whole.landmarks, CROP, similarity=similarity)

    assert crop.landmarks.points[0].tolist() == pytest.approx(center_of_light(crop), abs=0.05)


def test_a_mirrored_crop_keeps_its_landmarks_on_their_spot() -> None:
    crop = augment.mirrored(spot(40.25, 90.5))

    assert crop.landmarks.points[0].tolist() == pytest.approx(center_of_light(crop), abs=0.05)


def test_mirroring_exchanges_the_eyes() -> None:
    face = synthetic.draw(np.random.default_rng(3), size=128)
    crop = augment.mirrored(Crop(face.image, face.landmarks, 90.0))

    right, left = (crop.landmarks.part(f"{side}_eye").mean(axis=0) for side in ("right", "left"))

    # the subject's right eye is on the picture's left, before as after
    assert right[0] < left[0]


def test_mirroring_twice_changes_nothing() -> None:
    face = synthetic.draw(np.random.default_rng(4), size=128)
    crop = Crop(face.image, face.landmarks, 90.0)

    twice = augment.mirrored(augment.mirrored(crop))

    np.testing.assert_array_equal(twice.image, crop.image)
    np.testing.assert_allclose(twice.landmarks.points, crop.landmarks.points, atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_the_landmarks_of_a_bent_crop_are_where_their_pixels_went(seed: int) -> None:
    rows, columns = np.mgrid[:128, :128]  # each pixel says where it stood
    image = np.stack([2 * columns, 2 * rows, columns], axis=2).astype(np.uint8)
    grid = np.stack(np.meshgrid(np.linspace(25, 100, 17), np.linspace(25, 100, 4)), axis=2)
    points = grid.reshape(68, 2).astype(np.float32)

    crop = augment.bent(
        Crop(image, Landmarks(points, SCHEMES["68"]), 98.0), 0.04, np.random.default_rng(seed)
    )

    x, y = np.ascontiguousarray(crop.landmarks.points.T)[..., None]
    seen = cv2.remap(crop.image.astype(np.float32), x, y, cv2.INTER_LINEAR)[:, 0, :2] / 2
    np.testing.assert_allclose(seen, points, atol=0.3)  # gray levels are whole
    assert np.linalg.norm(crop.landmarks.points - points, axis=1).mean() > 0.3


def test_bending_moves_nothing_where_nothing_is_to_be_moved() -> None:
    face = synthetic.draw(np.random.default_rng(2), size=96)
    still = warp.bending(np.zeros((2, 5, 5)), 96)
    points = face.landmarks.points.copy()
    points[3] = np.nan  # not marked
    points[4] = (-30, 200)  # beyond the picture

    np.testing.assert_array_equal(warp.resample(face.image, still), face.image)
    np.testing.assert_allclose(warp.follow(points, still), points, atol=1e-4)


def test_light_from_one_side_is_dark_on_the_other_and_leaves_the_middle_between() -> None:
    gray = np.full((101, 101, 3), 100, np.uint8)

    lit = degrade.light(gray, angle_deg=90, middle=0.0, breadth=0.05, gains=(0.5, 2.0))

    assert lit[0, 50].tolist() == [50, 50, 50]  # above
    assert lit[-1, 50].tolist() == [200, 200, 200]  # below: 90 degrees from the right downwards
    assert lit[50, 50].tolist() == [125, 125, 125]
    assert (lit == lit[:, :1]).all()


def test_light_does_not_come_again_from_the_dark_side_when_it_is_too_bright() -> None:
    white = np.full((8, 8, 3), 200, np.uint8)

    lit = degrade.light(white, angle_deg=0, middle=-1.0, breadth=0.01, gains=(1.0, 2.0))

    assert lit[:, -1].min() == 255


@pytest.mark.parametrize("length", [3, 4, 9, 24])
@pytest.mark.parametrize("angle_deg", [0.0, 35.0, 90.0, 150.0])
def test_motion_smears_along_its_line_and_moves_nothing(length: int, angle_deg: float) -> None:
    down, across = np.mgrid[:128, :128].astype(np.float64)
    spot = 200 * np.exp(-((across - 60.3) ** 2 + (down - 66.7) ** 2) / (2 * 6.0**2))
    image = np.repeat(spot[..., None], 3, axis=2).astype(np.uint8)

    before, after = (_moments(each) for each in (image, degrade.smear(image, length, angle_deg)))

    np.testing.assert_allclose(after[0], before[0], atol=0.02)
    # y points down: a line at 35 degrees goes up to the right; gray levels round, which widens
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    line, across_it, grown = np.array([cos, -sin]), np.array([sin, cos]), after[1] - before[1]
    assert line @ grown @ line == pytest.approx((length**2 - 1) / 12, rel=0.05, abs=1.5)
    assert across_it @ grown @ across_it == pytest.approx(0, abs=1.5)


def _moments(image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Center and covariance of what is bright, in pixels."""
    weight = image[..., 0].astype(np.float64).ravel()
    down, across = np.indices(image.shape[:2])
    places = np.stack([across.ravel(), down.ravel()]).astype(np.float64)
    return np.average(places, axis=1, weights=weight), np.cov(places, aweights=weight, bias=True)


def test_the_undisturbed_crop_is_where_the_aligner_cuts() -> None:
    nothing = AugmentConfig(roll_deg=0, shift=0, scale=0, wild=0)

    found = augment.disturbed(BOX, CROP, nothing, np.random.default_rng(0))

    np.testing.assert_allclose(found.matrix, augment.plain(BOX, CROP).matrix, atol=1e-9)


def test_disturbed_crops_turn_shift_and_scale_as_told() -> None:
    config, rng = AugmentConfig(wild=0), np.random.default_rng(0)
    crops = [augment.disturbed(BOX, CROP, config, rng) for _ in range(2000)]

    rolls = np.array([crop.roll_deg for crop in crops])
    centers = np.array([crop.inverse().apply((63.5, 63.5)) for crop in crops])
    sides = np.array([128 / crop.scale / 130 for crop in crops])

    # normal, clipped at 2.5 standard deviations, which leaves 97 % of them
    assert rolls.std() == pytest.approx(14, rel=0.08)
    assert np.abs(rolls).max() <= 2.5 * 14 + 1e-6
    assert (centers.std(axis=0) / 100).tolist() == pytest.approx([0.05, 0.05], rel=0.08)
    assert np.log(sides).std() == pytest.approx(0.08, rel=0.08)
    assert (centers.mean(axis=0)).tolist() == pytest.approx(list(BOX.center), abs=0.5)


def test_looks_change_the_picture_but_not_its_form() -> None:
    face = synthetic.draw(np.random.default_rng(5), size=128)
    config = AugmentConfig(gray=0.5, degrade=1.0, occlude=1.0, cut=1.0)

    changed = augment.change_looks(face.image, config, np.random.default_rng(0))

    assert changed.shape == face.image.shape
    assert changed.dtype == np.uint8
    assert (changed != face.image).any()


def test_looks_that_are_switched_off_change_nothing() -> None:
    face = synthetic.draw(np.random.default_rng(6), size=128)
    nothing = AugmentConfig(color=0, gray=0, degrade=0, occlude=0, cut=0)

    same = augment.change_looks(face.image, nothing, np.random.default_rng(0))

    np.testing.assert_array_equal(same, face.image)


def test_looks_never_touch_the_picture_they_are_given() -> None:
    face = synthetic.draw(np.random.default_rng(7), size=128)
    before = face.image.copy()

    for seed in range(10):
        augment.change_looks(
            face.image, AugmentConfig(occlude=1, cut=1), np.random.default_rng(seed)
        )

    np.testing.assert_array_equal(face.image, before)
