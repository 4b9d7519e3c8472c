"""Faces turned out of the plane of their pictures."""

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import Fit, Pose
from canthus.faces.face_model import FaceModel, open_face_model
from canthus.images.raster import rasterize
from canthus.images.warp import resample
from canthus.training.heads import Head
from canthus.training.profiles import turned, yaws

SIZE = (260, 300)
PIXELS = 1.1  # to a millimetre
LEVELS = 1.6  # of a color, to a millimetre
UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0])


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return open_face_model()


def soft_noise(side: int) -> NDArray[np.uint8]:
    """A picture of chance, smooth over so many pixels."""
    photo = np.random.default_rng(0).integers(0, 256, (*SIZE[::-1], 3)).astype(np.uint8)
    return resample(photo, (np.mgrid[: SIZE[1], : SIZE[0]][::-1] / side).astype(np.float32))


def fit_of(model: FaceModel, *angles: float) -> Fit:
    """A mean face in the middle of the picture, by yaw, pitch and roll."""
    linear = PIXELS * UPSIDE_DOWN @ Pose(*angles).rotation
    camera = np.column_stack([linear, [130.3, 149.6, 0]])
    shape = np.zeros(len(model.identity) + len(model.expression), np.float32)
    return Fit(camera.astype(np.float32), shape)


def painted(model: FaceModel, fit: Fit) -> NDArray[np.uint8]:
    """A gray picture with the mean face, whose red and green say where in the model they are."""
    raster = rasterize(fit.in_picture(model.neutral), model.triangles, SIZE)
    colors = np.column_stack([128 + LEVELS * model.neutral[:, :2], np.full(len(model.neutral), 90)])
    picture = raster.interpolated(np.clip(colors, 0, 255), empty=70)
    return np.rint(picture).astype(np.uint8)


def seen(model: FaceModel, fit: Fit) -> NDArray[np.bool_]:
    """Which vertices have nothing before them, and the mesh around them."""
    places = fit.in_picture(model.neutral)
    raster = rasterize(places, model.triangles, SIZE)
    x, y = np.rint(places[:, :2].T).astype(int)
    around = [raster.depth[y + down, x + right] for down in (-2, 0, 2) for right in (-2, 0, 2)]
    behind = np.stack(around) - places[:, 2]
    return (behind.min(axis=0) > -4) & (behind.max(axis=0) < 8)  # not where one is NaN


@pytest.mark.parametrize("angles", [(0, 0, 0), (-20, 10, -15), (30, -5, 20)])
@pytest.mark.parametrize("far", [40, 60, 85])
def test_the_skin_is_where_the_new_fit_says(
    model: FaceModel, angles: tuple[float, float, float], far: float
) -> None:
    fit = fit_of(model, *angles)
    photo = painted(model, fit)
    image, after = turned(photo, fit, model, far if angles[0] >= 0 else -far)

    visible = seen(model, fit) & seen(model, after)
    places = after.in_picture(model.neutral)[visible, :2]
    red, green = resample(image, places.T[:, None].astype(np.float32))[0, :, :2].T.astype(float)
    found = (np.column_stack([red, green]) - 128) / LEVELS
    away = PIXELS * np.linalg.norm(found - model.neutral[visible, :2], axis=1)
    head = Head.of(model)
    sizes = np.linalg.norm(model.neutral[:, :2] - head.axis(model.neutral)[:2], axis=1)
    within = head.inward(head.around(model.neutral))[: len(sizes)][visible]
    assert visible.sum() > 60
    assert np.percentile(away[within == 0], 90) < 1
    assert away[within == 0].max() < 2  # a fold of the nose or the lips, in few pixels
    # at the outline the skin is taken from further inside
    assert (away < 2 + within * PIXELS * sizes[visible]).all()


@pytest.mark.parametrize("own", [-35.0, -4.0, 0.0, 25.0])
@pytest.mark.parametrize("far", [36, 50, 77, 90])
def test_a_face_looks_where_it_is_told(model: FaceModel, own: float, far: float) -> None:
    fit = fit_of(model, own, 8, -12)
    wanted = far if own >= 0 else -far

    _, after = turned(painted(model, fit), fit, model, wanted)

    assert after.pose.yaw_deg == pytest.approx(wanted, abs=0.1)
    if far < 90:
        assert after.pose.pitch_deg == pytest.approx(8, abs=0.1)
        assert after.pose.roll_deg == pytest.approx(-12, abs=0.1)
    assert np.array_equal(after.shape, fit.shape)


@pytest.mark.parametrize("angles", [(0, 0, 0), (-25, 10, 15), (60, -10, 5)])
def test_a_turn_by_nothing_gives_the_picture_back(
    model: FaceModel, angles: tuple[float, float, float]
) -> None:
    photo = soft_noise(8)
    fit = fit_of(model, *angles)

    image, after = turned(photo, fit, model, fit.pose.yaw_deg)

    assert np.abs(image.astype(int) - photo).max() <= 2
    assert np.allclose(after.camera, fit.camera, atol=1e-3)


def test_the_border_of_the_picture_stays(model: FaceModel) -> None:
    photo = soft_noise(16)
    fit = fit_of(model, 0, 0, 0)

    image, _ = turned(photo, fit, model, 70)

    for part in (np.s_[:, 0], np.s_[:, -1], np.s_[-1, :]):
        assert np.abs(image[part].astype(int) - photo[part]).max() < 8


def test_a_face_stays_about_where_it_was(model: FaceModel) -> None:
    fit = fit_of(model, 0, 0, 0)
    _, after = turned(painted(model, fit), fit, model, 80)
    before, now = (each.in_picture(model.neutral)[:, :2] for each in (fit, after))
    assert np.allclose(np.ptp(now[:, 1]), np.ptp(before[:, 1]))
    assert np.abs(now.mean(axis=0) - before.mean(axis=0)).max() < 0.6 * np.ptp(before[:, 0])


@pytest.mark.parametrize(
    ("own", "wanted", "said"),
    [
        (30, 20, "expected 30.0 to 90,"),
        (30, -40, "expected 30.0 to 90,"),
        (-30, 40, "expected -30.0 to -90,"),
        (5, 2, "expected 5.0 to 90 or -5.0 to -90,"),
        (5, 91, "found 91.0"),
        (5, np.nan, "found nan"),
    ],
)
def test_what_a_photo_does_not_show_is_refused(
    model: FaceModel, own: float, wanted: float, said: str
) -> None:
    fit = fit_of(model, own, 0, 0)
    with pytest.raises(ValueError, match=said):
        turned(np.zeros((300, 260, 3), np.uint8), fit, model, wanted)


def test_who_looks_ahead_may_turn_to_either_side(model: FaceModel) -> None:
    fit = fit_of(model, 5, 0, 0)
    _, after = turned(np.zeros((300, 260, 3), np.uint8), fit, model, -40)
    assert after.pose.yaw_deg == pytest.approx(-40, abs=0.01)


def test_a_fit_of_another_model_is_refused(model: FaceModel) -> None:
    with pytest.raises(ValueError, match="expected 50 coefficients"):
        turned(soft_noise(8), Fit(np.eye(3, 4), np.zeros(12)), model, 30)


@pytest.mark.parametrize(("own", "count"), [(0.0, 8), (-20.0, 6), (50.0, 4), (-89.0, 1), (90, 0)])
def test_yaws_are_spread_over_what_is_left(own: float, count: int) -> None:
    found = yaws(own, np.random.default_rng(1))

    assert len(found) == count
    ends = np.linspace(abs(own), 90, count + 1)
    assert ((np.abs(found) >= ends[:-1]) & (np.abs(found) <= ends[1:])).all()
    if abs(own) > 10:
        assert (np.sign(found) == np.sign(own)).all()
    assert np.array_equal(found, yaws(own, np.random.default_rng(1)))


def test_who_looks_ahead_is_turned_to_both_sides() -> None:
    generator = np.random.default_rng(0)
    found = np.concatenate([yaws(3, generator) for _ in range(20)])
    assert 0.3 < (found > 0).mean() < 0.7
