"""How far a long work has come."""

import pytest

from canthus.cli import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Each look at the clock takes 6 s."""
    now = [0.0]

    def look() -> float:
        now[0] += 6.0
        return now[0]

    monkeypatch.setattr("canthus.cli.progress.time.monotonic", look)
    return now


def test_items_come_as_they_are() -> None:
    assert list(progress.track(["a", "b"], "letters")) == ["a", "b"]


def test_in_a_file_there_is_a_line_at_times(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    list(progress.track([1, 2, 3, 4], "pictures"))
    assert capsys.readouterr().err == "2/4 pictures, 12 s left\n4/4 pictures, 0 s left\n"


def test_on_a_terminal_there_is_a_bar(
    clock: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    list(progress.track([1, 2], "pictures"))
    said = capsys.readouterr().err
    assert "[############............] 1/2 pictures, 6 s left" in said
    assert said.endswith("[########################] 2/2 pictures, 0 s left\n")


def test_of_a_single_item_nothing_is_said(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    list(progress.track([1], "pictures"))
    assert capsys.readouterr().err == ""
