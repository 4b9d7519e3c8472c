"""`canthus schemes`, called as from a shell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from canthus.faces import SCHEMES

Command = Callable[..., Any]


def test_every_scheme_is_listed(command: Command) -> None:
    done = command("schemes")
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()] == list(SCHEMES)
    assert "68 points: " in done.out


def test_a_scheme_that_is_shown_can_be_checked(command: Command, tmp_path: Path) -> None:
    shown = command("schemes", "show", "98")
    assert shown.code == 0, shown.err
    path = tmp_path / "mine.yaml"
    path.write_text(shown.out.replace("name: '98'", "name: mine"))
    done = command("schemes", "check", path)
    assert (done.code, done.out) == (0, "consistent\n"), done.err


def test_findings_are_printed(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nnum_landmarks: 2\nparts: {left_eye: [0], right_eye: [1]}\n")
    done = command("schemes", "check", path)
    assert done.code == 1
    assert "part left_eye does not mirror to part right_eye" in done.out


@pytest.mark.parametrize("words", [("check",), ("show",), ("list", "68"), ("draw", "68")])
def test_misuse(command: Command, words: tuple[str, ...]) -> None:
    assert command("schemes", *words).code == 2


@pytest.mark.parametrize("name", ["67", "nowhere.yaml"])
def test_a_scheme_that_is_not_there_is_a_reason(command: Command, name: str) -> None:
    done = command("schemes", "check", name)
    assert done.code == 1
    assert name in done.err
    assert "Traceback" not in done.err
