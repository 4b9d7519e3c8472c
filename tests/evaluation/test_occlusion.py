"""How much it costs when something is before the face."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.datasets import Sample, ibug
from canthus.datasets.synthetic import write
from canthus.errors import DatasetError
from canthus.evaluation import Benchmark, evaluate, given_boxes
from canthus.evaluation.occlusion import SHARES, USUAL, Chance, Patch, measure, patches_of
from canthus.faces import SCHEMES, Face, Landmarks
from canthus.geometry import Box
from canthus.images.files import read_image, write_image

COUNT = 5


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Drawn faces in pictures of 160 pixels."""
    folder = tmp_path_factory.mktemp("drawn")
    write(folder, COUNT, np.random.default_rng(3), size=160)
    samples = tuple(ibug.read(folder))
    return Benchmark("drawn", "drawn faces", samples, "inter_ocular", 0.08)


class Comparing:
    """Knows the truth of each picture, and moves it by what it sees of the patch.

    Attributes:
        benchmark: of the faces.
        offset: pixels for each landmark, from how far the picture is changed about it.
        lost: the faces that are never found.
        given: the boxes it was given so far.
        shown: the pictures, likewise.
    """

    def __init__(self, benchmark: Benchmark, lost: Sequence[int] = ()) -> None:
        self.benchmark, self.lost = benchmark, lost
        self.pictures = [read_image(sample.image) for sample in benchmark.samples]
        self.given: list[Box] = []
        self.shown: list[Any] = []

    def many(self, images: Any, boxes: Any = None) -> list[list[Face]]:
        return [self._faces(image, *some) for image, some in zip(images, boxes, strict=True)]

    def _faces(self, image: Any, box: Box) -> list[Face]:
        self.given.append(box)
        self.shown.append(image)
        row = int(np.argmin([(image != picture).mean() for picture in self.pictures]))
        if row in self.lost:
            return []
        truth = self.benchmark.truth[row]
        return [Face(box, 1.0, Landmarks(truth + self.offset(image, row), SCHEMES["68"]))]

    def offset(self, image: Any, row: int) -> Any:
        """How far the landmarks are off, (L, 2) pixels: 6 under the patch, 2 beside it."""
        x, y = self.benchmark.truth[row].round().astype(int).T
        hidden = (image != self.pictures[row]).any(axis=2)[y, x]
        return np.stack([np.where(hidden, 6.0, 2.0), np.zeros(len(x))], axis=1)


def tight_of(benchmark: Benchmark, row: int) -> Box:
    return Box.around(benchmark.truth[row])


def flat(patch: Patch) -> bool:
    """Whether it is of one color."""
    return bool((patch.pixels == patch.pixels[0, 0]).all())


@pytest.mark.parametrize("row", range(COUNT))
def test_a_patch_is_as_large_as_told(drawn: Benchmark, row: int) -> None:
    """In pixels of the picture that change, to half a pixel along one side."""
    tight = tight_of(drawn, row)
    image = read_image(drawn.samples[row].image)
    for patch in patches_of(drawn, row, Chance(draws=3)):
        height, width = patch.pixels.shape[:2]
        white = replace(patch, pixels=np.full((height, width, 3), 255, np.uint8))
        changed = (white.over(np.zeros_like(image)) == 255).all(axis=2).sum()
        wanted = patch.share * tight.width * tight.height
        assert changed == pytest.approx(wanted, abs=0.5 * width + 1e-9)
        assert 0.45 < width / height < 2.2


@pytest.mark.parametrize("row", range(COUNT))
def test_a_patch_lies_within_the_tight_box(drawn: Benchmark, row: int) -> None:
    """To half a pixel; drawn faces are about as wide as high, so that all fit."""
    tight = tight_of(drawn, row)
    for patch in patches_of(drawn, row, Chance(draws=6)):
        height, width = patch.pixels.shape[:2]
        assert width <= tight.width
        assert height <= tight.height
        assert tight.x0 - 0.5 <= patch.left - 0.5 <= tight.x1 + 0.5 - width
        assert tight.y0 - 0.5 <= patch.top - 0.5 <= tight.y1 + 0.5 - height


def test_a_patch_that_is_too_long_covers_the_whole_side(drawn: Benchmark) -> None:
    """Of a face as flat as a plank, 100 pixels by 10, 400 are 14 to 28 pixels high."""
    points = np.stack([np.linspace(20, 120, 68), np.tile([60.0, 70.0], 34)], axis=1)
    first = replace(drawn.samples[0], landmarks=Landmarks(points, SCHEMES["68"]))
    plank = replace(drawn, samples=(first, *drawn.samples[1:]))
    for patch in patches_of(plank, 0, Chance(draws=6)):
        if patch.share == 0.4:
            assert patch.top - 0.5 <= 60.5
            assert patch.top + len(patch.pixels) - 0.5 >= 69.5
            assert patch.left - 0.5 >= 19.5


def test_places_are_as_likely_everywhere(drawn: Benchmark) -> None:
    """Of 400 patches a quarter lies in each quarter of the way, to three standard errors."""
    tight = tight_of(drawn, 0)
    smallest = [p for p in patches_of(drawn, 0, Chance(draws=400)) if p.share == 0.1]
    parts = [(p.left - 0.5 - tight.x0) / (tight.width - p.pixels.shape[1]) for p in smallest]
    counts, _ = np.histogram(parts, 4, (0, 1))
    assert counts == pytest.approx([100] * 4, abs=3 * np.sqrt(400 * 3 / 16))


def test_a_landmark_is_hidden_to_half_a_pixel() -> None:
    """Of columns 10, 11 and 12, and rows 20 and 21."""
    patch = Patch(0.1, 10, 20, np.zeros((2, 3, 3), np.uint8))
    inside = [(9.5, 19.5), (12.49, 21.49), (11, 20)]
    outside = [(9.49, 20), (12.5, 20), (11, 19.49), (11, 21.5), (np.nan, np.nan)]
    assert patch.hides(np.array(inside + outside)).tolist() == [True] * 3 + [False] * 5


def test_a_patch_changes_its_pixels_only() -> None:
    image = np.zeros((8, 9, 3), np.uint8)
    shown = Patch(0.1, 6, 5, np.full((6, 2, 3), 7, np.uint8)).over(image)
    assert np.argwhere(shown[:, :, 0]).tolist() == [[y, x] for y in (5, 6, 7) for x in (6, 7)]
    assert not image.any()


@pytest.mark.parametrize(("left", "top"), [(-9, 0), (0, -9), (20, 0), (0, 20)])
def test_a_patch_outside_the_picture_changes_nothing(left: int, top: int) -> None:
    shown = Patch(0.1, left, top, np.full((6, 4, 3), 7, np.uint8)).over(np.zeros((8, 9, 3), "u1"))
    assert not shown.any()


def test_what_a_patch_shows_takes_turns(drawn: Benchmark) -> None:
    """One color, a piece of a picture and noise: these differ by how like neighbors are."""
    for row in range(COUNT):
        large = [p for p in patches_of(drawn, row, Chance(draws=6)) if p.share == 0.4]
        kinds = []
        for patch in large:
            rough = np.abs(np.diff(patch.pixels.astype(float), axis=1)).mean()
            kinds.append("plain" if flat(patch) else "noise" if rough > 50 else "piece")
        assert sorted(kinds[:3]) == ["noise", "piece", "plain"]
        assert kinds[3:] == kinds[:3]


def test_a_piece_is_of_another_picture(drawn: Benchmark, tmp_path: Path) -> None:
    """All others are red, so is whatever is neither of one color nor noise."""
    red = np.zeros((50, 60, 3), np.uint8)
    red[:, :, 0] = np.arange(100, 160)
    write_image(tmp_path / "red.png", red)
    others = [replace(sample, image=tmp_path / "red.png") for sample in drawn.samples[1:]]
    patches = patches_of(replace(drawn, samples=(drawn.samples[0], *others)), 0, Chance(draws=3))
    pieces = [p.pixels for p in patches if not flat(p) and not p.pixels[:, :, 1:].any()]
    assert len(pieces) == len(SHARES) - 1
    assert all(piece[:, :, 0].min() >= 100 and piece[:, :, 0].max() < 160 for piece in pieces)


def same(one: Patch, other: Patch) -> bool:
    places = (one.left, one.top) == (other.left, other.top)
    return places and np.array_equal(one.pixels, other.pixels)


def test_patches_depend_on_the_seed_and_the_face_alone(drawn: Benchmark) -> None:
    few, many = patches_of(drawn, 2, Chance(2)), list(patches_of(drawn, 2, Chance(4)))
    assert all(same(one, other) for one, other in zip(few, many, strict=False))
    others = [(patches_of(drawn, 2, Chance(4, seed=1))), patches_of(drawn, 3, Chance(4))]
    assert not any(same(one, two) for some in others for one, two in zip(many, some, strict=True))


def test_two_measurements_are_the_same(drawn: Benchmark) -> None:
    one, two = Comparing(drawn), Comparing(drawn)
    assert measure(one, drawn).to_plain() == measure(two, drawn).to_plain()
    assert all(np.array_equal(a, b) for a, b in zip(one.shown, two.shown, strict=True))


def test_hidden_and_seen_landmarks_are_scored_apart(drawn: Benchmark) -> None:
    """6 pixels and 2: whoever is told apart wrongly shows in both."""
    found = measure(Comparing(drawn), drawn, chance=Chance(draws=3))
    lengths = drawn.lengths("inter_ocular")
    assert found.seen[0] == found.nme[0] == pytest.approx((2 / lengths).mean())
    assert np.isnan(found.hidden[0])
    assert found.hidden[1:] == pytest.approx([(6 / lengths).mean()] * 4, rel=0.02)
    assert found.seen[1:] == pytest.approx([(2 / lengths).mean()] * 4, rel=0.02)
    assert sorted(found.nme) == list(found.nme)


def test_without_a_patch_it_is_the_evaluation_in_jittered_boxes(drawn: Benchmark) -> None:
    class Hanging(Comparing):
        def offset(self, image: Any, row: int) -> Any:
            return np.subtract(self.given[-1].center, self.benchmark.samples[row].box.center)

    found = measure(Hanging(drawn, lost=[3]), drawn, chance=Chance(seed=5))
    report = evaluate(Hanging(drawn, lost=[3]), drawn, seed=5).headline
    assert found.nme[0] == report.nme > 0
    assert found.failure_rate[0] == report.failure_rate
    assert found.auc[0] == report.auc


def test_each_picture_comes_with_the_jittered_box(drawn: Benchmark) -> None:
    aligner = Comparing(drawn)
    measure(aligner, drawn)
    boxes = given_boxes(drawn, "jitter") or []
    assert aligner.given == [box for box in boxes for _ in range(1 + USUAL.draws * 4)]


def test_a_lost_face_fails_and_leaves_the_means_alone(drawn: Benchmark) -> None:
    found = measure(Comparing(drawn, lost=[1]), drawn)
    lengths = np.delete(drawn.lengths("inter_ocular"), 1)
    assert found.nme[0] == pytest.approx((2 / lengths).mean())
    assert found.hidden[4] == pytest.approx((6 / lengths).mean(), rel=0.02)
    assert found.failure_rate[0] == pytest.approx(1 / COUNT)


def test_finding_nobody_is_a_failure(drawn: Benchmark) -> None:
    found = measure(Comparing(drawn, lost=range(COUNT)), drawn)
    assert set(found.failure_rate) == {1}
    assert set(found.auc) == {0}
    assert np.isnan([found.nme, found.hidden, found.seen]).all()
    plain = found.to_plain()
    assert json.loads(json.dumps(plain, allow_nan=False))["kind"] == "occlusion"


def test_some_faces_are_chosen_evenly(drawn: Benchmark) -> None:
    told: list[Sample] = []

    def track(samples: Sequence[Sample]) -> Sequence[Sample]:
        told.extend(samples)
        return samples

    assert measure(Comparing(drawn), drawn, faces=3, track=track).faces == 3
    assert [drawn.samples.index(sample) for sample in told] == [0, 2, 4]


def test_unknown_landmarks_take_no_part(drawn: Benchmark) -> None:
    known = drawn.truth.copy()
    known[:, 1:17:2] = np.nan
    found = measure(Comparing(drawn), replace(drawn, points=known))
    assert found.nme[0] == pytest.approx((2 / drawn.lengths("inter_ocular")).mean())


def test_no_face_is_too_few(drawn: Benchmark) -> None:
    with pytest.raises(ValueError, match="one face at least, found 0"):
        measure(Comparing(drawn), drawn, faces=0)


@pytest.mark.parametrize("words", [{"draws": 0}, {"seed": -1}])
def test_no_draw_and_no_seed_are_too_few(words: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="one draw at least and a seed from 0, found"):
        Chance(**words)


def test_one_picture_has_no_other(drawn: Benchmark) -> None:
    alone = replace(drawn, samples=drawn.samples[:1])
    with pytest.raises(DatasetError, match="benchmark drawn: expected two pictures at least"):
        measure(Comparing(drawn), alone)


def test_a_face_of_one_point_is_named(drawn: Benchmark) -> None:
    known = drawn.truth.copy()
    known[2, 1:] = np.nan
    flat_one = replace(drawn, points=known, normalizer="given", given=np.ones(COUNT))
    with pytest.raises(DatasetError, match="cannot be covered: a box needs two known"):
        measure(Comparing(drawn), flat_one)
