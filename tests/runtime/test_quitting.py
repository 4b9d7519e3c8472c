import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from canthus.faces import SCHEMES, Face, Landmarks
from canthus.geometry import Box
from canthus.runtime.quitting import marked, quits


def test_faces_quit_as_published(shared: Path) -> None:
    case = json.loads((shared / "parity" / "musica" / "quit_rule.json").read_text())

    found = quits(
        case["predicted_errors_stage_by_face"], quit_below=case["Ts"], fail_above=case["Tf"]
    )

    assert found.steps.tolist() == case["exit_stage"]
    assert found.failed.tolist() == case["failed"]
    assert found.mean_steps == pytest.approx(case["mean_iterations"])
    assert found.mean_steps * 23_318_528 == pytest.approx(case["mean_macs_49_98"])


@pytest.mark.parametrize(("below", "steps"), [(-np.inf, 2), (0.1, 1), (np.inf, 0)])
def test_how_long_a_face_is_looked_at_follows_the_threshold(below: float, steps: int) -> None:
    """The first step expects just as much as the second threshold: that is not enough."""
    found = quits([[0.1], [0.09], [0.09]], quit_below=below, fail_above=0.2)

    assert found.steps.tolist() == [steps]


def test_a_face_that_quits_early_does_not_fail() -> None:
    assert not quits([[0.3], [0.3]], quit_below=0.5, fail_above=0.2).failed.any()


@pytest.mark.parametrize("errors", [[0.1, 0.2], [[0.1, np.nan]]])
def test_what_are_no_errors_is_refused(errors: ArrayLike) -> None:
    with pytest.raises(ValueError, match="expected errors"):
        quits(errors, quit_below=0.1, fail_above=0.2)


def test_faces_of_which_too_much_error_is_expected_are_marked_and_stay() -> None:
    points = Landmarks([(0, 0), (1, 0), (1, 1), (0, 1), (2, 2)], SCHEMES["5"])
    faces = [Face(Box(0, 0, 2, 2), 1.0, points, expected_error=e) for e in (0.1, 0.08, 0.05)]

    assert [face.failed for face in marked(faces, 0.08)] == [True, False, False]


def test_a_face_of_which_nothing_is_expected_cannot_be_marked() -> None:
    points = Landmarks([(0, 0), (1, 0), (1, 1), (0, 1), (2, 2)], SCHEMES["5"])

    with pytest.raises(ValueError, match="found one without"):
        marked([Face(Box(0, 0, 2, 2), 1.0, points)], 0.08)
