"""What is said about one picture, in schema 1."""

import json
from dataclasses import replace

import numpy as np

from canthus.faces import Face, Landmarks, Pose, scheme_of
from canthus.geometry import Box
from canthus.runtime.answer import answer

POINTS = np.array([(1.23456, 2), (3, 4), (np.nan, np.nan), (7, 8), (9, 10)], np.float32)
FACE = Face(
    Box(1.23456, 2, 9, 10),
    0.987654,
    Landmarks(POINTS, scheme_of("5"), np.array([1, 0.5, 0, 0.25, 0.123456], np.float32)),
)


def test_a_picture_is_said_in_schema_1() -> None:
    assert answer([FACE], image="a/b.jpg", size=(640, 480), model="hourglass") == {
        "schema": 1,
        "image": "a/b.jpg",
        "width": 640,
        "height": 480,
        "model": "hourglass",
        "faces": [
            {
                "box": [1.235, 2.0, 9.0, 10.0],
                "score": 0.9877,
                "landmarks": {
                    "scheme": "5",
                    "points": [[1.235, 2.0], [3.0, 4.0], [None, None], [7.0, 8.0], [9.0, 10.0]],
                    "scores": [1.0, 0.5, 0.0, 0.25, 0.1235],
                },
            }
        ],
    }


def test_nobody_is_an_empty_list() -> None:
    assert answer([], image="b.jpg", size=(64, 48), model="m")["faces"] == []


def test_pose_and_expected_error_are_said_where_known() -> None:
    face = Face(FACE.box, 1.0, FACE.landmarks, Pose(1.234, -5.678, 90.0), 0.04321)
    text = json.dumps(answer([face], image="b.jpg", size=(64, 48), model="m"))
    (said,) = json.loads(text)["faces"]
    assert said["pose"] == {"yaw_deg": 1.23, "pitch_deg": -5.68, "roll_deg": 90.0}
    assert said["expected_error"] == 0.0432


def test_steps_and_failures_are_said_where_known() -> None:
    face = Face(FACE.box, 1.0, FACE.landmarks, steps=2, failed=False)
    text = json.dumps(answer([face], image="b.jpg", size=(64, 48), model="m"))
    (said,) = json.loads(text)["faces"]
    assert (said["steps"], said["failed"]) == (2, False)


def test_the_expected_error_is_also_said_by_the_corners_of_the_eyes() -> None:
    points = np.zeros((68, 2), np.float32)
    points[36], points[45] = (10, 20), (50, 50)
    face = Face(Box(0, 0, 100, 80), 1.0, Landmarks(points, scheme_of("68")), expected_error=0.03)
    assert face.expected_nme == 0.06
    text = json.dumps(answer([face], image="b.jpg", size=(64, 48), model="m"))
    (said,) = json.loads(text)["faces"]
    assert said["expected_nme"] == 0.06


def test_hidden_landmarks_are_said_where_known() -> None:
    face = Face(FACE.box, 1.0, FACE.landmarks, visible=np.array([True, False, True, True, False]))
    text = json.dumps(answer([face], image="b.jpg", size=(64, 48), model="m"))
    (said,) = json.loads(text)["faces"]
    assert said["visible"] == [True, False, True, True, False]


def test_attention_is_said_where_known() -> None:
    square = np.array([[(1, 2), (3.00049, 2), (3, 4), (1, 4)]], np.float32)
    face = replace(FACE, attention=np.array([0.123456], np.float32), patches=square)

    text = json.dumps(answer([face], image="b.jpg", size=(64, 48), model="m"))

    (said,) = json.loads(text)["faces"]
    assert said["attention"] == [0.1235]
    assert said["patches"] == [[[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 4.0]]]


def test_scores_are_left_out_where_there_are_none() -> None:
    face = Face(FACE.box, 1.0, Landmarks(POINTS, scheme_of("5")))
    (said,) = json.loads(json.dumps(answer([face], image="b", size=(64, 48), model="m")))["faces"]
    assert list(said["landmarks"]) == ["scheme", "points"]


def test_covariances_are_said_as_their_upper_triangles() -> None:
    matrices = np.tile(np.array([[1234.5678, 0.00123456], [0.00123456, 2]], np.float32), (5, 1, 1))
    matrices[2] = np.nan
    face = Face(FACE.box, 1.0, Landmarks(POINTS, scheme_of("5"), covariances=matrices))
    (said,) = json.loads(json.dumps(answer([face], image="b", size=(64, 48), model="m")))["faces"]
    assert list(said["landmarks"]) == ["scheme", "points", "covariances"]
    assert said["landmarks"]["covariances"][1:3] == [[1234.57, 0.00123456, 2.0], [None] * 3]
