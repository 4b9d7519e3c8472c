"""Every command in the docs is one that the command line takes, and runs if it can here."""

import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import docs_folder
from tests.conftest import Outcome
from tests.docs_commands import (
    BEFORE,
    ELSEWHERE,
    ENDS_WITH_1,
    LESS,
    NOT_RUN,
    PAGES,
    ROOT,
    STANDS_FOR,
    TRAININGS,
    Command,
    commands_of,
    understood,
)

Run = Callable[..., Outcome]

COMMANDS = {page.relative_to(ROOT).as_posix(): commands_of(page) for page in PAGES}
EVERY = [command for commands in COMMANDS.values() for command in commands]
RUN = {page: [each for each in said if each.runs] for page, said in COMMANDS.items()}
OURS = ("canthus", "python", "torchrun")


@pytest.mark.parametrize(
    "command", [each for each in EVERY if each.runs or each.words[0] in OURS], ids=lambda c: c.where
)
def test_a_command_is_understood(command: Command) -> None:
    understood(command.words)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages take to be there."""
    folder = tmp_path_factory.mktemp("docs") / "before"
    folder.mkdir()
    docs_folder.fill(folder)
    return folder


@pytest.fixture
def here(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which commands are given in."""
    folder = tmp_path / "here"
    shutil.copytree(prepared, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("page", [page for page, commands in RUN.items() if commands])
def test_the_commands_of_a_page_run_in_their_order(
    page: str, here: Path, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [said for said in RUN[TRAININGS] if re.search(BEFORE.get(page, "$^"), said.text)]
    for said in dict.fromkeys([*before, *RUN[page]]):
        program, *words = said.short
        if program == "python":
            monkeypatch.setattr(sys, "argv", words)
            runpy.run_path(words[0], run_name="__main__")
            continue
        done = command(*words)
        assert done.code == bool(said.complaint), f"{said.text}: {done.err}"
        assert said.complaint in done.out
        if said.to_file:
            (here / said.to_file).write_text(done.out)


@pytest.mark.parametrize("table", [STANDS_FOR, LESS, ENDS_WITH_1], ids=["for", "less", "ends"])
def test_what_is_said_of_commands_is_said_of_some(table: dict[str, str]) -> None:
    assert not [each for each in table if not any(re.search(each, c.text) for c in EVERY)]


@pytest.mark.parametrize("table", [NOT_RUN, ELSEWHERE], ids=["not run", "elsewhere"])
def test_what_is_not_run_stands_somewhere(table: dict[str, str]) -> None:
    assert not [each for each in table if not any(re.search(each, c.where) for c in EVERY)]


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_what_another_page_runs_is_run_there(pattern: str) -> None:
    found = {plain(each) for each in EVERY if re.search(pattern, each.where)}

    assert found <= {plain(each) for each in RUN[ELSEWHERE[pattern]]}


def plain(command: Command) -> str:
    """A command's text, with folders named in one way."""
    return command.text.replace("data/ ", "data ")
