"""The command as a whole, and `canthus models`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from canthus import __version__
from canthus.cli.verbs import VERBS
from canthus.runtime import weights

Command = Callable[..., Any]


@pytest.fixture
def inside(spot_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in which the spot network is the fast model."""
    (tmp_path / "hourglass-fast.onnx").write_bytes(spot_weights.read_bytes())
    monkeypatch.setattr(weights, "INSIDE", tmp_path)
    return tmp_path


def test_the_version_is_said(command: Command) -> None:
    done = command("--version")
    assert (done.code, done.out) == (0, f"canthus {__version__}\n")


@pytest.mark.parametrize("wanted", ["--help", "-h"])
def test_help_names_every_verb(command: Command, wanted: str) -> None:
    done = command(wanted)
    assert done.code == 0
    for verb, meaning in VERBS.items():
        assert verb in done.out
        assert meaning.split()[0] in done.out


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(command: Command, verb: str) -> None:
    done = command(verb, "--help")
    assert done.code == 0
    assert f"sage: canthus {verb}" in done.out


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["models", "--nonsense"]])
def test_misuse_ends_with_2(command: Command, arguments: list[str]) -> None:
    assert command(*arguments).code == 2


def test_without_a_verb_there_is_help(command: Command) -> None:
    done = command()
    assert "align" in done.out + done.err


def test_models_are_listed_with_what_one_may_do_with_them(command: Command, inside: Path) -> None:
    done = command("models")
    assert done.code == 0
    assert done.out.splitlines()[0] == "hourglass-fast (also called fast)"
    for word in ("size", "68", "license", "as the rest"):
        assert word in done.out


def test_models_are_listed_as_json_too(command: Command, inside: Path) -> None:
    said = json.loads(command("models", "--json").out)
    assert said["schema"] == 1
    assert said["model"] == "hourglass-fast"
    assert said["aliases"] == ["fast"]
    assert said["manifest"]["license"] == "as the rest"


def test_a_package_without_models_says_so(command: Command, inside: Path) -> None:
    (inside / "hourglass-fast.onnx").unlink()
    done = command("models")
    assert (done.code, done.out) == (0, "")
    assert "no model" in done.err


def test_an_alias_is_a_model(command: Command, inside: Path, tmp_path: Path) -> None:
    done = command("align", tmp_path / "none.jpg", "--model", "fast", "--json")
    assert (done.code, done.out) == (1, "")
    assert "none.jpg" in done.err
