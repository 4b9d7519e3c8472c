"""`canthus align` of a model that says how much error it expects, and takes steps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
BOX = "60,40,100,80"


@pytest.fixture
def face(command: Command, quitting_weights: Path, photo: Path) -> Command:
    """What the verb says of the one face in the photo."""

    def found(*arguments: str | Path) -> Any:
        words = ("--model", quitting_weights, "--box", BOX, "--once", "--json", *arguments)
        done = command("align", photo, *words)
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)["faces"][0]

    return found


def test_the_json_says_what_is_expected_and_how_many_steps_it_took(face: Command) -> None:
    said = face()

    assert said["steps"] == 3
    assert said["expected_error"] > 0
    assert said["expected_nme"] > 0
    assert "failed" not in said


def test_with_a_large_budget_of_error_a_face_quits_at_once(face: Command) -> None:
    assert face("--budget", "100000%")["steps"] == 1


def test_with_a_large_budget_of_time_a_face_takes_all_steps(face: Command) -> None:
    assert face("--budget", "1000ms")["steps"] == 3


def test_with_no_time_the_least_is_named(
    command: Command, quitting_weights: Path, photo: Path
) -> None:
    done = command("align", photo, "--model", quitting_weights, "--json", "--budget", "0.0001ms")

    assert done.code == 1
    assert "quitter: expected a budget of " in done.err


@pytest.mark.parametrize(("reject", "failed"), [("0.000001%", True), ("1000000%", False)])
def test_faces_are_marked_and_stay(reject: str, failed: bool, face: Command) -> None:
    said = face("--reject", reject)

    assert said["failed"] is failed
    assert len(said["landmarks"]["points"]) == 68


def test_the_summary_counts_failures(
    command: Command, quitting_weights: Path, photo: Path, tmp_path: Path
) -> None:
    words = ("--model", quitting_weights, "--box", BOX, "--reject", "0.000001%", "--once")
    done = command("align", photo, *words, "--out", tmp_path / "out")

    assert ": 1 face, 1 failed -> " in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--reject", "8%"), "spot: does not say how much error it expects"),
        (("--budget", "4%"), "spot: has no steps to leave out"),
    ],
)
def test_a_model_that_does_not_know_says_so(
    words: tuple[str, ...], message: str, command: Command, spot_weights: Path, photo: Path
) -> None:
    done = command("align", photo, "--model", spot_weights, "--json", *words)

    assert done.code == 1
    assert message in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--reject", "0.08"), "such as 8%, found '0.08'"),
        (("--budget", "fast"), "such as 1.5ms, or an error in percent"),
        (("--budget", "4%", "--parity"), "give --budget or --parity, not both"),
    ],
)
def test_options_that_make_no_sense_are_named(
    words: tuple[str, ...], message: str, command: Command, photo: Path
) -> None:
    done = command("align", photo, "--json", *words)

    assert done.code == 2
    assert message in " ".join(done.err.split())


def test_the_help_tells_of_both(command: Command) -> None:
    said = command("align", "--help").out

    assert "--budget TIME|ERROR" in said
    assert "8%: mark faces as failed" in said
