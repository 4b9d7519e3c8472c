from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import SCHEMES, Face, Landmarks, Pose
from canthus.faces.face import corners_of
from canthus.geometry import Box, Similarity
from canthus.images.drawing import (
    FAILED,
    LEFT,
    NOSE,
    RIGHT,
    draw_attention,
    draw_ellipses,
    draw_faces,
    draw_landmarks,
    draw_pose,
)

Picture = NDArray[np.uint8]
GRAY = 128
WHITE = (255, 255, 255)


def ring(side: float, x: float, y: float, scheme: str = "68") -> Landmarks:
    """All points of a scheme on a circle, `side` pixels across, about (x, y)."""
    known = SCHEMES[scheme]
    angles = np.linspace(0, 2 * np.pi, known.num_landmarks, endpoint=False)
    points = side / 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + (x, y)
    return Landmarks(points.astype(np.float32), known)


def face_of(landmarks: Landmarks) -> Face:
    return Face(Box.around(landmarks.points), 0.98, landmarks)


def canvas_of(side: int) -> Picture:
    return np.full((side, side, 3), GRAY, np.uint8)


@pytest.mark.parametrize(
    ("scheme", "width", "times"), [*((scheme, 300, 3) for scheme in SCHEMES), ("68", 6000, 1)]
)
def test_pixels_at_the_points_change_and_those_far_away_do_not(
    scheme: str, width: int, times: int
) -> None:
    landmarks = ring(width / 5, width / 2, width / 2, scheme)
    drawn = draw_faces(canvas_of(width), [face_of(landmarks)])
    changed = (drawn != GRAY).any(axis=2)
    x, y = np.rint(times * (landmarks.points + 0.5) - 0.5).astype(int).T
    assert changed[y, x].all()
    far = 3 * times * width // 8  # the ring ends at 4/10, the score stands above it
    assert not changed[:far].any() and not changed[:, :far].any()  # noqa: PT018


@pytest.mark.parametrize("width", [300, 6000])
def test_lines_are_as_thick_as_the_picture_and_the_face_need(width: int) -> None:
    drawn = draw_faces(canvas_of(width), [face_of(ring(width / 5, width / 2, width / 2))])
    share = (drawn != GRAY).any(axis=2).mean()
    assert 0.004 < share < 0.03  # of the picture's area, whatever its size


def test_the_picture_itself_is_never_touched() -> None:
    picture = canvas_of(700)
    draw_faces(picture, [face_of(ring(100, 350, 350))])
    assert (picture == GRAY).all()


def test_a_picture_without_faces_comes_back_as_a_copy() -> None:
    picture = canvas_of(700)
    drawn = draw_faces(picture, [])
    assert np.array_equal(drawn, picture)
    assert not np.shares_memory(drawn, picture)


def test_a_view_of_any_strides_can_be_drawn_on() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)[::-1, ::-1]
    faces = [face_of(ring(100, 350, 350))]
    assert np.array_equal(draw_faces(picture, faces), draw_faces(picture.copy(), faces))


def test_a_small_picture_comes_back_enlarged_by_a_whole_number() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    assert draw_faces(picture, []).shape == (300, 900, 3)


def test_a_picture_of_640_pixels_keeps_its_size() -> None:
    assert draw_faces(np.zeros((100, 640, 3), np.uint8), []).shape == (100, 640, 3)


def test_a_dot_stands_where_its_point_is_to_a_fraction_of_a_pixel() -> None:
    points = np.full((5, 2), np.nan, np.float32)
    points[0] = 40.3, 50.7
    canvas = np.zeros((100, 100, 3), np.uint8)
    draw_landmarks(canvas, Landmarks(points, SCHEMES["5"]), color=WHITE)
    weight = canvas[:, :, 0].astype(float)
    y, x = np.mgrid[0:100, 0:100]
    center = (x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()
    assert center == pytest.approx((40.3, 50.7), abs=0.1)


def test_unknown_points_are_left_out() -> None:
    points = np.array(ring(200, 350, 350).points)
    points[0] = np.nan  # the rightmost, at (450, 350)
    canvas = canvas_of(700)
    draw_landmarks(canvas, Landmarks(points, SCHEMES["68"]))
    assert (canvas[345:356, 445:] == GRAY).all()


def test_a_face_of_unknown_points_draws_nothing() -> None:
    canvas = canvas_of(700)
    draw_landmarks(canvas, Landmarks(np.full((68, 2), np.nan, np.float32), SCHEMES["68"]))
    assert (canvas == GRAY).all()


def test_the_sides_of_the_subject_have_their_own_colors() -> None:
    landmarks = ring(400, 350, 350)
    canvas = canvas_of(700)
    draw_landmarks(canvas, landmarks)
    right, left = np.rint(landmarks.points[[36, 42]]).astype(int)
    found = [tuple(canvas[y, x].tolist()) for x, y in (right, left)]
    assert found == [RIGHT, LEFT]


def test_one_color_can_be_asked_for_all_parts() -> None:
    landmarks = ring(400, 350, 350)
    canvas = canvas_of(700)
    draw_landmarks(canvas, landmarks, color=WHITE)
    x, y = np.rint(landmarks.points).astype(int).T
    assert (canvas[y, x] == WHITE).all()


def test_twice_the_weight_is_four_times_the_paint() -> None:
    points = np.full((68, 2), np.nan, np.float32)
    points[[0, 40]] = (100, 100), (300, 100)  # not joined
    usual, bold = np.zeros((2, 400, 400, 3), np.uint8)
    draw_landmarks(usual, Landmarks(points, SCHEMES["68"]), color=WHITE)
    draw_landmarks(bold, Landmarks(points, SCHEMES["68"]), color=WHITE, weight=2)
    assert bold.mean() == pytest.approx(4 * usual.mean(), rel=0.1)


def test_points_can_be_mapped_onto_the_canvas() -> None:
    mapped, drawn = canvas_of(700), canvas_of(700)
    draw_landmarks(mapped, ring(50, 0, 0), similarity=Similarity.about((0, 0), (300, 350), scale=4))
    draw_landmarks(drawn, ring(200, 300, 350))
    assert np.abs(mapped.astype(int) - drawn).max() <= 8  # points are float32


@pytest.mark.parametrize(("x", "y"), [(0, 0), (699, 350), (350, 720), (-1e9, 350), (5000, 1e9)])
def test_a_face_may_reach_beyond_the_picture(x: float, y: float) -> None:
    drawn = draw_faces(canvas_of(700), [face_of(ring(200, x, y))])
    assert drawn.shape == (700, 700, 3)


@pytest.mark.parametrize("side", [0.5, 8, 8000])
def test_a_face_may_have_any_size(side: float) -> None:
    drawn = draw_faces(canvas_of(700), [face_of(ring(side, 350, 350))])
    assert (drawn != GRAY).any()


def test_the_score_is_written_above_the_box() -> None:
    landmarks = ring(200, 350, 350)
    plain = Face(Box.around(landmarks.points), 0.11, landmarks)
    other = Face(Box.around(landmarks.points), 0.99, landmarks)
    rows = (draw_faces(canvas_of(700), [plain]) != draw_faces(canvas_of(700), [other])).any((1, 2))
    changed = np.flatnonzero(rows)
    assert 220 < changed.min() < changed.max() < 251


@pytest.mark.parametrize("background", [0, 90, 180, 255])
def test_a_drawing_is_seen_on_any_skin(background: int) -> None:
    picture = np.full((700, 700, 3), background, np.uint8)
    drawn = draw_faces(picture, [face_of(ring(300, 350, 350))])
    assert (np.abs(drawn.astype(int) - background).max(axis=2) > 70).sum() > 1500


def test_a_drawing_is_the_same_every_time() -> None:
    faces = [face_of(ring(200, 350, 350)), face_of(ring(80, 100, 100))]
    assert np.array_equal(draw_faces(canvas_of(700), faces), draw_faces(canvas_of(700), faces))


def doubtful(covariance: list[list[float]], x: float = 350, y: float = 350) -> Landmarks:
    """One of five points, and what of it is expected."""
    points, covariances = np.full((5, 2), np.nan), np.full((5, 2, 2), np.nan)
    points[0], covariances[0] = (x, y), covariance
    return Landmarks(points, SCHEMES["5"], covariances=covariances)


def test_an_ellipse_is_as_long_and_wide_as_95_percent_of_the_errors() -> None:
    canvas = canvas_of(700)
    draw_ellipses(canvas, doubtful([[900, 0], [0, 100]]))
    y, x = np.nonzero((canvas != GRAY).any(axis=2))
    # 2.586 standard deviations of 30 and 10 pixels on either side
    assert (np.ptp(x), np.ptp(y)) == pytest.approx((155.2, 51.7), abs=2.5)
    assert (x.mean(), y.mean()) == pytest.approx((350, 350), abs=0.5)


def test_an_ellipse_points_where_its_covariance_does() -> None:
    canvas = canvas_of(700)
    draw_ellipses(canvas, doubtful([[500, 400], [400, 500]]))
    y, x = np.nonzero((canvas != GRAY).any(axis=2))
    assert np.corrcoef(x, y)[0, 1] > 0.7  # y runs down, as in the covariance


def test_ellipses_let_the_picture_show_through() -> None:
    canvas = np.random.default_rng(0).integers(100, 150, (700, 700, 3), np.uint8)
    before = canvas.copy()
    draw_ellipses(canvas, doubtful([[900, 0], [0, 900]]))
    inside = np.s_[335:366, 335:366, 0]
    shown = np.corrcoef(before[inside].ravel(), canvas[inside].ravel())[0, 1]
    assert (canvas[inside] != before[inside]).any()
    assert shown > 0.9


def test_points_without_a_covariance_have_no_ellipse() -> None:
    canvas = canvas_of(700)
    draw_ellipses(canvas, ring(200, 350, 350))
    assert (canvas == GRAY).all()


def test_uncertainty_is_drawn_only_when_asked_for() -> None:
    landmarks = ring(300, 350, 350)
    wide = np.tile(400 * np.eye(2), (68, 1, 1))
    sure = Landmarks(landmarks.points, landmarks.scheme)
    unsure = Landmarks(landmarks.points, landmarks.scheme, covariances=wide)
    usual = draw_faces(canvas_of(700), [face_of(unsure)])
    assert np.array_equal(usual, draw_faces(canvas_of(700), [face_of(sure)]))
    assert not np.array_equal(
        usual, draw_faces(canvas_of(700), [face_of(unsure)], uncertainty=True)
    )


@pytest.mark.parametrize(("x", "y"), [(-1e6, 350), (699, 0)])
def test_an_ellipse_may_reach_beyond_the_picture(x: float, y: float) -> None:
    canvas = canvas_of(700)
    draw_ellipses(canvas, doubtful([[1e12, 0], [0, 1e4]], x, y))
    assert canvas.shape == (700, 700, 3)


def attentive(attention: list[float], side: float = 60.0) -> Face:
    """A face whose patches stand in a row, 150 pixels apart."""
    count = len(attention)
    middles = [(200 + 150 * i, 350, side) for i in range(count)]
    shown = np.array(attention, np.float32)
    squares = corners_of(middles).astype(np.float32)
    return replace(face_of(ring(300, 350, 350)), attention=shown, patches=squares)


def test_patches_are_the_brighter_the_more_they_counted() -> None:
    canvas = canvas_of(700)

    draw_attention(canvas, attentive([0.9, 0.1, 0.5]))

    much, little, middling = (canvas[330, x].astype(int) for x in (200, 350, 500))
    assert much.sum() > middling.sum() > little.sum()
    assert much[2] < GRAY < much[0]  # yellow
    assert little[2] > little[1]  # violet


def test_a_patch_is_drawn_as_large_as_it_is_and_lets_the_picture_through() -> None:
    canvas = np.random.default_rng(0).integers(100, 150, (700, 700, 3), np.uint8)
    before = canvas.copy()

    draw_attention(canvas, attentive([0.2, 0.8]))

    y, x = np.nonzero((canvas != before).any(axis=2))
    assert (x.min(), x.max()) == pytest.approx((170, 380), abs=2)
    assert (y.min(), y.max()) == pytest.approx((320, 380), abs=2)
    corner = np.s_[324:336, 174:226, 0]
    assert np.corrcoef(before[corner].ravel(), canvas[corner].ravel())[0, 1] > 0.9


def test_no_difference_is_drawn_where_there_is_hardly_one() -> None:
    canvas = canvas_of(700)

    draw_attention(canvas, attentive([0.5, 0.5, 0.5001]))

    first, second, third = (canvas[330, x].astype(int) for x in (200, 350, 500))
    assert np.array_equal(first, second)
    assert np.abs(first - third).max() <= 2


def test_of_patches_that_overlap_the_one_that_counted_most_is_seen() -> None:
    canvas = canvas_of(700)

    draw_attention(canvas, attentive([0.1, 0.9, 0.1], side=200))

    assert canvas[300, 265, 0] > GRAY  # of the middle one, under which the first one ends
    assert canvas[300, 265, 2] < GRAY


def test_attention_is_drawn_only_when_asked_for() -> None:
    face = attentive([0.1, 0.9])
    plain = replace(face, attention=None, patches=None)
    usual = draw_faces(canvas_of(700), [face])

    assert np.array_equal(usual, draw_faces(canvas_of(700), [plain]))
    assert np.array_equal(usual, draw_faces(canvas_of(700), [plain], attention=True))
    assert not np.array_equal(usual, draw_faces(canvas_of(700), [face], attention=True))


def test_patches_may_reach_beyond_the_picture() -> None:
    canvas = canvas_of(700)
    draw_attention(canvas, attentive([0.1] * 5, side=1e7))
    assert canvas.shape == (700, 700, 3)


def test_hidden_landmarks_are_fainter() -> None:
    landmarks = ring(200, 400, 400)
    visible = np.arange(68) % 34 < 17
    canvas = canvas_of(800)

    draw_landmarks(canvas, landmarks, color=WHITE, visible=visible)

    x, y = np.rint(landmarks.points).astype(int).T
    bright = canvas[y, x].mean(axis=1) - GRAY
    assert bright[visible].min() > 2 * bright[~visible].max()
    assert bright[~visible].min() > 20


def test_where_all_are_visible_nothing_is_fainter() -> None:
    plain, flagged = canvas_of(400), canvas_of(400)

    draw_landmarks(plain, ring(100, 200, 200))
    draw_landmarks(flagged, ring(100, 200, 200), visible=np.ones(68, bool))

    np.testing.assert_array_equal(plain, flagged)


@pytest.mark.parametrize(
    ("pose", "toward"),
    [
        (Pose(40, 0, 0), (-1, 0)),
        (Pose(-40, 0, 0), (1, 0)),
        (Pose(0, 40, 0), (0, -1)),
        (Pose(0, -40, 0), (0, 1)),
    ],
)
def test_the_arrow_of_a_pose_points_where_the_nose_does(
    pose: Pose, toward: tuple[float, float]
) -> None:
    landmarks = ring(200, 400, 400)
    canvas = canvas_of(800)

    draw_pose(canvas, replace(face_of(landmarks), pose=pose))

    arrow = np.abs(canvas.astype(int) - NOSE).sum(axis=2) < 60
    y, x = np.argwhere(arrow).mean(axis=0)
    middle = landmarks.points[:27].mean(axis=0)
    assert ((x, y) - middle) @ np.array(toward) > 20


def test_of_a_head_that_leans_the_box_leans() -> None:
    """By 90 degrees clockwise the edges on the subject's right are at the top."""
    canvas = canvas_of(800)

    draw_pose(canvas, replace(face_of(ring(200, 400, 400)), pose=Pose(0, 0, 90)))

    y, _ = np.argwhere(np.abs(canvas.astype(int) - RIGHT).sum(axis=2) < 90).mean(axis=0)
    below, _ = np.argwhere(np.abs(canvas.astype(int) - LEFT).sum(axis=2) < 90).mean(axis=0)
    assert y < below - 100


def test_where_no_pose_is_known_none_is_drawn() -> None:
    canvas = canvas_of(400)

    draw_pose(canvas, face_of(ring(100, 200, 200)))

    assert (canvas == GRAY).all()


def test_a_face_that_has_failed_is_crossed_out_in_red() -> None:
    face = face_of(ring(400, 400, 400))

    drawn, crossed = (draw_faces(canvas_of(800), [f]) for f in (face, replace(face, failed=True)))

    def red(picture: Picture, x: int, y: int) -> bool:
        place = picture[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).astype(int)
        return bool((place[:, 0] - place[:, 1:].max(axis=1)).max() > (FAILED[0] - FAILED[1]) / 3)

    for x, y in ((400, 400), (300, 300), (500, 300), (250, 200)):
        assert red(crossed, x, y)
        assert not red(drawn, x, y)
