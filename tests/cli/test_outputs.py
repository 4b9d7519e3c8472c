"""Names for answers, and what must not be overwritten."""

from pathlib import Path

import pytest

from canthus.cli.outputs import names_of, paths_for, prepare, write_json
from canthus.errors import StorageError


@pytest.mark.parametrize(
    ("pictures", "names"),
    [
        (["a/x.jpg", "a/y.jpg"], ["x", "y"]),
        (["a/x.jpg", "b/x.jpg", "c/x.png"], ["x", "x-2", "x-3"]),
        (["a/x.jpg", "a/X.jpg"], ["x", "X-2"]),
        (["a/x-2.jpg", "a/x.jpg", "b/x.jpg"], ["x-2", "x", "x-3"]),
        (["a/x.jpg", "b/x.jpg", "a/x-2.jpg"], ["x", "x-2", "x-2-2"]),
        (["out/x.png", "out/y.jpg"], ["x-2", "y"]),
        (["a/x.jpg", "out/x.png"], ["x-2", "x-3"]),
        (["out/../out/x.png"], ["x-2"]),
        (["a/.hidden.jpg", "a/no suffix"], [".hidden", "no suffix"]),
    ],
)
def test_every_answer_has_a_name_of_its_own(
    tmp_path: Path, pictures: list[str], names: list[str]
) -> None:
    assert names_of([tmp_path / picture for picture in pictures], tmp_path / "out") == names


def test_a_picture_reached_by_a_link_is_safe_too(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.png").touch()
    (tmp_path / "link.png").symlink_to("out/x.png")
    (tmp_path / "folder").symlink_to("out")
    pictures = [tmp_path / "link.png", tmp_path / "folder" / "x.png"]
    assert names_of(pictures, tmp_path / "out") == ["link", "x-2"]


def test_ten_thousand_pictures_of_one_name_are_named_in_a_moment(tmp_path: Path) -> None:
    names = names_of([tmp_path / str(i) / "frame.jpg" for i in range(10_000)], tmp_path)
    assert len(set(names)) == 10_000


def test_new_files_may_be_written(tmp_path: Path) -> None:
    assert paths_for(tmp_path, "x") == (tmp_path / "x.json", tmp_path / "x.png")


def test_an_earlier_answer_may_be_overwritten(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"schema": 1})
    (tmp_path / "x.png").touch()
    assert paths_for(tmp_path, "x")


@pytest.mark.parametrize(
    ("name", "text"), [("x.png", ""), ("x.json", '{"shapes": []}'), ("x.json", "")]
)
def test_a_strange_file_may_not(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(StorageError, match="another folder"):
        paths_for(tmp_path, "x")


def test_a_folder_in_the_place_of_an_answer_may_not(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    with pytest.raises(StorageError, match="another folder"):
        paths_for(tmp_path, "x")


def test_folders_are_made_as_deep_as_needed(tmp_path: Path) -> None:
    prepare(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_json_is_ascii_on_one_line(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"schema": 1, "image": "ü\n\udc80"})
    assert (tmp_path / "x.json").read_bytes() == b'{"schema": 1, "image": "\\u00fc\\n\\udc80"}\n'
