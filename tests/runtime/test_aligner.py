"""From pictures to faces, with a network that finds the bright spot in its crop."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.detection import Detection
from canthus.errors import ImageError, WeightsError
from canthus.faces import Face, Pose
from canthus.geometry import Box, BoxRelation
from canthus.images.files import write_image
from canthus.runtime import Aligner, load
from canthus.runtime.aligner import Picture
from canthus.runtime.manifest import Manifest

Image = NDArray[np.uint8]

# Batches may be computed in another order than single faces: this is the tolerance promised.
SAME_PX = 1e-3
TIGHT = BoxRelation()


class FakeDetector:
    """Always finds the same."""

    name = "fake"

    def __init__(self, *found: Detection, relation: BoxRelation = TIGHT) -> None:
        self.found = list(found)
        self.relation = relation

    def __call__(self, image: Image) -> list[Detection]:
        return self.found


def spot(x: float, y: float, width: int = 200, height: int = 150) -> Image:
    """A black picture with a soft white spot about (x, y)."""
    across, down = np.meshgrid(np.arange(width) - x, np.arange(height) - y)
    bright = 255 * np.exp(-(across**2 + down**2) / (2 * 4**2))
    return np.repeat(bright.round().astype(np.uint8)[:, :, None], 3, axis=2)


def about(x: float, y: float, side: float = 40.0) -> Box:
    """The square box about (x, y)."""
    return Box.from_xywh(x - side / 2, y - side / 2, side, side)


def center(face: Face) -> tuple[float, float]:
    """The middle of a face's landmarks."""
    x, y = face.landmarks.points.mean(axis=0).tolist()
    return x, y


@pytest.fixture(scope="module")
def aligner(spot_weights: Path) -> Aligner:
    """Of the spot network, which looks once, with a detector that finds nobody."""
    return load(spot_weights, detector=FakeDetector(), once=True)


def test_landmarks_are_in_the_pictures_pixels(aligner: Aligner) -> None:
    (face,) = aligner(spot(81.3, 62.9), boxes=[about(77.3, 66.8)])
    assert center(face) == pytest.approx((81.3, 62.9), abs=0.02)


def test_a_crop_is_crop_scale_times_the_box(aligner: Aligner) -> None:
    (face,) = aligner(spot(81, 62), boxes=[about(80, 60, side=48)])
    # The crop shows 2 x 48 pixels in 64, so the ring of radius 10 has 15 in the picture.
    assert face.box.width == pytest.approx(30, abs=0.01)


def test_a_face_has_68_float32_points_and_scores(aligner: Aligner) -> None:
    (face,) = aligner(spot(81, 62), boxes=[about(80, 60)])
    assert face.landmarks.points.dtype == np.float32
    assert face.landmarks.points.shape == (68, 2)
    assert face.landmarks.scores is not None
    assert face.landmarks.scores.shape == (68,)


def test_the_box_of_a_face_is_tight_around_its_landmarks(aligner: Aligner) -> None:
    (face,) = aligner(spot(81, 62), boxes=[about(80, 60)])
    assert face.box == Box.around(face.landmarks.points)


def test_given_boxes_have_score_one(aligner: Aligner) -> None:
    (face,) = aligner(spot(81, 62), boxes=[about(80, 60)])
    assert face.score == 1.0


def test_without_boxes_the_detector_says_where_and_how_surely(spot_weights: Path) -> None:
    aligner = load(spot_weights, detector=FakeDetector(Detection(about(80, 60), 0.7, None)))
    (face,) = aligner(spot(81, 62))
    assert face.score == 0.7
    assert center(face) == pytest.approx((81, 62), abs=0.02)


def test_nobody_there_is_an_empty_list(aligner: Aligner) -> None:
    assert aligner(spot(81, 62)) == []


def test_the_detectors_boxes_are_brought_to_the_tight_frame(spot_weights: Path) -> None:
    relation = BoxRelation(right=0.5, down=-1.0, scale=2.0)
    drawn = relation.from_tight(about(80, 60, side=48))
    aligner = load(
        spot_weights, detector=FakeDetector(Detection(drawn, 1.0, None), relation=relation)
    )
    (face,) = aligner(spot(81, 62))
    # A first look about 48 pixels finds a ring of 30, and so on: each is 10 / 16 of the one before.
    assert face.box.width == pytest.approx(48 * (10 / 16) ** 3, abs=0.01)


@pytest.mark.parametrize("roll_deg", [90, 180, -120])
def test_a_turned_face_is_cut_out_upright(spot_weights: Path, roll_deg: float) -> None:
    turn = np.radians(roll_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    upright = np.array([(-9, -9), (9, -9), (0, 0), (-7, 11), (7, 11)])

    def first_point(points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Which way the ring's first point lies from its center: it turns with the crop."""
        found = Detection(about(80, 60), 1.0, (points + np.array([80, 60])).astype(np.float32))
        (face,) = load(spot_weights, detector=FakeDetector(found))(spot(84, 60))
        way = face.landmarks.points[0] - face.landmarks.points.mean(axis=0)
        return np.asarray(way / np.linalg.norm(way), np.float64)

    expected = rotation @ first_point(upright)
    np.testing.assert_allclose(first_point(upright @ rotation.T), expected, atol=2e-3)


@pytest.fixture(scope="module")
def doubtful(doubtful_weights: Path) -> Aligner:
    return load(doubtful_weights, once=True)


def test_covariances_are_in_the_pictures_pixels(doubtful: Aligner) -> None:
    (face,) = doubtful(spot(81, 62), boxes=[about(80, 60, side=48)])
    # The crop shows 2 x 48 pixels in 64: the picture's are 1.5 times as many, and 2.25 squared.
    expected = np.tile(2.25 * np.array([[4, 1], [1, 2]]), (68, 1, 1))
    assert face.landmarks.covariances is not None
    np.testing.assert_allclose(face.landmarks.covariances, expected, rtol=1e-6)


@pytest.mark.parametrize("roll_deg", [90, 180, -120])
def test_ellipses_turn_with_the_face(doubtful: Aligner, roll_deg: float) -> None:
    turn = np.radians(roll_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    upright = np.array([(-9, -9), (9, -9), (0, 0), (-7, 11), (7, 11)])

    def covariance(points: NDArray[np.float64]) -> NDArray[np.float32]:
        found = Detection(about(80, 60), 1.0, (points + np.array([80, 60])).astype(np.float32))
        turned = Aligner(doubtful.manifest, doubtful.backend, FakeDetector(found))
        (face,) = turned(spot(84, 60))
        assert face.landmarks.covariances is not None
        return face.landmarks.covariances[0]

    expected = rotation @ covariance(upright) @ rotation.T
    np.testing.assert_allclose(covariance(upright @ rotation.T), expected, atol=0.01)


def test_a_network_without_covariances_leaves_them_unknown(aligner: Aligner) -> None:
    (face,) = aligner(spot(81, 62), boxes=[about(80, 60)])
    assert face.landmarks.covariances is None


def test_a_picture_may_be_a_file(aligner: Aligner, tmp_path: Path) -> None:
    write_image(tmp_path / "spot.png", spot(81, 62))
    (face,) = aligner(tmp_path / "spot.png", boxes=[about(80, 60)])
    assert center(face) == pytest.approx((81, 62), abs=0.02)


@pytest.mark.parametrize(
    "same",
    [
        lambda image: image[:, :, 0],
        lambda image: image.astype(np.int64),
        lambda image: image.astype(np.uint8, order="K")[..., :1],
        lambda image: image.astype(np.uint16) * 257,
        np.asfortranarray,
        lambda image: image[::-1].copy()[::-1],
        lambda image: image[:, ::-1].copy()[:, ::-1],
        lambda image: np.repeat(image, 2, axis=1)[:, ::2],
        lambda image: image[..., ::-1],
    ],
    ids=["gray", "int64", "channel", "uint16", "fortran", "flip", "mirror", "strides", "channels"],
)
def test_any_layout_of_the_same_picture_gives_the_same_points(
    aligner: Aligner, same: Callable[[Image], NDArray[np.generic]]
) -> None:
    image, boxes = spot(81, 62), [about(80, 60)]
    expected = aligner(image, boxes)[0].landmarks.points
    np.testing.assert_array_equal(aligner(same(image), boxes)[0].landmarks.points, expected)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (spot(81, 62) / 255, "float64"),
        (spot(81, 62).astype(np.float32), "float32"),
        (spot(81, 62).transpose(2, 0, 1), "transpose"),
        (np.zeros((0, 0, 3), np.uint8), "empty"),
    ],
    ids=["float 0-1", "float 0-255", "channels first", "empty"],
)
def test_what_is_no_picture_is_refused(
    aligner: Aligner, wrong: NDArray[np.generic], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        aligner(wrong, [about(80, 60)])


def test_many_pictures_of_mixed_sizes_and_counts_equal_one_by_one(aligner: Aligner) -> None:
    images = [spot(60 + i, 50 + i, 150 + 7 * i, 120 + 5 * i) for i in range(7)]
    boxes = [[about(62 + i, 50 + j, 40 + j) for j in range(i % 4)] for i in range(7)]
    together = aligner.many(images, boxes, batch_size=3)
    for image, drawn, faces in zip(images, boxes, together, strict=True):
        alone = aligner(image, drawn)
        assert len(faces) == len(alone)
        for one, other in zip(faces, alone, strict=True):
            np.testing.assert_allclose(
                one.landmarks.points, other.landmarks.points, rtol=0, atol=SAME_PX
            )


def test_the_faces_of_two_pictures_in_one_batch_do_not_mix(aligner: Aligner) -> None:
    places = [(50 + 11 * i, 40 + 7 * i) for i in range(9)]
    images = [spot(x, y) for x, y in places]
    answers = aligner.many(images, [[about(x + 3, y - 2)] for x, y in places], batch_size=4)
    found = [center(face) for (face,) in answers]
    np.testing.assert_allclose(found, places, atol=0.02)


def test_no_pictures_are_no_answers(aligner: Aligner) -> None:
    assert aligner.many([]) == []


def test_many_raises_at_a_bad_picture(aligner: Aligner, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"missing\.jpg"):
        aligner.many([spot(81, 62), tmp_path / "missing.jpg"])


def test_in_a_stream_an_error_stays_in_its_slot(aligner: Aligner, tmp_path: Path) -> None:
    images: list[Picture] = [spot(81, 62), tmp_path / "missing.jpg", spot(81, 62), spot(81, 62)]
    far = Box(5000, 5000, 5100, 5100)
    boxes = [[about(80, 60)], [about(80, 60)], [far], [about(80, 60)]]
    first, second, third, fourth = aligner.stream(images, boxes)
    assert isinstance(second, ImageError)
    assert isinstance(third, ValueError)
    assert isinstance(first, list)
    assert isinstance(fourth, list)
    assert center(first[0]) == pytest.approx((81, 62), abs=0.02)
    assert center(fourth[0]) == pytest.approx((81, 62), abs=0.02)


def test_a_stream_reads_no_further_than_a_batch_ahead(aligner: Aligner) -> None:
    read = 0

    def endless() -> Iterator[Image]:
        nonlocal read
        while True:
            read += 1
            yield spot(81, 62)

    answers = aligner.stream(endless(), batch_size=4)
    for _ in range(9):
        next(answers)
    assert read == 12


def test_boxes_for_each_picture_are_needed(aligner: Aligner) -> None:
    with pytest.raises(ValueError, match="shorter"):
        aligner.many([spot(81, 62), spot(81, 62)], [[about(80, 60)]])


def test_a_batch_of_no_faces_is_refused(aligner: Aligner) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        aligner.many([spot(81, 62)], batch_size=0)


def test_a_network_that_puts_all_points_in_one_place_is_not_believed(aligner: Aligner) -> None:
    class Collapsed:
        def run(self, crops: Image) -> dict[str, NDArray[np.float32]]:
            shape = (len(crops), 68)
            return {
                "points": np.ones((*shape, 2), np.float32),
                "scores": np.ones(shape, np.float32),
            }

    with pytest.raises(WeightsError, match="one place"):
        Aligner(aligner.manifest, Collapsed())(spot(81, 62), [about(80, 60)])


def test_aligning_warns_of_nothing(aligner: Aligner) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aligner(spot(81, 62), np.array([[60, 40, 100, 80]]))


class Deep:
    """A network that finds a ring about the middle of the crop, in depth, of an upright head."""

    CAMERA = ((2.0, 0.0, 0.0, 31.5), (0.0, -2.0, 0.0, 31.5), (0.0, 0.0, -2.0, 0.0))

    def run(self, crops: Image) -> dict[str, NDArray[np.float32]]:
        turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
        ring = 31.5 + 16 * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        count = len(crops)
        return {
            "points": np.tile(ring, (count, 1, 1)).astype(np.float32),
            "depths": np.tile(np.arange(68), (count, 1)).astype(np.float32),
            "cameras": np.tile(self.CAMERA, (count, 1, 1)).astype(np.float32),
            "shapes": np.ones((count, 5), np.float32),
        }


def test_depths_are_in_the_pictures_pixels(spot_manifest: Manifest) -> None:
    deep = Aligner(spot_manifest, Deep(), once=True)
    (face,) = deep(spot(81, 62), [about(81, 62, side=48)])
    # The crop shows 2 x 48 pixels in 64.
    assert face.landmarks.points.shape == (68, 3)
    np.testing.assert_allclose(face.landmarks.points[:, 2], 1.5 * np.arange(68), rtol=1e-6)
    assert face.pose == Pose(0, 0, 0)


def test_a_face_model_is_where_the_face_is_in_the_picture(spot_manifest: Manifest) -> None:
    deep = Aligner(spot_manifest, Deep(), once=True)
    (face,) = deep(spot(81, 62), [about(81, 62, side=48)])
    assert face.fit is not None
    # a place to the right, above, and nearer to the viewer; 2 pixels of the crop are 3
    found = face.fit.in_picture([(1, 4, 2)])
    np.testing.assert_allclose(found, [(81 + 3, 62 - 12, -6)], atol=1e-4)
    assert face.fit.shape.shape == (5,)


@pytest.mark.parametrize("roll_deg", [40, -120])
def test_the_pose_is_that_in_the_picture(spot_manifest: Manifest, roll_deg: float) -> None:
    turn = np.radians(roll_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    upright = np.array([(-9, -9), (9, -9), (0, 0), (-7, 11), (7, 11)]) @ rotation.T
    leaning = Detection(about(80, 60), 1.0, (upright + np.array([80, 60])).astype(np.float32))
    deep = Aligner(spot_manifest, Deep(), FakeDetector(leaning), once=True)
    (face,) = deep(spot(81, 62))
    assert face.pose is not None
    # it is upright in the crop, which was turned with it
    assert face.pose.roll_deg == pytest.approx(roll_deg, abs=1e-3)
    assert face.pose.yaw_deg == pytest.approx(0, abs=1e-3)


class Eyesight:
    """A network of five points that sees how large the spot is, and counts what it was shown."""

    FACE = np.array([(-10, -10), (10, -10), (0, 0), (-8, 10), (8, 10)], np.float32)

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.wide: list[float] = []  # of the faces in the crops, in pixels of those

    def run(self, crops: Image) -> dict[str, NDArray[np.float32]]:
        self.shown.append(len(crops))
        points = []
        for each in crops[..., 0].astype(np.float64):
            y, x = np.mgrid[: each.shape[0], : each.shape[1]]
            weight = each / each.sum()
            middle = np.array([(x * weight).sum(), (y * weight).sum()])
            spread = np.sqrt((((x - middle[0]) ** 2 + (y - middle[1]) ** 2) * weight).sum() / 2)
            self.wide.append(10 * spread)  # of a spot as `spot` draws it: 40 in the picture
            points.append(middle + self.FACE * spread / 2)
        return {"points": np.array(points, np.float32)}


@pytest.fixture
def eyesight() -> Eyesight:
    return Eyesight()


@pytest.fixture
def five(spot_manifest: Manifest, eyesight: Eyesight) -> Aligner:
    return Aligner(replace(spot_manifest, scheme="5"), eyesight)


def test_a_good_box_is_looked_at_once(five: Aligner, eyesight: Eyesight) -> None:
    (face,) = five(spot(81, 62), [about(80, 60, side=43)])
    assert eyesight.shown == [1]
    assert face.box.as_tuple() == pytest.approx((61, 42, 101, 82), abs=0.5)


@pytest.mark.parametrize(
    "box",
    [about(81, 62, side=64), about(81, 62, side=28), about(94, 62)],
    ids=["large", "small", "aside"],
)
def test_a_box_that_was_off_is_drawn_anew(five: Aligner, eyesight: Eyesight, box: Box) -> None:
    (face,) = five(spot(81, 62), [box])
    assert eyesight.shown == [1, 1]
    # half of the crop of 64 pixels, as the face should be
    assert eyesight.wide[-1] == pytest.approx(32, abs=1)
    assert face.box.as_tuple() == pytest.approx((61, 42, 101, 82), abs=0.5)


def test_once_means_in_the_boxes_as_they_are(five: Aligner, eyesight: Eyesight) -> None:
    Aligner(five.manifest, eyesight, once=True)(spot(81, 62), [about(81, 62, side=64)])
    assert eyesight.shown == [1]


def test_only_the_faces_that_need_it_are_looked_at_again(five: Aligner, eyesight: Eyesight) -> None:
    boxes = [[about(81, 62)], [about(81, 62, side=64), about(80, 62)], [about(94, 62)]]
    answers = five.many([spot(81, 62)] * 3, boxes)
    assert eyesight.shown == [4, 2]
    for faces in answers:
        for face in faces:
            assert center(face) == pytest.approx((81, 62), abs=0.2)


def test_to_look_again_and_once_exclude_each_other(spot_weights: Path) -> None:
    with pytest.raises(ValueError, match="not both"):
        load(spot_weights, reinitialize=True, once=True)


def test_large_pictures_do_not_wait_for_a_batch(
    aligner: Aligner, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, read = spot(81, 62), 0
    monkeypatch.setattr("canthus.runtime.aligner.WAITING", 2 * image.nbytes)

    def endless() -> Iterator[Image]:
        nonlocal read
        while True:
            read += 1
            yield image

    next(aligner.stream(endless(), batch_size=8))
    assert read == 2


def test_a_first_model_says_where_to_look(spot_weights: Path, aligner: Aligner) -> None:
    # The ring of landmarks is 20 pixels of a crop of 64 wide, which shows two boxes.
    behind = Aligner(aligner.manifest, aligner.backend, first=aligner)
    image = spot(92, 66)

    (alone,) = aligner(image, [about(80, 60)])
    (face,) = behind(image, [about(80, 60)])

    assert alone.box.side == pytest.approx(25, abs=0.1)  # 20 of 64 pixels, of 80
    assert face.box.side == pytest.approx(25 * 25 / 40, abs=0.1)  # the ring taken for the box
    assert center(face) == pytest.approx((92, 66), abs=0.05)
