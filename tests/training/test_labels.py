import numpy as np
import pytest

from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.training.labels import Labeler


def landmarks(scheme: str) -> Landmarks:
    count = SCHEMES[scheme].num_landmarks
    points = np.stack([np.arange(count), 100 + np.arange(count)], axis=1)
    return Landmarks(points.astype(np.float32), SCHEMES[scheme])


def test_landmarks_of_the_own_scheme_are_labels_as_they_are() -> None:
    labels = Labeler("68", ("21",))(landmarks("68"))

    np.testing.assert_array_equal(labels.points, landmarks("68").points)
    assert np.isnan(labels.blends).all()


@pytest.mark.parametrize(
    ("aflw", "ibug"), [(0, 17), (6, 36), (11, 45), (14, 30), (17, 48), (20, 8)]
)
def test_an_aflw_point_labels_the_landmark_that_it_is(aflw: int, ibug: int) -> None:
    labels = Labeler("68", ("21",))(landmarks("21"))

    assert labels.points[ibug].tolist() == [aflw, 100 + aflw]


def test_the_landmarks_that_aflw_does_not_mark_stay_unknown() -> None:
    labels = Labeler("68", ("21",))(landmarks("21"))

    assert np.isfinite(labels.points[:, 0]).sum() == 18  # 21 less two eye centers and the mouth's


def test_centers_of_eyes_and_mouth_are_blends_of_landmarks() -> None:
    labeler = Labeler("68", ("21",))

    right_eye, left_eye, mouth = labeler.readout

    assert np.flatnonzero(right_eye).tolist() == list(range(36, 42))
    assert np.flatnonzero(left_eye).tolist() == list(range(42, 48))
    assert np.flatnonzero(mouth).tolist() == list(range(60, 68))
    assert labeler.readout.sum(axis=1).tolist() == pytest.approx([1, 1, 1])


def test_blends_are_labeled_by_the_points_that_they_are() -> None:
    labels = Labeler("68", ("21",))(landmarks("21"))

    assert labels.blends[:, 0].tolist() == [7, 10, 18]  # AFLW's eye and mouth centers


def test_a_point_that_was_not_seen_labels_nothing() -> None:
    points = landmarks("21").points.copy()
    points[[6, 7]] = np.nan

    labels = Labeler("68", ("21",))(Landmarks(points, SCHEMES["21"]))

    assert np.isnan(labels.points[36]).all()
    assert np.isnan(labels.blends[0]).all()


def test_a_scheme_that_cannot_be_reached_is_an_error() -> None:
    with pytest.raises(DatasetError, match="no conversion from scheme 68 to 98"):
        Labeler("68", ("98",))
