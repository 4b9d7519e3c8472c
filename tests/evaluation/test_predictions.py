"""Which prediction is of which face."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.errors import DatasetError
from canthus.evaluation import Benchmark, answers, evaluate_predictions
from canthus.evaluation.predictions import Predictions, match
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box

FIVE = SCHEMES["5"]


def five(x: float, y: float = 0.0) -> np.ndarray[Any, Any]:
    """A face of five points, 50 wide, whose right eye is at (x, y)."""
    points = np.array([[0, 0], [50, 0], [25, 20], [5, 40], [45, 40]], np.float64)
    return points + np.array([x, y])


def benchmark_of(*faces: tuple[str, float]) -> Benchmark:
    samples = tuple(
        Sample(Path("data", name), Box.around(five(x)), Landmarks(five(x), FIVE), name=name)
        for name, x in faces
    )
    return Benchmark("some", "faces", samples, "inter_pupil", 0.08)


def predictions_of(*faces: tuple[str, float], detected: bool = False) -> Predictions:
    return Predictions(
        where=Path("found.npz"),
        images=tuple(name for name, _ in faces),
        points=np.array([five(x) for _, x in faces]),
        scheme="5",
        detected=detected,
    )


def test_pictures_are_the_same_if_their_names_are() -> None:
    chosen = match(predictions_of(("b/1.jpg", 0), ("a/1.jpg", 0)), benchmark_of(("a/1.jpg", 0)))
    assert chosen.tolist() == [1]


@pytest.mark.parametrize("name", ["/mnt/x/a/1.jpg", "C:\\data\\a\\1.jpg", "a/1.jpg"])
def test_as_much_of_a_path_counts_as_it_takes(name: str) -> None:
    faces = benchmark_of(("a/1.jpg", 0), ("b/1.jpg", 0))
    assert match(predictions_of((name, 0)), faces).tolist() == [0, -1]


def test_a_name_that_two_pictures_may_have_is_refused() -> None:
    faces = benchmark_of(("a/1.jpg", 0), ("b/1.jpg", 0))
    with pytest.raises(DatasetError, match=r"'1.jpg' may be a/1.jpg or b/1.jpg"):
        match(predictions_of(("1.jpg", 0)), faces)


def test_predictions_of_other_pictures_only_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"such as a/1.jpg, found 2.jpg"):
        match(predictions_of(("2.jpg", 0)), benchmark_of(("a/1.jpg", 0)))


def test_of_several_faces_each_gets_the_prediction_that_fits() -> None:
    faces = benchmark_of(("a.jpg", 0), ("a.jpg", 100), ("a.jpg", 30))
    given = predictions_of(("a.jpg", 32), ("a.jpg", 2), ("a.jpg", 99))
    assert match(given, faces).tolist() == [1, 2, 0]


def test_the_only_prediction_is_the_only_faces_however_wrong() -> None:
    report = evaluate_predictions(predictions_of(("a.jpg", 500)), benchmark_of(("a.jpg", 0)))
    assert report.headline.nme == pytest.approx(10)
    assert report.headline.missed == 0


def test_a_face_that_was_looked_for_must_fit() -> None:
    found = predictions_of(("a.jpg", 500), detected=True)
    report = evaluate_predictions(found, benchmark_of(("a.jpg", 0)))
    assert report.headline.missed == 1
    assert "1 predictions are of no face" in report.notes[-1]


def test_more_predictions_than_faces_are_refused_unless_looked_for() -> None:
    given = predictions_of(("a.jpg", 0), ("a.jpg", 1))
    with pytest.raises(DatasetError, match=r"expected 1 faces in a.jpg at most, found 2"):
        match(given, benchmark_of(("a.jpg", 0)))
    looked = replace(given, detected=True)
    assert match(looked, benchmark_of(("a.jpg", 0))).tolist() == [0]


def test_a_face_without_prediction_is_missed() -> None:
    faces = benchmark_of(("a.jpg", 0), ("b.jpg", 0))
    assert evaluate_predictions(predictions_of(("a.jpg", 0)), faces).headline.missed == 1


def test_points_of_another_number_are_refused() -> None:
    given = replace(predictions_of(("a.jpg", 0)), points=np.zeros((1, 4, 2)))
    with pytest.raises(DatasetError, match="expected the 5 points of scheme 5, found 4"):
        evaluate_predictions(given, benchmark_of(("a.jpg", 0)))


def test_predictions_in_another_scheme_are_converted_and_said_to_be() -> None:
    points = np.random.default_rng(0).uniform(0, 50, (1, 68, 2))
    truth = Landmarks(points[0], SCHEMES["68"]).map("5")
    sample = Sample(Path("a.jpg"), Box.around(truth.points), truth, name="a.jpg")
    faces = Benchmark("some", "faces", (sample,), "inter_pupil", 0.08)
    given = Predictions(Path("found.npz"), ("a.jpg",), points, scheme="68")
    report = evaluate_predictions(given, faces)
    assert report.headline.nme == pytest.approx(0, abs=1e-6)
    assert (report.model_scheme, report.scheme, report.conversion != "") == ("68", "5", True)


Line = Callable[..., dict[str, Any]]


@pytest.fixture
def line() -> Line:
    """Makes an answer about a picture, with faces at some x."""

    def line(image: str, *xs: float) -> dict[str, Any]:
        found = [
            {
                "box": list(Box.around(five(x)).as_tuple()),
                "score": 0.9,
                "landmarks": {"scheme": "5", "points": five(x).tolist()},
            }
            for x in xs
        ]
        return {"schema": 1, "image": image, "model": "mine", "faces": found}

    return line


def written(path: Path, *lines: object, head: str = "") -> Path:
    path.write_text(head + "\r\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_answers_are_read_as_they_are_written(line: Line, tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", line("a.jpg", 0, 90), line("b.jpg"), head="\ufeff")
    found = answers.read(path)
    assert (found.images, found.scheme, found.model) == (("a.jpg", "a.jpg"), "5", "mine")
    assert found.points[1, 0].tolist() == [90, 0]


def test_an_unknown_point_is_null(line: Line, tmp_path: Path) -> None:
    answer = line("a.jpg", 0)
    answer["faces"][0]["landmarks"]["points"][2] = [None, None]
    found = answers.read(written(tmp_path / "a.jsonl", answer))
    assert np.isnan(found.points[0, 2]).all()


def test_a_third_coordinate_of_an_answer_is_left_out(line: Line, tmp_path: Path) -> None:
    answer = line("a.jpg", 0)
    points = answer["faces"][0]["landmarks"]["points"]
    answer["faces"][0]["landmarks"]["points"] = [[x, y, 5.0] for x, y in points]
    assert answers.read(written(tmp_path / "a.jsonl", answer)).points[0].tolist() == points


def test_a_folder_of_answers_is_read_too(line: Line, tmp_path: Path) -> None:
    for name in "ab":
        written(tmp_path / f"{name}.json", line(f"{name}.jpg", 0))
    assert answers.read(tmp_path).images == ("a.jpg", "b.jpg")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": 7}, "a.jsonl:2: expected an answer of schema 1"),
        ({"image": 3}, "a.jsonl:2: expected a text 'image', found 3"),
        ({"faces": "none"}, "a.jsonl:2: expected a list 'faces'"),
        ({"faces": [{}]}, r"a.jsonl:2: faces\[0\]: expected a face with landmarks"),
    ],
)
def test_a_line_that_is_no_answer_is_named(
    line: Line, tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    path = written(tmp_path / "a.jsonl", line("a.jpg", 0), {**line("b.jpg", 0), **change})
    with pytest.raises(DatasetError, match=complaint):
        answers.read(path)


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        ([[0, 0]] * 4, "expected 5 points, found 4"),
        ([[0, None]] * 5, "expected numbers, found None"),
        ([[0, "1,5"]] * 5, "expected numbers, found '1,5'"),
        ([[0, 1]] * 4 + [[0, True]], "expected numbers, found True"),
        ([[0, 1]] * 4 + [[0, 10**400]], "expected finite numbers"),
        ([[0, 1e308]] * 5, "expected finite numbers"),
        ([[0, float("nan")]] * 5, "expected finite numbers"),
        ([0, 1, 2, 3, 4], "expected points"),
    ],
)
def test_points_that_are_none_are_named(
    line: Line, tmp_path: Path, points: list[Any], complaint: str
) -> None:
    answer = line("a.jpg", 0)
    answer["faces"][0]["landmarks"]["points"] = points
    with pytest.raises(DatasetError, match=rf"a.jsonl:1: faces\[0\].*{complaint}"):
        answers.read(written(tmp_path / "a.jsonl", answer))


def test_answers_in_two_schemes_are_refused(line: Line, tmp_path: Path) -> None:
    other = line("b.jpg", 0)
    other["faces"][0]["landmarks"] = {"scheme": "68", "points": [[0, 0]] * 68}
    with pytest.raises(DatasetError, match="expected scheme 5 as before, found 68"):
        answers.read(written(tmp_path / "a.jsonl", line("a.jpg", 0), other))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00\xff"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DatasetError, match=r"a\.jsonl"):
        answers.read(path)


def test_a_pose_and_unknown_scores_are_read(line: Line, tmp_path: Path) -> None:
    answer = line("a.jpg", 0)
    answer["faces"][0]["pose"] = {"yaw_deg": 20, "pitch_deg": -5, "roll_deg": 1.5}
    answer["faces"][0]["landmarks"]["scores"] = [0.5, None, 1, 1, 1]
    found = answers.read(written(tmp_path / "a.jsonl", answer, line("b.jpg")))
    assert found.poses is not None
    assert found.scores is not None
    assert found.poses.tolist() == [[-5, 20, 1.5]]
    assert np.isnan(found.scores[0, 1])


def test_covariances_are_read(line: Line, tmp_path: Path) -> None:
    answer = line("a.jpg", 0)
    answer["faces"][0]["landmarks"]["covariances"] = [[2, 1, 3], *[[1, 0, 1]] * 3, [None] * 3]
    found = answers.read(written(tmp_path / "a.jsonl", answer)).covariances
    assert found is not None
    assert found.shape == (1, 5, 2, 2)
    assert found[0, 0].tolist() == [[2, 1], [1, 3]]
    assert np.isnan(found[0, 4]).all()


@pytest.mark.parametrize("row", [[1, 2, 1], [0, 0, 0], [1, 0], "none", [1, None, 1]])
def test_a_covariance_that_is_none_is_named(line: Line, tmp_path: Path, row: object) -> None:
    answer = line("a.jpg", 0)
    answer["faces"][0]["landmarks"]["covariances"] = [*[[1, 0, 1]] * 4, row]
    with pytest.raises(DatasetError, match=r"a\.jsonl:1: faces\[0\]: .*(covariances|numbers)"):
        answers.read(written(tmp_path / "a.jsonl", answer))


def test_a_pose_that_is_none_is_named(line: Line, tmp_path: Path) -> None:
    answer = line("a.jpg", 0)
    answer["faces"][0]["pose"] = {"yaw_deg": 20}
    with pytest.raises(DatasetError, match=r"a\.jsonl:1: faces\[0\]: pose: expected numbers"):
        answers.read(written(tmp_path / "a.jsonl", answer))
