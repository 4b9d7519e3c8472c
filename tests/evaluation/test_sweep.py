"""How much a wrong box costs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.errors import DatasetError
from canthus.evaluation import Benchmark
from canthus.evaluation.sweep import SETTINGS, SHIFTS, TURNS, cases_of, measure, turned
from canthus.faces import SCHEMES, Face, Landmarks
from canthus.geometry import Box, Similarity
from canthus.images.files import write_image

BOX = Box(40, 50, 80, 90)
RING = np.stack([np.cos(np.arange(68)), np.sin(np.arange(68))], axis=1)


class Hanging:
    """Finds the points where they would be if the box were the truth's: at parts of its size."""

    def __init__(self, truth: NDArray[np.float64], box: Box) -> None:
        self.parts = (truth - box.center) / box.side

    def many(
        self,
        images: Iterable[NDArray[np.uint8]],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> list[list[Face]]:
        assert boxes is not None
        return [[self._face(box) for box in some or ()] for some in boxes]

    def _face(self, box: Box) -> Face:
        points = np.array(box.center) + box.side * self.parts
        return Face(box, 1.0, Landmarks(points, SCHEMES["68"]))


@pytest.fixture
def one(tmp_path: Path) -> Benchmark:
    """One face: a ring of points about the middle of its box, 40 pixels wide."""
    write_image(tmp_path / "face.png", np.full((128, 128, 3), 90, np.uint8))
    truth = np.array(BOX.center) + 20 * RING
    sample = Sample(tmp_path / "face.png", BOX, Landmarks(truth, SCHEMES["68"]))
    return Benchmark("one", "a face", (sample,), "given_box_size", 0.08)


@pytest.fixture
def hanging(one: Benchmark) -> Hanging:
    return Hanging(one.truth[0], BOX)


def test_points_that_hang_on_the_box_move_with_it(one: Benchmark, hanging: Hanging) -> None:
    """A shift by a share of the side moves every point by that share of the box's size."""
    found = measure(hanging, one).series["shift"]
    assert found.nme == pytest.approx(found.settings, abs=1e-5)


def test_points_that_hang_on_the_box_grow_with_it(one: Benchmark, hanging: Hanging) -> None:
    """Each lies half a side from the middle, so it moves by half of what the side grows."""
    found = measure(hanging, one).series["scale"]
    assert found.nme == pytest.approx([abs(s - 1) / 2 for s in found.settings], abs=1e-5)


def test_the_truths_box_costs_nothing(one: Benchmark, hanging: Hanging) -> None:
    series = measure(hanging, one).series
    assert series["scale"].failure_rate[3] == 0
    assert series["scale"].auc[3] == pytest.approx(1)


def test_far_boxes_fail(one: Benchmark, hanging: Hanging) -> None:
    assert measure(hanging, one).series["shift"].failure_rate == (0, 0, 1, 1, 1, 1)


def test_each_way_is_kept_apart(one: Benchmark, hanging: Hanging) -> None:
    found = measure(hanging, one).series["shift"]
    assert list(found.apart) == list(SHIFTS)
    for errors in found.apart.values():
        assert errors == pytest.approx(found.settings, abs=1e-5)


def test_an_error_in_one_direction_shows_in_that_one(one: Benchmark) -> None:
    """Points that never leave their column are wrong as far as a box is moved right or left."""

    class Sliding(Hanging):
        def _face(self, box: Box) -> Face:
            x = box.center[0]
            return super()._face(Box(x - 20, 50, x + 20, 90))

    apart = measure(Sliding(one.truth[0], BOX), one).series["shift"].apart
    assert apart["up"] == apart["down"] == pytest.approx([0] * 6, abs=1e-6)
    assert apart["left"] == pytest.approx(SETTINGS["shift"], abs=1e-5)
    assert apart["left and up"][4] == pytest.approx(0.2 / np.sqrt(2), abs=1e-5)


TRIANGLE = np.array([[60.0, 70.0], [80.0, 70.0], [70.0, 90.0]])
AWAY = Box(50, 50, 90, 95)


@pytest.mark.parametrize("roll_deg", [-60, -15, 0, 37, 60])
def test_a_turned_face_has_its_points_where_its_pixels_are(roll_deg: float) -> None:
    """A smooth spot about the point is a spot about where the point has gone."""
    truth = np.concatenate([[[85.25, 65.5]], TRIANGLE])
    image = np.repeat(spot(truth[0])[:, :, None], 3, axis=2).astype(np.uint8)
    case = turned(AWAY, truth, roll_deg)
    assert middle(case.shown(image)[:, :, 0]) == pytest.approx(case.truth[0], abs=0.03)


def test_a_face_is_turned_about_the_middle_of_its_box() -> None:
    """Which is in the middle of what is shown: 3 x 45 pixels, so between pixels 66 and 68."""
    case = turned(AWAY, np.concatenate([TRIANGLE, [AWAY.center]]), 37.0)
    assert case.size == 135
    assert case.truth[3] == pytest.approx((67, 67))


def test_a_positive_roll_is_clockwise_in_the_picture() -> None:
    """A point right of the middle comes to lie below it after a quarter."""
    case = turned(AWAY, np.concatenate([TRIANGLE, [[80.0, 72.5]]]), 90.0)
    assert case.truth[3] == pytest.approx((67, 67 + 10))


def test_without_a_turn_the_box_is_the_square_about_the_one_that_was() -> None:
    case = turned(AWAY, TRIANGLE, 0.0)
    assert case.box.as_tuple() == pytest.approx(Box(44.5, 44.5, 89.5, 89.5).as_tuple())


def test_a_box_that_is_tight_is_tight_about_the_turned_face() -> None:
    case = turned(Box.around(TRIANGLE), TRIANGLE, 90.0)
    x, y = np.ptp(case.truth, axis=0)
    assert (x, y) == pytest.approx((20, 20))
    assert case.box.as_tuple() == pytest.approx(Box.around(case.truth).as_tuple())


@pytest.mark.parametrize("roll_deg", [0, 30, 60])
def test_a_box_within_the_landmarks_can_be_turned(roll_deg: float) -> None:
    """As large against the tight square as it was: half of it."""
    long = np.array([[0.0, 0.0], [100.0, 0.0], [50.0, 10.0]])
    case = turned(Box(25, 0, 75, 10), long, roll_deg)
    assert case.box.side == pytest.approx(Box.around(case.truth).side / 2)


def test_landmarks_that_are_not_known_stay_so() -> None:
    case = turned(AWAY, np.concatenate([TRIANGLE, [[np.nan, np.nan]]]), 30.0)
    assert np.isnan(case.truth).any(axis=1).tolist() == [False, False, False, True]


def test_every_setting_is_tried() -> None:
    cases = list(cases_of(BOX, np.array(BOX.center) + 20 * RING))
    shifts = 1 + len(SHIFTS) * (len(SETTINGS["shift"]) - 1)
    rolls = 1 + len(TURNS) * (len(SETTINGS["roll"]) - 1)
    assert len(cases) == len(SETTINGS["scale"]) + shifts + rolls


def test_directions_are_eight_of_one_length() -> None:
    assert len(set(SHIFTS.values())) == 8
    assert [np.hypot(*way) for way in SHIFTS.values()] == pytest.approx([1] * 8)


class Seeing:
    """Looks at the pixels: three spots, red, green and blue, tell where the face has gone."""

    def __init__(self, one: Benchmark, spots: NDArray[np.float64]) -> None:
        self.truth, self.spots = one.truth[0], spots

    def many(self, images: Any, boxes: Any = None) -> list[list[Face]]:
        return [
            [self._face(image, box) for box in some]
            for image, some in zip(images, boxes, strict=True)
        ]

    def _face(self, image: NDArray[np.uint8], box: Box) -> Face:
        found = [middle(image[:, :, channel]) for channel in range(3)]
        points = Similarity.fit(self.spots, found).apply(self.truth)
        return Face(box, 1.0, Landmarks(points, SCHEMES["68"]))


def test_who_sees_the_face_is_right_however_it_is_turned(one: Benchmark) -> None:
    """To 0.02 pixels of 40: half a pixel beside the true middle would be 0.5 at 60 degrees."""
    spots = np.array([[45.0, 60.5], [73.25, 62.0], [58.0, 84.0]])
    image = np.stack([spot(place) for place in spots], axis=2)
    write_image(one.samples[0].image, image.round().astype(np.uint8))
    series = measure(Seeing(one, spots), one).series
    for kind in SETTINGS:
        assert series[kind].nme == pytest.approx([0] * len(SETTINGS[kind]), abs=0.0005)


def spot(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """A soft spot on black, 160 pixels wide and high."""
    down, right = np.mgrid[:160, :160]
    return 240 * np.exp(-((right - place[0]) ** 2 + (down - place[1]) ** 2) / (2 * 2.5**2))


def middle(channel: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The center of brightness (x, y)."""
    down, right = np.mgrid[: channel.shape[0], : channel.shape[1]]
    weights = channel.astype(np.float64)
    return np.array([(weights * right).sum(), (weights * down).sum()]) / weights.sum()


class Finding:
    """Finds every face where it is, or nobody."""

    def __init__(self, one: Benchmark, lost: bool = False) -> None:
        self.one, self.lost = one, lost

    def many(self, images: Any, boxes: Any = None) -> list[list[Face]]:
        landmarks = self.one.samples[0].landmarks
        return [[] if self.lost else [Face(b, 1.0, landmarks) for b in some] for some in boxes]


def test_finding_the_face_in_any_box_is_a_flat_line(one: Benchmark) -> None:
    series = measure(Finding(one), one).series
    assert series["scale"].nme == series["shift"].nme[:1] * 9 == (0,) * 9


def test_finding_nobody_is_a_failure(one: Benchmark) -> None:
    found = measure(Finding(one, lost=True), one).series["scale"]
    assert set(found.failure_rate) == {1}
    assert np.isnan(found.nme).all()


def test_a_sweep_is_json(one: Benchmark) -> None:
    plain = measure(Finding(one, lost=True), one).to_plain()
    assert json.loads(json.dumps(plain, allow_nan=False))["kind"] == "sweep"


def test_some_faces_are_chosen_evenly(benchmark: Benchmark) -> None:
    told: list[Sample] = []

    def track(samples: Sequence[Sample]) -> Sequence[Sample]:
        told.extend(samples)
        return samples

    measure(Finding(benchmark), benchmark, faces=3, track=track)
    assert [benchmark.samples.index(sample) for sample in told] == [0, 2, 5]


def test_no_face_is_too_few(one: Benchmark) -> None:
    with pytest.raises(ValueError, match="one face at least, found 0"):
        measure(Finding(one), one, faces=0)


def test_a_lost_face_fails_and_leaves_the_mean_alone(benchmark: Benchmark) -> None:
    """One of six is not found in whatever box; the others are found where they are."""

    class Losing(Finding):
        def many(self, images: Any, boxes: Any = None) -> list[list[Face]]:
            self.lost = int(next(iter(images))[5, 5, 0]) == 2  # the brightness says which
            return super().many(images, boxes)

    found = measure(Losing(benchmark), replace(benchmark, samples=same(benchmark)))
    assert found.series["scale"].nme == (0,) * 9
    assert found.series["scale"].failure_rate == pytest.approx([1 / 6] * 9)


def same(benchmark: Benchmark) -> tuple[Sample, ...]:
    """The pictures of a benchmark, all with the truth of the first."""
    first = benchmark.samples[0]
    return tuple(replace(first, image=sample.image) for sample in benchmark.samples)


def test_a_face_of_one_point_is_named(one: Benchmark) -> None:
    known = np.full((68, 2), np.nan)
    known[30] = 60, 70
    sample = replace(one.samples[0], landmarks=Landmarks(known, SCHEMES["68"]))
    with pytest.raises(DatasetError, match=r"face\.png: cannot be turned: a box needs two known"):
        measure(Finding(one), replace(one, samples=(sample,)))


def test_each_face_is_measured_by_its_own_length(one: Benchmark) -> None:
    """Two of three: 4 pixels of 40, and of 20."""
    boxes = [Box(40, 50, 80, 90), Box(20, 30, 100, 110), Box(50, 60, 70, 80)]
    samples = tuple(replace(one.samples[0], box=box) for box in boxes)
    lower = replace(one.samples[0].landmarks, points=one.truth[0] + np.array([0, 4]))
    wrong = replace(one, samples=(replace(one.samples[0], landmarks=lower),))
    found = measure(Finding(wrong), replace(one, samples=samples), faces=2)
    assert found.series["scale"].nme == pytest.approx([0.15] * 9, rel=1e-4)


def test_unknown_landmarks_take_no_part(one: Benchmark) -> None:
    """Half of the truth is gone: what is left is wrong by as much as before."""
    known = one.truth[0].copy()
    known[1::2] = np.nan
    sample = replace(one.samples[0], landmarks=Landmarks(known, SCHEMES["68"]))
    partial = replace(one, samples=(sample,))
    found = measure(Hanging(one.truth[0], BOX), partial).series["shift"]
    assert found.nme == pytest.approx(found.settings, abs=1e-5)


def test_a_model_of_another_scheme_is_scored_by_the_benchmarks(one: Benchmark) -> None:
    """68 points as 29: two of them have no source, so they are left out."""
    fewer = one.samples[0].landmarks.map("29").points
    truth = np.where(np.isnan(fewer), np.array(BOX.center, np.float32), fewer)
    sample = replace(one.samples[0], landmarks=Landmarks(truth, SCHEMES["29"]))
    found = measure(Hanging(one.truth[0], BOX), replace(one, samples=(sample,)))
    assert found.series["shift"].nme == pytest.approx(SETTINGS["shift"], abs=1e-5)
