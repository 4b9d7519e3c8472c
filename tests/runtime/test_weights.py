"""Which file a name or a path means."""

import os
from pathlib import Path

import pytest

from canthus.errors import WeightsError
from canthus.runtime import weights


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with four models in it."""
    folder = tmp_path / "inside"
    folder.mkdir()
    for name in ("another", "lgrn", "hourglass-fast", "tddfa"):
        (folder / f"{name}.onnx").touch()
    monkeypatch.setattr(weights, "INSIDE", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_default_comes_first(inside: Path) -> None:
    assert weights.names() == ["lgrn", "another", "hourglass-fast", "tddfa"]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        (None, "lgrn.onnx"),
        ("lgrn", "lgrn.onnx"),
        ("accurate", "lgrn.onnx"),
        ("fast", "hourglass-fast.onnx"),
        ("dense", "tddfa.onnx"),
        ("another", "another.onnx"),
    ],
)
def test_a_name_means_a_model_inside(inside: Path, name: str | None, file: str) -> None:
    assert weights.find(name) == inside / file


def test_a_path_means_a_file(inside: Path, tmp_path: Path) -> None:
    path = tmp_path / "meine Gewichte\n.onnx"
    path.touch()
    assert weights.find(path) == path


def test_an_unknown_name_is_answered_with_the_known_ones(inside: Path) -> None:
    with pytest.raises(WeightsError, match=r"^big: .*lgrn, .*tddfa, accurate, fast, dense"):
        weights.find("big")


@pytest.mark.parametrize("name", ["x.pth", "x.tar", "x.PT", "x.pth.tar", "x.pkl", "x.ckpt"])
def test_a_pickle_is_refused_by_name_whether_it_is_there_or_not(inside: Path, name: str) -> None:
    with pytest.raises(WeightsError, match=f"{name}: a pickle"):
        weights.find(name)


def test_another_kind_of_file_is_refused(inside: Path, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").touch()
    with pytest.raises(WeightsError, match=r"expected a \.onnx or \.safetensors"):
        weights.find("x.tflite")


def test_a_folder_is_refused(inside: Path) -> None:
    with pytest.raises(WeightsError, match="found a folder"):
        weights.find("./inside")


def test_a_pipe_is_refused_and_not_waited_for(inside: Path, tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names on this system")
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(WeightsError, match="a device"):
        weights.find("pipe.onnx")


@pytest.mark.parametrize("name", ["", "\0.onnx", "x" * 5000, "loop.onnx", "../no/such.onnx"])
def test_no_name_makes_it_stumble(inside: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "loop.onnx").symlink_to("loop.onnx")
    with pytest.raises(WeightsError):
        weights.find(name)


def test_a_package_without_its_default_says_so(inside: Path) -> None:
    (inside / "lgrn.onnx").unlink()
    with pytest.raises(WeightsError, match="install Canthus again"):
        weights.find()
