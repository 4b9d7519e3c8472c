import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.errors import DatasetError
from canthus.evaluation import SCORE_RADIUS, Aligns, Benchmark, evaluate
from canthus.evaluation.evaluate import closest
from canthus.evaluation.scoring import summarize
from canthus.faces import SCHEMES, Face, Landmarks, Pose
from canthus.geometry import Box

Fake = Callable[..., Any]


def test_a_known_offset_gives_the_known_error(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(offset=(0.6, 0.8)), benchmark)
    assert report.headline.nme == pytest.approx(1 / 40)


def test_truth_has_no_error(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(), benchmark)
    assert [report.headline.nme, report.headline.failure_rate, report.headline.auc] == [0, 0, 1]


def test_an_error_above_the_threshold_is_a_failure(fake: Fake, benchmark: Benchmark) -> None:
    assert evaluate(fake(offset=(3, 2)), benchmark).headline.failure_rate == 1


@pytest.mark.parametrize("boxes", ["truth", "jitter", "detector"])
def test_misses_are_failures(fake: Fake, benchmark: Benchmark, boxes: Any) -> None:
    report = evaluate(fake(lost=(1, 3, 4)), benchmark, boxes=boxes)
    assert report.headline.missed == 3
    assert report.headline.failure_rate == 0.5
    assert report.headline.auc == 0.5
    assert report.headline.p90 == np.inf


def test_the_mean_error_is_that_of_the_faces_found(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(offset=(1, 0), lost=(1, 3, 4)), benchmark)
    assert report.headline.nme == pytest.approx(1 / 40)


def test_finding_nobody_is_a_result(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(lost=tuple(range(6))), benchmark)
    assert report.headline.failure_rate == 1
    assert np.isnan(report.headline.nme)


def test_misses_stay_in_their_subset(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(lost=(1,)), benchmark)
    assert report.subsets["hard"].failure_rate == 0.5
    assert report.subsets["easy"].failure_rate == 0


def test_the_subsets_count_their_faces(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(), benchmark)
    assert {name: s.faces for name, s in report.subsets.items()} == {
        "all": 6,
        "hard": 2,
        "easy": 4,
    }


def test_the_second_normalizer_stands_beside(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(offset=(1, 0)), benchmark)
    sizes = [sample.box.size for sample in benchmark.samples[:2]]
    assert report.beside["box_size"]["hard"] == pytest.approx(np.mean([1 / s for s in sizes]))


def test_each_part_has_its_own_error(benchmark: Benchmark, fake: Fake) -> None:
    aligner = fake()
    plain = aligner._faces

    def wrong_chin(index: int) -> list[Face]:
        (face,) = plain(index)
        points = face.landmarks.points.copy()
        points[:17] += (0, 2)
        return [Face(face.box, 1.0, Landmarks(points, face.landmarks.scheme))]

    aligner._faces = wrong_chin
    report = evaluate(aligner, benchmark)
    assert report.parts["contour"] == pytest.approx(2 / 40)
    assert report.parts["left_eye"] == 0
    assert report.landmarks == pytest.approx([0.05] * 17 + [0.0] * 51)


def test_swapped_sides_are_caught(benchmark: Benchmark, fake: Fake) -> None:
    aligner = fake()
    plain = aligner._faces

    def swapped(index: int) -> list[Face]:
        (face,) = plain(index)
        points = face.landmarks.points[list(SCHEMES["68"].mirror)]
        return [Face(face.box, 1.0, Landmarks(points, SCHEMES["68"]))]

    aligner._faces = swapped
    assert evaluate(aligner, benchmark).headline.failure_rate == 1


def test_the_truths_boxes_are_given_as_they_are(fake: Fake, benchmark: Benchmark) -> None:
    aligner = fake()
    evaluate(aligner, benchmark, boxes="truth")
    assert aligner.given == [[sample.box] for sample in benchmark.samples]


def test_jittered_boxes_are_other_ones(fake: Fake, benchmark: Benchmark) -> None:
    aligner = fake()
    evaluate(aligner, benchmark, boxes="jitter")
    assert all(
        boxes[0] != sample.box
        for boxes, sample in zip(aligner.given, benchmark.samples, strict=True)
    )


def test_a_detector_is_given_no_boxes(fake: Fake, benchmark: Benchmark) -> None:
    aligner = fake()
    evaluate(aligner, benchmark, boxes="detector")
    assert aligner.given == [None] * 6


def test_of_several_faces_found_the_annotated_one_is_scored(
    fake: Fake, benchmark: Benchmark
) -> None:
    aligner = fake(strangers=(Box(0, 0, 20, 20), Box(60, 60, 127, 127)))
    assert evaluate(aligner, benchmark, boxes="detector").headline.nme == 0


def test_another_face_alone_is_a_miss(fake: Fake, benchmark: Benchmark) -> None:
    aligner = fake(offset=(50, 0))
    assert evaluate(aligner, benchmark, boxes="detector").headline.missed == 6


def test_the_best_fit_wins() -> None:
    scheme = SCHEMES["5"]
    landmarks = Landmarks(np.zeros((5, 2), np.float32), scheme)
    near, nearer = (Face(Box(0, 0, side, side), 1.0, landmarks) for side in (14, 11))
    assert closest([near, nearer], Box(0, 0, 10, 10)) is nearer


def test_answers_in_another_scheme_are_converted_and_said_to_be(
    fake: Fake, benchmark: Benchmark
) -> None:
    samples = tuple(
        Sample(s.image, s.box, s.landmarks.map("21"), s.tags) for s in benchmark.samples
    )
    other = Benchmark("drawn21", "six faces", samples, "box_size", 0.08)
    report = evaluate(fake(offset=(1, 0)), other)
    sizes = other.lengths("box_size")
    assert report.headline.nme == pytest.approx((1 / sizes).mean())
    assert (report.model_scheme, report.scheme, report.conversion) == ("68", "21", "approx")


def test_points_that_the_models_scheme_lacks_are_not_scored(
    fake: Fake, benchmark: Benchmark
) -> None:
    points = np.zeros((29, 2), np.float32)
    samples = []
    for sample in benchmark.samples:
        points = sample.landmarks.map("29").points.copy()
        points[[5, 7]] = (1, 2)  # lower brow edges, which 68 points do not hold
        samples.append(Sample(sample.image, sample.box, Landmarks(points, SCHEMES["29"])))
    report = evaluate(fake(), Benchmark("drawn29", "", tuple(samples), "inter_ocular", 0.1))
    assert report.headline.nme == pytest.approx(0, abs=1e-6)
    assert np.flatnonzero(np.isnan(report.landmarks)).tolist() == [5, 7]


def test_unknown_points_are_not_scored(fake: Fake, benchmark: Benchmark) -> None:
    points = benchmark.samples[0].landmarks.points.copy()
    points[:17] = np.nan
    sample = Sample(
        benchmark.samples[0].image,
        benchmark.samples[0].box,
        Landmarks(points, SCHEMES["68"]),
    )
    report = evaluate(fake(), Benchmark("one", "", (sample,), "inter_ocular", 0.08))
    assert report.headline.nme == 0
    assert np.isnan(report.landmarks[:17]).all()


def test_scores_that_promise_too_much_are_found_out(fake: Fake, benchmark: Benchmark) -> None:
    side = max(sample.box.side for sample in benchmark.samples)
    offset = (1.01 * SCORE_RADIUS * side, 0)
    report = evaluate(fake(offset=offset, score=0.875), benchmark)
    assert report.scores is not None
    assert report.scores.gap == pytest.approx(0.875)


def test_scores_that_are_kept_leave_a_small_gap(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(offset=(0.5, 0), score=0.875), benchmark)
    assert report.scores is not None
    assert report.scores.gap == pytest.approx(0.125)


def test_without_scores_there_is_nothing_to_say_of_them(fake: Fake, benchmark: Benchmark) -> None:
    assert evaluate(fake(), benchmark).scores is None


def test_a_model_of_torch_means_the_same_by_a_score() -> None:
    base = pytest.importorskip("canthus.models.base")
    assert base.SCORE_RADIUS == SCORE_RADIUS


def test_the_same_seed_gives_the_same_boxes(fake: Fake, benchmark: Benchmark) -> None:
    once, again, other = fake(), fake(), fake()
    evaluate(once, benchmark, seed=3)
    evaluate(again, benchmark, seed=3)
    evaluate(other, benchmark, seed=4)
    assert once.given == again.given
    assert once.given != other.given


def test_pictures_are_read_some_at_a_time(
    fake: Fake, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("canthus.evaluation.evaluate")  # not the function
    monkeypatch.setattr(module, "PICTURES_AT_ONCE", 4)
    report = evaluate(fake(offset=(0.6, 0.8), lost=(5,)), benchmark)
    assert report.headline.nme == pytest.approx(1 / 40)
    assert report.faces[5].found is None


def test_every_face_is_tracked(fake: Fake, benchmark: Benchmark) -> None:
    seen: list[Sample] = []

    def track(samples: Sequence[Sample]) -> Sequence[Sample]:
        seen.extend(samples)
        return samples

    evaluate(fake(), benchmark, track=track)
    assert seen == list(benchmark.samples)


def test_a_face_without_a_length_is_named_before_any_work(fake: Fake, benchmark: Benchmark) -> None:
    points = benchmark.samples[0].landmarks.points.copy()
    points[36] = np.nan
    sample = Sample(
        benchmark.samples[0].image, benchmark.samples[0].box, Landmarks(points, SCHEMES["68"])
    )
    aligner = fake()
    with pytest.raises(DatasetError, match="benchmark one: inter_ocular is 0 or not known"):
        evaluate(aligner, Benchmark("one", "", (sample,), "inter_ocular", 0.08))
    assert aligner.given == []


def test_the_summary_is_that_of_its_errors() -> None:
    summary = summarize(np.array([0.02, 0.04, 0.06, np.inf]), 0.05)
    assert (summary.faces, summary.missed) == (4, 1)
    assert summary.nme == pytest.approx(0.04)
    assert summary.failure_rate == 0.5
    assert summary.auc == pytest.approx((0.6 + 0.2) / 4)
    assert summary.median == pytest.approx(0.05)


def test_an_aligner_is_what_can_be_evaluated() -> None:
    from canthus.runtime import Aligner

    kind: type[Aligns] = Aligner  # for the type checker
    assert callable(kind.many)


def test_the_pose_of_a_model_is_scored_where_it_is_known(fake: Fake, benchmark: Benchmark) -> None:
    aligner = fake()
    plain = aligner._faces

    def posed(index: int) -> list[Face]:
        return [
            replace(face, pose=Pose(yaw_deg=12, pitch_deg=0, roll_deg=-3)) for face in plain(index)
        ]

    aligner._faces = posed
    truth = Pose(yaw_deg=10, pitch_deg=0, roll_deg=0)
    samples = tuple(replace(sample, pose=truth) for sample in benchmark.samples)
    pose = evaluate(aligner, replace(benchmark, samples=samples)).pose
    assert pose is not None
    assert (pose.pitch, pose.yaw, pose.roll) == pytest.approx((0, 2, 3))
    assert evaluate(fake(), benchmark).pose is None


def held(fake: Fake, benchmark: Benchmark, **said: object) -> list[tuple[float, float]]:
    """Level and share of the ellipses, where all errors are 1 pixel but those of a lost face."""
    found = evaluate(fake(offset=(0.6, 0.8), lost=(3,), **said), benchmark).ellipses
    assert found is not None
    return [(each.level, each.held) for each in found]


def test_ellipses_hold_the_errors_that_lie_in_them(fake: Fake, benchmark: Benchmark) -> None:
    # a squared distance of 4; a Gaussian holds 86 % up to there
    assert held(fake, benchmark, variance=0.25) == [
        (0.5, 0),
        (0.68, 0),
        (0.8, 0),
        (0.9, 1),
        (0.95, 1),
        (0.99, 1),
    ]


def test_ellipses_of_converted_landmarks_are_looked_at_too(
    fake: Fake, benchmark: Benchmark
) -> None:
    others = tuple(
        replace(sample, landmarks=sample.landmarks.map("5")) for sample in benchmark.samples
    )
    small = replace(benchmark, samples=others, normalizer="box_size", beside=())
    assert held(fake, small, variance=0.25)[2:4] == [(0.8, 0), (0.9, 1)]


def test_without_covariances_there_is_nothing_to_hold(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(), benchmark)
    assert report.ellipses is None
    assert report.to_plain()["ellipses"] is None
