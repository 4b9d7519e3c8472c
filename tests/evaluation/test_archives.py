"""Predictions as arrays: what is read, what is refused, and the benchmark a file is by itself."""

import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.errors import DatasetError
from canthus.evaluation import archives, evaluate_rows
from canthus.evaluation.archives import Measure
from canthus.faces import SCHEMES

Write = Callable[..., Path]
EYES = 50.0
FIVE = SCHEMES["5"]
MEASURE = Measure("inter_pupil", 0.08)


def faces(count: int = 3) -> np.ndarray[Any, Any]:
    """Faces of five points whose pupils are `EYES` apart; right eye first in the picture."""
    points = np.array([[0, 0], [EYES, 0], [25, 20], [5, 40], [45, 40]], np.float64)
    return np.repeat(points[None], count, axis=0) + 10 * np.arange(count)[:, None, None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes an archive of three faces of five points, with arrays changed or left out (None)."""

    def write(**changes: Any) -> Path:
        arrays: dict[str, Any] = {
            "image": np.array(["a.jpg", "b.jpg", "c.jpg"]),
            "truth": faces(),
            "prediction": faces() + np.array([3, 4]),
            **changes,
        }
        path = tmp_path / "found.npz"
        np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
        return path

    return write


def report_of(path: Path, measure: Measure = MEASURE) -> Any:
    archive = archives.read(path)
    return evaluate_rows(archive.predictions("5"), archives.benchmark_of(archive, FIVE, measure))


def test_a_known_offset_gives_the_known_error(write: Write) -> None:
    assert report_of(write()).headline.nme == pytest.approx(5 / EYES)


def test_a_third_coordinate_is_left_out_and_said_to_be(write: Write) -> None:
    deep = np.concatenate([faces(), np.full((3, 5, 1), 99.0)], axis=2)
    report = report_of(write(prediction=deep))
    assert report.headline.nme == 0
    assert "third coordinate is left out" in " ".join(report.notes)


def test_a_face_without_prediction_is_missed(write: Write) -> None:
    found = faces()
    found[1] = np.nan
    report = report_of(write(prediction=found))
    assert (report.headline.missed, report.headline.failure_rate) == (1, pytest.approx(1 / 3))


def test_a_point_without_truth_is_not_scored(write: Write) -> None:
    truth = faces()
    truth[:, 3] = np.nan
    report = report_of(write(truth=truth))
    assert np.isnan(report.landmarks[3])
    assert report.headline.nme == pytest.approx(5 / EYES)


def test_subsets_may_overlap(write: Write) -> None:
    report = report_of(write(subset=np.array(["blur;pose", "pose", ""])))
    assert {name: s.faces for name, s in report.subsets.items()} == {"all": 3, "blur": 1, "pose": 2}


def test_subsets_may_stand_in_columns(write: Write) -> None:
    report = report_of(write(subset=np.array([["blur", "pose"], ["", "pose"], ["", ""]])))
    assert {name: s.faces for name, s in report.subsets.items()} == {"all": 3, "blur": 1, "pose": 2}


def test_the_parts_of_300w_make_its_sets(write: Write) -> None:
    report = report_of(write(subset=np.array(["helen", "lfpw", "ibug"])))
    counts = {name: s.faces for name, s in report.subsets.items()}
    assert (counts["common"], counts["challenging"]) == (2, 1)


def test_yaw_makes_bins(write: Write) -> None:
    report = report_of(write(yaw_deg=np.array([10.0, -45.0, np.nan])))
    assert report.subsets["yaw 30-60"].faces == 1
    assert report.over_bins is not None
    assert list(report.over_bins.counts) == [1, 1]


def test_a_given_length_divides(write: Write) -> None:
    report = report_of(write(length=np.array([10.0, 10, 10])), Measure("given", 0.08))
    assert report.headline.nme == pytest.approx(0.5)


def test_a_given_box_divides(write: Write) -> None:
    boxes = np.tile([0.0, 0, 20, 80], (3, 1))
    report = report_of(write(box_xywh=boxes), Measure("given_box_size", 0.08))
    assert report.headline.nme == pytest.approx(5 / 40)


NO_BOX = np.array([[0.0, 0, 20, 80], [np.nan] * 4, [0] * 4])


def test_boxes_that_nothing_is_divided_by_may_be_unknown(write: Write) -> None:
    report = report_of(write(box_xywh=NO_BOX))
    assert report.headline.nme == pytest.approx(5 / EYES)
    assert [face.conditions["face_size"] for face in report.faces] == [80, 50, 50]
    assert "2 faces came without a box" in " ".join(report.notes)


@pytest.mark.parametrize("row", [1, 2])
def test_an_unknown_box_that_divides_is_named(write: Write, row: int) -> None:
    boxes = np.tile(NO_BOX[0], (3, 1))
    boxes[row] = NO_BOX[row]
    with pytest.raises(DatasetError, match=rf"expected a box in box_xywh\[{row}\] for normalizer"):
        report_of(write(box_xywh=boxes), Measure("given_box_size", 0.08))


def test_nothing_is_divided_by_an_unknown_box_beside(write: Write) -> None:
    report = report_of(write(box_xywh=NO_BOX), Measure("box_size", 0.2, ("given_box_side",)))
    assert report.beside == {}
    assert "Not beside: expected a box in box_xywh[1]" in report.notes[-1]


def test_visible_and_hidden_landmarks_are_told_apart(write: Write) -> None:
    visible = np.ones((3, 5))
    visible[:, 4] = 0
    found = faces()
    found[:, 4] += (0, 10)
    seen = report_of(write(visible=visible, prediction=found)).visibility
    assert (seen.share, seen.visible, seen.hidden) == pytest.approx((0.8, 0, 10 / EYES))


def test_hidden_landmarks_may_be_taken_as_unknown(write: Write) -> None:
    """They count neither in the error nor in the box around the truth."""
    truth, visible = faces(), np.ones((3, 5))
    truth[:, 4], visible[:, 4] = -1, 0
    path = write(truth=truth, visible=visible, prediction=faces() + np.array([3, 4]))
    report = report_of(path, Measure("box_size", 0.2, visible_only=True))
    assert report.headline.nme == pytest.approx(5 / np.sqrt(50 * 40))
    assert "only visible ones count" in report.notes[-1]


def test_a_normalizer_beside_that_not_all_faces_have_is_left_out_and_said_to_be(
    write: Write,
) -> None:
    truth = faces()
    truth[1, 0] = np.nan  # an eye
    report = report_of(write(truth=truth), Measure("box_size", 0.2, ("inter_pupil",)))
    assert report.beside == {}
    assert (
        "Not beside: benchmark found: inter_pupil is 0 or not known in 1 faces" in report.notes[-1]
    )


def test_a_hidden_eye_is_where_its_annotation_says(write: Write) -> None:
    visible = np.ones((3, 5))
    visible[1, 0] = 0
    report = report_of(write(visible=visible), replace(MEASURE, visible_only=True))
    assert report.headline.nme == pytest.approx(5 / EYES)


@pytest.mark.parametrize("blank", [0, -1])
def test_a_hidden_landmark_that_nobody_marked_is_not_known(write: Write, blank: int) -> None:
    truth, visible = faces(), np.ones((3, 5))
    truth[2, 4], visible[2, 4] = blank, 0
    report = report_of(write(truth=truth, visible=visible))
    assert report.headline.nme == pytest.approx(5 / EYES)
    assert "1 true landmarks at (0, 0) or (-1, -1) are hidden" in report.notes[-1]


def test_landmarks_at_the_origin_are_told_where_no_flag_does(write: Write) -> None:
    assert "are scored; write NaN" in report_of(write()).notes[-1]  # the first face begins there


def test_rows_belong_together_whatever_pictures_are_called(write: Write) -> None:
    """Predictions that each fit another face of the same picture better."""
    path = write(image=np.array(["a\\b.jpg"] * 3), prediction=faces()[::-1])
    report = report_of(path)
    apart = 20 * np.sqrt(2) / EYES
    assert [face.error for face in report.faces] == pytest.approx([apart, 0, apart])


def test_pictures_subsets_and_groups_may_be_numbers(write: Write) -> None:
    report = report_of(write(image=np.arange(3), subset=np.array([0, 1, 1]), group=[7, 7, 8]))
    assert [face.sample.name for face in report.faces] == ["0", "1", "2"]
    assert report.subsets["1"].faces == 2
    assert [face.sample.group for face in report.faces] == ["7", "7", "8"]


def test_texts_may_be_bytes_in_utf_8(write: Write) -> None:
    report = report_of(write(group=np.array(["é".encode(), b"b", b"b"])))
    assert [face.sample.group for face in report.faces] == ["é", "b", "b"]


@pytest.mark.parametrize("mark", [";", ", ", "|"])
def test_several_subsets_may_stand_in_one_text(write: Write, mark: str) -> None:
    subsets = report_of(write(subset=np.array([f"pose{mark}blur", "blur", ""]))).subsets
    assert {name: each.faces for name, each in subsets.items()} == {"all": 3, "blur": 2, "pose": 1}


def test_every_subset_has_the_areas_by_other_definitions(write: Write) -> None:
    report = report_of(write(subset=np.array(["a", "a", "b"])), Measure("inter_pupil", 0.2))
    assert report.subsets["b"].areas["step_sum"] == pytest.approx(0.501)


@pytest.mark.parametrize(
    ("normalizer", "array"), [("given_box_size", "box_xywh"), ("given", "length")]
)
def test_what_a_normalizer_divides_by_must_be_there(
    write: Write, normalizer: str, array: str
) -> None:
    with pytest.raises(DatasetError, match=f"expected an array '{array}' for"):
        report_of(write(), Measure(normalizer, 0.08))


def test_visibility_must_be_known_where_only_visible_landmarks_count(write: Write) -> None:
    with pytest.raises(DatasetError, match="expected to be told which landmarks are visible"):
        report_of(write(), Measure("box_size", 0.2, visible_only=True))


def test_a_face_without_a_landmark_to_score_is_named(write: Write) -> None:
    visible = np.ones((3, 5))
    visible[1] = 0
    boxes = np.tile([0.0, 0, 20, 80], (3, 1))
    path = write(visible=visible, box_xywh=boxes)
    with pytest.raises(DatasetError, match=r"no landmark to score in 1 faces, as in b\.jpg"):
        report_of(path, Measure("given_box_size", 0.2, visible_only=True))


def test_arrays_that_mean_nothing_are_named(write: Write) -> None:
    assert "mystery" in " ".join(report_of(write(mystery=np.zeros(3))).notes)


def test_faces_without_a_name_are_numbered(write: Write) -> None:
    report = report_of(write(image=None))
    assert [face.sample.name for face in report.faces] == ["face 0", "face 1", "face 2"]


def test_an_evaluation_takes_few_times_the_memory_of_its_arrays(tmp_path: Path) -> None:
    truth = np.random.default_rng(0).uniform(0, 100, (8000, 68, 2))
    np.savez(tmp_path / "large.npz", truth=truth, prediction=truth + 1)
    tracemalloc.start()
    archive = archives.read(tmp_path / "large.npz")
    benchmark = archives.benchmark_of(archive, SCHEMES["68"], Measure("box_size", 0.07))
    report = evaluate_rows(archive.predictions("68"), benchmark)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.headline.faces == 8000
    assert most < 3.5 * 2 * truth.nbytes


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"prediction": None}, "expected an array 'prediction', found image, truth"),
        ({"prediction": faces(2)}, r"prediction: expected shape \(3, 5, 2\)"),
        ({"truth": faces()[:, :4]}, r"truth: expected shape \(3, 5, 2\)"),
        ({"visible": np.ones((3, 4))}, "visible: expected shape"),
        ({"box_xywh": np.ones((3, 2))}, "box_xywh: expected shape"),
        ({"image": np.ones(3)}, "image: expected texts or integers, found float64"),
        ({"group": np.ones(3)}, "group: expected texts or integers, found float64"),
        ({"group": np.ones(3, bool)}, "group: expected texts or integers, found bool"),
        ({"group": np.ones((3, 1), int)}, r"group: expected shape \(3,\)"),
        ({"image": np.array("a.jpg")}, "image: expected shape"),
        ({"image": np.array([], str)}, "prediction: expected shape .N, L, 2. .* for 0 images"),
        ({"prediction": faces().reshape(3, 10)}, r"found \(3, 10\) for 3 images; a flat one"),
        ({"visible": np.full((3, 5), 2)}, "visible: expected flags from 0 .hidden. to 1, found 2"),
        ({"image": np.array(["a.jpg"])}, "for 1 images"),
        ({"prediction": np.full((3, 5, 2), "x")}, "prediction: expected numbers"),
        ({"truth": np.full((3, 5, 2), np.inf)}, r"truth\[0\]: expected finite numbers or NaN"),
        ({"length": np.array([1, 1, np.nan])}, r"length\[2\]: expected finite numbers"),
        ({"box_xywh": np.tile([0.0, 0, -1, 5], (3, 1))}, r"face 0 \(a.jpg\)"),
        ({"box_xywh": np.tile([0.0, 0, np.nan, 5], (3, 1))}, r"face 0 \(a.jpg\): a box has finite"),
        ({"truth": np.full((3, 5, 2), np.nan)}, r"face 0 \(a.jpg\)"),
    ],
)
def test_what_does_not_fit_is_named(write: Write, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint):
        report_of(write(**changes))


def test_points_of_another_scheme_are_refused(write: Write) -> None:
    archive = archives.read(write())
    with pytest.raises(DatasetError, match="68 points of scheme 68, found 5"):
        archives.benchmark_of(archive, SCHEMES["68"], MEASURE)


def test_objects_are_not_unpickled(write: Write) -> None:
    with pytest.raises(DatasetError, match=r"image: expected texts, as of array\.astype\(str\)"):
        archives.read(write(image=np.array([{"a": 1}] * 3, dtype=object)))


def test_objects_that_mean_nothing_are_left_packed(write: Write) -> None:
    found = archives.read(write(mystery=np.array([{"a": 1}] * 3, dtype=object)))
    assert found.unknown == ("mystery",)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_refused(write: Write, share: float) -> None:
    path = write()
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DatasetError, match="cannot be read"):
        archives.read(path)


def test_an_archive_of_other_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as file:
        file.writestr("prediction.npy", "no array")
        file.writestr("image.npy", "none either")
    with pytest.raises(DatasetError, match=r"image: expected shape|prediction: expected numbers"):
        archives.read(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("/etc/b.jpg", "b.jpg"),
        ("../../b.jpg", "b.jpg"),
        ("C:\\b.jpg", "b.jpg"),
    ],
)
def test_pictures_are_only_looked_for_beside_the_file(write: Write, name: str, place: str) -> None:
    path = write(image=np.array([name, "b", "c"]))
    faces = archives.benchmark_of(archives.read(path), FIVE, MEASURE)
    assert faces.samples[0].image == path.parent / place


def test_poses_are_scored_where_both_are_known(write: Write) -> None:
    truth = np.array([[0.0, 10, 0], [0, 120, 0], [5, -40, 0]])
    found = truth + np.array([[1, 2, 3], [0, 0, 0], [np.nan] * 3])
    pose = report_of(write(pose_deg=found, pose_truth_deg=truth)).pose
    assert (pose.pitch, pose.yaw, pose.roll, pose.mean) == pytest.approx((1, 2, 3, 2))
    assert (pose.faces, pose.left_out) == (1, 1)


def test_the_yaw_of_a_true_pose_makes_bins(write: Write) -> None:
    truth = np.array([[0.0, 10, 0], [0, 70, 0], [5, -40, 0]])
    report = report_of(write(pose_truth_deg=truth))
    assert report.pose is None
    assert {name: s.faces for name, s in report.subsets.items() if "yaw" in name} == {
        "yaw 0-30": 1,
        "yaw 30-60": 1,
        "yaw 60-90": 1,
    }
